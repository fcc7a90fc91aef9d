"""Whatever the data is, it stays data."""

from base64 import b64decode
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.displays.lifecycle import lifecycle_html
from emulator.displays.request import Arrival, RequestView, request_html
from emulator.displays.sandbox import sandbox_html
from emulator.displays.tables import events_html, rows_html
from emulator.displays.timeline import timeline_html

EVIL = "<script>alert('x')</script>\"&'><img src=x onerror=y></style></details>\x00\ud800"

TAGS = {"div", "span", "b", "style", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "pre"}
ATTRIBUTES = {"class", "style", "title", "role", "open", "aria-valuemin", "aria-valuemax", "aria-valuenow"}
SVG = "{http://www.w3.org/2000/svg}"
SVG_TAGS = {SVG + name for name in ("svg", "style", "g", "line", "rect", "text", "circle", "path", "polygon")}

texts = st.one_of(st.text(max_size=30), st.just(EVIL), st.text("<>&\"'/=`$\0 abc", max_size=20))
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), texts),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
check = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def assert_inert(html: str, parsed: Callable[[str], Any]) -> None:
    """Assert that a display has only our own elements and attributes, and loads nothing."""
    page = parsed(html)
    html.encode()  # can be sent
    for tag, attributes in page.tags:
        if tag == "img":
            assert set(attributes) == {"src", "alt", "class", "style"}
            assert_inert_picture(attributes["src"])
        else:
            assert tag in TAGS
            assert set(attributes) <= ATTRIBUTES
    style = html[html.index("<style>") : html.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style


def assert_inert_picture(source: str) -> None:
    start = "data:image/svg+xml;base64,"
    assert source.startswith(start)
    for node in ElementTree.fromstring(b64decode(source.removeprefix(start))).iter():
        assert node.tag in SVG_TAGS
        assert not any(name.startswith("on") or "href" in name for name in node.attrib)


@check
@given(st.lists(st.dictionaries(texts, values, max_size=4), max_size=3), texts)
def test_rows_are_inert(parsed: Any, rows: list[dict[str, Any]], title: str) -> None:
    """Attribute names, values and the title of a table are shown as text, never as markup."""
    assert_inert(rows_html(rows, title=title), parsed)


@check
@given(texts, texts, values, values)
def test_events_are_inert(parsed: Any, function: str, error: str, event: Any, response: Any) -> None:
    """What a function received and answered is shown as text."""
    invocation = {
        "function": function,
        "request_id": error,
        "started_at": 1.0,
        "duration_ms": 2.0,
        "function_error": error,
        "event": event,
        "response": response,
    }
    assert_inert(events_html([invocation]), parsed)


KINDS = st.sampled_from(
    [
        "gateway.message",
        "gateway.reply",
        "gateway.post",
        "gateway.refused",
        "gateway.close",
        "gateway.failed",
        "stream.batch",
        "lambda.queued",
        "lambda.start",
        "lambda.given_up",
        "schedule.fired",
        "environment.ended",
        "log",
        "table.write",
        "gateway.odd",
        "unknown",
    ]
)


@check
@given(st.lists(st.tuples(KINDS, texts, texts), min_size=1, max_size=8), values)
def test_a_timeline_is_inert(parsed: Any, rows: list[tuple[str, str, str]], event: Any) -> None:
    """Names in the picture and facts in the list are shown as text, and the picture is well-formed."""
    entries = [
        {
            "sequence": place,
            "at": 1000.0 + place,
            "kind": kind,
            "facts": {
                "function": name,
                "request_id": name,
                "type": text,
                "route": text,
                "cause": text,
                "message": text,
                "connection_id": text,
                "destination": text,
                "schedule": text,
                "operation": text,
                text: event,
            },
        }
        for place, (kind, name, text) in enumerate(rows)
    ]
    assert_inert(timeline_html(entries, invocations=[{"request_id": rows[0][1], "event": event}]), parsed)


@check
@given(texts, texts, texts, values)
def test_a_request_is_inert(parsed: Any, action: str, text: str, error: str, result: Any) -> None:
    """What an action says and returns is shown as text."""
    messages: list[dict[str, Any]] = [
        {"type": "acknowledgment", "status": text, "message": text},
        {"type": "progress", "percentage": 12.5, "attempt": 1, "sequence": 1, "message": text},
        {
            "type": "error",
            "sequence": 2,
            "error": {"code": text, "message": error, "details": {text: result}},
        },
        {"type": "complete", "result": result},
    ]
    for end in range(len(messages) + 1):
        arrivals = tuple(Arrival(1000.0 + place, message) for place, message in enumerate(messages[:end]))
        assert_inert(request_html(RequestView(text, action, arrivals, error)), parsed)


@check
@given(texts, texts)
def test_a_sandbox_is_inert(parsed: Any, name: str, text: str) -> None:
    """Names, states and ids of a sandbox are shown as text."""
    overview = {
        "application": name,
        "execution": text,
        "addresses": {"websocket": text},
        "backend": {"name": text, "version": text, "engine": text},
        "tables": [text],
        "functions": [{"name": name, "handler": text, "timeout_s": 3, "memory_mb": 128}],
        "routes": [{"key": text, "function": name}],
        "environments": [{"function": name, "pid": 1, "state": text, "invocations": 1, "init_ms": 2.0}],
        "connections": [{"connection_id": text, "connected_at": 1.0, "last_active_at": 2.0}],
    }
    assert_inert(sandbox_html(overview), parsed)


@check
@given(st.dictionaries(st.tuples(texts, texts), texts, max_size=6), texts)
def test_a_lifecycle_is_inert(parsed: Any, transitions: dict[tuple[str, str], str], initial: str) -> None:
    """Any table can be drawn, whatever its states and events are called."""
    assert_inert(lifecycle_html(transitions, initial=initial, current=initial, visited=[initial]), parsed)


def test_the_data_is_still_there(parsed: Any) -> None:
    """Escaping loses nothing that a text may have: a browser shows the very characters."""
    value = "<b>&amp;\"quoted\" 'and' $more$</b>"
    assert value in parsed(rows_html([{"name": value}])).text
