"""What a client may send, and what is said of the rest."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.errors import InvalidMessage
from streamer.protocol import Request, decode_request, encode

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
