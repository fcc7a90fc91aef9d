import asyncio
import threading

import pytest

from emulator.application import StartingPosition
from emulator.errors import BackendFailed, StreamNotFound
from emulator.events.aws_streams import AwsStreams
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
    """A read that is cancelled while the back end waits ends at once; its thread follows with the wait."""
    iterator = await opened(streams, world.table)
    before = set(threading.enumerate())
    reading = asyncio.create_task(streams.read(iterator, limit=10, wait_s=2))
    while not (started := set(threading.enumerate()) - before):  # noqa: ASYNC110
        await asyncio.sleep(0)
    reading.cancel()
    async with asyncio.timeout(1):
        await asyncio.wait({reading})
    for thread in started:
        await asyncio.to_thread(thread.join, 10)
        assert not thread.is_alive()


async def test_a_back_end_that_does_not_answer_is_a_failure(unused_tcp_port):
    """BackendFailed, with a sentence, where nobody listens."""
    adapter = AwsStreams(f"http://127.0.0.1:{unused_tcp_port}")
    await adapter.open()
    with pytest.raises(BackendFailed, match="does not answer"):
        await adapter.find_stream("t")
    adapter.close()
