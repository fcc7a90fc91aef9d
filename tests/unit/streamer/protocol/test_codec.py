"""What a client may send, and what is said of the rest."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import InvalidMessage
from streamer.lifecycle import Status
from streamer.protocol import Request, decode_message, decode_request, encode
from streamer.protocol.fields import STATUSES

PIECES = st.lists(st.sampled_from(['{"action":', '"echo"', '"id":', "[", "]", "{", "}", ",", "1", "\\", "é"]))


@pytest.mark.parametrize(
    "text",
    ["[" * 20_000, "[1,", '{"action": 5, "id": "a"', '{"action": 5, "id": "a", "payload":' + "[" * 20_000],
    ids=["deep", "cut list", "cut object", "deep in an object"],
)
def test_misfit_that_is_not_json_either_is_an_invalid_message(text: str) -> None:
    """A message whose beginning does not fit and whose rest is not JSON is refused like any other."""
    with pytest.raises(InvalidMessage) as refusal:
        decode_request(text)
    assert refusal.value.request_id is None


@given(st.text() | st.binary() | PIECES.map("".join))
def test_anything_is_a_request_or_an_invalid_message(text: str | bytes) -> None:
    """Whatever comes, reading it gives a request or `InvalidMessage`."""
    try:
        request = decode_request(text)
    except InvalidMessage:
        return
    assert isinstance(request, Request)


@pytest.mark.parametrize(
    ("fields", "request_id"),
    [
        ({"action": 5, "id": "known"}, "known"),
        ({"id": "known"}, "known"),
        ({"action": "echo", "id": "known", "payload": []}, "known"),
        ({"action": "echo", "id": "not one"}, None),
        ({"action": "echo", "id": 7}, None),
    ],
    ids=["action", "no action", "payload", "bad id", "number"],
)
def test_refusal_names_the_request_where_it_can(fields: dict[str, object], request_id: str | None) -> None:
    """The id in a message that does not fit is found, unless it is no id."""
    with pytest.raises(InvalidMessage) as refusal:
        decode_request(json.dumps(fields))
    assert refusal.value.request_id == request_id


@given(
    st.builds(
        Request,
        action=st.text(min_size=1, max_size=128),
        id=st.none() | st.from_regex(r"\A[A-Za-z0-9._-]{1,128}\Z"),
        payload=st.dictionaries(
            st.text(), st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text()
        ),
        metadata=st.dictionaries(st.text(), st.text()),
    )
)
def test_request_comes_back_as_it_was(request: Request) -> None:
    """What is encoded is decoded to the same request."""
    assert decode_request(encode(request)) == request


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "response", "success": False, "data": None},
        {"type": "complete", "success": False, "sequence": 1, "result": None},
        {"type": "error", "success": True, "error": {"code": "C", "message": "m"}},
        {"type": "error", "success": False, "error": {"code": "", "message": "m"}},
        {"type": "progress", "sequence": 1, "attempt": 1, "percentage": 101, "message": ""},
        {"type": "progress", "sequence": -1, "attempt": 1, "percentage": 1, "message": ""},
        {"type": "acknowledgment", "sequence": 0, "status": "LOST", "message": ""},
        {"type": "pong", "timestamp": "yesterday"},
        {"type": "unheard-of"},
        {"message": "Internal server error", "connectionId": "C=", "requestId": "R="},
    ],
    ids=[
        "response-without-success",
        "complete-without-success",
        "error-with-success",
        "error-without-code",
        "over-100-percent",
        "negative-sequence",
        "unknown-status",
        "no-time",
        "unknown-type",
        "the-gateways-own",
    ],
)
def test_what_is_no_message_of_ours_is_none(fields: dict[str, object]) -> None:
    """A client passes over what contradicts the protocol, and does not fail on it."""
    whole = {"request_id": "r1", "timestamp": "2026-01-01T00:00:00.000Z"} | fields
    assert decode_message(json.dumps(whole)) is None


def test_the_statuses_of_the_protocol_are_those_of_the_lifecycle() -> None:
    """What a client may be told is what a request can be."""
    assert tuple(Status) == STATUSES
