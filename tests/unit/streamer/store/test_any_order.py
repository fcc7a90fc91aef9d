"""Any order of what executors, sweepers, users and operators do to a request, zombies among them."""

from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from streamer.dynamorm import Database
from streamer.dynamorm.memory import MemoryDynamoDB
from streamer.errors import AlreadyClaimed, CancelRequested, CannotReplay, Superseded
from streamer.lifecycle import OUTCOMES, TERMINAL, TRANSITIONS, Event, Status
from streamer.store import Checkpoint, Claim, RequestKey, RequestState, RequestStore, history_of
from streamer.store.models import Counter, user_key
from streamer.testing import make_settings

pytestmark = pytest.mark.slow

KEY = RequestKey("acme", "ada", "r1")
LEASE_S = 10.0
REFUSED = (Superseded, CancelRequested)


class Clock:
    def __init__(self) -> None:
        self.time = 1_700_000_000.0

    def now(self) -> float:
        return self.time


class Life(RuleBasedStateMachine):
    """One request; every claim that was ever made may still be used, as a zombie would."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.engine = MemoryDynamoDB()
        self.store = RequestStore(self.engine, make_settings(), self.clock)
        self.claims: list[Claim] = []
        self.seen: list[RequestState] = []
        self.outcomes: list[int] = []
        self.before = self.store.create(
            KEY,
            action="noop",
            payload={},
            correlation_id="c",
            connection_id="C1=",
            endpoint="https://localhost:1/local",
        ).state

    def teardown(self) -> None:
        self.store.close()

    @rule(seconds=st.sampled_from([0.5, 5.0, LEASE_S]))
    def time_passes(self, seconds: float) -> None:
        self.clock.time += seconds

    @rule()
    def claim(self) -> None:
        state = self.store.get(KEY)
        try:
            owner = f"owner-{len(self.claims)}"
            made = self.store.claim(KEY, owner=owner, lease_until=self.clock.time + LEASE_S)
        except AlreadyClaimed:
            assert not self._claimable(state)
            return
        assert self._claimable(state)
        assert made.first_sequence > state.sequence
        self.claims.append(made)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), what=st.sampled_from(["complete", "fail", "cancelled"]))
    def end(self, data: st.DataObject, what: str) -> None:
        claim = data.draw(st.sampled_from(self.claims))
        sequence = claim.first_sequence + 5
        calls: dict[str, Any] = {
            "complete": lambda: self.store.complete(claim, result=1, sequence=sequence),
            "fail": lambda: self.store.fail(claim, code="X", message="x", details=None, sequence=sequence),
            "cancelled": lambda: self.store.cancelled(claim, sequence=sequence),
        }
        held = self._holds(claim)
        before = self.store.get(KEY)
        try:
            calls[what]()
        except Superseded:
            assert not held
        else:
            assert held or before.outcome_sequence == sequence

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), what=st.sampled_from(["progress", "retry", "continue", "checkpoint"]))
    def work(self, data: st.DataObject, what: str) -> None:
        claim = data.draw(st.sampled_from(self.claims))
        checkpoint = Checkpoint(1, claim.attempt)
        calls: dict[str, Any] = {
            "progress": lambda: self.store.save_progress(claim, 50.0, "half"),
            "retry": lambda: self.store.retry(claim, due_at=self.clock.time + 3, code="X", message="x"),
            "continue": lambda: self.store.continue_(claim, checkpoint),
            "checkpoint": lambda: self.store.save_checkpoint(claim, checkpoint),
        }
        held, before = self._holds(claim), self.store.get(KEY)
        try:
            calls[what]()
        except CancelRequested:
            assert held
            assert before.cancel_requested
        except Superseded:
            assert not held
        else:
            repeated = what == "continue" and before.continuations == claim.state.continuations + 1
            assert repeated or (held and not before.cancel_requested)

    @rule()
    def remember(self) -> None:
        self.seen.append(self.store.get(KEY))

    @precondition(lambda self: self.seen)
    @rule(data=st.data(), what=st.sampled_from(["release", "redispatch", "give up", "call off"]))
    def sweep(self, data: st.DataObject, what: str) -> None:
        state = data.draw(st.sampled_from(self.seen))
        if what == "release":
            self.store.release(state)
        elif what == "redispatch":
            self.store.redispatch(state)
        elif what == "give up":
            self.store.give_up(KEY, state=state, code="X", message="x")
        elif what == "call off":
            self.store.call_off(KEY, state=state)

    @rule()
    def cancel(self) -> None:
        before = self.store.get(KEY)
        after = self.store.cancel(KEY)
        if before.status in TERMINAL:
            assert after == before
        else:
            assert after.status is Status.CANCELLED or after.cancel_requested

    @rule()
    def deliver(self) -> None:
        state = self.store.get(KEY)
        if state.outcome_sequence is not None:
            self.store.delivered(KEY, sequence=state.outcome_sequence)

    @rule()
    def replay(self) -> None:
        status = self.store.get(KEY).status
        try:
            self.store.replay(KEY)
        except CannotReplay:
            assert status not in (Status.FAILED, Status.CANCELLED)
        else:
            assert status in (Status.FAILED, Status.CANCELLED)

    @invariant()
    def every_change_is_in_the_table(self) -> None:
        before, after = self.before, self.store.get(KEY)
        self.before = after
        if after.history == before.history:
            assert after.status is before.status
            return
        event = Event(after.history[-1].event)
        assert TRANSITIONS[before.status, event] is after.status is after.history[-1].status
        if event is Event.CLAIM and before.status is Status.PROCESSING:
            assert after.failures[-1].attempt == before.attempt
        if event in OUTCOMES:
            assert after.outcome_sequence is not None
            assert after.outcome_sequence > max(self.outcomes, default=-1)
            self.outcomes.append(after.outcome_sequence)

    @invariant()
    def what_waits_is_due_and_what_is_delivered_is_not(self) -> None:
        state = self.store.get(KEY)
        in_flight = state.status not in TERMINAL
        assert (state.due is not None) is (in_flight or state.undelivered)
        assert (state.owner is not None and state.lease_until is not None) is (
            state.status is Status.PROCESSING
        )

    @invariant()
    def it_counts_as_long_as_it_is_in_flight(self) -> None:
        counter = Database(self.engine, now=self.clock.now).get(Counter.at(name=user_key("acme", "ada")))
        assert counter.in_flight == int(self.store.get(KEY).status not in TERMINAL)

    @invariant()
    def its_history_is_bounded_and_its_attempts_are_known(self) -> None:
        state = self.store.get(KEY)
        assert len(state.history) <= 20 + len(self.claims)
        assert all(entry.attempt is not None for entry in history_of(state))
        assert state.attempt >= 0

    def _holds(self, claim: Claim) -> bool:
        state = self.store.get(KEY)
        return (state.status, state.owner, state.attempt) == (Status.PROCESSING, claim.owner, claim.attempt)

    def _claimable(self, state: RequestState) -> bool:
        now = self.clock.time
        return (
            state.status is Status.PENDING
            or (state.status is Status.RETRYING and (state.due_at or 0.0) <= now)
            or (state.status is Status.PROCESSING and (state.lease_until or 0.0) <= now)
        )


TestLife = Life.TestCase
TestLife.settings = hypothesis_settings(max_examples=40, stateful_step_count=30, deadline=None)
