import asyncio

import pytest

from emulator.application import StartingPosition
from emulator.errors import BackendFailed, StreamNotFound
from emulator.events.aws_streams import AwsStreams
from emulator.events.records import stream_record
from emulator.events.streams import After

BEGINNING = StartingPosition.TRIM_HORIZON


async def opened(streams, table, position=BEGINNING):
    arn = await streams.find_stream(table)
    (shard,) = await streams.list_shards(arn)
    return await streams.iterator(arn, shard.id, position)


def keys(page):
    return [record["dynamodb"]["Keys"]["pk"]["S"] for record in page.records]


async def test_finds_the_stream_of_a_table(world, streams):
    """The ARN of the table's newest stream; None without table."""
    assert f"/{world.table}/stream/" in await streams.find_stream(world.table)
    assert await streams.find_stream("no-such-table") is None


async def test_a_stream_that_does_not_exist_is_told_apart(world, streams):
    """StreamNotFound, not a failure of the back end, for a stream that is not there."""
    arn = await streams.find_stream(world.table)
    with pytest.raises(StreamNotFound):
        await streams.list_shards(arn + "9")
    with pytest.raises(StreamNotFound):
        await streams.iterator(arn + "9", "shardId-00000000000000000000-00000000", BEGINNING)


@pytest.mark.parametrize("position", ["beginning", "latest", "after a record"])
async def test_reads_from_a_position(world, streams, position):
    """An iterator stands at the oldest record, behind the newest, or behind the record that is named."""
    await world.put("a")
    await world.put("b")
    page = await streams.read(await opened(streams, world.table), limit=1, wait_s=0)
    first = page.records[0]["dynamodb"]["SequenceNumber"]
    at = {"beginning": BEGINNING, "latest": StartingPosition.LATEST, "after a record": After(first)}[position]
    expected = {"beginning": ["a", "b"], "latest": [], "after a record": ["b"]}[position]
    page = await streams.read(await opened(streams, world.table, at), limit=10, wait_s=0)
    assert keys(page) == expected


async def test_pages_follow_each_other(world, streams):
    """`limit` bounds a page and the next iterator goes on behind it."""
    for key in "abc":
        await world.put(key)
    page = await streams.read(await opened(streams, world.table), limit=2, wait_s=0)
    assert keys(page) == ["a", "b"]
    page = await streams.read(page.next_iterator, limit=2, wait_s=0)
    assert keys(page) == ["c"]


async def test_a_read_waits_for_the_first_record(world, streams):
    """Asked to wait, the back end answers when there is a record."""
    iterator = await opened(streams, world.table)
    reading = asyncio.create_task(streams.read(iterator, limit=10, wait_s=15))
    await world.put("a")
    async with asyncio.timeout(10):
        assert keys(await reading) == ["a"]


async def test_cancelling_a_waiting_read_is_immediate(world, streams):
    """A read that is cancelled while the back end waits ends at once, and keeps no other from reading."""
    iterator = await opened(streams, world.table)
    reading = asyncio.create_task(streams.read(iterator, limit=10, wait_s=15))
    await asyncio.wait({reading}, timeout=0.2)
    reading.cancel()
    async with asyncio.timeout(5):
        await asyncio.wait({reading})
    assert reading.cancelled()
    await world.put("a")
    assert keys(await streams.read(iterator, limit=10, wait_s=15)) == ["a"]


async def test_a_waiting_read_is_refused_as_others_are(world, streams):
    """The stream's own errors, also on the connection that waits; the next read works."""
    iterator = await opened(streams, world.table)
    with pytest.raises(StreamNotFound):
        await streams.read(iterator.replace(world.table, "no-such-table"), limit=10, wait_s=15)
    await world.put("a")
    assert keys(await streams.read(iterator, limit=10, wait_s=15)) == ["a"]


async def test_binaries_arrive_in_both_ways_of_reading(world, streams):
    """boto3 decodes them, a waiting read does not; functions get base64."""
    iterator = await opened(streams, world.table)
    await world.call(
        "dynamodb", "put_item", TableName=world.table, Item={"pk": {"S": "a"}, "b": {"B": b"\xff"}}
    )
    images = []
    for wait_s in (0, 15):
        page = await streams.read(iterator, limit=10, wait_s=wait_s)
        images.append(stream_record(page.records[0], stream_arn="arn").event["dynamodb"])
    assert images[0] == images[1]
    assert images[0]["NewImage"]["b"] == {"B": "/w=="}


async def test_a_back_end_that_does_not_answer_is_a_failure(unused_tcp_port):
    """BackendFailed, with a sentence, where nobody listens."""
    adapter = AwsStreams(f"http://127.0.0.1:{unused_tcp_port}")
    await adapter.open()
    with pytest.raises(BackendFailed, match="does not answer"):
        await adapter.find_stream("t")
    adapter.close()
