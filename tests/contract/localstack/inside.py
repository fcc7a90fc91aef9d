"""Tests of the front and the engine that no request can bring about, in LocalStack's environment.

`python inside.py`: that environment has no pytest.
"""

import json
import sys
import threading
import unittest
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from emulator.localstack.environment import PROVIDER

sys.path.append(str(PROVIDER))

from moto.backends import get_backend
from streamer_localstack import dynamodb
from streamer_localstack.engine import mend, operation
from streamer_localstack.front import Front, FrontProtocol
from twisted.internet import reactor

DEADLINE_S = 5.0
ACCOUNT, REGION = "000000000000", "us-east-1"


class Transport:
    """Takes what is sent, unless it is broken."""

    dataBuffer = _tempDataBuffer = b""  # noqa: N815 - Twisted's names

    def __init__(self) -> None:
        self.sent = b""
        self.is_aborted = False
        self.is_broken = False

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Do nothing."""

    def writeSomeData(self, data: bytes) -> int:
        """Take all of it."""
        if self.is_broken:
            raise ValueError("broken")
        self.sent += data
        return len(data)

    def abortConnection(self) -> None:
        """Hang up."""
        self.is_aborted = True


class Site:
    """Stands for LocalStack's server: keeps what is handed over."""

    requests = _dataBuffer = _buffer = b""  # noqa: N815
    persistent = True

    def __init__(self) -> None:
        self.received = b""
        self._channel = self

    def buildProtocol(self, _address: Any) -> "Site":
        """Be the protocol, too."""
        return self

    def makeConnection(self, _transport: Any) -> None:
        """Do nothing."""

    def dataReceived(self, data: bytes) -> None:
        """Take what is handed over."""
        self.received += data

    def connectionLost(self, _reason: Any) -> None:
        """Do nothing."""


class Reading:
    """A read that nothing has come for."""

    wait_s = 10.0

    def __init__(self) -> None:
        self.reads = 0
        self.tell: Callable[[], None] = lambda: None

    def look(self, tell: Callable[[], None]) -> None:
        """Wait."""
        self.tell = tell

    def read(self) -> str:
        """Return an answer without records."""
        self.reads += 1
        return '{"Records":[]}'

    def forget(self) -> None:
        """Do nothing: a wake-up may be under way already."""


def request(operation: str, body: dict[str, Any], service: str = "DynamoDB_20120810") -> bytes:
    """Return the bytes of a request."""
    data = json.dumps(body).encode()
    lines = (
        "POST / HTTP/1.1",
        "Host: 127.0.0.1",
        f"X-Amz-Target: {service}.{operation}",
        "Content-Type: application/x-amz-json-1.0",
        f"Authorization: AWS4-HMAC-SHA256 Credential=test/20240101/{REGION}/dynamodb/aws4_request, S=0",
        f"Content-Length: {len(data)}",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


class FrontTest(unittest.TestCase):
    """One connection of the front."""

    def setUp(self) -> None:
        self.site, self.transport = Site(), Transport()
        self.front = Front(self.site)
        self.front.get_ready()
        self.protocol = FrontProtocol(self.front, None)
        self.protocol.makeConnection(self.transport)

    def test_a_write_whose_answer_cannot_be_sent_is_not_done_again(self) -> None:
        """The client is hung up on; nobody else gets the request, nor is the next one served."""
        done = []
        self.front.perform = lambda *call, **_: (done.append(call), (200, "{}"))[1]  # type: ignore[func-returns-value]
        self.transport.is_broken = True
        put = request("PutItem", {"TableName": "t", "Item": {"pk": {"S": "a"}}})
        self.protocol.dataReceived(put + put)
        assert (len(done), self.site.received) == (1, b"")
        assert self.transport.is_aborted

    def test_a_call_waits_for_no_other_thread(self) -> None:
        """While another thread has the tables, LocalStack gets the call, in threads of its own."""
        is_held, let_go = threading.Event(), threading.Event()

        def hold() -> None:
            with operation.Operation():
                is_held.set()
                let_go.wait(DEADLINE_S)

        holder = threading.Thread(target=hold)
        holder.start()
        assert is_held.wait(DEADLINE_S)
        get = request("GetItem", {"TableName": "t", "Key": {"pk": {"S": "a"}}})
        self.protocol.dataReceived(get)
        let_go.set()
        holder.join()
        assert self.site.received == get

    def test_what_wakes_a_read_that_is_over_does_nothing(self) -> None:
        """Neither on a connection that is lost, nor while the next read of the connection waits."""
        readings = [Reading(), Reading()]
        waiting = iter(readings)
        self.front.reading = lambda *_: next(waiting)  # type: ignore[assignment]
        get = request("GetRecords", {"ShardIterator": "i"}, "DynamoDBStreams_20120810")
        self.protocol.dataReceived(get + get)
        for _ in range(2):  # the timer at the same moment as a record
            readings[0].tell()
        reactor.runUntilCurrent()
        assert [reading.reads for reading in readings] == [1, 0]
        readings[1].tell()
        self.protocol.connectionLost()
        reactor.runUntilCurrent()
        assert [reading.reads for reading in readings] == [1, 0]


class OperationTest(unittest.TestCase):
    """One operation on a table with a stream."""

    def setUp(self) -> None:
        mend.install()
        self.call(
            "CreateTable",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )

    def tearDown(self) -> None:
        self.call("DeleteTable")

    def call(self, name: str, **body: Any) -> Any:
        """Return what DynamoDB answers."""
        status, text = dynamodb.perform(name, {"TableName": "t", **body}, ACCOUNT, REGION)
        assert status == 200, text
        return json.loads(text)

    @contextmanager
    def failing(self, what: str, after: int = 0) -> Iterator[None]:
        """Let nobody be told of a write: who listens (`written`), or the stream (`record`), after some."""
        left, made = after, operation.record

        def fail(*arguments: Any, **more: Any) -> Any:
            nonlocal left
            left -= 1
            if left < 0:
                raise ValueError("nobody can be told")
            return made(*arguments, **more)

        if what == "record":
            with patch.object(operation, "record", fail):
                yield
        else:
            with patch.object(operation, "written", [*operation.written, fail]):
                yield

    def test_a_write_of_which_nobody_can_be_told_is_undone(self) -> None:
        """Reads by key and in order are as they were; the next write is told as ever."""
        self.call("PutItem", Item={"pk": {"S": "a"}, "n": {"N": "1"}})
        assert self.call("Scan")["Count"] == 1

        for key in "ab":
            with self.failing("written"), self.assertRaises(ValueError):  # noqa: PT027 - pytest is not here
                self.call("PutItem", Item={"pk": {"S": key}, "n": {"N": "2"}})
        assert self.call("Scan")["Items"] == [{"pk": {"S": "a"}, "n": {"N": "1"}}]
        assert self.call("GetItem", Key={"pk": {"S": "b"}}) == {}
        self.call("PutItem", Item={"pk": {"S": "b"}})
        assert self.call("Scan")["Count"] == 2

    def test_a_transaction_that_is_undone_is_done_when_it_is_repeated(self) -> None:
        """Its token says that it was done only where that was told, and then nothing is done again."""
        put = {"Put": {"TableName": "t", "Item": {"pk": {"S": "a"}}}}

        def transact() -> None:
            body = {"TransactItems": [put], "ClientRequestToken": "token"}
            status, text = dynamodb.perform("TransactWriteItems", body, ACCOUNT, REGION)
            assert status == 200, text

        for what in ("written", "record"):
            with self.subTest(what), self.failing(what):
                with self.assertRaises(ValueError):  # noqa: PT027
                    transact()
                assert self.call("Scan")["Items"] == []
        transact()
        assert self.call("Scan")["Count"] == 1
        self.call("DeleteItem", Key={"pk": {"S": "a"}})
        transact()
        assert self.call("Scan")["Count"] == 0

    def test_a_write_whose_record_cannot_be_made_is_undone(self) -> None:
        """Also where several are written at once: no record of any is in the stream."""
        items = [{"PutRequest": {"Item": {"pk": {"S": key}}}} for key in "abc"]
        with self.failing("record", after=2), self.assertRaises(ValueError):  # noqa: PT027
            dynamodb.perform("BatchWriteItem", {"RequestItems": {"t": items}}, ACCOUNT, REGION)
        assert self.call("Scan")["Items"] == []
        stream = get_backend("dynamodb")[ACCOUNT][REGION].get_table("t").stream_shard.stream
        assert stream.next_sequence_number == stream.first_sequence_number


if __name__ == "__main__":
    unittest.main()
