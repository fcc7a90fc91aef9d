import json

import pytest

from emulator.errors import InvalidApplication
from emulator.events.queue_records import BodyFilter, message

RECEIVED = {
    "MessageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
    "ReceiptHandle": "a-handle",
    "Body": "tést",
    "MD5OfBody": "098f6bcd4621d373cade4e832627b4f6",
    "Attributes": {
        "SenderId": "AIDA",
        "SentTimestamp": "1545082649183",
        "ApproximateReceiveCount": "1",
        "ApproximateFirstReceiveTimestamp": "1545082649185",
    },
}


def event(**more):
    return message(RECEIVED | more, queue_arn="arn:q", received_at=7.0).event


def test_the_record_is_lambdas():
    """A message has the keys of Lambda's documented event, in its order."""
    one = message(RECEIVED, queue_arn="arn:aws:sqs:us-east-1:000000000000:q", received_at=7.0)
    expected = {
        "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
        "receiptHandle": "a-handle",
        "body": "tést",
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1545082649183",
            "SenderId": "AIDA",
            "ApproximateFirstReceiveTimestamp": "1545082649185",
        },
        "messageAttributes": {},
        "md5OfBody": "098f6bcd4621d373cade4e832627b4f6",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:q",
        "awsRegion": "us-east-1",
    }
    assert json.dumps(one.event) == json.dumps(expected)
    assert json.loads(one.body) == expected
    assert (one.id, one.receipt_handle, one.received_at) == (RECEIVED["MessageId"], "a-handle", 7.0)


def test_message_attributes_are_in_lower_camel_case():
    """Each attribute has its value, two empty lists and its type; binaries are base64."""
    record = event(
        MD5OfMessageAttributes="digest",
        MessageAttributes={
            "count": {"StringValue": "3", "DataType": "Number"},
            "raw": {"BinaryValue": b"\xff", "DataType": "Binary.png"},
        },
    )
    lists = {"stringListValues": [], "binaryListValues": []}
    assert record["messageAttributes"] == {
        "count": {"stringValue": "3", **lists, "dataType": "Number"},
        "raw": {"binaryValue": "/w==", **lists, "dataType": "Binary.png"},
    }
    assert list(record)[4:7] == ["messageAttributes", "md5OfMessageAttributes", "md5OfBody"]


def test_further_system_attributes_are_passed_on():
    """A trace header stands where AWS has it, and what is not known comes last."""
    attributes = {"New": "1", "AWSTraceHeader": "Root=1", **RECEIVED["Attributes"]}
    assert list(event(Attributes=attributes)["attributes"]) == [
        "ApproximateReceiveCount",
        "AWSTraceHeader",
        "SentTimestamp",
        "SenderId",
        "ApproximateFirstReceiveTimestamp",
        "New",
    ]


JSON_PATTERN = {"body": {"kind": ["order"]}}
TEXT_PATTERN = {"body": [{"prefix": "order"}]}


@pytest.mark.parametrize(
    ("patterns", "body", "passes"),
    [
        ([], "anything", True),
        ([{}], "anything", True),
        ([JSON_PATTERN], '{"kind": "order"}', True),
        ([JSON_PATTERN], ' {"kind": "order"}', True),
        ([JSON_PATTERN], '{"kind": "noise"}', False),
        ([JSON_PATTERN], "order", False),
        ([JSON_PATTERN], '{"kind": "order"', False),
        ([{"body": {"kind": [{"exists": False}]}}], "order", False),
        ([{"body": {"kind": [{"exists": False}]}}], "{}", True),
        ([TEXT_PATTERN], "order 1", True),
        ([TEXT_PATTERN], "noise", False),
        ([{"body": [{"anything-but": "x"}]}], '{"kind": "order"}', False),
        ([JSON_PATTERN, TEXT_PATTERN], "order 1", True),
        ([JSON_PATTERN, TEXT_PATTERN], '{"kind": "order"}', True),
        ([JSON_PATTERN, TEXT_PATTERN], '{"kind": "noise"}', False),
    ],
)
@pytest.mark.row("SQS.filter")
def test_filters_by_body(patterns, body, passes):
    """A JSON pattern lets matching JSON through, a text pattern matching text; another kind is dropped."""
    assert BodyFilter(patterns).matches(body) is passes


@pytest.mark.parametrize(
    "pattern",
    [{"messageAttributes": {"a": ["b"]}}, {"body": "order"}, {"body": []}, "body"],
    ids=["another key", "no list", "empty", "no object"],
)
def test_refuses_what_is_no_filter_of_a_queue(pattern):
    """A pattern that Lambda does not take for SQS is refused before anything starts."""
    with pytest.raises(InvalidApplication):
        BodyFilter([pattern])
