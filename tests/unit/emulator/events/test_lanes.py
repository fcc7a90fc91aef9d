"""Batching windows and concurrent batches of a shard, through a poller."""

import asyncio

import pytest

from emulator.application import StreamMapping
from emulator.events.checkpoints import Place
from emulator.events.lane import Lane
from emulator.events.records import StreamRecord, lane_of, payload
from emulator.events.status import State
from emulator.events.streams import Shard
from emulator.invocation import MAX_REQUEST_BYTES, InvocationResult

RAISED = InvocationResult("failed", b'{"errorMessage": "no"}', function_error="Unhandled")
PLACE = Place("f", "arn:t/1", "shard-1")


def keys_by_lane(lanes, count=40):
    """Keys of items, by the lane that each belongs to."""
    found = [[] for _ in range(lanes)]
    for number in range(count):
        key = str(number)
        event = {"dynamodb": {"Keys": {"pk": {"S": key}}}}
        found[lane_of(StreamRecord("1", 0.0, event, b""), lanes)].append(key)
    return found


def raising_on(*keys):
    def answer(records):
        return RAISED if any(one["dynamodb"]["Keys"]["pk"]["S"] in keys for one in records) else None

    return answer


@pytest.mark.row("F40", "F3.ParallelizationFactor")
async def test_batches_of_one_shard_run_at_the_same_time(world):
    """With a factor of 3 there are three invocations at once, each with items of its own."""
    release = asyncio.Event()

    async def wait():
        await release.wait()

    world.invoker.answer = lambda records: wait()
    lanes = keys_by_lane(3)
    for keys in zip(*lanes, strict=False):
        for key in keys:
            world.streams.put("t", key)
    await world.poll(parallelization_factor=3)
    await world.invoker.until(lambda: len(world.invoker.batches) == 3)
    assert all(set(batch) <= set(lane) for batch, lane in zip(world.invoker.keys, lanes, strict=True))
    release.set()


@pytest.mark.parametrize("factor", [1, 2, 10])
@pytest.mark.row("F3.ParallelizationFactor")
async def test_the_order_of_an_items_records_stays(world, factor):
    """However many batches run at once, the records of one item arrive in their order."""
    numbers = {}
    for _ in range(10):
        for key in "abcdefgh":
            numbers.setdefault(key, []).append(world.streams.put("t", key))

    async def slow():
        await asyncio.sleep(0)

    world.invoker.answer = lambda records: slow()
    await world.poll(parallelization_factor=factor, batch_size=3)
    await world.invoker.until(lambda: len(world.invoker.seen) == 80)
    arrived = {}
    for batch in world.invoker.batches:
        for record in batch:
            change = record["dynamodb"]
            arrived.setdefault(change["Keys"]["pk"]["S"], []).append(change["SequenceNumber"])
    assert arrived == numbers


@pytest.mark.row("F45")
async def test_a_failing_lane_blocks_only_itself(world):
    """What shares a lane with a poison record waits; everything else of the shard is delivered."""
    poisoned, free = keys_by_lane(2)
    world.invoker.answer = raising_on(poisoned[0])
    world.streams.put("t", poisoned[0])
    poller = await world.poll(parallelization_factor=2)
    await world.happened("stream.retry")
    for key in (poisoned[1], *free[:5]):
        world.streams.put("t", key)
    await world.invoker.until(lambda: set(free[:5]) <= set(world.invoker.seen))
    assert poisoned[1] not in world.invoker.seen
    (shard,) = poller.status().shards
    assert (shard.state, shard.retrying, shard.checkpoint) == (State.RETRYING, 1, None)
    assert shard.unfinished == 2


async def test_the_checkpoint_is_the_lowest_of_all_lanes(world):
    """A restart delivers what a failing lane has not finished, and what others finished behind it."""
    poisoned, free = keys_by_lane(2)
    world.invoker.answer = raising_on(poisoned[0])
    first = world.streams.put("t", free[0])
    world.streams.put("t", poisoned[0])
    last = world.streams.put("t", free[1])
    poller = await world.poll(parallelization_factor=2)
    await world.until(lambda: {free[0], free[1], poisoned[0]} <= set(world.invoker.seen))
    await world.happened("stream.retry")
    await world.until(lambda: world.checkpoints.find(PLACE) == first)
    await poller.stop()
    world.invoker.batches.clear()
    world.invoker.answer = lambda records: None
    await world.poll(parallelization_factor=2)
    await world.until(lambda: world.checkpoints.find(PLACE) == last)
    assert set(world.invoker.seen) == {poisoned[0], free[1]}


async def test_reading_ahead_is_bounded(world, monkeypatch):
    """While a lane is blocked no more than so many records are read, and all arrive in the end."""
    monkeypatch.setattr("emulator.events.ahead.MORE_RECORDS", 5)
    world.invoker.answer = raising_on("0")
    for number in range(50):
        world.streams.put("t", str(number))
    poller = await world.poll(batch_size=1)
    await world.happened("stream.retry")
    assert poller.status().shards[0].unfinished == 6
    world.invoker.answer = lambda records: None
    await world.let_time_pass(60)
    await world.invoker.until(lambda: len(world.invoker.seen) == 51)
    assert world.invoker.seen == ["0", *map(str, range(50))]


@pytest.mark.row("F41")
async def test_a_window_begins_when_the_invocation_before_has_completed(world):
    """Row F41: what arrives during an invocation is delivered one window after that, not after it arrived."""
    release = asyncio.Event()

    async def wait():
        await release.wait()

    world.invoker.answer = lambda records: wait()
    await world.poll(maximum_batching_window_s=10)
    world.streams.put("t", "a")
    await world.until(lambda: world.streams.reads > 1)
    await world.let_time_pass(10)
    await world.invoker.until(lambda: world.invoker.keys == [["a"]])
    world.streams.put("t", "b")
    await world.let_time_pass(60)
    release.set()
    world.streams.put("t", "c")
    await world.until(lambda: world.checkpoints.find(PLACE) is not None)
    await world.let_time_pass(9.9)
    for _ in range(50):
        await asyncio.sleep(0)
    assert world.invoker.keys == [["a"]]
    await world.let_time_pass(0.1)
    await world.invoker.until(lambda: world.invoker.keys == [["a"], ["b", "c"]])


async def test_a_shard_that_ends_closes_its_window(world):
    """Row F41: records of a closed shard do not wait for records that cannot come."""
    await world.poll(maximum_batching_window_s=300)
    world.streams.put("t", "a")
    world.streams.close("t", "shard-1")
    await world.invoker.until(lambda: world.invoker.keys == [["a"]])


@pytest.mark.row("F42")
async def test_a_batch_never_mixes_shards(world):
    """Row F42: with room for more, each shard's records are a batch of their own."""
    world.streams.create("t", [Shard("shard-1"), Shard("shard-2")])
    for number in range(4):
        world.streams.put("t", str(number), f"shard-{number % 2 + 1}")
    await world.poll(maximum_batching_window_s=1)
    await world.until(lambda: world.streams.reads >= 4)
    await world.let_time_pass(1)
    await world.invoker.until(lambda: len(world.invoker.seen) == 4)
    assert sorted(world.invoker.keys) == [["0", "2"], ["1", "3"]]


class NotingDelivery:
    """Takes batches as a delivery does, and finishes them at once."""

    def __init__(self):
        self.batches = []

    async def deliver(self, batch):
        self.batches.append(batch)

    def stop(self):
        pass


class LaneServices:
    def __init__(self, world):
        self.clock, self.alarm = world.clock, world.alarm


@pytest.mark.row("F41")
async def test_a_window_closes_at_six_megabytes(world):
    """Row F41: what fits into one event exactly goes out before the window is over; the rest waits for it."""
    delivery = NotingDelivery()
    lane = Lane(StreamMapping("t", "f", maximum_batching_window_s=300), delivery, LaneServices(world))
    empty = len(payload([StreamRecord("0", 0.0, {}, b"")] * 2))
    large = StreamRecord("1", 0.0, {}, b"x" * (MAX_REQUEST_BYTES - empty - 1))
    running = asyncio.create_task(lane.run())
    lane.add(large)
    lane.add(StreamRecord("2", 0.0, {}, b"y"))
    await world.until(lambda: delivery.batches)
    assert len(payload(delivery.batches[0])) == MAX_REQUEST_BYTES
    lane.add(StreamRecord("3", 0.0, {}, b"z"))
    lane.close()
    async with asyncio.timeout(5):
        await running
    assert [len(batch) for batch in delivery.batches] == [2, 1]
