"""`Session` against a model of what a server may do: everything late, twice, out of order or not at all."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from streamer.clients.python.errors import ClientError
from streamer.clients.python.exchange import Exchange, Phase
from streamer.clients.python.session import UNMATCHED_LENGTH, Session
from streamer.protocol import Progress

SEQUENCES = st.integers(1, 20)


def encode(kind: str, **fields: Any) -> bytes:
    return json.dumps({"type": kind, "timestamp": "2026-11-21T07:09:08.123Z", **fields}).encode()


class SessionMachine(RuleBasedStateMachine):
    """Every request has at most one outcome, the first that arrived, whatever else arrives."""

    requests = Bundle("requests")

    def __init__(self) -> None:
        super().__init__()
        self.session = Session()
        self.now = 0.0
        self.asked: list[Exchange] = []
        self.phases: dict[int, Phase] = {}
        self.outcomes: dict[int, tuple[Any, ClientError | None]] = {}
        self.answered: set[int] = set()
        self.alive = True

    @rule(target=requests, action=st.sampled_from(["echo", "generate_report", "ping"]))
    def ask(self, action: str) -> str:
        request_id = f"r{len(self.asked)}"
        if not self.alive:
            return request_id
        exchange = self.session.ask(
            action,
            {},
            request_id=request_id,
            metadata={},
            now=self.now,
            deadline_s=30.0,
            outcome_deadline_s=100.0,
        )
        assert self.session.take(0) is exchange
        self.asked.append(exchange)
        return request_id

    def receive(self, frame: bytes) -> Exchange | None:
        before = {id(each): len(list(each.history)) for each in self.asked}
        done = {id(each) for each in self.asked if each.phase is Phase.DONE}
        _, all_moved = self.session.receive(frame, at=self.now)
        assert len(all_moved) <= 1
        moved = all_moved[0] if all_moved else None
        for each in self.asked:
            grew = len(list(each.history)) > before[id(each)]
            assert grew == (each is moved), "a request is told of exactly when it hears something"
            assert not (grew and id(each) in done), "nothing follows an outcome"
        return moved

    def waiting(self, request_id: str) -> Exchange | None:
        return next((each for each in self.session.pending if each.request_id == request_id), None)

    @rule(request_id=requests)
    def acknowledge(self, request_id: str) -> None:
        self.receive(
            encode("acknowledgment", request_id=request_id, sequence=0, status="PENDING", message="Queued.")
        )

    @rule(request_id=requests, sequence=SEQUENCES)
    def progress(self, request_id: str, sequence: int) -> None:
        waiting = self.waiting(request_id)
        was = waiting.sequence if waiting else None
        moved = self.receive(
            encode(
                "progress",
                request_id=request_id,
                sequence=sequence,
                attempt=1,
                percentage=1,
                message="Reading.",
            )
        )
        assert (moved is not None) == (was is not None and sequence > was)

    @rule(request_id=requests, sequence=SEQUENCES)
    def complete(self, request_id: str, sequence: int) -> None:
        waiting = self.waiting(request_id)
        moved = self.receive(
            encode("complete", request_id=request_id, sequence=sequence, success=True, result=sequence)
        )
        assert moved is waiting, "an outcome is never lost"
        if moved is not None:
            assert moved.result == sequence

    @rule(request_id=requests)
    def respond(self, request_id: str) -> None:
        waiting = self.waiting(request_id)
        self.receive(encode("response", request_id=request_id, success=True, data=request_id))
        assert waiting is None or waiting.result == request_id

    @rule(request_id=requests, sequence=st.none() | SEQUENCES)
    def fail(self, request_id: str, sequence: int | None) -> None:
        waiting = self.waiting(request_id)
        is_accepted = waiting is not None and waiting.phase is Phase.ACCEPTED
        fields = {} if sequence is None else {"sequence": sequence}
        self.receive(
            encode(
                "error",
                request_id=request_id,
                success=False,
                error={"code": "PROCESSING_FAILED", "message": "No."},
                **fields,
            )
        )
        is_refusal = sequence is None and is_accepted
        assert waiting is None or (waiting.error is None) is is_refusal

    @rule(frame=st.sampled_from([b'{"message":"Forbidden","connectionId":"c","requestId":"g"}', b"{}", b""]))
    def gateway(self, frame: bytes) -> None:
        unanswered = [each for each in self.session.pending if each.phase is Phase.SENT]
        moved = self.receive(frame)
        expected = unanswered[0] if unanswered and b"message" in frame else None
        assert moved is expected, "the oldest request without an answer is meant"

    @rule()
    def pong(self) -> None:
        moved = self.receive(encode("pong"))
        assert moved is None or moved.action == "ping"

    @rule(seconds=st.floats(0, 60))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        overdue = [each for each in self.session.pending if each.due_at <= self.now]
        assert {id(each) for each in self.session.tick(self.now)} == {id(each) for each in overdue}

    @rule(code=st.sampled_from([1000, 1001, 1006, 1009]))
    def end(self, code: int) -> None:
        self.session.end(code)
        self.alive = False
        assert self.session.pending == []

    @invariant()
    def phases_only_rise(self) -> None:
        for each in self.asked:
            assert each.phase >= self.phases.get(id(each), Phase.SENT)
            self.phases[id(each)] = each.phase

    @invariant()
    def first_outcome_stays(self) -> None:
        for each in self.asked:
            if each.phase is Phase.DONE:
                assert self.outcomes.setdefault(id(each), (each.result, each.error)) == (
                    each.result,
                    each.error,
                )

    @invariant()
    def pending_are_those_without_outcome(self) -> None:
        assert self.session.pending == [each for each in self.asked if each.phase is not Phase.DONE]

    @invariant()
    def progress_rises(self) -> None:
        for each in self.asked:
            seen = [item.message.sequence for item in each.history if isinstance(item.message, Progress)]
            assert seen == sorted(set(seen))

    @invariant()
    def what_is_kept_is_bounded(self) -> None:
        assert len(self.session.unmatched) <= UNMATCHED_LENGTH


SessionMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestSession = SessionMachine.TestCase


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_frame_raises(frame: bytes) -> None:
    """Whatever a server sends, taking it in does not raise."""
    session = Session()
    session.ask("echo", {}, request_id="r", metadata={}, now=0.0, deadline_s=1.0, outcome_deadline_s=1.0)
    session.receive(frame, at=0.0)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
NAMES = st.sampled_from(
    ["type", "request_id", "sequence", "message", "connectionId", "error", "data", "result"]
)
KINDS = st.sampled_from(["response", "complete", "progress", "error", "acknowledgment", "pong"])


@given(st.dictionaries(NAMES, JSON | KINDS | st.just("r"), max_size=8))
def test_no_object_raises(fields: dict[str, Any]) -> None:
    """Messages with fields missing, or of the wrong kind, are taken in without harm."""
    session = Session()
    session.ask("echo", {}, request_id="r", metadata={}, now=0.0, deadline_s=1.0, outcome_deadline_s=1.0)
    session.receive(json.dumps(fields).encode(), at=0.0)
