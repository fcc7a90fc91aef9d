"""Rows SQS.*: what becomes of a queue's messages."""

import json
import uuid
from typing import Any

import pytest

from scripts.parity_harness.queues import bodies

REPORTING = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}


async def one_batch(parity: Any, queue: Any, *texts: str, **fields: Any) -> Any:
    """Send messages and map the queue so that they are one batch; returns its invocation."""
    await queue.send(*texts)
    await queue.map(BatchSize=len(texts), MaximumBatchingWindowInSeconds=300, **fields)
    return await parity.function("on-mapped").invocation()


@pytest.mark.row("SQS.event")
async def test_message_has_awss_members_in_their_order(parity: Any, queue: Any) -> None:
    """The event is equal to AWS's, order of members included."""
    attributes = {
        "text": {"DataType": "String", "StringValue": "value"},
        "bytes": {"DataType": "Binary", "BinaryValue": b"foobar"},
    }
    await queue.send("hello", MessageAttributes=attributes)
    await queue.map()
    event = await parity.function("on-mapped").event()
    (record,) = event["Records"]
    told = record["attributes"]
    expected = {
        "messageId": record["messageId"],
        "receiptHandle": record["receiptHandle"],
        "body": "hello",
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": told["SentTimestamp"],
            "SenderId": told["SenderId"],
            "ApproximateFirstReceiveTimestamp": told["ApproximateFirstReceiveTimestamp"],
        },
        "messageAttributes": {
            "text": {
                "stringValue": "value",
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": "String",
            },
            "bytes": {
                "binaryValue": "Zm9vYmFy",
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": "Binary",
            },
        },
        "md5OfMessageAttributes": record["md5OfMessageAttributes"],
        "md5OfBody": "5d41402abc4b2a76b9719d911017c592",
        "eventSource": "aws:sqs",
        "eventSourceARN": queue.arn,
        "awsRegion": "us-east-1",
    }
    assert list(event) == ["Records"]
    assert record == expected
    assert list(record) == list(expected)
    assert list(told) == list(expected["attributes"])
    assert all(told[name].isdigit() and len(told[name]) == 13 for name in told if name.endswith("Timestamp"))


@pytest.mark.row("SQS.deleted")
async def test_batch_that_succeeds_is_deleted(parity: Any, queue: Any) -> None:
    """While it runs its messages are hidden, after it they are gone."""
    function = parity.function("on-mapped").holds()
    invocation = await one_batch(parity, queue, "a", "b")
    assert bodies(invocation.event) == ["a", "b"]
    await queue.holds(0, 2)
    invocation.release()
    await queue.holds(0, 0)
    assert function.count == 1


@pytest.mark.row("SQS.failure")
async def test_batch_that_fails_comes_again_when_it_is_visible(parity: Any, queue: Any) -> None:
    """All of its messages stay hidden until their timeout is over; then they are received once more."""
    function = parity.function("on-mapped").raises("no", once=True)
    first = await one_batch(parity, queue, "a", "b")
    await queue.holds(0, 2)
    await queue.show(first.event)
    second = await function.event()
    assert sorted(bodies(second)) == ["a", "b"]
    counts = [record["attributes"]["ApproximateReceiveCount"] for record in second["Records"]]
    assert counts == ["2", "2"]
    await queue.holds(0, 0)


@pytest.mark.row("SQS.redrive")
async def test_message_that_fails_too_often_is_a_dead_letter(parity: Any, map_queue: Any) -> None:
    """After as many receives as its queue allows a message is in the dead-letter queue; others go on."""
    queue = await map_queue(max_receive_count=2)
    function = parity.function("on-mapped").raises("never")
    await queue.map()
    await queue.send("poison")
    for _ in range(2):
        event = await function.event()
        await queue.holds(0, 1)
        await queue.show(event)
    assert (await parity.received_from(queue.dead))["Body"] == "poison"
    assert function.count == 2
    function.returns(None)
    await queue.send("good")
    assert bodies(await function.event()) == ["good"]


@pytest.mark.row("SQS.report")
async def test_reported_messages_come_again_alone(parity: Any, queue: Any, steps: Any) -> None:
    """What is not reported is deleted at once."""

    def report(invocation: Any) -> Any:
        failed = [record["messageId"] for record in invocation.event["Records"] if record["body"] == "b"]
        return steps.returns({"batchItemFailures": [{"itemIdentifier": one} for one in failed]})

    parity.function("on-mapped").does(report, once=True)
    first = await one_batch(parity, queue, "a", "b", "c", **REPORTING)
    await queue.holds(0, 1)
    failed = [record for record in first.event["Records"] if record["body"] == "b"]
    await queue.show({"Records": failed})
    await queue.send("d", "e")
    assert "b" in bodies(await parity.function("on-mapped").event())


@pytest.mark.row("SQS.report")
@pytest.mark.parametrize(
    "answer", [[], None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}], ids=str
)
async def test_answers_that_are_complete_success(parity: Any, queue: Any, answer: Any) -> None:
    """The same answers as for streams delete the whole batch."""
    parity.function("on-mapped").returns(answer)
    await one_batch(parity, queue, "a", "b", **REPORTING)
    await queue.holds(0, 0)


@pytest.mark.row("SQS.report")
@pytest.mark.parametrize(
    "failure",
    [*({"itemIdentifier": value} for value in ("", None, "123")), {"foo": "123"}],
    ids=str,
)
async def test_answers_that_are_complete_failure(parity: Any, queue: Any, failure: Any) -> None:
    """The same answers as for streams keep the whole batch: nothing of it is deleted before what follows."""
    function = parity.function("on-mapped").returns({"batchItemFailures": [failure]}, once=True)
    await one_batch(parity, queue, "a", "b", **REPORTING)
    await queue.send("c", "d")
    assert sorted(bodies(await function.event())) == ["c", "d"]
    await queue.holds(0, 2)


@pytest.mark.row("SQS.throttle")
async def test_throttled_batch_is_tried_again(parity: Any, queue: Any) -> None:
    """Messages of a throttled function are delivered once it has room, by the receive that they had."""
    lambda_ = parity.boto3("lambda")
    await parity.call(
        lambda_.put_function_concurrency, FunctionName="on-mapped", ReservedConcurrentExecutions=0
    )
    try:
        await queue.map()
        await queue.send("a")
        await queue.holds(0, 1)
    finally:
        await parity.call(lambda_.delete_function_concurrency, FunctionName="on-mapped")
    await parity.advance(2)
    (record,) = (await parity.function("on-mapped").event())["Records"]
    assert (record["body"], record["attributes"]["ApproximateReceiveCount"]) == ("a", "1")


@pytest.mark.row("SQS.filter")
@pytest.mark.parametrize(
    ("pattern", "passes"),
    [
        ({"body": {"kind": ["wanted"]}}, ['{"kind": "wanted"}']),
        ({"body": ["wanted"]}, ["wanted"]),
        ({"body": {"size": [{"numeric": [">", 5]}]}}, ['{"size": 10}']),
    ],
    ids=["JSON", "text", "number"],
)
async def test_filters_see_the_body(parity: Any, queue: Any, pattern: Any, passes: list[str]) -> None:
    """A body is matched as JSON or as text, as the pattern is; what does not pass is deleted."""
    criteria = {"Filters": [{"Pattern": json.dumps(pattern)}]}
    await queue.send('{"kind": "other"}', "other", '{"size": 1}')
    await queue.send('{"kind": "wanted"}', "wanted", '{"size": 10}')
    await queue.map(FilterCriteria=criteria)
    assert bodies(await parity.function("on-mapped").event()) == passes
    await queue.holds(0, 0)
    assert parity.function("on-mapped").count == 1


@pytest.mark.row("SQS.disabled")
async def test_messages_wait_for_a_disabled_mapping(parity: Any, queue: Any) -> None:
    """An invocation under way finishes and counts; what comes later stays visible until it is enabled."""
    function = parity.function("on-mapped").holds(once=True)
    mapping_id = await queue.map()
    await queue.send("a")
    held = await function.invocation()
    update = queue.client.update_event_source_mapping
    assert (await parity.call(update, UUID=mapping_id, Enabled=False))["State"] == "Disabling"
    held.release()
    await queue.settled(mapping_id)
    await queue.holds(0, 0)
    await queue.send("b")
    await queue.holds(1, 0)
    await queue.update(mapping_id, Enabled=True)
    assert bodies(await function.event()) == ["b"]


@pytest.mark.row("SQS.deleted")
async def test_declared_mappings_are_mappings_like_others(parity: Any) -> None:
    """What the application declares delivers and deletes as well."""
    sqs, text = parity.boto3("sqs"), uuid.uuid4().hex
    url = (await parity.call(sqs.get_queue_url, QueueName="jobs"))["QueueUrl"]
    await parity.call(sqs.send_message, QueueUrl=url, MessageBody=text)
    assert bodies(await parity.function("on-jobs").event()) == [text]
