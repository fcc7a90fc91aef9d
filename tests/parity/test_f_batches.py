"""Rows F40 to F44: how records become batches, and batches invocations."""

import json
from typing import Any

import pytest

from scripts.parity_harness.streams import keys

MAX_EVENT_BYTES = 6 * 1024 * 1024


@pytest.mark.row("F40")
async def test_shard_has_one_batch_at_work(parity: Any, stream: Any) -> None:
    """While an invocation runs, what is written is delivered to another mapping and not to this one."""
    function = parity.function("on-mapped").holds()
    await stream.map()
    await stream.map("on-mapped-too")
    await stream.put("a")
    first = await function.invocation()
    await stream.put("b", "c")
    other = parity.function("on-mapped-too")
    while "c" not in keys(await other.event()):
        pass
    assert function.count == 1
    first.release()
    second = await function.invocation()
    assert (keys(first.event), keys(second.event)) == (["a"], ["b", "c"])
    second.release()


@pytest.mark.row("F3.ParallelizationFactor", "F40")
async def test_factor_is_the_number_of_batches_at_work(parity: Any, stream: Any) -> None:
    """With a factor of 2 two batches run at once, never two of one item, and an item's come in order."""
    function = parity.function("on-mapped").holds()
    for pk in range(8):
        await stream.put("a", pk=str(pk))
        await stream.write("delete_item", Key={"pk": {"S": str(pk)}, "sk": {"S": "a"}})
    await stream.map(ParallelizationFactor=2, BatchSize=1)
    first, second = await function.invocation(), await function.invocation()
    assert function.count == 2
    assert _change(first)[0] != _change(second)[0]
    function.returns(None)
    first.release()
    second.release()
    rest = [await function.invocation() for _ in range(14)]
    changes = [_change(one) for one in (first, second, *rest)]
    for pk in range(8):
        assert [name for item, name in changes if item == str(pk)] == ["INSERT", "REMOVE"]


def _change(invocation: Any) -> tuple[str, str]:
    (record,) = invocation.event["Records"]
    return record["dynamodb"]["Keys"]["pk"]["S"], record["eventName"]


@pytest.mark.row("F3.BatchSize", "F41")
async def test_batch_ends_at_its_size(parity: Any, stream: Any) -> None:
    """Full batches go out without waiting for the window; the rest waits."""
    await stream.put(*"abcdefg")
    await stream.map(BatchSize=3, MaximumBatchingWindowInSeconds=300)
    events = await parity.function("on-mapped").events(2)
    assert [keys(event) for event in events] == [["a", "b", "c"], ["d", "e", "f"]]
    await stream.put("h", "i")
    assert keys(await parity.function("on-mapped").event()) == ["g", "h", "i"]


@pytest.mark.row("F3.MaximumBatchingWindowInSeconds", "F41")
async def test_batch_ends_with_its_window(parity: Any, stream: Any) -> None:
    """A batch that is not full waits for its window, while without one records come at once."""
    await stream.put("a", "b")
    await stream.map(MaximumBatchingWindowInSeconds=60)
    await stream.map("on-mapped-too")
    assert keys(await parity.function("on-mapped-too").event()) == ["a", "b"]
    assert parity.function("on-mapped").count == 0
    assert keys((await stream.again()).event) == ["a", "b"]


@pytest.mark.row("F41")
async def test_batch_ends_at_six_megabytes(parity: Any, stream: Any) -> None:
    """An event has 6 MB at most, and is closed at that before its size and its window."""
    await stream.put(*(f"{number:02}" for number in range(17)), data={"S": "x" * 390_000})
    await stream.map(MaximumBatchingWindowInSeconds=300)
    event = await parity.function("on-mapped").event()
    written = json.dumps(event, separators=(",", ":"))
    record = json.dumps(event["Records"][0], separators=(",", ":"))
    assert len(written) <= MAX_EVENT_BYTES < len(written) + len(record) + 1


@pytest.mark.row("F43")
async def test_record_is_delivered_until_it_succeeded(parity: Any, stream: Any, steps: Any) -> None:
    """A process that dies when its work is done was not heard of: the same records come a second time."""
    function = parity.function("on-mapped").does(steps.aborts(1), once=True)
    await stream.put("a", "b")
    await stream.map()
    assert keys(await function.event()) == ["a", "b"]
    assert keys((await stream.again()).event) == ["a", "b"]


@pytest.mark.row("F43")
async def test_batch_that_succeeded_may_come_twice(parity: Any, stream: Any, sandbox: Any) -> None:
    """A fault on purpose shows it: a batch comes again although its invocation succeeded."""
    await stream.map()
    fault = await sandbox.add_fault("duplicate-record", table=stream.table)
    try:
        await stream.put("a")
        events = await parity.function("on-mapped").events(2)
        assert events[0] == events[1]
    finally:
        await sandbox.remove_fault(fault)


@pytest.mark.row("F44")
async def test_changes_take_their_time_and_miss_nothing(parity: Any, stream: Any) -> None:
    """Creation and update answer with a state that leads there; what is written meanwhile is delivered."""
    created = await stream.create_mapping()
    await stream.put("a")
    await stream.settled(created["UUID"])
    assert keys(await parity.function("on-mapped").event()) == ["a"]
    updated = await stream.update(created["UUID"], BatchSize=1)
    assert (created["State"], updated["State"]) == ("Creating", "Updating")
    await stream.put("b", "c")
    events = await parity.function("on-mapped").events(2)
    assert [keys(event) for event in events] == [["b"], ["c"]]


@pytest.mark.row("F3.StartingPosition", "F44")
async def test_starting_positions(parity: Any, stream: Any) -> None:
    """From TRIM_HORIZON on nothing that is there is missed; from LATEST on comes what is written later."""
    await stream.put("before")
    await stream.map("on-mapped")
    await stream.map("on-mapped-too", StartingPosition="LATEST")
    await stream.put("after")
    assert keys(await parity.function("on-mapped").event())[0] == "before"
    assert keys(await parity.function("on-mapped-too").event()) == ["after"]
