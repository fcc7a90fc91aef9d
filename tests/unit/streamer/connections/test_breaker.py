"""The circuit breaker: its table, its clockwork, its bounds."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from streamer.connections.breaker import TRANSITIONS, Admission, CircuitBreaker, Event, State

NOW = 1_000.0


@pytest.fixture
def breaker() -> CircuitBreaker:
    return CircuitBreaker(failures_to_open=3, cool_down_s=30.0, max_troubled=4)


def fail(breaker: CircuitBreaker, times: int, *, now: float = NOW) -> None:
    for _ in range(times):
        breaker.failed("c", now)


def test_every_pair_but_two_has_a_place() -> None:
    """What is sent ends; only a cool-down of a connection that is not open makes no sense."""
    missing = {(state, event) for state in State for event in Event} - TRANSITIONS.keys()
    assert missing == {(State.CLOSED, Event.COOLED), (State.PROBING, Event.COOLED)}


def test_few_failures_change_nothing(breaker: CircuitBreaker) -> None:
    """Two failures in a row are bad luck; a success makes them forgotten."""
    fail(breaker, 2)
    assert breaker.admit("c", NOW) is Admission.SEND
    breaker.succeeded("c")
    fail(breaker, 2)
    assert breaker.admit("c", NOW) is Admission.SEND


def test_a_connection_that_fails_in_a_row_is_left_alone(breaker: CircuitBreaker) -> None:
    """After the third failure nothing is sent until the cool-down is over; others are not concerned."""
    fail(breaker, 3)
    assert breaker.admit("c", NOW + 29.9) is Admission.REJECT
    assert breaker.admit("d", NOW) is Admission.SEND


def test_one_probe_at_a_time(breaker: CircuitBreaker) -> None:
    """After the cool-down one message goes, and nothing beside it."""
    fail(breaker, 3)
    assert breaker.admit("c", NOW + 30) is Admission.PROBE
    assert breaker.admit("c", NOW + 100) is Admission.REJECT
    breaker.succeeded("c")
    assert breaker.admit("c", NOW + 100) is Admission.SEND


def test_a_failed_probe_waits_again(breaker: CircuitBreaker) -> None:
    """One failure is enough then, and the cool-down begins anew."""
    fail(breaker, 3)
    breaker.admit("c", NOW + 30)
    fail(breaker, 1, now=NOW + 31)
    assert breaker.admit("c", NOW + 60) is Admission.REJECT
    assert breaker.admit("c", NOW + 61) is Admission.PROBE


def test_a_probe_that_is_cut_off_is_made_up_for(breaker: CircuitBreaker) -> None:
    """It said nothing, so that the next message is the probe, without another cool-down."""
    fail(breaker, 3)
    assert breaker.admit("c", NOW + 30) is Admission.PROBE
    breaker.cut_off("c")
    assert breaker.admit("c", NOW + 30) is Admission.PROBE


def test_what_is_cut_off_is_no_failure(breaker: CircuitBreaker) -> None:
    """However often somebody gives up, a connection is left alone only for what it did not take."""
    fail(breaker, 2)
    for _ in range(3):
        breaker.cut_off("c")
        breaker.cut_off("d")
    assert breaker.admit("c", NOW) is Admission.SEND
    assert len(breaker) == 1


def test_a_late_failure_does_not_lengthen_the_cool_down(breaker: CircuitBreaker) -> None:
    """A send that began before it opened and fails afterwards changes nothing."""
    fail(breaker, 3)
    fail(breaker, 1, now=NOW + 20)
    assert breaker.admit("c", NOW + 30) is Admission.PROBE


def test_memory_is_bounded(breaker: CircuitBreaker) -> None:
    """Healthy connections cost nothing; of too many in trouble the one quiet for longest is forgotten."""
    for number in range(100):
        breaker.admit(f"healthy-{number}", NOW)
        breaker.succeeded(f"healthy-{number}")
    assert len(breaker) == 0
    for number in range(10):
        for _ in range(3):
            breaker.failed(f"c{number}", NOW)
    assert len(breaker) == 4
    assert breaker.state("c0") is State.CLOSED
    assert breaker.state("c9") is State.OPEN


class Machine(RuleBasedStateMachine):
    """Messages that begin and end in any order at any time, beside a model that only counts."""

    def __init__(self) -> None:
        super().__init__()
        self.breaker = CircuitBreaker(failures_to_open=2, cool_down_s=10.0, max_troubled=3)
        self.now = NOW
        self.under_way: list[tuple[str, Admission]] = []

    @rule(seconds=st.sampled_from([0.0, 1.0, 9.9, 10.0, 60.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(connection_id=st.sampled_from("abcde"))
    def begin(self, connection_id: str) -> None:
        state = self.breaker.state(connection_id)
        admission = self.breaker.admit(connection_id, self.now)
        if admission is not Admission.REJECT:
            self.under_way.append((connection_id, admission))
        if state is State.CLOSED:
            assert admission is Admission.SEND
        if state is State.PROBING:
            assert admission is Admission.REJECT
        assert (admission is Admission.SEND) == (state is State.CLOSED)

    @rule(position=st.integers(0, 20), well=st.sampled_from([True, False, None]))
    def end(self, position: int, *, well: bool | None) -> None:
        if position >= len(self.under_way):
            return
        connection_id, admission = self.under_way.pop(position)
        if well is None:
            self.breaker.cut_off(connection_id)
            assert self.breaker.state(connection_id) is not State.PROBING
        elif well:
            self.breaker.succeeded(connection_id)
            assert self.breaker.state(connection_id) is State.CLOSED
        else:
            known = self.breaker.state(connection_id) is State.PROBING
            self.breaker.failed(connection_id, self.now)
            if known and admission is Admission.PROBE:
                assert self.breaker.state(connection_id) is State.OPEN

    @rule(connection_id=st.sampled_from("abcde"))
    def never_shut_out_for_ever(self, connection_id: str) -> None:
        """Once nothing is under way, a connection is let through after the cool-down at the latest."""
        if not any(each == connection_id for each, _ in self.under_way):
            assert self.breaker.state(connection_id) is not State.PROBING

    @invariant()
    def bounded(self) -> None:
        assert len(self.breaker) <= 3


Machine.TestCase.settings = settings(max_examples=60, deadline=None)
TestMachine = Machine.TestCase
