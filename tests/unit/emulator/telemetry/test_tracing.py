"""What ties entries to a request is found in messages and events, and followed from entry to entry."""

import json
from typing import Any

import pytest

from emulator.telemetry import tracing


def entry(kind: str, **facts: Any) -> dict[str, Any]:
    return {"kind": kind, "facts": facts}


def about(**ids: str) -> list[dict[str, str]]:
    return [ids]


@pytest.mark.parametrize(
    ("body", "facts"),
    [
        (
            '{"action": "echo", "id": "r1", "payload": {"id": "other"}}',
            {"action": "echo", "about": about(request_id="r1")},
        ),
        (
            '{"type": "progress", "request_id": "r1", "percentage": 4}',
            {"type": "progress", "about": about(request_id="r1")},
        ),
        ('{"action": "echo"}', {"action": "echo"}),
        ('{"message": "Internal server error", "requestId": "g1"}', {}),
        ('{"id": 5, "type": ["x"], "action": null}', {}),
        ('{"id": "' + "x" * 129 + '"}', {}),
        ("no JSON", {}),
        ("[1]", {}),
        (b"\xff", {}),
        ("", {}),
    ],
    ids=["request", "progress", "no id", "gateway's", "others", "long", "no JSON", "list", "bytes", "empty"],
)
def test_a_message_tells_its_type_action_and_request(body: Any, facts: dict[str, Any]) -> None:
    """Of a message nothing is kept but its type, its action and the id of its request."""
    assert tracing.of_message(body) == facts


def test_a_token_in_the_place_of_an_id_is_not_kept() -> None:
    """A client that sends a token as its id does not get it into the timeline."""
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJkZW1vIn0.c2lnbmF0dXJl"
    assert token not in json.dumps(tracing.of_message(json.dumps({"id": token})))


@pytest.mark.parametrize(
    ("event", "facts"),
    [
        (
            {"requestContext": {"requestId": "g1", "connectionId": "c1"}, "body": '{"id": "r1"}'},
            {"connection_id": "c1", "about": about(correlation_id="g1")},
        ),
        (
            {
                "Records": [
                    {"dynamodb": {"NewImage": {"request_id": {"S": "r1"}, "correlation_id": {"S": "g1"}}}},
                    {"dynamodb": {"OldImage": {"request_id": {"S": "r2"}}}},
                    {"dynamodb": {"Keys": {"pk": {"S": "x"}}}},
                ]
            },
            {"about": [{"request_id": "r1", "correlation_id": "g1"}, {"request_id": "r2"}]},
        ),
        (
            {"tenant_id": "t", "request_id": "r1", "correlation_id": "g1"},
            {"about": about(request_id="r1", correlation_id="g1")},
        ),
        (
            {"requestContext": {"requestId": "i1"}, "requestPayload": {"request_id": "r1"}},
            {"about": about(request_id="r1", invocation_id="i1")},
        ),
        ({"source": "aws.events", "detail": {}}, {}),
        ({"requestContext": "odd"}, {}),
        ([], {}),
    ],
    ids=["message", "stream", "own", "on failure", "schedule", "odd", "list"],
)
def test_an_event_tells_its_requests(event: Any, facts: dict[str, Any]) -> None:
    """Every kind of event names the requests it is about, each with all ids that it says."""
    assert tracing.of_event(json.dumps(event).encode()) == facts


@pytest.mark.parametrize(
    "nested", ['{"payload": ' + "[" * 100_000, '{"a":' * 100_000], ids=["lists", "objects"]
)
def test_hostile_nesting_is_passed_over(nested: str) -> None:
    """A text that no parser survives is one that names no request."""
    assert tracing.of_message(nested) == {}
    assert tracing.of_event(nested.encode()) == {}


def test_a_large_event_is_not_searched() -> None:
    """Reading a payload of megabytes would delay the invocation."""
    event = {"request_id": "r1", "data": "x" * tracing.MAX_LOOKED_AT_BYTES}
    assert tracing.of_event(json.dumps(event).encode()) == {}


TWO_REQUESTS = [
    entry("gateway.connect", connection_id="c1"),
    entry("gateway.message", connection_id="c1", request_id="g1", about=about(request_id="r1")),
    entry(
        "lambda.start",
        function="router",
        request_id="i1",
        connection_id="c1",
        about=about(correlation_id="g1"),
    ),
    entry("gateway.message", connection_id="c1", request_id="g2", about=about(request_id="r2")),
    entry("lambda.end", function="router", request_id="i1"),
    entry("gateway.reply", connection_id="c1", request_id="g1", about=about(request_id="r1")),
    entry(
        "stream.batch",
        records=2,
        about=[{"request_id": "r1", "correlation_id": "g1"}, {"request_id": "r2", "correlation_id": "g2"}],
    ),
    entry(
        "lambda.start",
        function="processor",
        request_id="i2",
        about=[{"request_id": "r1", "correlation_id": "g1"}, {"request_id": "r2", "correlation_id": "g2"}],
    ),
    entry(
        "lambda.queued",
        function="executor",
        request_id="i3",
        about=about(request_id="r1", correlation_id="g1"),
    ),
    entry(
        "lambda.queued",
        function="executor",
        request_id="i4",
        about=about(request_id="r2", correlation_id="g2"),
    ),
    entry("lambda.end", function="processor", request_id="i2"),
    entry(
        "lambda.start",
        function="executor",
        request_id="i3",
        about=about(request_id="r1", correlation_id="g1"),
    ),
    entry("gateway.post", connection_id="c1", about=about(request_id="r2")),
    entry("gateway.post", connection_id="c1", about=about(request_id="r1")),
    entry("environment.ended", function="executor", pid=1, request_id="i3"),
    entry("lambda.given_up", function="executor", request_id="i3"),
    entry(
        "lambda.start", function="sweeper", request_id="i5", about=about(request_id="r1", invocation_id="i3")
    ),
    entry("schedule.fired", schedule="sweep", request_id="i6"),
]
FIRST = [1, 2, 4, 5, 6, 7, 8, 10, 11, 13, 14, 15, 16]


@pytest.mark.parametrize(
    "wanted", ["r1", "g1", "i1", "i3"], ids=["own id", "correlation id", "router's", "executor's"]
)
def test_whatever_belongs_to_a_request_is_found_by_any_of_its_ids(wanted: str) -> None:
    """Messages, invocations, batches, posts, the crash and what follows it; nothing of another request."""
    assert tracing.related(TWO_REQUESTS, wanted) == [TWO_REQUESTS[index] for index in FIRST]


def test_a_batch_does_not_make_its_requests_one() -> None:
    """The other request of a batch is told apart, and shares the batch and its invocation."""
    other = tracing.related(TWO_REQUESTS, "r2")
    assert [TWO_REQUESTS.index(found) for found in other] == [3, 6, 7, 9, 10, 12]


def test_a_connection_takes_all_that_happened_on_it() -> None:
    """By a connection's id everything on it is found, and what its requests caused."""
    found = [TWO_REQUESTS.index(found) for found in tracing.related(TWO_REQUESTS, "c1")]
    assert found == list(range(len(TWO_REQUESTS) - 1))


def test_an_id_that_nothing_names_finds_nothing() -> None:
    """A request that the sandbox never saw, or has forgotten, gives an empty timeline."""
    assert tracing.related(TWO_REQUESTS, "r9") == []
