"""What destinations and dead-letter queues receive."""

import json
from typing import Any

import pytest

from emulator.invocation import InvocationResult
from emulator.runtime.destination_records import (
    MAX_ERROR_MESSAGE_BYTES,
    dead_letter_attributes,
    invocation_record,
    object_key,
)
from emulator.runtime.event_retries import Condition

FAILED = InvocationResult("id", b'{"errorMessage": "bad", "errorType": "ValueError"}', "Unhandled")


def record(condition: Condition, count: int, result: InvocationResult | None) -> dict[str, Any]:
    made = invocation_record(
        request_id="id",
        function_arn="arn:f",
        condition=condition,
        invoke_count=count,
        request_payload=b'{"a": 1}',
        result=result,
        at=1_700_000_000.0,
    )
    value: dict[str, Any] = json.loads(made)
    return value


def context(condition: str, count: int) -> dict[str, Any]:
    return {
        "requestId": "id",
        "functionArn": "arn:f:$LATEST",
        "condition": condition,
        "approximateInvokeCount": count,
    }


def test_a_record_of_a_success() -> None:
    """It has the response and no function error."""
    assert record(Condition.SUCCESS, 1, InvocationResult("id", b"null")) == {
        "version": "1.0",
        "timestamp": "2023-11-14T22:13:20.000Z",
        "requestContext": context("Success", 1),
        "requestPayload": {"a": 1},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST"},
        "responsePayload": None,
    }


def test_a_record_of_a_failure() -> None:
    """It has the last attempt's error."""
    made = record(Condition.RETRIES_EXHAUSTED, 3, FAILED)
    assert made["requestContext"] == context("RetriesExhausted", 3)
    assert made["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }
    assert made["responsePayload"] == {"errorMessage": "bad", "errorType": "ValueError"}


def test_a_record_of_an_event_that_never_reached_its_function() -> None:
    """It has neither response context nor response."""
    assert record(Condition.EVENT_AGE_EXCEEDED, 0, None) == {
        "version": "1.0",
        "timestamp": "2023-11-14T22:13:20.000Z",
        "requestContext": context("EventAgeExceeded", 0),
        "requestPayload": {"a": 1},
    }


def test_the_key_in_a_bucket() -> None:
    """It begins with what the record is of, then the day, then the second and something unique."""
    key = object_key("f", at=1_700_000_000.9, unique="u")
    assert key == "aws/lambda/async/f/2023/11/14/2023-11-14T22.13.20-u"


def test_a_dead_letters_attributes() -> None:
    """They are the request id, the status of the last call and the function's message."""
    found = dead_letter_attributes(request_id="id", condition=Condition.RETRIES_EXHAUSTED, result=FAILED)
    assert found == {
        "RequestID": {"DataType": "String", "StringValue": "id"},
        "ErrorCode": {"DataType": "Number", "StringValue": "200"},
        "ErrorMessage": {"DataType": "String", "StringValue": "bad"},
    }


def test_a_dead_letter_that_was_throttled() -> None:
    """It tells the throttle's status."""
    found = dead_letter_attributes(
        request_id="id", condition=Condition.ZERO_RESERVED_CONCURRENCY, result=None
    )
    assert found["ErrorCode"]["StringValue"] == "429"
    assert found["ErrorMessage"]["StringValue"] == "Rate Exceeded."


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        (b'{"errorMessage": ""}', None),
        (b'{"errorMessage": 5}', None),
        (b"[]", None),
        (b"not JSON", None),
        (json.dumps({"errorMessage": "é" * 1024}).encode(), "é" * (MAX_ERROR_MESSAGE_BYTES // 2)),
        (json.dumps({"errorMessage": "a" + "é" * 1024}).encode(), "a" + "é" * 511),
        (b'{"errorMessage": "\\ud800"}', "?"),
    ],
    ids=["empty", "no text", "no object", "no JSON", "cut", "cut within a character", "lone surrogate"],
)
def test_odd_error_messages(payload: bytes, expected: str | None) -> None:
    """An attribute is never empty, never over 1 KB, and always text."""
    result = InvocationResult("id", payload, "Unhandled")
    found = dead_letter_attributes(request_id="id", condition=Condition.RETRIES_EXHAUSTED, result=result)
    assert found.get("ErrorMessage", {}).get("StringValue") == expected
