"""Rows F23 to F27: a stream, its shards and who reads them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from scripts.parity_harness.tables import key, refused, sort_keys


@pytest.mark.row("F23")
def test_two_readers_each_get_everything(table: Any) -> None:
    """Readers do not take records from one another."""
    readers = [table.iterator(), table.iterator()]
    for round_ in ("a", "b"):
        table.put(round_)
        pages = [table.streams.get_records(ShardIterator=reader) for reader in readers]
        assert [sort_keys(page) for page in pages] == [[round_], [round_]]
        readers = [page["NextShardIterator"] for page in pages]


@pytest.mark.gap("F23", reason="a third reader of a shard is not throttled")
def test_third_reader_is_served(table: Any) -> None:
    """Any number of readers at the same time get the records, where AWS may throttle."""
    table.put("a")
    iterators = [table.iterator() for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        pages = list(pool.map(lambda one: table.streams.get_records(ShardIterator=one), iterators * 10))
    assert [sort_keys(page) for page in pages] == [["a"]] * 60


@pytest.mark.gap("F24", reason="a stream has one shard, which lasts as long as the stream: no parents")
async def test_shard_does_not_roll_over(parity: Any, table: Any) -> None:
    """After five hours, in which AWS closes a shard and opens another, there is the same one, open."""
    table.put("a")
    before = table.shards()
    await parity.advance(5 * 3600)
    table.put("b")
    assert table.shards() == before
    (shard,) = before
    assert "ParentShardId" not in shard
    assert "EndingSequenceNumber" not in shard["SequenceNumberRange"]


@pytest.mark.row("F25")
def test_each_change_is_in_the_stream_once_in_the_order_of_its_item(table: Any) -> None:
    """Several writers at once: of each item every change is there, each begins where the last ended."""
    items, changes = "abcd", 15

    def add(sk: str) -> None:
        table.dynamodb.update_item(
            TableName=table.name,
            Key=key(sk),
            UpdateExpression="ADD n :one",
            ExpressionAttributeValues={":one": {"N": "1"}},
        )

    def transact(_: int) -> None:
        writes = [{"Put": {"TableName": table.name, "Item": key(f"{sk}-together")}} for sk in items]
        table.dynamodb.transact_write_items(TransactItems=writes)

    with ThreadPoolExecutor(8) as pool:
        transaction = pool.submit(transact, 0)
        list(pool.map(add, items * changes))
        transaction.result()
    records = [record["dynamodb"] for record in table.records()]
    for sk in items:
        own = [record for record in records if record["Keys"] == key(sk)]
        assert [record["NewImage"]["n"]["N"] for record in own] == [str(n + 1) for n in range(changes)]
        assert [record.get("OldImage") for record in own] == [None, *(one["NewImage"] for one in own[:-1])]
    together = [sk for sk in sort_keys(table.records()) if sk.endswith("-together")]
    assert sorted(together) == [f"{sk}-together" for sk in items]
    numbers = [int(record["SequenceNumber"]) for record in records]
    assert len(set(numbers)) == len(numbers) == len(items) * (changes + 1)


@pytest.mark.row("F26")
def test_small_provisioned_table_begins_with_one_shard(make_table: Any) -> None:
    """A table of 5 read and 5 write units has a stream of one shard."""
    table = make_table(ProvisionedThroughput={"ReadCapacityUnits": 5, "WriteCapacityUnits": 5})
    assert len(table.shards()) == 1


@pytest.mark.gap("F26", reason="a table on demand has one shard, too, where AWS may begin with several")
def test_table_on_demand_begins_with_one_shard(table: Any) -> None:
    """However many items there are, their records are in one shard."""
    for partition in "abcdefgh":
        table.put("s", pk=partition)
    assert len(table.shards()) == 1
    assert len(table.records()) == 8


@pytest.mark.row("F27")
def test_stream_that_is_enabled_again_is_another(table: Any) -> None:
    """It has another ARN and no records of the first, which can still be read under its own."""
    table.put("a")
    first = table.arn
    table.set_stream(None)
    assert table.streams.describe_stream(StreamArn=first)["StreamDescription"]["StreamStatus"] == "DISABLED"
    table.set_stream("KEYS_ONLY")
    table.put("b")
    assert table.arn != first
    assert sort_keys(table.records()) == ["b"]
    (shard,) = table.shards(first)
    assert shard["SequenceNumberRange"]["EndingSequenceNumber"]
    iterator = table.streams.get_shard_iterator(
        StreamArn=first, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    assert sort_keys(table.streams.get_records(ShardIterator=iterator)) == ["a"]


@pytest.mark.row("F27")
@pytest.mark.parametrize("view", ["KEYS_ONLY", "NEW_AND_OLD_IMAGES"])
def test_view_type_of_a_stream_cannot_be_changed(table: Any, view: str) -> None:
    """A stream that is enabled is not enabled otherwise; it stays as it was."""
    before = table.arn
    code, _ = refused(
        table.dynamodb.update_table,
        TableName=table.name,
        StreamSpecification={"StreamEnabled": True, "StreamViewType": view},
    )
    assert code == "ValidationException"
    assert table.arn == before
    described = table.streams.describe_stream(StreamArn=before)["StreamDescription"]
    assert described["StreamViewType"] == "NEW_AND_OLD_IMAGES"
