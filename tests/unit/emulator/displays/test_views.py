"""What the displays say."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from emulator.displays.lifecycle import arrows_of, in_order, lifecycle_text
from emulator.displays.request import Arrival, RequestView, request_html, request_text
from emulator.displays.sandbox import sandbox_html, sandbox_text
from emulator.displays.tables import events_text, rows_html, rows_text
from emulator.displays.timeline import timeline_html, timeline_text
from emulator.displays.words import compact, duration, short_names
from streamer.lifecycle import INITIAL, TRANSITIONS

ACKNOWLEDGED = {"type": "acknowledgment", "status": "PENDING", "sequence": 0}
FAILED = {"type": "error", "sequence": 3, "error": {"code": "SOURCE_NOT_FOUND", "message": "There is none."}}


def progress(percentage: float, attempt: int = 1) -> dict[str, Any]:
    return {
        "type": "progress",
        "percentage": percentage,
        "attempt": attempt,
        "sequence": 1,
        "message": "reading",
    }


def view(*messages: dict[str, Any], error: str | None = None) -> RequestView:
    arrivals = tuple(Arrival(1000 + place / 10, message) for place, message in enumerate(messages))
    return RequestView("r1", "report", arrivals, error)


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (view(), "SENT"),
        (view(ACKNOWLEDGED), "PENDING"),
        (view(ACKNOWLEDGED, progress(5)), "PROCESSING"),
        (view(progress(5), {"type": "complete", "sequence": 2, "result": 1}), "COMPLETED"),
        (view(FAILED), "FAILED"),
        (view({"type": "error", "sequence": 1, "error": {"code": "CANCELLED"}}), "CANCELLED"),
        (view({"type": "error", "error": {"code": "INVALID_PAYLOAD"}}), "REFUSED"),
        (view({"type": "response", "data": {}}), "ANSWERED"),
        (view(ACKNOWLEDGED, error="No outcome came."), "UNANSWERED"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_the_state_is_what_the_messages_say(found: RequestView, state: str) -> None:
    """A client knows a request's state by its messages alone."""
    assert found.state == state
    assert state in request_html(found)
    assert state in request_text(found)


def test_each_attempt_has_a_bar() -> None:
    """What an attempt reached that failed stays to be seen beside the next one."""
    html = request_html(view(progress(50), progress(20, attempt=2)))
    assert "width:50.00%" in html
    assert "width:20.00%" in html
    assert [attempt.percentage for attempt in view(progress(50), progress(20, 2)).attempts] == [50, 20]


def test_a_failure_says_why() -> None:
    """The code and the sentence of a bad outcome are in sight, not folded."""
    text = request_text(view(progress(0), FAILED))
    assert "SOURCE_NOT_FOUND: There is none." in text


def test_a_timeline_explains_its_invocations(
    long_request: list[dict[str, Any]], parsed: Callable[..., Any]
) -> None:
    """Every entry can be unfolded as JSON, an invocation's start with the event that the function got."""
    html = timeline_html(long_request, invocations=[{"request_id": "i1", "event": {"body": 'a "b"'}}])
    page = parsed(html)
    assert page.text.count('"sequence":') == len(long_request)
    assert json.dumps('a "b"') in page.text


def test_a_picture_has_its_text(long_request: list[dict[str, Any]], parsed: Callable[..., Any]) -> None:
    """Who does not see the picture gets the same as text."""
    images = [attributes for tag, attributes in parsed(timeline_html(long_request)).tags if tag == "img"]
    assert images[0]["alt"] == timeline_text(long_request)
    assert "executor → sweeper" in timeline_text(long_request)


def test_nothing_is_no_error() -> None:
    """What has no content yet says so."""
    assert "nothing" in timeline_html([])
    assert "nothing" in timeline_text([])
    assert "0 rows" in rows_html([])
    assert rows_text([]) == "0 rows"
    assert "0 invocations" in events_text([])


def test_rows_have_a_column_per_attribute(parsed: Callable[..., Any]) -> None:
    """Items of different kinds share one table; what an item lacks is marked."""
    page = parsed(rows_html([{"pk": "a", "n": 1}, {"pk": "b", "more": [1]}]))
    assert [tag for tag, _ in page.tags].count("th") == 3
    assert "·" in page.text


OVERVIEW = {
    "application": "app",
    "execution": "processes",
    "addresses": {"websocket": "ws://127.0.0.1:1/local"},
    "backend": {"name": "LocalStack", "version": "4", "engine": "embedded"},
    "tables": ["app-requests"],
    "functions": [{"name": "app-router", "timeout_s": 29, "memory_mb": 256}, {"name": "app-sweeper"}],
    "routes": [{"key": "$default", "function": "app-router"}],
    "environments": [
        {"function": "app-router", "pid": 7, "state": "busy", "invocations": 2, "init_ms": 30.0}
    ],
    "connections": [{"connection_id": "C1=", "connected_at": 1000.0, "last_active_at": 1001.0}],
}


def test_a_sandbox_shows_what_it_is_made_of(parsed: Callable[..., Any]) -> None:
    """Address, back end, functions with their environments and connections are in sight, in both forms."""
    for text in (parsed(sandbox_html(OVERVIEW)).text, sandbox_text(OVERVIEW)):
        for fact in ("ws://127.0.0.1:1/local", "LocalStack 4", "router", "$default", "process 7", "C1="):
            assert fact in text


def test_the_lifecycle_begins_with_its_first_state() -> None:
    """States stand by their distance from the first; every arrow of the table is there."""
    assert in_order(arrows_of(TRANSITIONS), INITIAL) == ["PENDING", "PROCESSING", "RETRYING"]
    text = lifecycle_text(TRANSITIONS)
    assert all(event in text for _, event in TRANSITIONS)


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0.42, "0.4 ms"),
        (14.46, "14.5 ms"),
        (99.94, "99.9 ms"),
        (99.96, "100 ms"),
        (291.96, "292 ms"),
        (999.6, "1.00 s"),
        (2410, "2.41 s"),
        (59_996, "1 min"),
        (200_000, "3 min 20 s"),
        (3_599_400, "59 min 59 s"),
        (3_599_600, "1 h"),
        (3_720_000, "1 h 2 min"),
        (86_369_000, "23 h 59 min"),
        (86_390_000, "1 d"),
        (93_600_000, "1 d 2 h"),
    ],
)
def test_durations_have_the_digits_that_matter(milliseconds: float, text: str) -> None:
    """Half a millisecond and two seconds are both readable."""
    assert duration(milliseconds) == text


def test_names_lose_only_what_all_share() -> None:
    """A deployment's prefix goes; names that differ in it stay whole."""
    assert short_names(["a-x", "a-y"]) == {"a-x": "x", "a-y": "y"}
    assert short_names(["a-x", "b-y"]) == {"a-x": "a-x", "b-y": "b-y"}


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0.0, "0"),
        (2.5, "2.5"),
        (1234.56789, "1234.568"),
        (0.00042, "0.00042"),
        (-1.5e-7, "-1.5e-07"),
        (1e20, "1e+20"),
    ],
    ids=str,
)
def test_a_number_in_a_cell_keeps_its_size(number: float, shown: str) -> None:
    """Three decimals are enough of a large one; a small one is not shown as nothing."""
    assert compact(number) == shown
