"""`Session` over several connections: what is asked after, sent again, given up, and what is seen."""

import json
from typing import Any

import pytest

from streamer.clients.python.errors import ConnectionLost, DeadlineExceeded, InvalidRequest, RequestFailed
from streamer.clients.python.exchange import Exchange, Phase
from streamer.clients.python.handle import RequestHandle
from streamer.clients.python.resumption import RESUMPTION_DEADLINE_S, RESUMPTION_PAUSE_S
from streamer.clients.python.session import Session
from streamer.protocol import Complete, Progress

WHEN = "2026-11-21T07:09:08.123Z"


class Line:
    """A session and the server's hands: what is sent on the present connection, and what comes back."""

    def __init__(self) -> None:
        self.session = Session()
        self.connection = 0
        self.now = 0.0

    def ask(self, request_id: str = "r1", *, resends: bool = False, sent: bool = True) -> Exchange:
        exchange = self.session.ask(
            "generate_report",
            {"year": 2024},
            request_id=request_id,
            metadata={},
            now=self.now,
            deadline_s=30.0,
            outcome_deadline_s=7200.0,
            resends=resends,
        )
        if sent:
            assert self.session.take(self.connection) is exchange
        return exchange

    def sent(self, connection: int | None = None) -> list[dict[str, Any]]:
        """Return what is sent now."""
        connection = self.connection if connection is None else connection
        frames = []
        while (exchange := self.session.take(connection)) is not None:
            frames.append(json.loads(exchange.frame))
        return frames

    def hear(
        self, kind: str, request_id: str | None, *, connection: int | None = None, **fields: Any
    ) -> list[Any]:
        """Take in a message; return the requests that it moved."""
        always = {"type": kind, "timestamp": WHEN}
        if request_id is not None:
            always["request_id"] = request_id
        connection = self.connection if connection is None else connection
        frame = json.dumps({**always, **fields}).encode()
        return self.session.receive(frame, at=0.0, now=self.now, connection=connection)[1]

    def acknowledge(self, request_id: str = "r1") -> None:
        self.hear("acknowledgment", request_id, sequence=0, status="PENDING", message="Queued.")

    def progress(self, sequence: int, request_id: str = "r1", **options: Any) -> list[Any]:
        return self.hear("progress", request_id, **message(sequence), **options)

    def complete(self, sequence: int, request_id: str = "r1") -> list[Any]:
        return self.hear("complete", request_id, sequence=sequence, success=True, result=sequence)

    def replace(self, *, cut: bool = True) -> None:
        """Open the next connection, after the present one was lost or beside it."""
        if cut:
            self.session.cut(self.connection, 1006, now=self.now)
        self.connection += 1
        self.session.opened(self.connection, now=self.now)

    def resumption(self, request_id: str = "r1") -> dict[str, Any]:
        """Return the question after a request, which is all that is sent."""
        (asked,) = self.sent()
        assert asked["action"] == "subscribe"
        assert asked["payload"]["request_id"] == request_id
        return asked

    def stands(self, asked: dict[str, Any], *messages: dict[str, Any], **fields: Any) -> list[Any]:
        """Answer a question after a request."""
        request = {
            "request_id": asked["payload"]["request_id"],
            "user_id": "ann",
            "action": "generate_report",
            "status": "PROCESSING",
            "attempt": 1,
            "created_at": WHEN,
            "updated_at": WHEN,
        }
        given = [
            {
                "type": "progress",
                "request_id": asked["payload"]["request_id"],
                "timestamp": WHEN,
                **each,
            }
            for each in messages
        ]
        data = {"request": request, "messages": given, "truncated": False, **fields}
        return self.hear("response", asked["id"], success=True, data=data)

    def refuse(self, asked: dict[str, Any], code: str, **fields: Any) -> list[Any]:
        error = {"code": code, "message": "No.", **fields}
        return self.hear("error", asked["id"], success=False, error=error)


def message(sequence: int) -> dict[str, Any]:
    return {"sequence": sequence, "attempt": 1, "percentage": 1.0, "message": f"Row {sequence}"}


def seen(exchange: Exchange) -> list[int]:
    return [each.message.sequence for each in exchange.history if isinstance(each.message, Progress)]


@pytest.fixture
def line() -> Line:
    return Line()


def test_accepted_work_is_asked_after_on_the_next_connection(line: Line) -> None:
    """The question says what was seen, and what was missed follows it without repetition."""
    request = line.ask()
    line.acknowledge()
    line.progress(5)
    line.replace()
    asked = line.resumption()
    assert asked["payload"] == {"request_id": "r1", "after_sequence": 5}
    assert line.stands(asked, message(5), message(7), message(9)) == [request]
    line.progress(9)
    line.progress(11)
    line.complete(12)
    assert seen(request) == [5, 7, 9, 11]
    assert request.result == 12


def test_what_comes_before_the_answer_follows_it(line: Line) -> None:
    """A new connection is told at once; a consumer sees what it missed first, and the outcome once."""
    request = line.ask()
    line.acknowledge()
    line.replace()
    asked = line.resumption()
    assert line.progress(8) == []
    assert line.complete(9) == []
    assert line.stands(asked, message(3), message(8)) == [request]
    assert seen(request) == [3, 8]
    assert (request.phase, request.result) == (Phase.DONE, 9)


def test_an_outcome_in_the_answer_ends_the_request(line: Line) -> None:
    """What ended while nobody was connected has its outcome behind its progress."""
    request = line.ask()
    line.acknowledge()
    line.replace()
    outcome = {"type": "complete", "sequence": 9, "success": True, "result": {"rows": 3}}
    assert line.stands(line.resumption(), message(4), outcome) == [request]
    assert (seen(request), request.result) == ([4], {"rows": 3})
    assert line.complete(9) == []


def test_an_outcome_that_comes_both_ways_is_heard_once(line: Line) -> None:
    """Told to the new connection, and in the answer to the question: a consumer has one."""
    request = line.ask()
    line.acknowledge()
    line.replace()
    asked = line.resumption()
    assert line.complete(9) == []
    outcome = {"type": "complete", "sequence": 9, "success": True, "result": 9}
    assert line.stands(asked, outcome) == [request]
    assert [type(each.message) for each in request.history].count(Complete) == 1


def test_a_repetition_that_is_refused_ends_no_accepted_work(line: Line) -> None:
    """Sent again after a cut, it can be running already when the server fails to say so."""
    request = line.ask(resends=True)
    line.replace()
    assert len(line.sent()) == 1
    line.progress(4)
    error = {"code": "SERVICE_UNAVAILABLE", "message": "Not now."}
    assert line.hear("error", "r1", success=False, error=error) == []
    assert line.complete(9) == [request]
    assert (request.result, request.error) == (9, None)


def test_missing_progress_is_told(line: Line) -> None:
    """A consumer can know that there is a gap."""
    request = line.ask()
    line.acknowledge()
    line.replace()
    line.stands(line.resumption(), truncated=True)
    assert request.truncated


def test_a_request_that_never_left_is_sent_on_the_next_connection(line: Line) -> None:
    """It can have done nothing yet, so that sending it is no repetition."""
    line.session.cut(0, 1006, now=0.0)
    request = line.ask(sent=False)
    assert line.sent() == []
    line.replace(cut=False)
    (sent,) = line.sent()
    assert (sent["id"], sent["action"]) == ("r1", "generate_report")
    line.acknowledge()
    assert request.phase is Phase.ACCEPTED


def test_an_unanswered_request_that_may_run_twice_is_sent_again(line: Line) -> None:
    """Under the same id, so that long work still runs once."""
    request = line.ask(resends=True)
    line.replace()
    (sent,) = line.sent()
    assert sent == json.loads(request.frame)
    line.complete(3)
    assert request.result == 3


def test_an_unanswered_request_is_asked_after_and_found(line: Line) -> None:
    """Long work whose acknowledgment was lost with the connection goes on."""
    request = line.ask()
    line.replace()
    assert line.stands(line.resumption(), message(2)) == [request]
    assert (request.phase, seen(request)) == (Phase.ACCEPTED, [2])


def test_an_unanswered_request_that_is_not_found_is_given_up(line: Line) -> None:
    """It may have run: whether it may be sent again only its owner knows, and the error says so."""
    request = line.ask()
    line.replace()
    assert line.refuse(line.resumption(), "NOT_FOUND") == [request]
    assert isinstance(request.error, ConnectionLost)
    assert (request.error.is_unsent, request.error.acknowledged, request.error.code) == (False, False, 1006)


def test_accepted_work_that_is_not_there_any_more_fails_so(line: Line) -> None:
    """A request that expired meanwhile is not found."""
    request = line.ask()
    line.acknowledge()
    line.replace()
    line.refuse(line.resumption(), "NOT_FOUND")
    assert isinstance(request.error, RequestFailed)
    assert request.error.code == "NOT_FOUND"


@pytest.mark.parametrize("how", ["retryable", "gateway", "silence", "nonsense"])
def test_a_question_without_an_answer_is_asked_again(line: Line, how: str) -> None:
    """What waited for the answer is let go, and the question comes again after a pause."""
    request = line.ask()
    line.acknowledge()
    line.replace()
    asked = line.resumption()
    line.progress(4)
    if how == "retryable":
        line.refuse(asked, "SERVICE_UNAVAILABLE", retry={"retryable": True})
    elif how == "gateway":
        frame = b'{"message": "Internal server error", "connectionId": "c", "requestId": "g"}'
        line.session.receive(frame, at=0.0, now=line.now, connection=1)
    elif how == "silence":
        line.now = RESUMPTION_DEADLINE_S
        assert line.session.tick(line.now) == [request]
    else:
        line.hear("response", asked["id"], success=True, data={"what": "ever"})
    assert seen(request) == [4]
    assert line.sent() == []
    due_at = line.session.due_at
    assert due_at is not None
    assert due_at <= line.now + RESUMPTION_PAUSE_S
    line.now += RESUMPTION_PAUSE_S
    line.session.tick(line.now)
    line.stands(line.resumption(), message(6))
    assert seen(request) == [4, 6]


def test_a_question_is_never_asked_twice_at_once(line: Line) -> None:
    """One that is to be repeated after a pause, and is asked on a new connection before, is not repeated."""
    request = line.ask()
    line.acknowledge()
    line.replace()
    line.refuse(line.resumption(), "SERVICE_UNAVAILABLE", retry={"retryable": True})
    line.replace()
    asked = line.resumption()
    line.now += RESUMPTION_PAUSE_S
    line.session.tick(line.now)
    assert line.sent() == []
    line.stands(asked, {"type": "complete", "sequence": 3, "success": True, "result": 3})
    assert request.result == 3
    assert line.session.due_at is None


def test_a_connection_that_is_cut_before_the_answer(line: Line) -> None:
    """The next one asks again, once."""
    request = line.ask()
    line.acknowledge()
    line.replace()
    line.resumption()
    line.replace()
    line.stands(line.resumption(), message(2))
    assert seen(request) == [2]


def test_a_connection_that_is_cut_before_the_question_was_sent(line: Line) -> None:
    """The next one sends it, once."""
    line.ask()
    line.acknowledge()
    line.replace()
    line.replace()
    line.resumption()
    assert line.sent() == []


def test_a_replaced_connection_still_brings_answers(line: Line) -> None:
    """What was asked on the old connection is answered there, and only then it is idle."""
    short, long = line.ask("short"), line.ask("long")
    line.acknowledge("long")
    line.replace(cut=False)
    line.stands(line.resumption("long"))
    assert not line.session.is_idle(0)
    line.hear("response", "short", connection=0, success=True, data=7)
    assert short.result == 7
    assert line.session.is_idle(0)
    line.progress(2, "long", connection=0)
    line.progress(2, "long", connection=1)
    line.session.cut(0, 1000, now=line.now)
    assert line.sent() == []
    assert seen(long) == [2]


def test_a_gateway_frame_is_about_its_own_connection(line: Line) -> None:
    """It fails the oldest unanswered request of the connection that it came on."""
    old = line.ask("old")
    line.replace(cut=False)
    new = line.ask("new")
    frame = b'{"message": "Internal server error", "connectionId": "c", "requestId": "g"}'
    assert line.session.receive(frame, at=0.0, now=0.0, connection=1)[1] == [new]
    assert line.session.receive(frame, at=0.0, now=0.0, connection=0)[1] == [old]


def test_the_deadlines_go_on_without_a_connection(line: Line) -> None:
    """A request does not wait for ever for a connection that never comes."""
    unanswered, accepted = line.ask("a"), line.ask("b")
    line.acknowledge("b")
    line.session.cut(0, 1006, now=0.0)
    assert line.session.tick(30.0) == [unanswered]
    assert isinstance(unanswered.error, DeadlineExceeded)
    assert line.session.tick(7200.0) == [accepted]


def test_following_a_request_of_elsewhere(line: Line) -> None:
    """It is asked after, and goes on as if it were begun here."""
    request = line.session.follow("r9", after_sequence=3, now=0.0, deadline_s=30.0, outcome_deadline_s=7200.0)
    asked = line.resumption("r9")
    assert asked["payload"]["after_sequence"] == 3
    line.stands(asked, message(4))
    assert (request.action, seen(request)) == ("generate_report", [4])
    again = line.session.follow("r9", after_sequence=0, now=0.0, deadline_s=1.0, outcome_deadline_s=1.0)
    assert again is request
    line.complete(5, "r9")
    assert request.result == 5


def test_following_a_request_of_another_user(line: Line) -> None:
    """The question names whose it is."""
    line.session.follow(
        "r9", user_id="ben", after_sequence=0, now=0.0, deadline_s=30.0, outcome_deadline_s=7200.0
    )
    assert line.resumption("r9")["payload"]["user_id"] == "ben"


def test_another_users_request_is_not_taken_for_ones_own(line: Line) -> None:
    """Ids are unique among those of one user only: of two with one id a client follows one at a time."""
    line.ask("r1")
    with pytest.raises(InvalidRequest, match="another user"):
        line.session.follow(
            "r1", user_id="ben", after_sequence=0, now=0.0, deadline_s=30.0, outcome_deadline_s=7200.0
        )


async def test_a_handle_asks_about_the_request_of_its_user() -> None:
    """`status` and `cancel` of another user's request mean that one, not one's own of the same id."""
    asked: list[tuple[str, str | None]] = []

    class Controls:
        async def status(self, request_id: str, *, user_id: str | None = None) -> Any:
            asked.append((request_id, user_id))

        cancel = status

    session = Session()
    theirs = session.follow(
        "r9", user_id="ben", after_sequence=0, now=0.0, deadline_s=30.0, outcome_deadline_s=7200.0
    )
    handle = RequestHandle(theirs, Controls())
    await handle.status()
    await handle.cancel()
    assert asked == [("r9", "ben")] * 2


def test_following_an_unknown_request_fails(line: Line) -> None:
    """That there is none is its outcome."""
    request = line.session.follow("r9", after_sequence=0, now=0.0, deadline_s=30.0, outcome_deadline_s=7200.0)
    line.refuse(line.resumption("r9"), "NOT_FOUND")
    assert isinstance(request.error, RequestFailed)
    assert request.error.code == "NOT_FOUND"


@pytest.mark.parametrize("answer", ["pong", "error", "gateway"])
def test_a_heartbeat_is_answered_by_anything(line: Line, answer: str) -> None:
    """It concerns no request of the user, whatever comes back."""
    request = line.ask()
    line.session.beat(now=0.0, deadline_s=30.0)
    (sent,) = line.sent()
    assert sent["action"] == "ping"
    if answer == "pong":
        assert line.hear("pong", None) == []
    elif answer == "error":
        assert line.hear("error", sent["id"], success=False, error={"code": "X", "message": "No."}) == []
    else:
        line.hear("response", "r1", success=True, data=1)
        frame = b'{"message": "Forbidden", "connectionId": "c", "requestId": "g"}'
        assert line.session.receive(frame, at=0.0, now=0.0, connection=0)[1] == []
    assert line.session.is_idle(0) is (answer == "gateway")
    assert line.session.pending == ([] if answer == "gateway" else [request])


def test_the_end_fails_what_never_left_as_such(line: Line) -> None:
    """Whoever gives up reconnecting can say what may be sent again in any case, and why it gave up."""
    line.session.cut(0, 1001, now=0.0)
    unsent = line.ask("unsent", sent=False)
    why = RuntimeError("refused")
    line.session.end(1001, cause=why)
    assert isinstance(unsent.error, ConnectionLost)
    assert unsent.error.is_unsent
    assert unsent.error.__cause__ is why
    assert line.session.due_at is None
