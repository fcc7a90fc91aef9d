import pytest

from emulator.events.batches import Batch, Condition, GivenUp
from emulator.events.on_failure import message, object_key
from emulator.events.records import StreamRecord
from emulator.invocation import InvocationResult

ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2026-01-01T00:00:00.000"
FUNCTION_ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
RECORDS = (
    StreamRecord("100", 1573690428.0, {}, b"{}"),
    StreamRecord("101", 1573690429.0, {}, b"{}"),
)


def told(last_result, invocations=2, condition=Condition.RETRY_ATTEMPTS_EXHAUSTED):
    return message(
        GivenUp(Batch(RECORDS, invocations=invocations), condition),
        last_result=last_result,
        request_id="the-request",
        function_arn=FUNCTION_ARN,
        stream_arn=ARN,
        shard_id="shardId-1",
        now=1573690429.7178,
    )


@pytest.mark.parametrize("function_error", ["Unhandled", None], ids=["raised", "reported"])
def test_has_the_shape_that_lambda_sends(function_error):
    """The message is the one recorded on AWS; reported item failures have a null functionError."""
    assert told(InvocationResult("the-request", b"{}", function_error=function_error)) == {
        "requestContext": {
            "requestId": "the-request",
            "functionArn": FUNCTION_ARN,
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 2,
        },
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            "functionError": function_error,
        },
        "version": "1.0",
        "timestamp": "2019-11-14T00:13:49.717Z",
        "DDBStreamBatchInfo": {
            "shardId": "shardId-1",
            "startSequenceNumber": "100",
            "endSequenceNumber": "101",
            "approximateArrivalOfFirstRecord": "2019-11-14T00:13:48Z",
            "approximateArrivalOfLastRecord": "2019-11-14T00:13:49Z",
            "batchSize": 2,
            "streamArn": ARN,
        },
    }


def test_a_bucket_gets_the_records_as_well():
    """Row F54: the message for a bucket ends with the event itself; any other has no records."""
    event = {"eventID": "1"}
    given_up = GivenUp(
        Batch((StreamRecord("100", 1573690428.0, event, b"{}"),)), Condition.RECORD_AGE_EXCEEDED
    )
    one = message(
        given_up,
        last_result=None,
        request_id="r",
        function_arn=FUNCTION_ARN,
        stream_arn=ARN,
        shard_id="s",
        now=0.0,
        with_records=True,
    )
    assert list(one)[-1] == "payload"
    assert one["payload"] == {"Records": [event]}
    assert "payload" not in told(None)


def test_the_key_in_a_bucket_names_mapping_shard_and_time():
    """Row F54: the key is by mapping, shard and day, with the time in UTC and an id of its own."""
    key = object_key(mapping_id="the-mapping", shard_id="shardId-1", object_id="an-id", now=1573690429.7178)
    assert key == "aws/lambda/the-mapping/shardId-1/2019/11/14/2019-11-14T00.13.49-an-id"


def test_records_that_never_reached_the_function_have_no_response():
    """Without an invocation there is nothing to say about its response."""
    one = told(None, invocations=0, condition=Condition.RECORD_AGE_EXCEEDED)
    assert "responseContext" not in one
    assert one["requestContext"]["condition"] == "RecordAgeExceeded"
