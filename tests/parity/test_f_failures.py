"""Rows F45 to F51: what becomes of a batch that fails."""

from collections.abc import Callable
from typing import Any

import pytest

from scripts.parity_harness.streams import keys

REPORTING = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}


def failing(steps: Any, sort_key: str) -> Callable[[Any], Any]:
    """Fail where a batch has this item; succeed else."""

    def answer(invocation: Any) -> Any:
        return steps.raises("poison") if sort_key in keys(invocation.event) else steps.returns(None)

    return answer


def reporting(steps: Any, *sort_keys: str) -> Callable[[Any], Any]:
    """Report these items, where a batch has them."""

    def answer(invocation: Any) -> Any:
        failures = [
            {"itemIdentifier": record["dynamodb"]["SequenceNumber"]}
            for record in reversed(invocation.event["Records"])
            if record["dynamodb"]["Keys"]["sk"]["S"] in sort_keys
        ]
        return steps.returns({"batchItemFailures": failures})

    return answer


@pytest.mark.row("F45")
async def test_failing_batch_is_repeated_whole_and_blocks_its_shard(
    parity: Any, stream: Any, map_stream: Any
) -> None:
    """The same records come again until they succeed; later ones wait, other streams' do not."""
    function = parity.function("on-mapped").raises("no", once=True).raises("no", once=True)
    await stream.put("a", "b")
    await stream.map(BatchSize=2)
    first = await function.invocation()
    await stream.put("c")
    other = await map_stream()
    await other.map("on-mapped-too")
    await other.put("elsewhere")
    assert keys(await parity.function("on-mapped-too").event()) == ["elsewhere"]
    second, third, fourth = [await stream.again() for _ in range(3)]
    assert first.event == second.event == third.event
    assert [keys(one.event) for one in (third, fourth)] == [["a", "b"], ["c"]]


@pytest.mark.row("F3.ParallelizationFactor", "F45")
async def test_failing_item_blocks_its_lane_alone(parity: Any, stream: Any, steps: Any) -> None:
    """With a parallelization factor other items of the shard go on, and the poison's own changes wait."""
    function = parity.function("on-mapped").does(failing(steps, "poison"))
    await stream.put("poison", v={"N": "1"})
    await stream.put("poison", v={"N": "2"})
    await stream.map(ParallelizationFactor=10, BatchSize=1)
    numbers = [str(number) for number in range(20)]
    await stream.put(*numbers)
    (first,) = (await function.event(lambda event: keys(event) == ["poison"]))["Records"]
    others = [await function.event(lambda event: keys(event) != ["poison"]) for _ in range(10)]
    assert len({keys(event)[0] for event in others}) == 10
    assert {_new_value(one.event) for one in function.invocations if keys(one.event) == ["poison"]} == {"1"}
    function.returns(None)
    while _new_value((await stream.again()).event) != "2":
        pass
    assert _new_value({"Records": [first]}) == "1"


def _new_value(event: Any) -> str | None:
    (record,) = event["Records"]
    value = record["dynamodb"]["NewImage"].get("v")
    return value["N"] if value is not None else None


@pytest.mark.row("F3.MaximumRetryAttempts", "F46")
async def test_throttle_is_no_attempt(parity: Any, stream: Any) -> None:
    """Records of a throttled function wait however few attempts there are, and are not given up."""
    lambda_ = parity.boto3("lambda")
    queue, destination = await stream.queue()
    await parity.call(
        lambda_.put_function_concurrency, FunctionName="on-mapped", ReservedConcurrentExecutions=0
    )
    try:
        await stream.put("a")
        mapping_id = await stream.map(MaximumRetryAttempts=0, DestinationConfig=destination)
        await parity.eventually(
            lambda: lambda_.get_event_source_mapping(UUID=mapping_id)["LastProcessingResult"].startswith(
                "PROBLEM"
            )
        )
        await parity.advance(60)
    finally:
        await parity.call(lambda_.delete_function_concurrency, FunctionName="on-mapped")
    parity.function("on-mapped").raises("no")
    assert keys((await stream.again()).event) == ["a"]
    message = await stream.failure(queue)
    assert message["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert message["requestContext"]["approximateInvokeCount"] == 1
    assert parity.function("on-mapped").count == 1


@pytest.mark.row("F3.MaximumRetryAttempts", "F47")
@pytest.mark.parametrize("retries", [0, 1, 3])
async def test_retries_are_invocations_less_one(parity: Any, stream: Any, retries: int) -> None:
    """N retries are N+1 invocations, and so many are told."""
    queue, destination = await stream.queue()
    parity.function("on-mapped").raises("never")
    await stream.put("a")
    await stream.map(MaximumRetryAttempts=retries, DestinationConfig=destination)
    message = await stream.failure(queue)
    assert message["requestContext"]["approximateInvokeCount"] == retries + 1
    assert parity.function("on-mapped").count == retries + 1


BISECTING = {"BisectBatchOnFunctionError": True, "MaximumRetryAttempts": 0}


@pytest.mark.row("F3.BisectBatchOnFunctionError", "F48")
@pytest.mark.parametrize("more", [{}, REPORTING], ids=["plain", "reporting"])
async def test_bisecting_finds_the_poison(parity: Any, stream: Any, steps: Any, more: Any) -> None:
    """A failing batch is halved until the poison stands alone, at no cost in attempts."""
    queue, destination = await stream.queue()
    parity.function("on-mapped").does(failing(steps, "c"))
    await stream.put(*"abcd")
    await stream.map(DestinationConfig=destination, **BISECTING, **more)
    batches = [keys((await stream.again()).event) for _ in range(5)]
    assert batches == [["a", "b", "c", "d"], ["a", "b"], ["c", "d"], ["c"], ["d"]]
    message = await stream.failure(queue)
    assert message["DDBStreamBatchInfo"]["batchSize"] == 1
    assert parity.function("on-mapped").count == 5


@pytest.mark.row("F3.BisectBatchOnFunctionError", "F48")
async def test_partial_answer_says_where_to_split(parity: Any, stream: Any, steps: Any) -> None:
    """With a reported item the batch is split there, and only the rest comes again."""
    parity.function("on-mapped").does(reporting(steps, "d"))
    queue, destination = await stream.queue()
    await stream.put(*"abcde")
    await stream.map(DestinationConfig=destination, **BISECTING, **REPORTING)
    batches = [keys((await stream.again()).event) for _ in range(3)]
    assert batches == [["a", "b", "c", "d", "e"], ["d", "e"], ["d"]]
    assert (await stream.failure(queue))["DDBStreamBatchInfo"]["batchSize"] == 1
    assert keys((await stream.again()).event) == ["e"]


@pytest.mark.row("F3.FunctionResponseTypes", "F49")
async def test_lowest_reported_item_is_the_checkpoint(parity: Any, stream: Any, steps: Any) -> None:
    """The lowest reported record and all after it come again, in whatever order they are reported."""
    parity.function("on-mapped").does(reporting(steps, "b", "d"), once=True)
    await stream.put(*"abcde")
    await stream.map(**REPORTING)
    assert keys(await parity.function("on-mapped").event()) == ["a", "b", "c", "d", "e"]
    assert keys((await stream.again()).event) == ["b", "c", "d", "e"]


@pytest.mark.row("F3.FunctionResponseTypes", "F49")
async def test_reports_count_where_they_are_enabled(parity: Any, stream: Any, steps: Any) -> None:
    """Without ReportBatchItemFailures the same answer is success."""
    parity.function("on-mapped").does(reporting(steps, "a"))
    await stream.put("a")
    await stream.map()
    assert keys(await parity.function("on-mapped").event()) == ["a"]
    await stream.put("b")
    assert keys((await stream.again()).event) == ["b"]


@pytest.mark.row("F50")
@pytest.mark.parametrize(
    "answer", [[], None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}], ids=str
)
async def test_answers_that_are_complete_success(parity: Any, stream: Any, answer: Any) -> None:
    """After these answers the next record comes, and none again."""
    parity.function("on-mapped").returns(answer)
    await stream.put("a", "b")
    await stream.map(**REPORTING)
    assert keys(await parity.function("on-mapped").event()) == ["a", "b"]
    await stream.put("c")
    assert keys((await stream.again()).event) == ["c"]


@pytest.mark.row("F51")
@pytest.mark.parametrize(
    "failure",
    [
        {"itemIdentifier": ""},
        {"itemIdentifier": None},
        {"itemIdentifier": 123},
        {"itemIdentifier": "123"},
        {"foo": "123"},
    ],
    ids=str,
)
async def test_answers_that_are_complete_failure(parity: Any, stream: Any, failure: Any) -> None:
    """After these answers the whole batch comes again."""
    parity.function("on-mapped").returns({"batchItemFailures": [failure]}, once=True)
    await stream.put("a", "b")
    await stream.map(**REPORTING)
    first = await parity.function("on-mapped").event()
    assert keys(first) == ["a", "b"]
    assert (await stream.again()).event == first


@pytest.mark.row("F51")
async def test_exception_is_complete_failure(parity: Any, stream: Any) -> None:
    """A function that raises has finished nothing, although it may report."""
    parity.function("on-mapped").raises("no", once=True)
    await stream.put("a", "b")
    await stream.map(**REPORTING)
    first = await parity.function("on-mapped").event()
    assert (await stream.again()).event == first
