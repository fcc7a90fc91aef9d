"""What destinations and dead-letter queues receive of asynchronous invocations. Pure.

Source:
    Row E44 of the behaviour specification; Lambda Developer Guide, "Capturing records of Lambda
    asynchronous invocations" and "Adding a dead-letter queue".
"""

import json
from typing import Any

import msgspec

from emulator import destinations
from emulator.clock import timestamp
from emulator.invocation import LATEST, InvocationResult
from emulator.runtime.event_retries import Condition

MAX_ERROR_MESSAGE_BYTES = 1024
"""What a dead-letter message tells of the error at most. Lambda Developer Guide."""

_NOT_REACHED = {
    Condition.ZERO_RESERVED_CONCURRENCY: (429, "Rate Exceeded."),
    Condition.EVENT_AGE_EXCEEDED: (429, "The event was too old before the function could take it."),
}
"""Code and message of an event that no attempt came of. The guide does not tell them; ours."""


def invocation_record(
    *,
    request_id: str,
    function_arn: str,
    condition: Condition,
    invoke_count: int,
    request_payload: bytes,
    result: InvocationResult | None,
    at: float,
) -> bytes:
    """Return the record that an on-success or on-failure destination receives.

    Args:
        invoke_count: attempts that reached the function.
        result: of the last of them; None where there was none, and then the record has neither
            `responseContext` nor `responsePayload`.
        at: epoch seconds.
    """
    record: dict[str, Any] = {
        "version": "1.0",
        "timestamp": timestamp(at),
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{function_arn}:{LATEST}",
            "condition": str(condition),
            "approximateInvokeCount": invoke_count,
        },
        "requestPayload": msgspec.Raw(request_payload),
    }
    if result is not None:
        context: dict[str, Any] = {"statusCode": 200, "executedVersion": LATEST}
        if result.function_error is not None:
            context["functionError"] = result.function_error
        record["responseContext"] = context
        record["responsePayload"] = msgspec.Raw(result.payload or b"null")
    return msgspec.json.encode(record)


def object_key(function: str, *, at: float, unique: str) -> str:
    """Return the key under which a record lies in a bucket.

    Args:
        at: epoch seconds.
        unique: a UUID.

    Shape:
        `aws/lambda/async/<function>/` and what `destinations.object_key` adds.
    """
    return destinations.object_key(f"async/{function}", at=at, unique=unique)


def dead_letter_attributes(
    *, request_id: str, condition: Condition, result: InvocationResult | None
) -> dict[str, dict[str, str]]:
    """Return the message attributes of a dead letter, whose body is the event itself.

    Args:
        result: of the last attempt that reached the function, or None.

    Shape:
        `RequestID` (String), `ErrorCode` (Number, an HTTP status), `ErrorMessage` (String); the last one
        is absent where the function's error has no message, because an attribute cannot be empty.
    """
    if result is not None:
        code, message = 200, _error_message(result.payload)
    else:
        code, message = _NOT_REACHED[condition]
    attributes = {
        "RequestID": {"DataType": "String", "StringValue": request_id},
        "ErrorCode": {"DataType": "Number", "StringValue": str(code)},
    }
    if message:
        cut = message.encode(errors="replace")[:MAX_ERROR_MESSAGE_BYTES].decode(errors="ignore")
        attributes["ErrorMessage"] = {"DataType": "String", "StringValue": cut}
    return attributes


def _error_message(payload: bytes) -> str:
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):
        return ""
    message = value.get("errorMessage") if isinstance(value, dict) else None
    return message if isinstance(message, str) else ""
