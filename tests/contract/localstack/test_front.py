"""One connection whose requests are served by the front, and by LocalStack, in whatever order they come."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import pytest

ITEMS, STREAMS = "DynamoDB_20120810", "DynamoDBStreams_20120810"
ITEM = {"pk": {"S": "a"}, "sk": {"S": "b"}}
TIMEOUT_S = 20.0


class Connection:
    """A connection on which bytes are sent as the test has them."""

    def __init__(self, endpoint_url: str) -> None:
        self._host = urlsplit(endpoint_url).netloc
        host, _, port = self._host.partition(":")
        self.socket = socket.create_connection((host, int(port)), timeout=TIMEOUT_S)
        self._answers = self.socket.makefile("rb")

    def request(self, operation: str, body: Any, service: str = ITEMS, **headers: str) -> bytes:
        """Return the bytes of a request; headers have `_` for `-`."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        said = {
            "Host": self._host,
            "X-Amz-Target": f"{service}.{operation}",
            "Content-Type": "application/x-amz-json-1.0",
            "Authorization": "AWS4-HMAC-SHA256 Credential=test/20240101/us-east-1/dynamodb/aws4_request, "
            "SignedHeaders=host, Signature=0",
            "Content-Length": str(len(data)),
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        lines = ["POST / HTTP/1.1", *(f"{name}: {value}" for name, value in said.items() if value)]
        return "\r\n".join(lines).encode() + b"\r\n\r\n" + data

    def answer(self) -> tuple[int, dict[str, Any]]:
        """Return the status and the body of the next answer."""
        status = int(self._answers.readline().split()[1])
        length = 0
        while line := self._answers.readline().strip().lower():
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        found: dict[str, Any] = json.loads(self._answers.read(length))
        return status, found

    def ask(self, *args: Any, **headers: str) -> tuple[int, dict[str, Any]]:
        """Send a request and return its answer."""
        self.socket.sendall(self.request(*args, **headers))
        return self.answer()

    def close(self) -> None:
        """Hang up."""
        self._answers.close()
        self.socket.close()


@pytest.fixture
def connection(endpoint_url: str) -> Iterator[Connection]:
    made = Connection(endpoint_url)
    yield made
    made.close()


def test_requests_of_both_kinds_share_a_connection(connection: Connection, table: str) -> None:
    """Whoever serves a request, the next one of the connection is served too."""
    get = {"TableName": table, "Key": ITEM}
    for _ in range(2):
        assert connection.ask("PutItem", {"TableName": table, "Item": ITEM}) == (200, {})
        assert connection.ask("DescribeTable", {"TableName": table})[1]["Table"]["TableName"] == table
        assert connection.ask("GetItem", get) == (200, {"Item": ITEM})
        assert connection.ask("GetItem", b"{")[0] == 400
        assert connection.ask("GetItem", get, Origin="http://localhost:3000") == (200, {"Item": ITEM})
        assert connection.ask("Nonsense", {})[0] == 500


def test_requests_need_not_wait_for_answers(connection: Connection, table: str) -> None:
    """Several requests in one piece are answered in their order."""
    get = {"TableName": table, "Key": ITEM}
    connection.socket.sendall(
        connection.request("PutItem", {"TableName": table, "Item": ITEM})
        + connection.request("GetItem", get)
        + connection.request("DescribeTable", {"TableName": table})
        + connection.request("GetItem", get)
        + connection.request("DeleteItem", {"TableName": table, "Key": ITEM, "ReturnValues": "ALL_OLD"})
    )
    assert connection.answer() == (200, {})
    assert connection.answer() == (200, {"Item": ITEM})
    assert connection.answer()[1]["Table"]["TableName"] == table
    assert connection.answer() == (200, {"Item": ITEM})
    assert connection.answer() == (200, {"Attributes": ITEM})


def test_a_request_may_come_in_any_pieces(connection: Connection, table: str) -> None:
    """Byte by byte, as TCP may deliver it."""
    connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for request in (
        connection.request("PutItem", {"TableName": table, "Item": ITEM}),
        connection.request("ListTables", {"Limit": 1}),
        connection.request("PutItem", {"TableName": table, "Item": ITEM}),
    ):
        for at in range(len(request)):
            connection.socket.sendall(request[at : at + 1])
        assert connection.answer()[0] == 200


def test_a_body_may_come_in_chunks(connection: Connection, table: str) -> None:
    """A form of a body that no SDK uses for DynamoDB works, and leaves the connection as it was."""
    body = json.dumps({"TableName": table, "Key": ITEM}).encode()
    chunks = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    head = connection.request("GetItem", b"", Content_Length="", Transfer_Encoding="chunked")
    connection.socket.sendall(head + chunks)
    assert connection.answer() == (200, {})
    assert connection.ask("GetItem", {"TableName": table, "Key": ITEM}) == (200, {})


def test_a_large_body_is_taken(connection: Connection, table: str) -> None:
    """25 items of 300 KB."""
    puts = [
        {"PutRequest": {"Item": {**ITEM, "sk": {"S": str(number)}, "text": {"S": "x" * 300_000}}}}
        for number in range(25)
    ]
    assert connection.ask("BatchWriteItem", {"RequestItems": {table: puts}})[0] == 200
    assert connection.ask("GetItem", {"TableName": table, "Key": ITEM})[0] == 200


def test_a_read_that_waits_holds_up_its_own_connection_only(
    connection: Connection, endpoint_url: str, table: str, iterator: Any
) -> None:
    """The record ends the wait; requests behind the read are answered after it."""
    connection.socket.sendall(
        connection.request(
            "GetRecords", {"ShardIterator": iterator(table)}, STREAMS, x_emulator_wait_ms="15000"
        )
        + connection.request("GetItem", {"TableName": table, "Key": ITEM})
    )
    other = Connection(endpoint_url)
    try:
        assert other.ask("GetItem", {"TableName": table, "Key": ITEM}) == (200, {})
        assert other.ask("PutItem", {"TableName": table, "Item": ITEM}) == (200, {})
    finally:
        other.close()
    status, page = connection.answer()
    assert (status, [record["eventName"] for record in page["Records"]]) == (200, ["INSERT"])
    assert connection.answer() == (200, {"Item": ITEM})


def test_a_read_ends_with_its_wait(connection: Connection, table: str, iterator: Any) -> None:
    """No record, but an iterator to go on with."""
    asked = {"ShardIterator": iterator(table)}
    status, page = connection.ask("GetRecords", asked, STREAMS, x_emulator_wait_ms="50")
    assert (status, page["Records"]) == (200, [])
    assert page["NextShardIterator"]


def test_a_client_may_hang_up_while_its_read_waits(endpoint_url: str, table: str, iterator: Any) -> None:
    """The next write reaches nobody, and does no harm."""
    waiting = Connection(endpoint_url)
    asked = {"ShardIterator": iterator(table)}
    waiting.socket.sendall(waiting.request("GetRecords", asked, STREAMS, x_emulator_wait_ms="15000"))
    waiting.close()
    other = Connection(endpoint_url)
    try:
        assert other.ask("PutItem", {"TableName": table, "Item": ITEM}) == (200, {})
        assert len(other.ask("GetRecords", asked, STREAMS)[1]["Records"]) == 1
    finally:
        other.close()


def test_many_readers_wait_for_one_record(
    endpoint_url: str, connection: Connection, table: str, iterator: Any
) -> None:
    """Each of them gets it."""
    asked = {"ShardIterator": iterator(table)}
    readers = [Connection(endpoint_url) for _ in range(10)]
    try:
        for each in readers:
            each.socket.sendall(each.request("GetRecords", asked, STREAMS, x_emulator_wait_ms="15000"))
        connection.ask("PutItem", {"TableName": table, "Item": ITEM})
        with ThreadPoolExecutor(len(readers)) as pool:
            answers = list(pool.map(lambda each: each.answer(), readers))
    finally:
        for each in readers:
            each.close()
    assert [len(page["Records"]) for _, page in answers] == [1] * len(readers)
