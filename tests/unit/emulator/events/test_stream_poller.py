import asyncio

import pytest

from emulator.application import Destination, StartingPosition
from emulator.destinations import RESEND_DELAYS_S
from emulator.errors import InvalidApplication, TooManyRequests
from emulator.events.checkpoints import Place
from emulator.events.status import State
from emulator.events.streams import After, Shard
from emulator.invocation import InvocationResult

RAISED = InvocationResult("failed", b'{"errorMessage": "no"}', function_error="Unhandled")


def raising_on(*keys):
    """A function that fails as a whole when one of `keys` is in its batch."""

    def answer(records):
        if any(record["dynamodb"]["Keys"]["pk"]["S"] in keys for record in records):
            return RAISED
        return None

    return answer


def reporting(key):
    """A function that reports the record of `key`."""

    def answer(records):
        failed = [
            {"itemIdentifier": record["dynamodb"]["SequenceNumber"]}
            for record in records
            if record["dynamodb"]["Keys"]["pk"]["S"] == key
        ]
        return {"batchItemFailures": failed}

    return answer


@pytest.mark.parametrize("waits", [True, False], ids=["waiting", "polling"])
async def test_delivers_each_record_once_and_in_order(world, waits):
    """Records reach the function in order, whether the back end waits or has to be polled."""
    await world.poll(waits=waits)
    for number in range(20):
        world.streams.put("t", str(number))
        await asyncio.sleep(0)
    await world.invoker.until(lambda: len(world.invoker.seen) >= 20)
    assert world.invoker.seen == [str(number) for number in range(20)]


async def test_notes_each_batch_on_the_timeline(world):
    """An entry names table, function, shard, number of records and their first and last sequence number."""
    first, last = world.streams.put("t", "a"), world.streams.put("t", "b")
    await world.poll()
    assert await world.happened("stream.batch") == [
        {
            "table": "t",
            "function": "f",
            "shard": "shard-1",
            "records": 2,
            "first": first,
            "last": last,
            "attempt": 1,
        }
    ]


async def test_batches_are_no_larger_than_declared(world):
    """What waits in the stream is cut by the batch size."""
    for number in range(5):
        world.streams.put("t", str(number))
    await world.poll(batch_size=2)
    await world.invoker.until(lambda: len(world.invoker.seen) == 5)
    assert world.invoker.keys == [["0", "1"], ["2", "3"], ["4"]]


async def test_a_batching_window_gathers_records(world):
    """With a window the function is invoked when the batch is full, although records were there before."""
    await world.poll(batch_size=3, maximum_batching_window_s=300)
    for key in "abc":
        reads = world.streams.reads
        world.streams.put("t", key)
        if key != "c":
            await world.until(lambda reads=reads: world.streams.reads > reads)
    await world.invoker.until(lambda: world.invoker.keys == [["a", "b", "c"]])


async def test_a_batching_window_ends(world):
    """When the window is over the function gets what there is."""
    await world.poll(waits=False, batch_size=3, maximum_batching_window_s=300)
    world.streams.put("t", "a")
    reads = world.streams.reads
    await world.until(lambda: world.streams.reads > reads + 2)
    assert world.invoker.keys == []
    await world.let_time_pass(300)
    await world.invoker.until(lambda: world.invoker.keys == [["a"]])


async def test_filtered_records_are_dropped_and_finished(world):
    """A batch with nothing left does not invoke, and the checkpoint moves on all the same."""
    last = [world.streams.put("t", key, name="MODIFY") for key in "ab"][-1]
    poller = await world.poll(filters=[{"eventName": ["INSERT"]}])
    await world.until(lambda: poller.status().shards[0].checkpoint == last)
    assert world.invoker.batches == []
    world.streams.put("t", "c")
    await world.invoker.until(lambda: world.invoker.keys == [["c"]])


async def test_refuses_an_invalid_filter(world):
    """A pattern that is none is refused when the poller is made, before anything runs."""
    with pytest.raises(InvalidApplication):
        await world.poll(filters=[{"eventName": "INSERT"}])


async def test_starts_at_the_latest_record(world):
    """A mapping that starts at LATEST gets what comes after, not what was there."""
    world.streams.put("t", "old")
    await world.poll(starting_position=StartingPosition.LATEST)
    world.streams.put("t", "new")
    await world.invoker.until(lambda: world.invoker.seen == ["new"])


async def test_a_failed_batch_comes_again_after_a_wait(world):
    """The whole batch is delivered again when the clock has moved on by the backoff, not before."""
    failures = iter([RAISED])
    world.invoker.answer = lambda records: next(failures, None)
    world.streams.put("t", "a")
    await world.poll()
    (retry,) = await world.happened("stream.retry")
    assert retry["reason"] == "function failed"
    assert 500 <= retry["delay_ms"] <= 1000
    await world.until(lambda: len(world.invoker.batches) == 1)
    await world.let_time_pass(1.0)
    await world.invoker.until(lambda: world.invoker.keys == [["a"], ["a"]])


async def test_reported_failures_come_again_without_what_is_finished(world):
    """Of a partly failed batch only the first reported record and what follows are delivered again."""
    world.invoker.answer = reporting("b")
    first = world.streams.put("t", "a")
    for key in "bc":
        world.streams.put("t", key)
    poller = await world.poll(report_batch_item_failures=True)
    await world.happened("stream.retry")
    assert poller.status().shards[0].checkpoint == first
    world.invoker.answer = lambda records: None
    await world.let_time_pass(1.0)
    await world.invoker.until(lambda: world.invoker.keys == [["a", "b", "c"], ["b", "c"]])


async def test_a_poison_record_is_given_up_and_later_ones_go_on(world):
    """After its attempts the batch goes to the on-failure queue, and the next record is delivered."""
    world.invoker.answer = raising_on("poison")
    number = world.streams.put("t", "poison")
    await world.poll(maximum_retry_attempts=2, on_failure=Destination.queue("failures"))
    for times in (1, 2):
        await world.happened("stream.retry", times)
        await world.let_time_pass(60)
    await world.happened("stream.gave_up")
    world.streams.put("t", "good")
    await world.invoker.until(lambda: world.invoker.seen == ["poison"] * 3 + ["good"])
    ((queue, message),) = world.destinations.sent
    assert queue == "failures"
    assert message["requestContext"]["approximateInvokeCount"] == 3
    assert message["requestContext"]["requestId"] == "failed"
    assert message["DDBStreamBatchInfo"]["startSequenceNumber"] == number


async def test_bisecting_delivers_what_is_good(world):
    """With bisecting one poison record costs its neighbours nothing but time."""
    world.invoker.answer = raising_on("poison")
    for key in ("a", "b", "poison", "c"):
        world.streams.put("t", key)
    await world.poll(
        maximum_retry_attempts=0,
        bisect_batch_on_function_error=True,
        on_failure=Destination.queue("failures"),
    )
    for times in (1, 2):
        await world.happened("stream.retry", times)
        await world.let_time_pass(60)
    await world.invoker.until(lambda: world.invoker.keys[-1] == ["c"])
    assert world.invoker.keys == [["a", "b", "poison", "c"], ["a", "b"], ["poison", "c"], ["poison"], ["c"]]
    assert [message["DDBStreamBatchInfo"]["batchSize"] for _, message in world.destinations.sent] == [1]


async def test_a_lost_on_failure_message_does_not_stop_the_stream(world, caplog):
    """Where the queue stays unreachable for all attempts that is told, and later records are delivered."""
    world.invoker.answer = raising_on("poison")
    world.destinations.is_unreachable = True
    world.streams.put("t", "poison")
    await world.poll(maximum_retry_attempts=0, on_failure=Destination.queue("failures"))
    for attempt, _ in enumerate(RESEND_DELAYS_S, 1):
        await world.happened("stream.unsent", attempt)
        await world.let_time_pass(60)
    (gave_up,) = await world.happened("stream.gave_up")
    assert gave_up["sent"] is False
    assert "An on-failure message was lost" in caplog.text
    world.streams.put("t", "good")
    await world.invoker.until(lambda: world.invoker.seen == ["poison", "good"])


async def test_an_on_failure_message_waits_for_its_destination(world):
    """A destination that is away for a while gets its message, once, before the next record is delivered."""
    world.invoker.answer = raising_on("poison")
    world.destinations.is_unreachable = True
    world.streams.put("t", "poison")
    world.streams.put("t", "good")
    await world.poll(batch_size=1, maximum_retry_attempts=0, on_failure=Destination.queue("failures"))
    (unsent,) = await world.happened("stream.unsent")
    assert (unsent["attempt"], unsent["error"]) == (1, "BackendFailed")
    assert world.invoker.seen == ["poison"]
    world.destinations.is_unreachable = False
    await world.let_time_pass(60)
    (gave_up,) = await world.happened("stream.gave_up")
    assert gave_up["sent"] is True
    assert [name for name, _ in world.destinations.sent] == ["failures"]
    await world.invoker.until(lambda: world.invoker.seen == ["poison", "good"])


async def test_throttles_use_up_no_attempts(world):
    """A throttled batch comes again however few attempts its mapping allows."""
    refusals = 3

    def answer(records):
        nonlocal refusals
        if refusals:
            refusals -= 1
            raise TooManyRequests("f", "ReservedFunctionConcurrentInvocationLimitExceeded")

    world.invoker.answer = answer
    world.streams.put("t", "a")
    await world.poll(maximum_retry_attempts=0)
    for times in (1, 2, 3):
        await world.happened("stream.retry", times)
        await world.let_time_pass(60)
    await world.invoker.until(lambda: len(world.invoker.batches) == 4)
    assert refusals == 0


async def test_a_broken_lambda_service_loses_nothing(world):
    """An error that nobody foresaw counts as not having reached the function."""
    failures = iter([RuntimeError("a bug")])

    def answer(records):
        for failure in failures:
            raise failure

    world.invoker.answer = answer
    world.streams.put("t", "a")
    await world.poll(maximum_retry_attempts=0)
    await world.happened("stream.retry")
    await world.let_time_pass(60)
    await world.invoker.until(lambda: world.invoker.seen == ["a", "a"])


async def test_records_that_are_too_old_are_not_delivered(world):
    """A record over the maximum age is given up without an invocation."""
    world.streams.put("t", "old", age_s=100)
    world.streams.put("t", "new")
    await world.poll(maximum_record_age_s=60, on_failure=Destination.queue("failures"))
    await world.invoker.until(lambda: world.invoker.seen == ["new"])
    ((_, message),) = world.destinations.sent
    assert message["requestContext"] == {
        "requestId": "new-id",
        "functionArn": "arn:f",
        "condition": "RecordAgeExceeded",
        "approximateInvokeCount": 0,
    }


@pytest.mark.row("F45")
async def test_a_failing_shard_blocks_only_itself(world):
    """While one shard's batch is retried, the records of another are delivered."""
    world.streams.create("t", [Shard("shard-1"), Shard("shard-2")])
    world.invoker.answer = raising_on("poison")
    world.streams.put("t", "poison", "shard-1")
    await world.poll()
    await world.happened("stream.retry")
    world.streams.put("t", "good", "shard-2")
    await world.invoker.until(lambda: "good" in world.invoker.seen)
    assert world.invoker.seen == ["poison", "good"]


async def test_parents_are_drained_before_their_children(world):
    """A child shard is read when everything in its parent is finished."""
    world.streams.create("t", [Shard("child", "parent"), Shard("parent")])
    world.streams.put("t", "second", "child")
    poller = await world.poll()
    assert [shard.shard_id for shard in poller.status().shards] == ["parent"]
    world.streams.put("t", "first", "parent")
    world.streams.close("t", "parent")
    await world.invoker.until(lambda: world.invoker.seen == ["first", "second"])


async def test_a_shard_that_appears_later_is_read_from_its_beginning(world):
    """A mapping that started at LATEST misses nothing of a shard that its shard was split into."""
    await world.poll(starting_position=StartingPosition.LATEST)
    stream = world.streams.streams["t"]
    stream.shards["shard-2"] = (Shard("shard-2", "shard-1"), [])
    world.streams.put("t", "early", "shard-2")
    world.streams.close("t", "shard-1")
    await world.invoker.until(lambda: world.invoker.seen == ["early"])


async def test_an_expired_iterator_loses_and_repeats_nothing(world):
    """The next iterator starts behind the last record that was read."""
    number = world.streams.put("t", "a")
    await world.poll(waits=False)
    await world.invoker.until(lambda: world.invoker.seen == ["a"])
    world.streams.expires = 2
    await world.until(lambda: world.streams.expires == 0)
    world.streams.put("t", "b")
    await world.invoker.until(lambda: world.invoker.seen == ["a", "b"])
    assert world.streams.opened[1:] == [After(number)] * 2


async def test_an_expired_iterator_for_the_latest_record_loses_nothing(world):
    """Where nothing was read yet, what came since the start is found again, and only that."""
    world.streams.put("t", "old", age_s=10)
    await world.poll(waits=False, starting_position=StartingPosition.LATEST)
    world.streams.expires = 1
    world.streams.put("t", "new")
    await world.invoker.until(lambda: world.invoker.seen == ["new"])
    assert world.streams.opened == [StartingPosition.LATEST, StartingPosition.TRIM_HORIZON]


async def test_records_that_the_stream_dropped_are_reported(world):
    """When the stream has trimmed what comes next, that is recorded and the oldest record kept is next."""
    first = world.streams.put("t", "a")
    poller = await world.poll()
    await world.until(lambda: poller.status().shards[0].checkpoint == first)
    await poller.stop()
    world.streams.put("t", "lost")
    stream = world.streams.streams["t"]
    stream.trimmed_until["shard-1"] = int(first) + 1
    world.streams.put("t", "kept")
    await world.poll()
    assert await world.happened("stream.position_lost") == [
        {"table": "t", "function": "f", "shard": "shard-1", "after": first}
    ]
    await world.invoker.until(lambda: world.invoker.seen == ["a", "kept"])


async def test_a_back_end_that_is_away_is_tried_again(world, caplog):
    """While the back end does not answer there is one line in the log; then reading goes on as before."""
    world.streams.put("t", "a")
    poller = await world.poll(waits=False)
    await world.invoker.until(lambda: world.invoker.seen == ["a"])
    world.streams.is_unreachable = True
    await world.happened("stream.unreachable")
    reads = world.streams.reads
    assert poller.status().shards[0].state is State.UNREACHABLE
    world.streams.is_unreachable = False
    world.streams.put("t", "b")
    await world.happened("stream.reachable")
    await world.invoker.until(lambda: world.invoker.seen == ["a", "b"])
    assert world.streams.reads >= reads
    assert len([one for one in caplog.records if one.levelname == "WARNING"]) == 1


async def test_a_table_that_does_not_exist_yet_is_waited_for(world):
    """A poller that is started before its table reads the stream as soon as there is one."""
    del world.streams.streams["t"]
    await world.poll()
    world.streams.create("t")
    world.streams.put("t", "a")
    await world.invoker.until(lambda: world.invoker.seen == ["a"])


async def test_a_table_that_is_made_again_is_followed(world):
    """A deleted table's stream is left, and the new one is read from its beginning."""
    world.streams.put("t", "a")
    poller = await world.poll(waits=False, starting_position=StartingPosition.TRIM_HORIZON)
    await world.invoker.until(lambda: world.invoker.seen == ["a"])
    del world.streams.streams["t"]
    world.streams.create("t", label="2")
    world.streams.put("t", "b")
    await world.invoker.until(lambda: world.invoker.seen == ["a", "b"])
    assert poller.status().stream_arn == "arn:t/2"


async def test_starts_again_from_its_checkpoint(world):
    """A poller that is stopped and started again delivers what it has not finished, and nothing twice."""
    world.streams.put("t", "a")
    poller = await world.poll()
    await world.until(lambda: poller.status().shards[0].checkpoint is not None)
    await poller.stop()
    world.streams.put("t", "b")
    await world.poll()
    await world.invoker.until(lambda: world.invoker.seen == ["a", "b"])


async def test_stopping_lets_an_invocation_finish(world):
    """An invocation that ends within the grace counts: its records do not come again."""
    release = asyncio.Event()

    async def slow():
        await release.wait()

    world.invoker.answer = lambda records: slow()
    number = world.streams.put("t", "a")
    poller = await world.poll()
    await world.invoker.until(lambda: world.invoker.seen == ["a"])
    asyncio.get_running_loop().call_later(0.05, release.set)
    await poller.stop()
    place = Place("f", "arn:t/1", "shard-1")
    assert world.checkpoints.find(place) == number


async def test_finishing_waits_for_an_invocation_however_long(world, monkeypatch):
    """A poller that finishes begins nothing more, and what runs counts even after the grace of a stop."""
    monkeypatch.setattr("emulator.events.stream_poller.STOP_GRACE_S", 0)
    release = asyncio.Event()
    world.invoker.answer = lambda records: release.wait()
    number = world.streams.put("t", "a")
    poller = await world.poll(batch_size=1)
    await world.invoker.until(lambda: world.invoker.seen == ["a"])
    world.streams.put("t", "b")
    finishing = asyncio.create_task(poller.finish())
    for _ in range(10):  # turns of the loop, in which it would begin the next batch
        await asyncio.sleep(0)
    assert not finishing.done()
    release.set()
    await finishing
    await poller.stop()
    assert world.checkpoints.find(Place("f", "arn:t/1", "shard-1")) == number
    assert world.invoker.seen == ["a"]


async def test_stopping_gives_up_on_an_invocation_that_does_not_end(world):
    """An invocation that outlasts the grace does not hold up the stop, and its records come again."""
    forever = asyncio.Event()
    world.invoker.answer = lambda records: forever.wait()
    world.streams.put("t", "a")
    poller = await world.poll()
    await world.invoker.until(lambda: world.invoker.seen == ["a"])
    async with asyncio.timeout(5):
        await poller.stop()
    world.invoker.answer = lambda records: None
    await world.poll()
    await world.invoker.until(lambda: world.invoker.seen == ["a", "a"])


async def test_stopping_does_not_wait_for_a_waiting_read(world):
    """A poller whose back end waits for records stops at once."""
    poller = await world.poll()
    await world.until(lambda: world.streams.reads == 1)
    async with asyncio.timeout(5):
        await poller.stop()
    assert poller.status().state is State.STOPPED


async def test_stopping_ends_the_wait_for_a_retry(world):
    """A batch that waits to be retried does not hold up the stop, and keeps its place."""
    world.invoker.answer = raising_on("a")
    world.streams.put("t", "a")
    poller = await world.poll()
    await world.happened("stream.retry")
    async with asyncio.timeout(5):
        await poller.stop()
    world.invoker.answer = lambda records: None
    await world.poll()
    await world.invoker.until(lambda: world.invoker.seen == ["a", "a"])


async def test_tells_what_it_is_doing(world):
    """The status names state, last result, checkpoint and the age of what is not finished."""
    world.invoker.answer = raising_on("bad")
    number = world.streams.put("t", "good")
    poller = await world.poll(batch_size=1)
    world.streams.put("t", "bad", age_s=30)
    await world.happened("stream.retry")
    status = poller.status()
    assert (status.table, status.function, status.state) == ("t", "f", State.READING)
    (shard,) = status.shards
    assert (shard.state, shard.last_result, shard.checkpoint) == (State.RETRYING, "function failed", number)
    assert shard.lag_s >= 30
