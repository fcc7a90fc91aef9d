"""`Session`: frames in, requests that moved out."""

import json
from typing import Any

import pytest

from streamer.clients.python.errors import (
    ConnectionLost,
    DeadlineExceeded,
    GatewayFailed,
    InvalidRequest,
    MessageTooLarge,
    RequestFailed,
)
from streamer.clients.python.exchange import Exchange, Phase
from streamer.clients.python.incoming import GatewayMessage, UnknownMessage
from streamer.clients.python.session import Session
from streamer.protocol import Progress
from streamer.protocol.limits import MAX_FRAME_BYTES

WHEN = "2026-11-21T07:09:08.123Z"
GATEWAY_FRAME = (
    b'{"message": "Internal server error", "connectionId":"Qyi07eCbtjMCJKw=", "requestId":"Qyi3="}'
)


def ask(session: Session, request_id: str = "r1", action: str = "echo", **options: Any) -> Exchange:
    values = {"payload": {}, "metadata": {}, "now": 0.0, "deadline_s": 30.0, "outcome_deadline_s": 7200.0}
    values.update(options)
    payload = values.pop("payload")
    exchange = session.ask(action, payload, request_id=request_id, **values)
    assert session.take(0) is exchange
    return exchange


def frame(kind: str, request_id: str | None = "r1", **fields: Any) -> bytes:
    always = {"type": kind, "timestamp": WHEN, **({} if request_id is None else {"request_id": request_id})}
    return json.dumps({**always, **fields}).encode()


def acknowledgment(request_id: str = "r1") -> bytes:
    return frame("acknowledgment", request_id, sequence=0, status="PENDING", message="Queued.")


def response(request_id: str = "r1", data: Any = None) -> bytes:
    return frame("response", request_id, success=True, data=data)


def progress(sequence: int, percentage: float = 1, request_id: str = "r1") -> bytes:
    return frame(
        "progress", request_id, sequence=sequence, attempt=1, percentage=percentage, message="Reading."
    )


def complete(sequence: int, result: Any = None, request_id: str = "r1") -> bytes:
    return frame("complete", request_id, sequence=sequence, success=True, result=result)


def failure(request_id: str | None = "r1", code: str = "VALIDATION_ERROR", **fields: Any) -> bytes:
    error = {"code": code, "message": "The payload lacks a start.", **fields}
    return frame("error", request_id, success=False, error=error)


def receive(session: Session, *frames: bytes) -> list[Exchange | None]:
    """Take frames in; return which request each of them moved."""
    moved = [session.receive(each, at=100.0 + index)[1] for index, each in enumerate(frames)]
    assert all(len(each) <= 1 for each in moved)
    return [each[0] if each else None for each in moved]


def test_short_work_ends_with_its_response() -> None:
    """A response's data is the result of the request whose id it carries."""
    session = Session()
    one, two = ask(session, "r1"), ask(session, "r2")
    assert receive(session, response("r2", {"n": 2}), response("r1", {"n": 1})) == [two, one]
    assert (one.result, two.result, session.pending) == ({"n": 1}, {"n": 2}, [])


def test_frame_is_the_protocols_request() -> None:
    """What is sent is one JSON object with action, id, payload and metadata."""
    sent = Session().ask(
        "echo",
        {"message": "hi"},
        request_id="r1",
        metadata={"source": "test"},
        now=0.0,
        deadline_s=1.0,
        outcome_deadline_s=1.0,
    )
    assert json.loads(sent.frame) == {
        "action": "echo",
        "id": "r1",
        "payload": {"message": "hi"},
        "metadata": {"source": "test"},
        "type": "request",
    }


def test_long_work_is_acknowledged_progresses_and_completes() -> None:
    """Long work ends with the result of its `complete`, and keeps its messages with their times in order."""
    session = Session()
    request = ask(session)
    receive(session, acknowledgment(), progress(5), progress(9), complete(12, {"url": "x"}))
    assert (request.phase, request.result) == (Phase.DONE, {"url": "x"})
    assert [(type(each.message).__name__, each.at) for each in request.history] == [
        ("Acknowledgment", 100.0),
        ("Progress", 101.0),
        ("Progress", 102.0),
        ("Complete", 103.0),
    ]


def test_repeated_and_overtaken_messages_move_nothing() -> None:
    """A message counts once by request and sequence, and progress never goes back."""
    session = Session()
    request = ask(session)
    moved = receive(
        session,
        acknowledgment(),
        acknowledgment(),
        progress(5),
        progress(5),
        progress(3),
        progress(6),
        complete(7, "first"),
        complete(7, "again"),
    )
    assert [each is request for each in moved] == [True, False, True, False, False, True, True, False]
    assert request.result == "first"
    assert [each.message.sequence for each in request.history if isinstance(each.message, Progress)] == [5, 6]


def test_late_acknowledgment_is_fine() -> None:
    """Any message proves that a request was accepted; its acknowledgment may come after it."""
    session = Session()
    request = ask(session)
    assert receive(session, progress(5), acknowledgment()) == [request, request]
    assert (request.phase, type(request.first)) == (Phase.ACCEPTED, Progress)


def test_overtaken_outcome_counts() -> None:
    """An outcome is never lost, whatever its sequence."""
    session = Session()
    request = ask(session)
    receive(session, progress(9), complete(4, "done"))
    assert request.result == "done"


def test_error_of_a_request_is_its_failure() -> None:
    """An error carries its code, sentence, details and advice on retrying to whoever waits."""
    session = Session()
    request = ask(session)
    receive(session, failure(details={"field": "start"}, retry={"retryable": True, "after_s": 2}))
    error = request.error
    assert isinstance(error, RequestFailed)
    assert (error.code, error.message) == ("VALIDATION_ERROR", "The payload lacks a start.")
    assert (error.details, error.retryable, error.request_id) == ({"field": "start"}, True, "r1")
    assert str(error).endswith("Send it again after 2 s under the same id.")


@pytest.mark.parametrize(
    "text",
    [GATEWAY_FRAME, failure(None, "UNAUTHORIZED")],
    ids=["gateway", "error without id"],
)
def test_frame_without_id_fails_the_oldest_unanswered_request(text: bytes) -> None:
    """What names no request answers the oldest one that has no answer; acknowledged work is not meant."""
    session = Session()
    ask(session, "long")
    receive(session, acknowledgment("long"))
    older, newer = ask(session, "r1"), ask(session, "r2")
    assert receive(session, text) == [older]
    assert (older.phase, newer.phase) == (Phase.DONE, Phase.SENT)
    assert [each.request_id for each in session.pending] == ["long", "r2"]


def test_gateway_frame_becomes_an_error_that_can_be_looked_up() -> None:
    """API Gateway's answer in the function's place is told with its own request id."""
    session = Session()
    request = ask(session)
    receive(session, GATEWAY_FRAME)
    assert isinstance(request.error, GatewayFailed)
    assert request.error.gateway_request_id == "Qyi3="
    assert "Internal server error" in str(request.error)


def test_frame_without_id_and_nobody_waiting_is_kept() -> None:
    """A frame that can be about no request fails none, and is kept to be looked at."""
    session = Session()
    assert receive(session, GATEWAY_FRAME) == [None]
    assert isinstance(session.unmatched[0].message, GatewayMessage)


@pytest.mark.parametrize("answer", [response, acknowledgment, failure], ids=["response", "ack", "error"])
def test_blame_moves_on_when_the_blamed_request_is_answered(answer: Any) -> None:
    """Messages run side by side: if the oldest request is answered after all, another one had failed."""
    session = Session()
    first, second, third = (ask(session, name) for name in ("r1", "r2", "r3"))
    assert receive(session, GATEWAY_FRAME, answer("r1")) == [first, second]
    assert isinstance(second.error, GatewayFailed)
    assert third.phase is Phase.SENT


def test_blame_never_falls_on_a_later_request() -> None:
    """A frame cannot be about a request that was sent after it arrived."""
    session = Session()
    ask(session, "r1")
    receive(session, GATEWAY_FRAME)
    later = ask(session, "r2")
    assert receive(session, response("r1")) == [None]
    assert later.phase is Phase.SENT


def test_progress_of_a_blamed_request_moves_no_blame() -> None:
    """Work can be accepted and its acknowledgment lost: its progress clears it of nothing."""
    session = Session()
    blamed, other = ask(session, "r1"), ask(session, "r2")
    assert receive(session, GATEWAY_FRAME, progress(5), complete(6)) == [blamed, None, None]
    assert other.phase is Phase.SENT


def test_pong_answers_a_ping() -> None:
    """A pong carries no id; it belongs to the oldest ping."""
    session = Session()
    other, ping = ask(session, "r1"), ask(session, "r2", action="ping")
    assert receive(session, frame("pong", None)) == [ping]
    assert (ping.result, other.phase) == ({"timestamp": WHEN}, Phase.SENT)


@pytest.mark.parametrize(
    "text",
    [b"", b"null", b"[1]", b"\xff\xfe", b'"x"', b'{"type":"later","request_id":"r1"}', b"[" * 100_000, b"{}"],
    ids=["empty", "null", "list", "bytes", "string", "later type", "deep", "no fields"],
)
def test_what_is_not_understood_is_kept_and_fails_nothing(text: bytes) -> None:
    """A later protocol's messages and rubbish are ignored safely."""
    session = Session()
    request = ask(session)
    assert receive(session, text) == [None]
    assert isinstance(session.unmatched[0].message, UnknownMessage)
    assert request.phase is Phase.SENT


def test_message_of_an_unknown_request_is_kept_within_bounds() -> None:
    """Messages of requests that nobody waits for are kept, the last hundred of them."""
    session = Session()
    receive(session, *(progress(sequence, request_id="elsewhere") for sequence in range(1, 251)))
    kept = [each.message.sequence for each in session.unmatched if isinstance(each.message, Progress)]
    assert kept == list(range(151, 251))


def test_unanswered_request_is_given_up_at_its_deadline() -> None:
    """A request has a deadline, after which its late answer moves nothing."""
    session = Session()
    request = ask(session, deadline_s=30.0, now=1000.0)
    assert session.tick(1029.9) == []
    assert session.tick(1030.0) == [request]
    assert isinstance(request.error, DeadlineExceeded)
    assert (request.error.deadline_s, request.error.acknowledged) == (30.0, False)
    assert receive(session, response()) == [None]


def test_acknowledgment_gives_long_work_its_own_deadline() -> None:
    """Once accepted, a request has until its outcome's deadline."""
    session = Session()
    request = ask(session, deadline_s=30.0, outcome_deadline_s=600.0)
    receive(session, acknowledgment())
    assert session.tick(599.0) == []
    assert session.tick(600.0) == [request]
    assert isinstance(request.error, DeadlineExceeded)
    assert request.error.acknowledged


def test_outcome_deadline_holds_for_the_first_answer_too() -> None:
    """Who wants the outcome within two seconds does not wait thirty for the first answer."""
    request = ask(Session(), deadline_s=30.0, outcome_deadline_s=2.0)
    assert request.due_at == 2.0


def test_end_of_the_connection_fails_every_request() -> None:
    """Each waiting request hears that the connection was lost, with the close code, and what to do."""
    session = Session()
    short, long = ask(session, "r1"), ask(session, "r2", action="generate_report")
    receive(session, acknowledgment("r2"))
    assert session.end(1001, "Going away") == [short, long]
    assert isinstance(long.error, ConnectionLost)
    assert isinstance(short.error, ConnectionLost)
    assert (long.error.code, long.error.reason, long.error.acknowledged) == (1001, "Going away", True)
    assert "generate_report (id r2) goes on at the server" in str(long.error)
    assert not short.error.acknowledged
    with pytest.raises(ConnectionLost, match="connect again"):
        ask(session, "r3")


def test_first_end_of_the_connection_counts() -> None:
    """A connection ends once: what comes later changes nothing."""
    session = Session()
    session.end(1009, "too big")
    assert session.end(1000, closed_here=True) == []
    assert session.lost is not None
    assert session.lost.code == 1009


def test_message_over_one_frame_is_refused_before_sending() -> None:
    """The gateway would cut the connection for a frame over 32 KB, so that no such frame is made."""
    session = Session()
    with pytest.raises(MessageTooLarge) as caught:
        ask(session, payload={"text": "x" * MAX_FRAME_BYTES})
    assert caught.value.size_bytes > caught.value.limit_bytes == 32_768
    assert session.pending == []


def test_message_of_exactly_one_frame_is_sent() -> None:
    """The limit itself is allowed."""
    session = Session()
    empty = session.ask(
        "echo", {"text": ""}, request_id="a", metadata={}, now=0, deadline_s=1, outcome_deadline_s=1
    )
    text = "x" * (MAX_FRAME_BYTES - len(empty.frame))
    full = session.ask(
        "echo", {"text": text}, request_id="b", metadata={}, now=0, deadline_s=1, outcome_deadline_s=1
    )
    assert len(full.frame) == MAX_FRAME_BYTES


@pytest.mark.parametrize(
    "options",
    [
        {"action": ""},
        {"action": "x" * 129},
        {"payload": [1]},
        {"payload": {"x": object()}},
        {"payload": {"x": "\ud800"}},
        {"payload": {1: object}},
        {"metadata": {"n": 1}},
        {"request_id": "no spaces"},
        {"request_id": ""},
        {"request_id": "x" * 129},
        {"deadline_s": 0},
        {"deadline_s": float("nan")},
        {"outcome_deadline_s": -1},
    ],
    ids=lambda options: next(f"{name}={value!s:.20}" for name, value in options.items()),
)
def test_impossible_request_is_refused_before_sending(options: dict[str, Any]) -> None:
    """What the server would refuse, or JSON cannot say, is refused here, and nothing waits for it."""
    session = Session()
    with pytest.raises(InvalidRequest):
        ask(session, **options)
    assert session.pending == []


def test_id_that_waits_already_is_refused() -> None:
    """Two requests with one id could not be told apart; the id is free again when the first is over."""
    session = Session()
    ask(session)
    with pytest.raises(InvalidRequest, match="r1"):
        ask(session)
    receive(session, response())
    again = ask(session)
    receive(session, complete(7, "stored"))
    assert again.result == "stored"
