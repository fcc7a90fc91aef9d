"""Two at one request at the same moment: whatever the order, it is as if one had come after the other."""

from typing import Any

import pytest

from streamer.errors import AlreadyClaimed, CancelRequested, Superseded
from streamer.lifecycle import Status
from streamer.store import Checkpoint, Claim, RequestKey, RequestState, history_of

ROUNDS = 5


@pytest.fixture
def keys(create: Any) -> list[RequestKey]:
    """Requests that wait, one for each round."""
    made = [RequestKey("demo", "ann", f"race-{number}") for number in range(ROUNDS)]
    for key in made:
        create(key=key)
    return made


def test_two_executors_and_one_request(keys: Any, requests: Any, race: Any) -> None:
    """A record that was delivered twice: one executor gets the request, the other nothing."""
    for key in keys:
        results = race(
            lambda key=key: requests.claim(key, owner="a", lease_until=9e9),
            lambda key=key: requests.claim(key, owner="b", lease_until=9e9),
        )
        assert {type(result) for result in results} == {Claim, AlreadyClaimed}
        assert requests.get(key).attempt == 1


def test_two_executors_and_one_lease_that_is_over(keys: Any, requests: Any, race: Any, clock: Any) -> None:
    """One takes the request over, and the lost attempt is noted once."""
    for key in keys:
        requests.claim(key, owner="late", lease_until=clock.now())
        results = race(
            lambda key=key: requests.claim(key, owner="a", lease_until=9e9),
            lambda key=key: requests.claim(key, owner="b", lease_until=9e9),
        )
        assert {type(result) for result in results} == {Claim, AlreadyClaimed}
        state = requests.get(key)
        assert (state.attempt, [failure.attempt for failure in state.failures]) == (2, [1])


def test_a_retry_and_the_claim_after_its_lease(keys: Any, requests: Any, race: Any, clock: Any) -> None:
    """An attempt whose lease ended fails while a successor claims: it is put back or taken over, not both."""
    for key in keys:
        late = requests.claim(key, owner="a", lease_until=clock.now())
        retried, claimed = race(
            lambda late=late: requests.retry(late, due_at=clock.now() + 60, code="BUSY", message="Busy."),
            lambda key=key: requests.claim(key, owner="b", lease_until=9e9),
        )
        state = requests.get(key)
        if isinstance(claimed, Claim):
            assert isinstance(retried, Superseded)
            assert (state.status, state.owner) == (Status.PROCESSING, "b")
            assert [(failure.attempt, failure.code) for failure in state.failures] == [
                (1, "PROCESSING_FAILED")
            ]
        else:
            assert isinstance(claimed, AlreadyClaimed)
            assert (state.status, len(state.failures)) == (Status.RETRYING, 1)


def test_a_retry_that_is_due_is_claimed_or_dispatched(
    keys: Any, requests: Any, race: Any, clock: Any
) -> None:
    """The sweeper dispatches a retry while an executor that waited claims it: one attempt follows."""
    for key in keys:
        held = requests.claim(key, owner="a", lease_until=9e9)
        requests.retry(held, due_at=clock.now(), code="BUSY", message="Busy.")
        state = requests.get(key)
        dispatched, claimed = race(
            lambda state=state: requests.redispatch(state),
            lambda key=key: requests.claim(key, owner="b", lease_until=9e9),
        )
        assert isinstance(claimed, Claim)
        after = requests.get(key)
        assert (after.status, after.attempt) == (Status.PROCESSING, 2)
        events = [entry.event for entry in history_of(after)]
        assert events == ["CREATE", "CLAIM", "RETRY", *(["RELEASE"] if dispatched else []), "CLAIM"]


def test_a_cancelled_attempt_and_the_sweeper(keys: Any, requests: Any, race: Any) -> None:
    """An attempt ends as cancelled while the sweeper takes it for dead: one outcome, told once."""
    for key in keys:
        held = requests.claim(key, owner="a", lease_until=9e9)
        state = requests.cancel(key)
        called_off, cancelled = race(
            lambda key=key, state=state: requests.call_off(key, state=state),
            lambda held=held: requests.cancelled(held, sequence=held.first_sequence),
        )
        after = requests.get(key)
        assert after.status is Status.CANCELLED
        if isinstance(cancelled, RequestState):
            assert called_off is None
            assert after.outcome_sequence == held.first_sequence
        else:
            assert isinstance(cancelled, Superseded)
            assert after.outcome_sequence == called_off.outcome_sequence


def test_a_cancellation_and_a_continuation(keys: Any, requests: Any, race: Any) -> None:
    """Either the request goes on and is cancelled where it waits, or its attempt hears of it."""
    for key in keys:
        held = requests.claim(key, owner="a", lease_until=9e9)
        cancelled, continued = race(
            lambda key=key: requests.cancel(key),
            lambda held=held: requests.continue_(held, Checkpoint(1, held.attempt)),
        )
        if isinstance(continued, CancelRequested):
            assert (cancelled.status, cancelled.cancel_requested) == (Status.PROCESSING, True)
        else:
            assert continued is None
            assert requests.get(key).status is Status.CANCELLED


def test_a_cancellation_and_a_release(keys: Any, requests: Any, race: Any) -> None:
    """The sweeper frees a dead executor's request while its user cancels it: nobody runs it again unasked."""
    for key in keys:
        held = requests.claim(key, owner="a", lease_until=9e9)
        cancelled, released = race(
            lambda key=key: requests.cancel(key),
            lambda held=held: requests.release(held.state),
        )
        after = requests.get(key)
        if released:
            assert cancelled.status is after.status is Status.CANCELLED
        else:
            assert (after.status, after.cancel_requested) == (Status.PROCESSING, True)


def test_two_outcomes(keys: Any, requests: Any, race: Any) -> None:
    """A request is given up while its attempt fails: one outcome, with one sequence."""
    for key in keys:
        held = requests.claim(key, owner="a", lease_until=9e9)
        given_up, failed = race(
            lambda key=key, held=held: requests.give_up(key, state=held.state, code="X", message="x"),
            lambda held=held: requests.fail(
                held, code="Y", message="y", details=None, sequence=held.first_sequence
            ),
        )
        after = requests.get(key)
        assert (given_up is None) is isinstance(failed, RequestState)
        winner = failed if given_up is None else given_up
        assert after.outcome_sequence == winner.outcome_sequence
        assert after.error["code"] == ("Y" if given_up is None else "X")


def test_two_sweepers_deliver_an_outcome_once_at_a_time(keys: Any, requests: Any, clock: Any) -> None:
    """Who sends an outcome says so before; a second sweep does not find it due."""
    for key in keys:
        held = requests.claim(key, owner="a", lease_until=9e9)
        requests.complete(held, result=1, sequence=2)
    clock.advance(60)
    due = requests.list_due(clock.now(), 100)
    assert sorted(key.request_id for key in due) == [key.request_id for key in keys]
    assert all(requests.postpone_delivery(key, sequence=2) for key in due)
    assert requests.list_due(clock.now(), 100) == []
