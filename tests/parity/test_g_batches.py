"""Rows G2 and G3: batches, and pages of reads."""

import json
from typing import Any

import pytest
from botocore.config import Config

from scripts.parity_harness.tables import key, refused

INVALID = "ValidationException"
MEGABYTE = 1024 * 1024
UNCHECKED = Config(parameter_validation=False)
INDEX = {
    "IndexName": "by-owner",
    "KeySchema": [
        {"AttributeName": "sk", "KeyType": "HASH"},
        {"AttributeName": "pk", "KeyType": "RANGE"},
    ],
    "Projection": {"ProjectionType": "ALL"},
}


def puts(*sort_keys: str, **attributes: Any) -> list[dict[str, Any]]:
    """Return the writes of a batch."""
    return [{"PutRequest": {"Item": {**key(sk), **attributes}}} for sk in sort_keys]


def numbered(count: int) -> list[str]:
    return [f"{number:03}" for number in range(count)]


@pytest.mark.row("G2")
def test_batch_writes_25_items(table: Any, make_table: Any) -> None:
    """25 puts and deletions are done, in one table or in several; 26 are refused, and then none is."""
    write, other = table.dynamodb.batch_write_item, make_table()
    batch = puts(*numbered(26))
    answer = write(RequestItems={table.name: batch[:20], other.name: batch[20:25]})
    assert answer["UnprocessedItems"] == {}
    assert (len(table.records()), len(other.records())) == (20, 5)
    assert refused(write, RequestItems={table.name: batch})[0] == INVALID
    assert refused(write, RequestItems={table.name: batch[:20], other.name: batch[20:]}) == (
        INVALID,
        "Too many items requested for the BatchWriteItem call",
    )
    assert other.get("025") is None
    deletions = [{"DeleteRequest": {"Key": key(sk)}} for sk in numbered(20)]
    write(RequestItems={table.name: deletions, other.name: puts("new")})
    assert [record["eventName"] for record in table.records()[20:]] == ["REMOVE"] * 20
    assert other.get("new") == key("new")


@pytest.mark.row("G2")
def test_batch_of_the_largest_items(table: Any) -> None:
    """25 items of 400 KB are under the 16 MB of a batch."""
    large = {"v": {"S": "x" * (400 * 1024 - len("pkpsk000v"))}}
    batch = puts(*numbered(25), **large)
    assert table.dynamodb.batch_write_item(RequestItems={table.name: batch})["UnprocessedItems"] == {}
    assert table.get("024") is not None


@pytest.mark.row("G2")
def test_batch_is_not_a_transaction(table: Any) -> None:
    """Its writes are puts and deletions without conditions, each item once at most."""
    write = table.dynamodb.batch_write_item
    table.put("a", v={"S": "before"})
    twice = [*puts("a"), {"DeleteRequest": {"Key": key("a")}}]
    assert refused(write, RequestItems={table.name: twice}) == (
        INVALID,
        "Provided list of item keys contains duplicates",
    )
    assert table.get("a") == {**key("a"), "v": {"S": "before"}}
    write(RequestItems={table.name: puts("a")})  # a put replaces, nothing asks whether it may
    assert table.get("a") == key("a")


@pytest.mark.row("G2")
def test_keys_of_two_tables_are_two_keys(table: Any, make_table: Any) -> None:
    """Only within one table is the same key a duplicate."""
    other = make_table()
    table.dynamodb.batch_write_item(RequestItems={table.name: puts("a"), other.name: puts("a")})
    assert table.get("a") == other.get("a") == key("a")


@pytest.mark.row("G2")
@pytest.mark.parametrize(
    "write",
    [
        {"UpdateRequest": {"Key": key("a")}},
        {},
        {"PutRequest": {"Item": key("a")}, "DeleteRequest": {"Key": key("a")}},
    ],
    ids=["an update", "nothing", "both"],
)
def test_write_of_a_batch_is_one_put_or_one_deletion(parity: Any, table: Any, write: Any) -> None:
    """There are no updates in a batch, and no write is two."""

    def put_in(params: Any, **_: Any) -> None:
        params["body"] = params["body"].replace(b'{"PutRequest": {}}', json.dumps(write).encode())

    client = parity.target.boto3("dynamodb", config=UNCHECKED)
    client.meta.events.register("before-call.dynamodb.BatchWriteItem", put_in)
    code, _ = refused(client.batch_write_item, RequestItems={table.name: [{"PutRequest": {}}]})
    assert code == INVALID


@pytest.mark.row("G3")
def test_batch_reads_100_keys(table: Any, make_table: Any) -> None:
    """100 keys are read, in one table or in several, each once; what is not there is left out."""
    read, other = table.dynamodb.batch_get_item, make_table()
    table.put("000", "050")
    keys = [key(sk) for sk in numbered(101)]
    answer = read(RequestItems={table.name: {"Keys": keys[:100]}})
    assert sorted(item["sk"]["S"] for item in answer["Responses"][table.name]) == ["000", "050"]
    assert answer["UnprocessedKeys"] == {}
    assert refused(read, RequestItems={table.name: {"Keys": keys}})[0] == INVALID
    assert refused(read, RequestItems={table.name: {"Keys": keys[:60]}, other.name: {"Keys": keys[:60]}}) == (
        INVALID,
        "Too many items requested for the BatchGetItem call",
    )
    assert refused(read, RequestItems={table.name: {"Keys": [keys[0], keys[0]]}}) == (
        INVALID,
        "Provided list of item keys contains duplicates",
    )


@pytest.mark.row("G3")
def test_batch_reads_16_megabytes(table: Any) -> None:
    """What would make the answer larger than 16 MB is named, as a request that reads the rest."""
    size = 400_000
    names = numbered(42)
    for first in (0, 21):
        batch = puts(*names[first : first + 21], v={"S": "x" * size})
        table.dynamodb.batch_write_item(RequestItems={table.name: batch})
    request = {"Keys": [key(sk) for sk in names], "ConsistentRead": True}
    first = table.dynamodb.batch_get_item(RequestItems={table.name: request})
    read = [item["sk"]["S"] for item in first["Responses"][table.name]]
    assert 0.9 * 16 * MEGABYTE < len(read) * size <= 16 * MEGABYTE
    rest = first["UnprocessedKeys"]
    assert rest[table.name]["ConsistentRead"] is True
    second = table.dynamodb.batch_get_item(RequestItems=rest)
    assert second["UnprocessedKeys"] == {}
    read += [item["sk"]["S"] for item in second["Responses"][table.name]]
    assert sorted(read) == names


PAGES: dict[str, Any] = {
    "scan": {},
    "query": {"KeyConditionExpression": "pk = :v", "ExpressionAttributeValues": {":v": {"S": "p"}}},
    "query backwards": {
        "KeyConditionExpression": "pk = :v",
        "ExpressionAttributeValues": {":v": {"S": "p"}},
        "ScanIndexForward": False,
    },
    "filtered": {
        "FilterExpression": "sk > :v",
        "ExpressionAttributeValues": {":v": {"S": "004"}},
        "ProjectionExpression": "sk",
    },
}


@pytest.mark.row("G3")
@pytest.mark.parametrize("kind", PAGES)
def test_page_of_a_read_has_a_megabyte(table: Any, kind: str) -> None:
    """1 MB is looked at, before filter and projection; `LastEvaluatedKey` says where the next page begins."""
    names = numbered(7)
    batch = puts(*names, v={"S": "x" * 300_000})
    table.dynamodb.batch_write_item(RequestItems={table.name: batch})
    call = table.dynamodb.query if kind.startswith("query") else table.dynamodb.scan
    request = {"TableName": table.name, **PAGES[kind]}
    pages = [call(**request)]
    while "LastEvaluatedKey" in pages[-1]:
        pages.append(call(**request, ExclusiveStartKey=pages[-1]["LastEvaluatedKey"]))
    assert [page["ScannedCount"] for page in pages] == [3, 3, 1]
    backwards = kind == "query backwards"
    last = names[4] if backwards else names[2]
    assert pages[0]["LastEvaluatedKey"] == key(last)
    found = [item["sk"]["S"] for page in pages for item in page["Items"]]
    expected = names[5:] if kind == "filtered" else names
    assert found == (expected[::-1] if backwards else expected)


@pytest.mark.row("G3")
def test_page_of_an_index_has_a_megabyte(make_table: Any) -> None:
    """The pages of an index begin where the index was left: the key has the table's and the index's."""
    table = make_table(None, GlobalSecondaryIndexes=[INDEX])
    for pk in numbered(4):
        table.put("s", pk=pk, v={"S": "x" * 300_000})
    request = {
        "TableName": table.name,
        "IndexName": "by-owner",
        "KeyConditionExpression": "sk = :v",
        "ExpressionAttributeValues": {":v": {"S": "s"}},
    }
    first = table.dynamodb.query(**request)
    assert (first["Count"], first["LastEvaluatedKey"]) == (3, key("s", "002"))
    second = table.dynamodb.query(**request, ExclusiveStartKey=first["LastEvaluatedKey"])
    assert [item["pk"]["S"] for item in second["Items"]] == ["003"]
    assert "LastEvaluatedKey" not in second
