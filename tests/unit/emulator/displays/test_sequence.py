"""Who called whom is read from the entries."""

from collections.abc import Callable
from typing import Any

from emulator.displays.diagram import Diagram
from emulator.displays.folding import MAX_ROWS, fold
from emulator.displays.sequence import read


def ways(diagram: Diagram) -> list[tuple[str, str, str]]:
    return [(step.source, step.target, step.label) for step in diagram.steps]


def test_a_request_is_followed_from_lane_to_lane(long_request: list[dict[str, Any]]) -> None:
    """Each invocation's arrow begins where its cause lies, also after a failure."""
    found = ways(read(long_request))
    assert found == [
        ("client", "gateway", "sleep, 126 B"),
        ("gateway", "app-router", "$default"),
        ("app-router", "tables", "writes the item"),
        ("tables", "app-processor", "1 stream record, cold start"),
        ("app-router", "gateway", "20.7 ms"),
        ("gateway", "client", "acknowledgment, 214 B"),
        ("app-processor", "app-executor", "invoke, Event"),
        ("app-processor", "tables", "10.8 ms"),
        ("app-executor", "client", "progress, 195 B"),
        ("app-executor", "app-executor", "process 7 killed, signal 9"),
        ("app-executor", "app-executor", "Runtime.ExitError after 790 ms"),
        ("app-executor", "app-sweeper", "on failure"),
        ("app-sweeper", "tables", "writes the item"),
        ("tables", "app-processor", "1 stream record"),
    ]


def test_lanes_stand_in_the_order_of_the_flow(long_request: list[dict[str, Any]]) -> None:
    """Lanes go from the client over the gateway and its functions to what works behind the stream."""
    labels = [lane.label for lane in read(long_request).lanes]
    assert labels == ["client", "gateway", "router", "tables, stream", "processor", "executor", "sweeper"]


def test_work_begins_and_ends_with_its_steps(long_request: list[dict[str, Any]]) -> None:
    """An invocation's bar spans its start and its end; one that still runs has no end."""
    works = {work.lane: work for work in read(long_request).works}
    assert works["app-executor"].has_failed
    assert works["app-router"].last is not None
    assert works["app-sweeper"].last is None


def test_a_handshake_begins_before_its_function(entries: Callable[..., Any]) -> None:
    """The client's part comes first, although the gateway tells of the handshake when it is over."""
    connect = {"function": "app-connect", "request_id": "i1", "connection_id": "C1"}
    found = read(
        entries(
            (10.0, "lambda.start", connect),
            (18.0, "lambda.end", {**connect, "duration_ms": 8.0, "function_error": None}),
            (18.2, "gateway.connect", {"connection_id": "C1", "duration_ms": 8.1}),
        )
    )
    assert ways(found) == [
        ("client", "gateway", "handshake"),
        ("gateway", "app-connect", "$connect"),
        ("app-connect", "gateway", "8.0 ms"),
        ("gateway", "client", "101 open"),
    ]


def test_two_requests_at_once_are_told_apart(entries: Callable[..., Any]) -> None:
    """A post comes from the executor of its own request, whichever started last."""

    def executor(name: str) -> dict[str, Any]:
        return {"function": name, "request_id": name, "about": [{"request_id": f"request of {name}"}]}

    found = read(
        entries(
            (0, "lambda.start", executor("one")),
            (1, "lambda.start", executor("two")),
            (2, "gateway.post", {"status": 200, "bytes": 1, "about": [{"request_id": "request of one"}]}),
        )
    )
    assert found.steps[-1].source == "one"


def test_who_has_ended_invoked_nobody(entries: Callable[..., Any]) -> None:
    """A synchronous invocation while nobody of the request is at work came from outside the application."""
    about = {"about": [{"request_id": "r1"}]}
    first = {"function": "app-first", "request_id": "i1"}
    found = read(
        entries(
            (0.0, "lambda.start", {**first, **about}),
            (1.0, "lambda.start", {"function": "app-second", "request_id": "i2", **about}),
            (4.0, "lambda.end", {"function": "app-second", "request_id": "i2", "duration_ms": 3.0}),
            (5.0, "lambda.end", {**first, "duration_ms": 5.0}),
            (9.0, "lambda.start", {"function": "app-third", "request_id": "i3", **about}),
        )
    )
    assert [way for way in ways(found) if "invoke" in way[2]] == [
        ("app-first", "app-first", "invoked from outside"),
        ("app-first", "app-second", "invoke"),
        ("app-third", "app-third", "invoked from outside"),
    ]


def test_a_post_to_a_connection_that_is_gone_ends_at_the_gateway(entries: Callable[..., Any]) -> None:
    """What did not reach the client is not drawn as if it had."""
    step = read(entries((0, "gateway.post", {"status": 410, "bytes": 9, "type": "progress"}))).steps[0]
    assert (step.target, step.tone, step.label) == ("gateway", "bad", "progress, 9 B: 410")


def test_a_long_timeline_stays_short(entries: Callable[..., Any]) -> None:
    """Thousands of events make a picture that can be looked at, and every step is in some row."""
    post = {"status": 200, "bytes": 1, "type": "progress"}
    mixed = [(i, "gateway.post" if i % 3 else "gateway.message", post) for i in range(3_000)]
    steps = read(entries(*mixed)).steps
    rows = fold(steps)
    assert len(rows) <= MAX_ROWS + 1
    assert sorted(number for row in rows for number in row.numbers) == [step.number for step in steps]


def test_a_run_of_progress_is_one_row(entries: Callable[..., Any]) -> None:
    """The first and the last of many like steps are shown, with how many lie between."""
    rows = fold(read(entries(*((i, "gateway.post", {"status": 200, "bytes": i}) for i in range(100)))).steps)
    assert [row.hidden for row in rows] == [0, 98, 0]


def test_who_closed_a_connection_is_where_the_arrow_begins(entries: Callable[..., Any]) -> None:
    """An idle connection and one that was cut are closed by the gateway."""
    found = read(
        entries(
            (0, "gateway.close", {"connection_id": "C1", "code": 1001, "by": "gateway"}),
            (1, "gateway.close", {"connection_id": "C2", "code": 1000, "by": "client"}),
        )
    )
    assert ways(found) == [("gateway", "client", "close 1001"), ("client", "gateway", "close 1000")]


def test_a_dead_letter_is_shown_with_its_queue(entries: Callable[..., Any]) -> None:
    """As an on-failure record is, and not as an event that went nowhere."""
    arn = "arn:aws:sqs:us-east-1:000000000000:app-dead"
    given_up = {"function": "app-f", "request_id": "i1", "destination": None, "dead_letter": arn}
    found = read(entries((0, "lambda.given_up", given_up)))
    assert ways(found) == [("app-f", "queues", "dead letter, to app-dead")]


def test_what_was_done_on_purpose_is_told(entries: Callable[..., Any]) -> None:
    """How far the clock went, and what each added fault is."""
    found = read(
        entries(
            (0, "clock.advanced", {"seconds": 600.0, "offset_s": 600.0}),
            (1, "fault.added", {"id": "fault-1", "fault": "kill-environment", "function": "app-f"}),
            (2, "fault.added", {"id": "fault-2", "fault": "delay-record", "table": "app-t"}),
            (3, "fault.added", {"id": "fault-3", "fault": "fail-backend-call", "service": "dynamodb"}),
            (
                4,
                "fault.struck",
                {"fault": "fail-backend-call", "service": "dynamodb", "operation": "PutItem"},
            ),
        )
    )
    assert ways(found) == [
        ("schedule", "schedule", "clock advanced by 10 min"),
        ("app-f", "app-f", "fault-1 added: kill-environment"),
        ("tables", "tables", "fault-2 added: delay-record"),
        ("gateway", "gateway", "fault-3 added: fail-backend-call"),
        ("tables", "tables", "fault on purpose: fail-backend-call PutItem"),
    ]
