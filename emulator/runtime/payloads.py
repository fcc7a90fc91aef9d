"""Payloads as Lambda makes them: checks of what comes in, errors and records of what goes out. Pure."""

import json
import signal
from typing import Any

import msgspec

from emulator.clock import timestamp
from emulator.errors import InvalidPayload, PayloadTooLarge
from emulator.invocation import MAX_RESPONSE_BYTES

UNHANDLED = "Unhandled"
"""The only value of `FunctionError` that Lambda still uses."""


def check_payload(function: str, payload: bytes, *, limit_bytes: int) -> bytes:
    """Return the payload that the function receives; an empty one becomes `{}`, as on AWS.

    Raises:
        PayloadTooLarge: more than `limit_bytes`.
        InvalidPayload: not JSON in UTF-8.

    Source:
        Lambda API reference, `Invoke`; rows E40 and E42 of the behaviour specification.
    """
    if len(payload) > limit_bytes:
        raise PayloadTooLarge(
            f"Request must be smaller than {limit_bytes} bytes for the InvokeFunction operation;"
            f" the payload for {function} has {len(payload)} bytes. Store what is large and send a reference."
        )
    if not payload:
        return b"{}"
    try:
        text = payload.decode()
        try:
            msgspec.json.decode(payload, type=msgspec.Raw)
        except msgspec.DecodeError:
            # msgspec refuses lone surrogates, which the runtime's own decoder takes.
            json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidPayload(f"Could not parse request body into json: {error}.") from error
    return payload


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON value")


def error_payload(error_type: str, message: str) -> bytes:
    """Return an error payload of the platform's own."""
    return json.dumps({"errorType": error_type, "errorMessage": message}, separators=(",", ":")).encode()


def error_type_of(payload: bytes) -> str | None:
    """Return the `errorType` of an error payload, or None where it has none."""
    try:
        found = json.loads(payload).get("errorType")
    except (ValueError, AttributeError, RecursionError):
        return None
    return str(found) if found else None


def timeout_payload(request_id: str, timeout_s: float, *, at: float, classic: bool) -> bytes:
    """Return the payload of an invocation that timed out (row E35); `at` is epoch seconds."""
    if classic:
        text = f"{timestamp(at)} {request_id} Task timed out after {timeout_s:.2f} seconds"
        return json.dumps({"errorMessage": text}, separators=(",", ":")).encode()
    return error_payload(
        "Sandbox.Timedout", f"RequestId: {request_id} Error: Task timed out after {timeout_s:.2f} seconds"
    )


def exit_reason(status: int | None) -> str:
    """Say how a process ended, in Lambda's words (row E38).

    Args:
        status: exit code, or minus the signal's number; None where it is not known.
    """
    if not status:
        return "Runtime exited without providing a reason"
    if status > 0:
        return f"Runtime exited with error: exit status {status}"
    if status == -signal.SIGKILL:
        return "Runtime exited with error: signal: killed"
    return f"Runtime exited with error: signal: {(signal.strsignal(-status) or str(-status)).lower()}"


def exit_payload(request_id: str, status: int | None) -> bytes:
    """Return the payload of an invocation whose process ended (row E38)."""
    return error_payload("Runtime.ExitError", f"RequestId: {request_id} Error: {exit_reason(status)}")


def too_large_payload() -> bytes:
    """Return the payload of an invocation whose response is too large (row E39)."""
    return json.dumps(
        {
            "errorMessage": "Response payload size exceeded maximum allowed payload size"
            f" ({MAX_RESPONSE_BYTES} bytes).",
            "errorType": "Function.ResponseSizeTooLarge",
        },
        separators=(",", ":"),
    ).encode()
