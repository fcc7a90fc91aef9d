"""What functions received and answered is kept within bounds, without tokens."""

import json
from typing import Any

from emulator.runtime.logs import BoundedText, InvocationLog
from emulator.runtime.recorded import Recorder

TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJkZW1vIn0.c2lnbmF0dXJl"


def log(request_id: str = "i1") -> InvocationLog:
    return InvocationLog("f", request_id, 12.5, BoundedText(100))


def keep(recorder: Recorder, request_id: str, event: Any, response: Any = None) -> None:
    recorder.ended(recorder.began(log(request_id), json.dumps(event).encode()), json.dumps(response).encode())


def kept(recorder: Recorder) -> list[str]:
    return [recorded.log.request_id for recorded in recorder.recorded("f")]


def test_an_invocation_is_described_while_it_runs_and_after() -> None:
    """The event is there at once, response and duration when the function has ended."""
    recorder = Recorder(["f"])
    of_one = log()
    recorded = recorder.began(of_one, b'{"a": 1}')
    running = recorded.describe()
    assert (running["event"], running["response"], running["duration_ms"]) == ({"a": 1}, None, None)
    of_one.duration_ms, of_one.function_error = 1.23456, "Unhandled"
    recorder.ended(recorded, b'{"errorType": "KeyError"}')
    assert recorder.recorded("f")[0].describe() == {
        "function": "f",
        "request_id": "i1",
        "started_at": 12.5,
        "duration_ms": 1.235,
        "function_error": "Unhandled",
        "event": {"a": 1},
        "response": {"errorType": "KeyError"},
    }


def test_tokens_are_shortened_in_events_and_responses() -> None:
    """Nothing that is kept holds a token."""
    recorder = Recorder(["f"])
    keep(
        recorder, "i1", {"headers": {"Authorization": f"Bearer {TOKEN}"}}, {"body": json.dumps({"t": TOKEN})}
    )
    recorded = recorder.recorded("f")[0]
    assert TOKEN.encode() not in recorded.event + (recorded.response or b"")
    assert recorded.describe()["event"]["headers"]["Authorization"] == "Bearer eyJhbGciOi…dXJl"


def test_credentials_that_look_like_nothing_are_hidden_by_name() -> None:
    """Opaque tokens, keys and cookies are not handed out, at whatever depth and on either side."""
    recorder = Recorder(["f"])
    secret = "opaque-0123456789-secret"
    headers = {"authorization": f"Bearer {secret}", "cookie": f"a={secret}", "x-api-key": secret}
    multiple = {name: [value] for name, value in headers.items()}
    event = {"headers": headers, "multiValueHeaders": multiple, "queryStringParameters": {"token": secret}}
    keep(recorder, "i1", event, {"usageIdentifierKey": secret, "principalId": "demo"})
    told = recorder.recorded("f")[0].describe()
    assert secret not in json.dumps(told)
    assert told["event"]["headers"]["authorization"] == "Bearer op…"
    assert told["response"]["principalId"] == "demo"


def test_only_the_newest_are_kept() -> None:
    """Beyond the number that is kept the oldest are dropped."""
    recorder = Recorder(["f"], max_invocations=2)
    for request_id in ("i1", "i2", "i3"):
        keep(recorder, request_id, {})
    assert kept(recorder) == ["i2", "i3"]


def test_many_bytes_drop_the_oldest() -> None:
    """Events and responses together stay within the limit, however few they are."""
    recorder = Recorder(["f"], max_kept_bytes=250)
    for request_id in ("i1", "i2", "i3"):
        keep(recorder, request_id, "x" * 50, "y" * 50)
    assert kept(recorder) == ["i2", "i3"]


def test_an_answer_of_a_dropped_invocation_counts_no_more() -> None:
    """Who was dropped while it ran does not use up the room of the others."""
    recorder = Recorder(["f"], max_kept_bytes=250)
    slow = recorder.began(log("slow"), b'"' + b"x" * 200 + b'"')
    keep(recorder, "i2", "x" * 100)
    recorder.ended(slow, b'"' + b"y" * 240 + b'"')
    assert kept(recorder) == ["i2"]


def test_what_is_too_large_is_told_in_words() -> None:
    """A payload of megabytes is named by its size."""
    recorder = Recorder(["f"], max_part_bytes=10)
    keep(recorder, "i1", "x" * 50)
    assert recorder.recorded("f")[0].describe()["event"] == "[52 bytes, too large to be kept]"


def test_an_answer_that_is_no_json_is_text() -> None:
    """A function may answer anything."""
    recorder = Recorder(["f"])
    recorder.ended(recorder.began(log(), b"{}"), b"\xffoops")
    assert recorder.recorded("f")[0].describe()["response"] == "\ufffdoops"
