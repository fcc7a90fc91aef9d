"""What goes wrong with streams, by chance and on purpose."""

import asyncio

import pytest

from emulator.application import Destination, StartingPosition
from emulator.errors import InvalidApplication, TooManyRequests
from emulator.events.checkpoints import Place
from emulator.events.pacing import Polling
from emulator.events.settings import EventSettings
from emulator.events.status import State
from emulator.faults import Fault, FaultKind
from emulator.invocation import InvocationResult

RAISED = InvocationResult("failed", b'{"errorMessage": "no"}', function_error="Unhandled")
PLACE = Place("f", "arn:t/1", "shard-1")


async def test_a_delayed_record_comes_later_with_what_follows(world):
    """Records before it go out, it and the rest of its shard when the clock has moved on by the delay."""
    world.faults.add(Fault(FaultKind.DELAY_RECORD, {"table": "t", "function": "f"}, skip=1, delay_s=30))
    for key in "abc":
        world.streams.put("t", key)
    await world.poll()
    (struck,) = await world.happened("fault.struck")
    assert struck["fault"] == "delay-record"
    await world.invoker.until(lambda: world.invoker.seen == ["a"])
    await world.let_time_pass(30)
    await world.invoker.until(lambda: world.invoker.keys == [["a"], ["b", "c"]])


async def test_a_duplicated_batch_comes_twice_and_is_finished_once(world):
    """Row F43: after it succeeded the batch comes once more; only then is it finished, and others follow."""
    world.faults.add(Fault(FaultKind.DUPLICATE_RECORD, {"table": "t"}, times=None))
    number = world.streams.put("t", "a")
    poller = await world.poll()
    await world.invoker.until(lambda: world.invoker.keys == [["a"], ["a"]])
    await world.until(lambda: poller.status().shards[0].checkpoint == number)
    world.faults.clear()
    world.streams.put("t", "b")
    await world.invoker.until(lambda: world.invoker.keys == [["a"], ["a"], ["b"]])


async def test_a_fault_for_another_function_strikes_nothing(world):
    """Facts that differ leave a mapping alone."""
    world.faults.add(Fault(FaultKind.DUPLICATE_RECORD, {"function": "other"}))
    world.faults.add(Fault(FaultKind.DELAY_RECORD, {"table": "other"}, delay_s=30))
    world.streams.put("t", "a")
    poller = await world.poll()
    await world.until(lambda: poller.status().shards[0].checkpoint is not None)
    assert world.invoker.keys == [["a"]]


async def test_an_unreadable_record_is_left_out_loudly(world, caplog):
    """A record of an unknown form blocks nothing: its place is reported, the next is delivered."""
    number = world.streams.put("t", "bad")
    record = world.streams.streams["t"].shards["shard-1"][1][0]
    record["dynamodb"]["Keys"] = {"pk": "no attribute value"}
    last = world.streams.put("t", "good")
    poller = await world.poll()
    await world.invoker.until(lambda: world.invoker.seen == ["good"])
    (entry,) = await world.happened("stream.unreadable")
    assert entry["first"] == number
    await world.until(lambda: poller.status().shards[0].checkpoint == last)
    assert len([one for one in caplog.records if one.levelname == "ERROR"]) == 1


async def test_a_function_that_is_throttled_for_long_loses_records_by_age_alone(world):
    """Rows F46, F55: throttles go on until the maximum age, which the message names; no response is in it."""

    def throttled(records):
        raise TooManyRequests("f", "ReservedFunctionConcurrentInvocationLimitExceeded")

    world.invoker.answer = throttled
    world.streams.put("t", "old")
    poller = await world.poll(
        maximum_record_age_s=100, maximum_retry_attempts=0, on_failure=Destination.topic("failures")
    )
    for times in (1, 2):
        await world.happened("stream.retry", times)
        assert poller.status().shards[0].state is State.RETRYING
        assert poller.status().last_result == "not reached"
        await world.let_time_pass(60)
    await world.happened("stream.gave_up")
    ((topic, message),) = world.destinations.sent
    assert topic == "failures"
    assert message["requestContext"]["condition"] == "RecordAgeExceeded"
    assert message["requestContext"]["approximateInvokeCount"] == 0
    assert "responseContext" not in message
    world.invoker.answer = lambda records: None
    world.streams.put("t", "new")
    await world.until(lambda: world.invoker.seen[-1] == "new")


async def test_a_bucket_gets_what_was_given_up(world):
    """Row F54: the object's key names the mapping and the shard; its content has the records."""
    world.invoker.answer = lambda records: RAISED
    world.streams.put("t", "poison")
    await world.poll(maximum_retry_attempts=0, on_failure=Destination.bucket("failures"))
    await world.happened("stream.gave_up")
    ((bucket, message),) = world.destinations.sent
    assert bucket == "failures"
    assert message["payload"] == {"Records": world.invoker.batches[0]}
    (key,) = world.destinations.keys
    assert key == "aws/lambda/mapping-of-f/shard-1/2023/11/14/2023-11-14T22.13.20-new-id"


@pytest.mark.row("F45")
async def test_several_mappings_read_one_stream(world):
    """Each has its own progress: one that fails holds up no other."""
    answers = {"f": lambda records: RAISED, "g": lambda records: None}
    seen = {"f": [], "g": []}

    async def invoke(function, payload, **_):
        world.invoker.answer = answers[function]
        result = await type(world.invoker).invoke(world.invoker, function, payload)
        seen[function] += world.invoker.keys[-1]
        return result

    world.invoker.invoke = invoke
    world.streams.put("t", "a")
    await world.poll(function="f")
    await world.poll(function="g")
    await world.happened("stream.retry")
    last = world.streams.put("t", "b")
    await world.until(lambda: world.checkpoints.find(PLACE._replace(function="g")) == last)
    assert seen == {"f": ["a"], "g": ["a", "b"]}
    assert world.checkpoints.find(PLACE) is None


async def test_a_mapping_from_the_latest_record_on_keeps_its_place(world):
    """Row F62: one that was stopped before it read anything goes on from where it began, not from now."""
    world.streams.put("t", "old", age_s=10)
    poller = await world.poll(starting_position=StartingPosition.LATEST)
    await poller.stop()
    world.streams.put("t", "new")
    await world.poll(starting_position=StartingPosition.LATEST)
    await world.invoker.until(lambda: world.invoker.seen == ["new"])


async def test_a_mapping_of_one_stream_does_not_follow_to_another(world):
    """Row F27: a table that is made again has another stream, which such a mapping does not read."""
    world.streams.put("t", "a")
    poller = await world.poll(waits=False, stream_arn="arn:t/1")
    await world.invoker.until(lambda: world.invoker.seen == ["a"])
    del world.streams.streams["t"]
    world.streams.create("t", label="2")
    world.streams.put("t", "b")
    await world.until(lambda: not poller.status().shards)
    await world.until(lambda: world.streams.reads > 0)
    assert world.invoker.seen == ["a"]
    assert poller.status().stream_arn == "arn:t/1"


@pytest.mark.row("F40", switch="EventSettings.polling")
async def test_awss_pace_never_asks_the_back_end_to_wait(world, monkeypatch):
    """Row F40: with AWS's pace there is a poll four times a second, also where the back end could wait."""
    pauses, waits = [], []
    sleep, read = asyncio.sleep, world.streams.read

    async def noting_sleep(seconds, *more):
        pauses.append(seconds)
        await sleep(0, *more)

    async def noting_read(iterator, *, limit, wait_s):
        waits.append(wait_s)
        return await read(iterator, limit=limit, wait_s=wait_s)

    monkeypatch.setattr("emulator.events.shard_reader.asyncio.sleep", noting_sleep)
    world.streams.read = noting_read
    world.streams.put("t", "a")
    await world.poll(settings=EventSettings(polling=Polling.AWS))
    await world.until(lambda: world.streams.reads > 3)
    assert set(waits) == {0.0}
    assert 0.25 in pauses
    assert not [one for one in pauses if 0 < one < 0.25]


async def test_refuses_a_number_out_of_its_range(world):
    """A mapping that Lambda would not take is refused when the poller is made."""
    with pytest.raises(InvalidApplication):
        await world.poll(parallelization_factor=11)
