"""Rows SQS.*: how a queue's mapping is configured, and how its batches are made."""

import json
import time
import uuid
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from scripts.parity_harness.queues import bodies

MAX_EVENT_BYTES = 6 * 1024 * 1024


@pytest.fixture
def lenient(parity: Any, queue: Any) -> Any:
    """The queue, with a client that sends what is out of range, too."""
    queue.client = parity.boto3("lambda", config=Config(parameter_validation=False))
    return queue


async def refused(queue: Any, **fields: Any) -> str:
    """Try to create a mapping; returns the message of Lambda's InvalidParameterValueException."""
    with pytest.raises(ClientError) as caught:
        await queue.create_mapping(**fields)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"
    return str(caught.value.response["Error"]["Message"])


@pytest.mark.row("SQS.BatchSize", "SQS.create-response")
async def test_creating_answers_with_a_queues_members(queue: Any) -> None:
    """202 with a queue's defaults and nothing of a stream's; the same again is a conflict."""
    answer = await queue.create_mapping()
    assert answer.pop("ResponseMetadata")["HTTPStatusCode"] == 202
    mapping_id = answer["UUID"]
    assert str(uuid.UUID(mapping_id)) == mapping_id
    account = queue.arn.split(":")[4]
    assert answer == {
        "UUID": mapping_id,
        "BatchSize": 10,
        "MaximumBatchingWindowInSeconds": 0,
        "EventSourceArn": queue.arn,
        "EventSourceMappingArn": f"arn:aws:lambda:us-east-1:{account}:event-source-mapping:{mapping_id}",
        "FunctionArn": f"arn:aws:lambda:us-east-1:{account}:function:on-mapped",
        "FunctionResponseTypes": [],
        "State": "Creating",
        "StateTransitionReason": "USER_INITIATED",
        "LastModified": answer["LastModified"],
    }
    assert (await queue.settled(mapping_id))["State"] == "Enabled"
    with pytest.raises(queue.client.exceptions.ResourceConflictException) as caught:
        await queue.create_mapping()
    assert caught.value.response["Error"]["Message"] == (
        f'An event source mapping with SQS arn (" {queue.arn} ") and function (" on-mapped ") already exists.'
        f" Please update or delete the existing mapping with UUID {mapping_id}"
    )


@pytest.mark.row("SQS.refused")
async def test_queue_that_does_not_exist_is_refused(queue: Any) -> None:
    """The sentence has SQS's own error in it."""
    message = await refused(queue, EventSourceArn=f"{queue.arn}-nobodys")
    assert message == (
        "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. SQS"
        " Error Message: The specified queue does not exist."
    )


@pytest.mark.row("SQS.refused")
@pytest.mark.parametrize(
    "field",
    [
        {"StartingPosition": "LATEST"},
        {"ParallelizationFactor": 2},
        {"MaximumRetryAttempts": 3},
        {"MaximumRecordAgeInSeconds": 60},
        {"BisectBatchOnFunctionError": True},
        {"TumblingWindowInSeconds": 1},
    ],
    ids=lambda field: next(iter(field)),
)
async def test_what_belongs_to_streams_is_refused(queue: Any, field: Any) -> None:
    """A queue has no starting position, no attempts or age of its own, no bisecting."""
    assert await refused(queue, **field) == f"{next(iter(field))} is not valid for SQS event sources."


@pytest.mark.row("SQS.refused")
async def test_destination_is_refused(queue: Any) -> None:
    """Failures of a queue go to its own dead-letter queue, not to a destination of the mapping."""
    config = {"OnFailure": {"Destination": queue.arn}}
    message = await refused(queue, DestinationConfig=config)
    assert message == "Unsupported DestinationConfig parameter for given event source mapping type."


@pytest.mark.row("SQS.BatchSize")
async def test_batch_size_over_ten_needs_a_window(queue: Any) -> None:
    """Eleven without a window is refused; 10,000 with one is taken."""
    assert await refused(queue, BatchSize=11) == (
        "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
    )
    answer = await queue.create_mapping(BatchSize=10_000, MaximumBatchingWindowInSeconds=300, Enabled=False)
    assert (answer["BatchSize"], answer["MaximumBatchingWindowInSeconds"]) == (10_000, 300)


@pytest.mark.row("SQS.BatchSize", "SQS.window")
@pytest.mark.parametrize("field", [{"BatchSize": 10_001}, {"MaximumBatchingWindowInSeconds": 301}], ids=str)
async def test_values_beyond_are_refused(lenient: Any, field: Any) -> None:
    """One more than the most violates its constraint."""
    with pytest.raises(ClientError, match="failed to satisfy constraint"):
        await lenient.create_mapping(**field)


@pytest.mark.row("SQS.visibility")
async def test_visibility_timeout_is_at_least_the_functions(map_queue: Any) -> None:
    """A queue that would show messages again while their function may still run is refused."""
    queue = await map_queue(VisibilityTimeout="10")
    message = await refused(queue)
    assert "Queue visibility timeout: 10 seconds is less than Function timeout: 30 seconds" in message
    await queue.map("brief")


@pytest.mark.row("SQS.window")
async def test_batch_ends_at_its_size_or_window(parity: Any, queue: Any) -> None:
    """A full batch does not wait for its window; one that is not full does."""
    await queue.send(*"abcd")
    await queue.map(BatchSize=3, MaximumBatchingWindowInSeconds=60)
    function = parity.function("on-mapped")
    first = bodies(await function.event())
    assert len(first) == 3
    await queue.holds(0, 1)
    assert function.count == 1
    assert sorted(first + bodies((await queue.again()).event)) == [*"abcd"]


@pytest.mark.row("SQS.window")
async def test_batch_ends_at_six_megabytes(parity: Any, queue: Any) -> None:
    """An event has 6 MB at most, and is closed at that before its size and its window."""
    await queue.send(*("x" * 250_000 for _ in range(27)))
    await queue.map(BatchSize=100, MaximumBatchingWindowInSeconds=300)
    event = await parity.function("on-mapped").event()
    written = json.dumps(event, separators=(",", ":"))
    assert len(written) <= MAX_EVENT_BYTES < len(written) + 251_000


async def another_runs(parity: Any, other: Any) -> None:
    """Wait until a batch of another queue runs: by then another one of the first would have begun."""
    await other.send("later")
    await other.map("on-mapped-too")
    await parity.function("on-mapped-too").event()


async def run_at_once(parity: Any, queue: Any, other: Any, count: int, *, waiting: int) -> None:
    """See so many held batches run, of one message each, and no more until one of them has ended."""
    function = parity.function("on-mapped")
    running = [await function.invocation() for _ in range(count)]
    await another_runs(parity, other)
    await queue.holds(waiting, count)
    assert function.count == count
    running.pop().release()
    await function.invocation()
    assert function.count == count + 1


@pytest.mark.row("SQS.scaling")
async def test_five_batches_run_at_once_in_the_beginning(parity: Any, queue: Any, map_queue: Any) -> None:
    """With more messages than that five are at work, and after that five more a second at most."""
    function = parity.function("on-mapped").holds()
    await queue.send(*(str(number) for number in range(8)))
    began = time.monotonic()
    await queue.map(BatchSize=1)
    for _ in range(5):
        await function.invocation()
    await another_runs(parity, await map_queue())
    count = function.count
    assert 5 <= count <= 5 + 5 * (time.monotonic() - began)


@pytest.mark.row("SQS.concurrency")
async def test_maximum_concurrency_bounds_the_batches(parity: Any, queue: Any, map_queue: Any) -> None:
    """With a maximum of 2 no third batch begins while two run."""
    parity.function("on-mapped").holds()
    await queue.send(*(str(number) for number in range(4)))
    mapping_id = await queue.map(BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
    assert (await queue.get(mapping_id))["ScalingConfig"] == {"MaximumConcurrency": 2}
    await run_at_once(parity, queue, await map_queue(), 2, waiting=2)


@pytest.mark.row("SQS.concurrency")
@pytest.mark.parametrize("concurrency", [1, 1_001])
async def test_maximum_concurrency_has_its_range(lenient: Any, concurrency: int) -> None:
    """One, and more than a thousand, are refused."""
    with pytest.raises(ClientError) as caught:
        await lenient.create_mapping(ScalingConfig={"MaximumConcurrency": concurrency})
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.row("SQS.fifo")
@pytest.mark.parametrize(
    "fields",
    [{"BatchSize": 11}, {"BatchSize": 5, "MaximumBatchingWindowInSeconds": 1}],
    ids=["batch", "window"],
)
async def test_fifo_queue_has_small_batches_and_no_window(map_queue: Any, fields: dict[str, Any]) -> None:
    """A batch of a FIFO queue has ten messages at most, and nothing waits for more of them."""
    assert "FIFO queue" in await refused(await map_queue(fifo=True), **fields)
