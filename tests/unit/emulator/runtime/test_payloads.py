"""Payloads that come in, and those that Lambda makes."""

import json

import pytest

from emulator.errors import InvalidPayload, PayloadTooLarge
from emulator.runtime.payloads import (
    check_payload,
    exit_payload,
    timeout_payload,
    too_large_payload,
)


@pytest.mark.parametrize(
    "payload",
    [
        b"{}",
        b"null",
        b' "text" ',
        b"[1, 2.5e3, true]",
        '{"ü": "世"}'.encode(),
        b'"\\ud800"',
        b"12345678901234567890",
    ],
)
def test_json_is_passed_on_unchanged(payload: bytes) -> None:
    """Whatever is JSON in UTF-8 reaches the function byte by byte."""
    assert check_payload("f", payload, limit_bytes=100) == payload


def test_nothing_is_an_empty_object() -> None:
    """Lambda gives the handler `{}` where there is no payload."""
    assert check_payload("f", b"", limit_bytes=100) == b"{}"


@pytest.mark.parametrize(
    "payload",
    [b"{", b"{'a': 1}", b"NaN", b"[1,]", b"{} x", b" ", b'"\xff"', '"ü"'.encode("utf-16"), b"[" * 90_000],
    ids=["open", "quotes", "nan", "comma", "trailing", "blank", "latin-1", "utf-16", "deep"],
)
def test_what_is_no_json_is_refused(payload: bytes) -> None:
    """Lambda answers InvalidRequestContentException (row E42)."""
    with pytest.raises(InvalidPayload, match="Could not parse request body into json"):
        check_payload("f", payload, limit_bytes=100_000)


def test_the_limit_is_inclusive() -> None:
    """A payload of exactly the limit passes, one byte more does not."""
    assert check_payload("f", b'"' + b"x" * 8 + b'"', limit_bytes=10)
    with pytest.raises(PayloadTooLarge, match="11 bytes"):
        check_payload("f", b'"' + b"x" * 9 + b'"', limit_bytes=10)


def test_timeouts_have_two_forms() -> None:
    """The newer one has a type, the classic one a timestamp (row E35)."""
    newer = json.loads(timeout_payload("id", 1.5, at=0.25, classic=False))
    assert newer == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": "RequestId: id Error: Task timed out after 1.50 seconds",
    }
    classic = json.loads(timeout_payload("id", 1.5, at=0.25, classic=True))
    assert classic == {"errorMessage": "1970-01-01T00:00:00.250Z id Task timed out after 1.50 seconds"}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (0, "Runtime exited without providing a reason"),
        (None, "Runtime exited without providing a reason"),
        (127, "Runtime exited with error: exit status 127"),
        (-9, "Runtime exited with error: signal: killed"),
        (-11, "Runtime exited with error: signal: segmentation fault"),
    ],
)
def test_exits_are_told_in_lambdas_words(status: int | None, reason: str) -> None:
    """Exit codes and signals as in row E38."""
    assert json.loads(exit_payload("id", status)) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: id Error: {reason}",
    }


def test_a_response_that_is_too_large() -> None:
    """The message names the limit (row E39)."""
    assert json.loads(too_large_payload())["errorType"] == "Function.ResponseSizeTooLarge"
    assert "6291556" in json.loads(too_large_payload())["errorMessage"]
