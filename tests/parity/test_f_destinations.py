"""Rows F52 to F55: what the on-failure destination is told."""

import json
import re
from typing import Any

import pytest

UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
MILLISECONDS = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
SECONDS = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def check(
    message: dict[str, Any],
    stream: Any,
    records: list[Any],
    *,
    condition: str = "RetryAttemptsExhausted",
    error: str | None = "Unhandled",
    invocations: int = 1,
    **more: Any,
) -> None:
    """Compare a message with AWS's, order of members included."""
    context, info = message["requestContext"], message["DDBStreamBatchInfo"]
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]
    account = stream.arn.split(":")[4]
    expected = {
        "requestContext": {
            "requestId": context["requestId"],
            "functionArn": f"arn:aws:lambda:us-east-1:{account}:function:on-mapped",
            "condition": condition,
            "approximateInvokeCount": invocations,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": error},
        "version": "1.0",
        "timestamp": message["timestamp"],
        "DDBStreamBatchInfo": {
            "shardId": info["shardId"],
            "startSequenceNumber": numbers[0],
            "endSequenceNumber": numbers[-1],
            "approximateArrivalOfFirstRecord": info["approximateArrivalOfFirstRecord"],
            "approximateArrivalOfLastRecord": info["approximateArrivalOfLastRecord"],
            "batchSize": len(records),
            "streamArn": stream.arn,
        },
        **more,
    }
    assert json.dumps(message) == json.dumps(expected)
    assert re.fullmatch(UUID, context["requestId"])
    assert re.fullmatch(MILLISECONDS, message["timestamp"])
    assert info["shardId"].startswith("shardId-")
    for which in ("First", "Last"):
        assert re.fullmatch(SECONDS, info[f"approximateArrivalOf{which}Record"])


@pytest.mark.row("F3.DestinationConfig", "F52", "F54")
async def test_queue_is_told_where_the_records_are(parity: Any, stream: Any) -> None:
    """The message has AWS's members in their order, and no record; its request is the last invocation's."""
    queue, destination = await stream.queue()
    parity.function("on-mapped").raises("never")
    await stream.put("a", "b")
    await stream.map(MaximumRetryAttempts=1, DestinationConfig=destination)
    await parity.function("on-mapped").invocation()
    last = await stream.again()
    message = await stream.failure(queue)
    check(message, stream, last.event["Records"], invocations=2)
    assert message["requestContext"]["requestId"] == last.context["aws_request_id"]


@pytest.mark.row("F3.DestinationConfig", "F52", "F54")
async def test_topic_is_told_the_same(parity: Any, stream: Any) -> None:
    """A topic's subscribers get the message as the notification's text, without the records."""
    queue, destination = await stream.queue()
    sns = parity.boto3("sns")
    topic = (await parity.call(sns.create_topic, Name=stream.table))["TopicArn"]
    arn = destination["OnFailure"]["Destination"]
    await parity.call(sns.subscribe, TopicArn=topic, Protocol="sqs", Endpoint=arn)
    parity.function("on-mapped").raises("never")
    await stream.put("a")
    await stream.map(MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": topic}})
    last = await parity.function("on-mapped").invocation()
    notification = await stream.failure(queue)
    assert notification["TopicArn"] == topic
    check(json.loads(notification["Message"]), stream, last.event["Records"])
    await parity.call(sns.delete_topic, TopicArn=topic)


@pytest.mark.row("F3.DestinationConfig", "F54")
async def test_bucket_gets_the_records_too(parity: Any, stream: Any) -> None:
    """The object's key tells mapping, shard and time; in it is the message, and the event as its payload."""
    s3, bucket = parity.boto3("s3"), "parity-failures"
    parity.function("on-mapped").raises("never")
    await stream.put("a", "b")
    mapping_id = await stream.map(
        MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": f"arn:aws:s3:::{bucket}"}}
    )
    last = await parity.function("on-mapped").invocation()
    prefix = f"aws/lambda/{mapping_id}/"

    def listed() -> Any:
        return s3.list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents")

    (found,) = await parity.eventually(listed)
    stored = await parity.call(s3.get_object, Bucket=bucket, Key=found["Key"])
    message = json.loads(stored["Body"].read())
    check(message, stream, last.event["Records"], payload=last.event)
    shard = message["DDBStreamBatchInfo"]["shardId"]
    day, time = r"(\d{4})/(\d\d)/(\d\d)", r"\1-\2-\3T\d\d\.\d\d\.\d\d"
    assert re.fullmatch(rf"{re.escape(prefix)}{shard}/{day}/{time}-{UUID}", found["Key"])


@pytest.mark.row("F53")
async def test_reported_failures_are_no_function_error(parity: Any, stream: Any) -> None:
    """After reported failures the status is 200 and the function error null."""
    queue, destination = await stream.queue()
    parity.function("on-mapped").returns({"batchItemFailures": [{"itemIdentifier": ""}]})
    await stream.put("a", "b")
    await stream.map(
        MaximumRetryAttempts=0,
        DestinationConfig=destination,
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    last = await parity.function("on-mapped").invocation()
    check(await stream.failure(queue), stream, last.event["Records"], error=None)


@pytest.mark.row("F3.MaximumRecordAgeInSeconds", "F55")
async def test_records_that_are_too_old_are_given_up(parity: Any, stream: Any) -> None:
    """What fails until it is older than the mapping allows is told as RecordAgeExceeded; newer ones go on."""
    queue, destination = await stream.queue()
    parity.function("on-mapped").raises("no", once=True)
    await stream.put("old")
    await stream.map(MaximumRecordAgeInSeconds=60, DestinationConfig=destination)
    last = await parity.function("on-mapped").invocation()
    await parity.advance(61)
    message = await stream.failure(queue)
    check(message, stream, last.event["Records"], condition="RecordAgeExceeded")
    await stream.put("new")
    assert (await stream.again()).event["Records"][0]["dynamodb"]["Keys"]["sk"] == {"S": "new"}


@pytest.mark.row("F55")
async def test_records_that_reached_nobody_have_no_response(parity: Any, stream: Any) -> None:
    """Records that grew old while the mapping was disabled were in no invocation: the message has none."""
    queue, destination = await stream.queue()
    await stream.put("old")
    mapping_id = await stream.map(MaximumRecordAgeInSeconds=60, DestinationConfig=destination, Enabled=False)
    await parity.advance(62)
    await stream.update(mapping_id, Enabled=True)
    message = await stream.failure(queue)
    assert "responseContext" not in message
    assert message["requestContext"]["condition"] == "RecordAgeExceeded"
    assert message["requestContext"]["approximateInvokeCount"] == 0
    assert parity.function("on-mapped").count == 0
