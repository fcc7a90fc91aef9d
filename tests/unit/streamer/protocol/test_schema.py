"""The exported schema and the codec are one protocol: what one takes the other takes, and nothing else."""

import json
from collections.abc import Callable
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import fastjsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.actions.payloads import parse_payload
from streamer.errors import InvalidMessage
from streamer.protocol import (
    Acknowledgment,
    AttemptFailure,
    Complete,
    Error,
    ErrorInfo,
    Message,
    Pong,
    Progress,
    Request,
    RequestList,
    RequestStatus,
    Response,
    ResultLink,
    Retry,
    Subscribed,
    decode_message,
    decode_request,
    encode,
)
from streamer.protocol import schema as schema_module
from streamer.protocol.control import QUERIES
from streamer.protocol.fields import STATUSES
from streamer.protocol.limits import METADATA_WORDS
from streamer.protocol.schema import CLIENT_MESSAGE, SERVER_MESSAGE, schema, written

ids = st.text("aZ09._-", min_size=1, max_size=128)
times = st.datetimes().map(lambda moment: f"{moment.isoformat(timespec='milliseconds')}Z")
texts = st.text(max_size=20)
sequences = st.integers(0, 2**40)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(texts, json_values, max_size=3)
links = st.builds(ResultLink, url=texts, size_bytes=sequences, expires_at=times)
errors = st.builds(
    ErrorInfo,
    code=st.text(min_size=1, max_size=20),
    message=texts,
    details=st.none() | objects,
    retry=st.none() | st.builds(Retry, retryable=st.booleans(), after_s=st.none() | st.floats(0, 100)),
)
progress = st.builds(
    Progress,
    request_id=ids,
    sequence=sequences,
    timestamp=times,
    attempt=st.integers(0, 9),
    percentage=st.floats(0, 100),
    message=texts,
    metadata=st.none() | objects,
)
completes = st.builds(
    Complete,
    request_id=ids,
    sequence=sequences,
    timestamp=times,
    success=st.just(True),
    result=json_values,
    link=st.none() | links,
)
failures = st.builds(
    Error,
    timestamp=times,
    success=st.just(False),
    error=errors,
    request_id=st.none() | ids,
    sequence=st.none() | sequences,
)
statuses = st.builds(
    RequestStatus,
    request_id=ids,
    user_id=texts,
    action=texts,
    status=st.sampled_from(STATUSES),
    attempt=st.integers(0, 9),
    created_at=times,
    updated_at=times,
    finished_at=st.none() | times,
    percentage=st.none() | st.floats(0, 100),
    message=st.none() | texts,
    next_attempt_at=st.none() | times,
    cancel_requested=st.booleans(),
    sequence=st.none() | sequences,
    error=st.none() | errors,
    failures=st.lists(
        st.builds(AttemptFailure, attempt=st.integers(1, 9), code=st.just("C"), message=texts, at=times),
        max_size=2,
    ),
    result=json_values,
    link=st.none() | links,
)
answers: dict[type[Any], st.SearchStrategy[Any]] = {
    RequestStatus: statuses,
    Subscribed: st.builds(
        Subscribed,
        request=statuses,
        messages=st.lists(st.one_of(progress, completes, failures), max_size=2),
        truncated=st.booleans(),
    ),
    RequestList: st.builds(RequestList, requests=st.lists(statuses, max_size=2), cursor=st.none() | texts),
}
messages: st.SearchStrategy[Message] = st.one_of(
    progress,
    completes,
    failures,
    st.builds(
        Acknowledgment,
        request_id=ids,
        timestamp=times,
        status=st.sampled_from(STATUSES),
        message=texts,
        sequence=sequences,
    ),
    st.builds(
        Response,
        request_id=ids,
        timestamp=times,
        success=st.just(True),
        data=st.one_of(json_values, *answers.values()),
        link=st.none() | links,
    ),
    st.builds(Pong, timestamp=times),
)
requests = st.builds(
    Request,
    action=st.text(min_size=1, max_size=128).filter(lambda name: name not in set(QUERIES)),
    id=st.none() | ids,
    payload=objects,
    metadata=st.dictionaries(texts.filter(lambda key: key not in METADATA_WORDS), texts, max_size=3),
)

TAKES_ANYTHING = [None, True, -1, 0, 101, 7.5, "", "x", "no time", [], [1], {}, {"a": 1}]
"""What is put in the place of a field: every kind of JSON value, and those at the rules' edges."""


@cache
def validator(name: str) -> Callable[[Any], Any]:
    # fastjsonschema's newest dialect is draft 7; the schema uses nothing that came after it.
    validate: Callable[[Any], Any] = fastjsonschema.compile(
        {"$defs": schema()["$defs"], "$ref": f"#/$defs/{name}"}, use_default=False
    )
    return validate


def is_valid(name: str, value: Any) -> bool:
    try:
        validator(name)(value)
    except fastjsonschema.JsonSchemaValueException:
        return False
    return True


def is_taken(fields: dict[str, Any]) -> bool:
    """Whether the server's side of the codec takes what a client sends, with a control action's payload."""
    try:
        request = decode_request(json.dumps(fields))
        for action, kind in QUERIES.items():
            if request.action == action:
                parse_payload(action, kind, request.payload)
    except InvalidMessage:
        return False
    return True


def test_the_file_is_what_the_command_prints() -> None:
    """`python -m streamer schema > streamer/protocol/schema.json` after a change of the messages."""
    file = Path(schema_module.__file__).with_name("schema.json")
    assert file.read_text(encoding="utf-8") == written()


@given(messages)
def test_every_message_that_is_encoded_fits_the_schema(message: Message) -> None:
    """It also comes back from the codec."""
    text = encode(message)
    assert is_valid(SERVER_MESSAGE, json.loads(text))
    assert decode_message(text) is not None


@given(requests)
def test_every_request_that_is_encoded_fits_the_schema(request: Request) -> None:
    """A client that is written against the schema is understood."""
    assert is_valid(CLIENT_MESSAGE, json.loads(encode(request)))


@pytest.mark.parametrize("kind", answers, ids=lambda kind: kind.__name__)
def test_every_answer_of_a_control_action_fits_its_definition(kind: type[Any]) -> None:
    """The `data` of the response is as documented."""

    @given(answers[kind])
    def holds(answer: Any) -> None:
        assert is_valid(kind.__name__, json.loads(msgspec.json.encode(answer)))

    holds()


@given(messages, st.data())
def test_codec_and_schema_refuse_the_same_messages(message: Message, data: st.DataObject) -> None:
    """A message with a field that is missing, or has another value, is taken by both or by neither."""
    fields = json.loads(encode(message))
    changed = data.draw(st.sampled_from(sorted(fields)))
    if data.draw(st.booleans()):
        del fields[changed]
    else:
        fields[changed] = data.draw(st.sampled_from(TAKES_ANYTHING))
    assert is_valid(SERVER_MESSAGE, fields) is (decode_message(json.dumps(fields)) is not None)


@given(st.data())
def test_codec_and_schema_refuse_the_same_requests(data: st.DataObject) -> None:
    """So does a request, with the payload of a control action."""
    fields: dict[str, Any] = {
        "action": data.draw(st.sampled_from(["echo", *QUERIES])),
        "id": "r1",
        "payload": {"request_id": "r1", "limit": 5, "status": "PENDING", "after_sequence": 1, "user_id": "u"},
        "metadata": data.draw(
            st.sampled_from(
                [
                    {"k": "v"},
                    {"mode": "async", "on_disconnect": "cancel"},
                    {"mode": "asynch"},
                    {"on_disconnect": ""},
                ]
            )
        ),
        "type": "request",
    }
    for _ in range(data.draw(st.integers(0, 6))):
        target = (
            fields["payload"]
            if data.draw(st.booleans()) and isinstance(fields.get("payload"), dict)
            else fields
        )
        if not target:
            continue
        changed = data.draw(st.sampled_from(sorted(target)))
        if data.draw(st.booleans()):
            del target[changed]
        else:
            target[changed] = deepcopy(data.draw(st.sampled_from(TAKES_ANYTHING)))
    assert is_valid(CLIENT_MESSAGE, fields) is is_taken(fields)


@pytest.mark.parametrize("text", ["r1\n", "r 1", "é", "r" * 129])
def test_no_id_is_an_id_in_neither(text: str) -> None:
    """Also a line end behind an id counts."""
    fields = {"action": "status", "payload": {"request_id": text}}
    assert not is_valid(CLIENT_MESSAGE, fields)
    assert not is_taken(fields)
    pong = {"type": "acknowledgment", "request_id": text, "timestamp": "2026-01-01T00:00:00.000Z"}
    pong |= {"status": "PENDING", "message": "", "sequence": 0}
    assert not is_valid(SERVER_MESSAGE, pong)
    assert decode_message(json.dumps(pong)) is None
