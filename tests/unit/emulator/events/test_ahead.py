import asyncio

from emulator.application import StreamMapping
from emulator.events.ahead import Ahead


async def test_waits_while_too_many_records_are_unfinished():
    """Reading goes on when one of the records is finished."""
    ahead = Ahead(max_records=2, max_bytes=1_000)
    ahead.add(1)
    await ahead.room()
    ahead.add(1)
    assert ahead.records_left == 0
    waiting = asyncio.create_task(ahead.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    ahead.take(1)
    async with asyncio.timeout(5):
        await waiting


async def test_waits_while_too_many_bytes_are_unfinished():
    """The bound is by bytes as well: a few large records are enough."""
    ahead = Ahead(max_records=100, max_bytes=10)
    ahead.add(10)
    waiting = asyncio.create_task(ahead.room())
    await asyncio.sleep(0)
    assert not waiting.done()
    ahead.take(10)
    async with asyncio.timeout(5):
        await waiting


def test_a_shard_may_be_ahead_by_a_batch_in_each_lane():
    """A full batch of each lane fits, whatever the batch size."""
    mapping = StreamMapping("t", "f", batch_size=10_000, parallelization_factor=3)
    assert Ahead.of(mapping).records_left >= 3 * 10_000
