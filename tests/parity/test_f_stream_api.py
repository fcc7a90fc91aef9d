"""Rows F20 to F23: reading DynamoDB Streams."""

from typing import Any

import pytest

from scripts.parity_harness.tables import key, refused, sort_keys

DAY_S = 86_400


@pytest.mark.row("F20")
def test_get_records_gives_a_thousand_records(table: Any) -> None:
    """A page has 1,000 records at most, fewer where `Limit` says so; no `Limit` is larger."""
    names = [f"{number:04}" for number in range(1050)]
    for first in range(0, 1050, 50):
        writes = [{"Put": {"TableName": table.name, "Item": key(sk)}} for sk in names[first : first + 50]]
        table.dynamodb.transact_write_items(TransactItems=writes)
    page = table.streams.get_records(ShardIterator=table.iterator())
    assert len(page["Records"]) == 1000
    rest = table.streams.get_records(ShardIterator=page["NextShardIterator"])
    assert sorted(sort_keys(page) + sort_keys(rest)) == names
    page = table.streams.get_records(ShardIterator=table.iterator(), Limit=7)
    rest = table.streams.get_records(ShardIterator=page["NextShardIterator"], Limit=3)
    assert sort_keys(page) + sort_keys(rest) == names[:10]
    code, _ = refused(table.streams.get_records, ShardIterator=table.iterator(), Limit=1001)
    assert code == "ValidationException"


@pytest.mark.row("F20")
def test_get_records_gives_a_megabyte(table: Any) -> None:
    """A page ends before its records are over 1 MB; the next begins with the one that was too much."""
    table.put(*"abcde", v={"S": "x" * 390_000})
    pages, following = [], table.iterator()
    for _ in range(3):
        page = table.streams.get_records(ShardIterator=following)
        pages.append(sort_keys(page))
        following = page["NextShardIterator"]
    assert pages == [["a", "b"], ["c", "d"], ["e"]]


@pytest.mark.row("F20")
def test_get_records_may_give_none(table: Any) -> None:
    """An open shard has a next iterator also where it has no records, and that goes on to work."""
    following = table.iterator()
    for _ in range(3):
        page = table.streams.get_records(ShardIterator=following)
        assert page["Records"] == []
        following = page["NextShardIterator"]
    table.put("a")
    assert sort_keys(table.streams.get_records(ShardIterator=following)) == ["a"]


@pytest.mark.row("F20")
def test_shard_that_is_closed_is_read_to_its_end(table: Any) -> None:
    """`NextShardIterator` is null once everything of a closed shard was read, and not before."""
    table.put("a", "b")
    first = table.iterator()
    table.set_stream(None)
    table.put("c")
    page = table.streams.get_records(ShardIterator=first, Limit=1)
    assert sort_keys(page) == ["a"]
    rest = table.streams.get_records(ShardIterator=page["NextShardIterator"], Limit=10)
    assert sort_keys(rest) == ["b"]
    assert rest.get("NextShardIterator") is None


@pytest.mark.row("F21")
async def test_iterator_lives_fifteen_minutes(parity: Any, table: Any) -> None:
    """It can be used again and again for so long; then it is expired, and another one reads on."""
    table.put("a")
    held = table.iterator()
    await parity.advance(14 * 60)
    for _ in range(2):
        assert sort_keys(table.streams.get_records(ShardIterator=held)) == ["a"]
    await parity.advance(2 * 60)
    code, _ = refused(table.streams.get_records, ShardIterator=held)
    assert code == "ExpiredIteratorException"
    assert sort_keys(table.records()) == ["a"]


@pytest.mark.row("F21", "F23")
async def test_records_stay_24_hours(parity: Any, table: Any) -> None:
    """Until then they are read from the start; what is older is gone, and asking for it is an error."""
    table.put("old")
    (record,) = table.records()
    number = record["dynamodb"]["SequenceNumber"]
    await parity.advance(DAY_S - 300)
    table.put("new")
    assert sort_keys(table.records()) == ["old", "new"]
    at = table.iterator("AT_SEQUENCE_NUMBER", SequenceNumber=number)
    horizon = table.iterator()
    assert sort_keys(table.streams.get_records(ShardIterator=at)) == ["old", "new"]
    await parity.advance(600)
    code, _ = refused(table.streams.get_records, ShardIterator=at)
    assert code == "TrimmedDataAccessException"
    assert sort_keys(table.streams.get_records(ShardIterator=horizon)) == ["new"]
    arn = table.arn
    code, _ = refused(
        table.streams.get_shard_iterator,
        StreamArn=arn,
        ShardId=table.shards(arn)[0]["ShardId"],
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        SequenceNumber=number,
    )
    assert code == "TrimmedDataAccessException"


@pytest.mark.row("F22")
def test_iterator_types(table: Any) -> None:
    """From the oldest record, from a record, from the one after it, and from what is yet to come."""
    table.put(*"abc")
    second = table.records()[1]["dynamodb"]["SequenceNumber"]
    iterators = {
        "TRIM_HORIZON": table.iterator("TRIM_HORIZON"),
        "AT_SEQUENCE_NUMBER": table.iterator("AT_SEQUENCE_NUMBER", SequenceNumber=second),
        "AFTER_SEQUENCE_NUMBER": table.iterator("AFTER_SEQUENCE_NUMBER", SequenceNumber=second),
        "LATEST": table.iterator("LATEST"),
    }
    table.put("d")
    found = {
        kind: "".join(sort_keys(table.streams.get_records(ShardIterator=iterator)))
        for kind, iterator in iterators.items()
    }
    assert found == {
        "TRIM_HORIZON": "abcd",
        "AT_SEQUENCE_NUMBER": "bcd",
        "AFTER_SEQUENCE_NUMBER": "cd",
        "LATEST": "d",
    }


@pytest.mark.row("F22")
@pytest.mark.parametrize("kind", ["AT_TIMESTAMP", "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER"])
def test_iterator_that_cannot_be(table: Any, kind: str) -> None:
    """There is no fifth type; two of the four need the number of a record."""
    arn = table.arn
    shard = table.shards(arn)[0]["ShardId"]
    request = {"StreamArn": arn, "ShardId": shard, "ShardIteratorType": kind}
    assert refused(table.streams.get_shard_iterator, **request)[0] == "ValidationException"


@pytest.mark.row("F22")
def test_shards_come_in_pages(table: Any) -> None:
    """A page that holds all shards names none to go on after; after the last there are none."""
    described = table.streams.describe_stream(StreamArn=table.arn, Limit=100)["StreamDescription"]
    assert len(described["Shards"]) <= 100
    assert "LastEvaluatedShardId" not in described
    assert {
        name: described[name] for name in ("StreamArn", "TableName", "StreamStatus", "StreamViewType")
    } == {
        "StreamArn": table.arn,
        "TableName": table.name,
        "StreamStatus": "ENABLED",
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    last = described["Shards"][-1]["ShardId"]
    after = table.streams.describe_stream(StreamArn=table.arn, ExclusiveStartShardId=last)
    assert after["StreamDescription"]["Shards"] == []
