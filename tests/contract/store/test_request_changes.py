"""The promises of `RequestStore` on ending, going on, running again and remembering, on every engine."""

from typing import Any

import pytest

from streamer.errors import (
    AlreadyClaimed,
    CancelRequested,
    CannotReplay,
    NotFound,
    ProcessingFailed,
    Superseded,
)
from streamer.lifecycle import Status
from streamer.store import (
    REQUEST_TTL_S,
    SEQUENCE_BLOCK,
    Checkpoint,
    Claim,
    Failure,
    RequestKey,
    RequestState,
    history_of,
)
from streamer.store.limits import MAX_FAILURES, MAX_HISTORY

LEASE_S = 60.0


@pytest.fixture
def claim(requests: Any, key: RequestKey, clock: Any) -> Any:
    """Claim the test's request for a minute."""

    def call(owner: str = "invocation-1") -> Claim:
        return requests.claim(key, owner=owner, lease_until=clock.now() + LEASE_S)

    return call


# Cancel


def test_a_waiting_request_is_cancelled_at_once(create: Any, requests: Any, key: RequestKey) -> None:
    """PENDING becomes CANCELLED, undelivered, with a sequence and an error that says so."""
    create()
    state = requests.cancel(key)
    assert state == requests.get(key)
    assert (state.status, state.undelivered, state.outcome_sequence) == (Status.CANCELLED, True, 1)
    assert state.error["code"] == "CANCELLED"
    with pytest.raises(AlreadyClaimed):
        requests.claim(key, owner="late", lease_until=9e9)


def test_a_request_between_attempts_is_cancelled_at_once(
    create: Any, claim: Any, requests: Any, key: RequestKey, clock: Any
) -> None:
    """RETRYING becomes CANCELLED; nobody claims it when the retry would have been due."""
    create()
    requests.retry(claim(), due_at=clock.now() + 1, code="BUSY", message="Busy.")
    state = requests.cancel(key)
    assert (state.status, state.outcome_sequence) == (Status.CANCELLED, SEQUENCE_BLOCK + 1)
    clock.advance(2)
    with pytest.raises(AlreadyClaimed):
        claim("invocation-2")


TELLING = {
    "look": lambda requests, held: requests.check(held),
    "progress": lambda requests, held: requests.save_progress(held, 50, "half"),
    "checkpoint": lambda requests, held: requests.save_checkpoint(held, Checkpoint(1, held.attempt)),
    "continue": lambda requests, held: requests.continue_(held, Checkpoint(1, held.attempt)),
    "retry": lambda requests, held: requests.retry(held, due_at=0.0, code="X", message="x"),
}


@pytest.mark.parametrize("write", TELLING.values(), ids=TELLING.keys())
def test_a_running_attempt_learns_of_the_wish(
    create: Any, claim: Any, requests: Any, key: RequestKey, write: Any
) -> None:
    """PROCESSING stays so; the attempt's next write raises, writes nothing, and it ends the request."""
    create()
    held = claim()
    asked = requests.cancel(key)
    assert (asked.status, asked.cancel_requested) == (Status.PROCESSING, True)
    assert requests.cancel(key) == asked
    with pytest.raises(CancelRequested):
        write(requests, held)
    assert requests.get(key) == asked
    ended = requests.cancelled(held, sequence=held.first_sequence)
    assert (ended.status, ended.outcome_sequence) == (Status.CANCELLED, held.first_sequence)
    assert requests.get(key).status is Status.CANCELLED


def test_the_request_of_a_dead_attempt_that_was_to_end_is_not_freed(
    create: Any, claim: Any, requests: Any, key: RequestKey
) -> None:
    """Nobody runs it again; it can be called off."""
    create()
    held = claim()
    requests.cancel(key)
    assert not requests.release(held.state)
    state = requests.call_off(key, state=requests.get(key))
    assert (state.status, state.undelivered) == (Status.CANCELLED, True)


def test_cancel_of_what_is_over_changes_nothing(
    create: Any, claim: Any, requests: Any, key: RequestKey
) -> None:
    """A request that is over is returned as it is."""
    create()
    requests.complete(claim(), result=1, sequence=2)
    before = requests.get(key)
    assert requests.cancel(key) == before == requests.get(key)


def test_cancel_of_nothing(requests: Any, key: RequestKey) -> None:
    """There is nothing to end, and nothing is made."""
    with pytest.raises(NotFound):
        requests.cancel(key)
    assert requests.find(key) is None


def test_cancel_against_complete_has_one_outcome(create: Any, requests: Any, race: Any) -> None:
    """Of cancelling and completing at the same moment the request has one outcome, the one that is stored."""
    for number in range(5):
        key = RequestKey("demo", "ann", f"race-{number}")
        create(key=key)
        held = requests.claim(key, owner="a", lease_until=9e9)
        cancelled, completed = race(
            lambda key=key: requests.cancel(key),
            lambda held=held: requests.complete(held, result=1, sequence=2),
        )
        assert isinstance(cancelled, RequestState)
        assert isinstance(completed, RequestState)
        assert cancelled.status in (Status.PROCESSING, Status.COMPLETED)
        assert requests.get(key).status is Status.COMPLETED


def test_cancel_against_claim_has_one_winner(create: Any, requests: Any, race: Any) -> None:
    """Of a claim and a cancellation: either nobody runs it, or the one that runs it is told."""
    for number in range(5):
        key = RequestKey("demo", "ann", f"race-{number}")
        create(key=key)
        cancelled, claimed = race(
            lambda key=key: requests.cancel(key),
            lambda key=key: requests.claim(key, owner="a", lease_until=9e9),
        )
        if isinstance(claimed, Claim):
            assert (cancelled.status, cancelled.cancel_requested) == (Status.PROCESSING, True)
            with pytest.raises(CancelRequested):
                requests.save_progress(claimed, 1, "x")
        else:
            assert isinstance(claimed, AlreadyClaimed)
            assert cancelled.status is Status.CANCELLED


# Checkpoints and continuation


def test_a_continuation_is_no_new_attempt(
    create: Any, claim: Any, requests: Any, key: RequestKey, clock: Any
) -> None:
    """The checkpoint is stored, the request waits for dispatch, and the next claim has the same attempt."""
    create()
    held = claim()
    requests.save_progress(held, 40.0, "Row 400")
    requests.continue_(held, Checkpoint({"row": 400}, held.attempt), percentage=41.5)
    state = requests.get(key)
    assert (state.status, state.owner, state.lease_until) == (Status.PENDING, None, None)
    assert (state.continuations, state.percentage, state.message) == (1, 41.5, "Row 400")
    assert requests.find_checkpoint(key) == Checkpoint({"row": 400}, 1)
    next_held = claim("invocation-2")
    assert (next_held.attempt, next_held.first_sequence) == (1, SEQUENCE_BLOCK + 1)
    assert next_held.percentage == 41.5


def test_a_continuation_whose_dispatch_was_lost_goes_on_where_it_was(
    create: Any, claim: Any, requests: Any, key: RequestKey
) -> None:
    """It is the same attempt, in which a percentage never falls."""
    create()
    held = claim()
    requests.continue_(held, Checkpoint({"row": 400}, held.attempt), percentage=41.5)
    assert requests.redispatch(requests.get(key))
    next_held = claim("invocation-2")
    assert (next_held.attempt, next_held.percentage) == (1, 41.5)


def test_a_new_attempt_begins_at_nothing(
    create: Any, claim: Any, requests: Any, key: RequestKey, clock: Any
) -> None:
    """Neither after a retry, nor after its predecessor's lease was over, does it inherit a percentage."""
    create()
    requests.save_progress(claim(), 80.0, "Row 800")
    clock.advance(LEASE_S)
    held = claim("invocation-2")
    assert (held.attempt, held.percentage) == (2, 0.0)
    requests.save_progress(held, 90.0, "Row 900")
    requests.retry(held, due_at=clock.now(), code="BUSY", message="Busy.")
    assert requests.get(key).percentage is None
    assert claim("invocation-3").percentage == 0.0


def test_a_claim_knows_when_the_one_before_it_ended(
    create: Any, claim: Any, requests: Any, key: RequestKey, clock: Any
) -> None:
    """However it ended, and whatever happened to the request since; unless only its lease did."""
    create()
    held = claim()
    assert held.previous_ended_at is None
    clock.advance(5)
    ends = clock.now()
    requests.retry(held, due_at=ends + 10, code="BUSY", message="Busy.")
    clock.advance(10)
    assert requests.redispatch(requests.get(key))
    held = claim("invocation-2")
    assert held.previous_ended_at == ends
    clock.advance(LEASE_S)
    assert claim("invocation-3").previous_ended_at is None


def test_continue_twice_is_once(create: Any, claim: Any, requests: Any, key: RequestKey) -> None:
    """A write whose answer was lost may be made again: it changes nothing."""
    create()
    held = claim()
    requests.continue_(held, Checkpoint(1, 1))
    before = requests.get(key)
    requests.continue_(held, Checkpoint(1, 1))
    assert requests.get(key) == before


def test_a_checkpoint_outlives_its_attempt(create: Any, claim: Any, requests: Any, key: RequestKey) -> None:
    """A later attempt finds what an earlier one saved; without one there is none."""
    create()
    held = claim()
    assert requests.find_checkpoint(key) is None
    requests.save_checkpoint(held, Checkpoint([1, 2], held.attempt))
    requests.release(held.state)
    assert claim("invocation-2").attempt == 2
    assert requests.find_checkpoint(key) == Checkpoint([1, 2], 1)


ZOMBIE_WRITES = {
    "save_checkpoint": lambda requests, held: requests.save_checkpoint(held, Checkpoint("old", 1)),
    "continue_": lambda requests, held: requests.continue_(held, Checkpoint("old", 1)),
    "cancelled": lambda requests, held: requests.cancelled(held, sequence=2),
}


@pytest.mark.parametrize("write", ZOMBIE_WRITES.values(), ids=ZOMBIE_WRITES.keys())
def test_a_zombie_continues_nothing(
    create: Any, claim: Any, requests: Any, key: RequestKey, clock: Any, write: Any
) -> None:
    """An attempt that lost its request stores no checkpoint and ends nothing."""
    create()
    zombie = claim()
    clock.advance(LEASE_S)
    held = claim("invocation-2")
    with pytest.raises(Superseded):
        write(requests, zombie)
    assert requests.get(key) == held.state
    assert requests.find_checkpoint(key) is None


def test_a_zombie_of_the_same_attempt_writes_nothing(create: Any, claim: Any, requests: Any) -> None:
    """After a continuation the attempt is the same and the owner another: the first one is fenced off."""
    create()
    zombie = claim()
    requests.continue_(zombie, Checkpoint(1, 1))
    held = claim("invocation-2")
    assert held.attempt == zombie.attempt
    with pytest.raises(Superseded):
        requests.complete(zombie, result="old", sequence=2)
    requests.complete(held, result="new", sequence=held.first_sequence)


def test_continuation_against_the_sweeper_has_one_winner(create: Any, requests: Any, race: Any) -> None:
    """Of going on and being freed exactly one happens, and the request waits once."""
    for number in range(5):
        key = RequestKey("demo", "ann", f"race-{number}")
        create(key=key)
        held = requests.claim(key, owner="a", lease_until=9e9)
        continued, released = race(
            lambda held=held: requests.continue_(held, Checkpoint(1, 1)),
            lambda held=held: requests.release(held.state),
        )
        state = requests.get(key)
        assert state.status is Status.PENDING
        assert released is (state.continuations == 0)
        assert isinstance(continued, Superseded) is released


def test_a_replayed_request_hangs_on_no_connection(create: Any, requests: Any, key: RequestKey) -> None:
    """An operator lets it run although the connection that it was to end with may be over."""
    create(cancel_on_disconnect=True)
    requests.cancel(key)
    assert requests.replay(key).cancel_on_disconnect is None


@pytest.mark.parametrize("state", [float("nan"), object(), "x" * 400_000], ids=["nan", "object", "large"])
def test_a_checkpoint_that_cannot_be_stored_changes_nothing(
    create: Any, claim: Any, requests: Any, key: RequestKey, state: Any
) -> None:
    """What is no JSON or too large is a clear error, and the attempt still owns the request."""
    create()
    held = claim()
    with pytest.raises(ProcessingFailed, match="The checkpoint"):
        requests.continue_(held, Checkpoint(state, 1))
    assert requests.get(key) == held.state


# Replay


def test_a_failed_request_runs_again(
    create: Any, claim: Any, requests: Any, key: RequestKey, clock: Any
) -> None:
    """It waits as a new one does, with its payload, from its beginning; its sequences go on rising."""
    create(payload={"n": 1})
    held = claim()
    requests.save_checkpoint(held, Checkpoint(1, 1))
    requests.fail(held, code="X", message="x", details=None, sequence=2)
    requests.delivered(key, sequence=2)
    clock.advance(3600)
    state = requests.replay(key)
    assert (state.status, state.attempt, state.error, state.due) == (Status.PENDING, 0, None, "DUE")
    assert (state.undelivered, state.outcome_sequence, state.expires_at) == (False, None, None)
    assert requests.find_checkpoint(key) is None
    clock.advance(REQUEST_TTL_S)
    assert requests.get_payload(key) == {"n": 1}
    again = claim("invocation-2")
    assert (again.attempt, again.first_sequence) == (1, SEQUENCE_BLOCK + 1)


def test_failures_belong_to_their_run(
    create: Any, claim: Any, requests: Any, key: RequestKey, clock: Any
) -> None:
    """What failed before a replay is kept apart: the new outcome tells of the new attempts only."""
    create()
    for run in (1, 2):
        held = claim(f"{run}-1")
        requests.retry(held, due_at=clock.now(), code=f"BUSY_{run}", message="Busy.")
        held = claim(f"{run}-2")
        told = requests.fail(held, code=f"X_{run}", message="x", details=None, sequence=held.first_sequence)
        assert [(each.attempt, each.code) for each in told.failures] == [(1, f"BUSY_{run}"), (2, f"X_{run}")]
        assert requests.get(key).failures == told.failures
        state = requests.replay(key)
        assert state.failures == ()
    codes = [each.code for each in state.earlier_failures]
    assert codes == ["BUSY_1", "X_1", "BUSY_2", "X_2"]


def test_a_cancelled_request_runs_again(create: Any, requests: Any, key: RequestKey) -> None:
    """Nobody's wish to end it is left."""
    create()
    requests.cancel(key)
    assert not requests.replay(key).cancel_requested
    assert requests.claim(key, owner="a", lease_until=9e9).attempt == 1


def test_what_runs_or_completed_is_not_replayed(
    create: Any, claim: Any, requests: Any, key: RequestKey
) -> None:
    """Only what has no good outcome, and can have none, runs again."""
    create()
    for status in (Status.PENDING, Status.PROCESSING, Status.COMPLETED):
        assert requests.get(key).status is status
        with pytest.raises(CannotReplay, match=status):
            requests.replay(key)
        if status is Status.PENDING:
            held = claim()
        elif status is Status.PROCESSING:
            requests.complete(held, result=1, sequence=2)


def test_two_replays_at_once_are_one(create: Any, requests: Any, key: RequestKey, race: Any) -> None:
    """Of several operators one lets it run again."""
    create()
    requests.cancel(key)
    results = race(*[lambda: requests.replay(key)] * 4)
    assert sum(isinstance(result, RequestState) for result in results) == 1
    assert sum(isinstance(result, CannotReplay) for result in results) == 3


def test_a_sweeper_that_looked_before_a_replay_changes_nothing(
    create: Any, requests: Any, key: RequestKey
) -> None:
    """A replayed request looks as it did once, and is not taken for that one."""
    waiting = create().state
    requests.cancel(key)
    replayed = requests.replay(key)
    assert requests.give_up(key, state=waiting, code="X", message="x") is None
    assert requests.call_off(key, state=waiting) is None
    assert not requests.redispatch(waiting)
    assert requests.get(key) == replayed


# History


def test_every_change_is_remembered(
    create: Any, claim: Any, requests: Any, key: RequestKey, clock: Any
) -> None:
    """The history has each change with its moment, status and attempt, oldest first."""
    start = clock.now()
    create()
    clock.advance(1)
    requests.retry(claim(), due_at=clock.now(), code="BUSY", message="Busy.")
    held = claim("invocation-2")
    requests.continue_(held, Checkpoint(1, held.attempt))
    held = claim("invocation-3")
    requests.release(held.state)
    held = claim("invocation-4")
    requests.complete(held, result=1, sequence=held.first_sequence)
    history = history_of(requests.get(key))
    assert [(each.event, each.status, each.attempt) for each in history] == [
        ("CREATE", "PENDING", 0),
        ("CLAIM", "PROCESSING", 1),
        ("RETRY", "RETRYING", 1),
        ("CLAIM", "PROCESSING", 2),
        ("CONTINUE", "PENDING", 2),
        ("CLAIM", "PROCESSING", 2),
        ("RELEASE", "PENDING", 2),
        ("CLAIM", "PROCESSING", 3),
        ("COMPLETE", "COMPLETED", 3),
    ]
    assert [each.at for each in history] == [start, *[start + 1] * 8]


def test_the_history_is_bounded(create: Any, claim: Any, requests: Any, key: RequestKey) -> None:
    """Of many changes the latest are kept."""
    create()
    for number in range(2 * MAX_HISTORY):
        held = claim(f"invocation-{number}")
        requests.continue_(held, Checkpoint(number, held.attempt))
    history = history_of(requests.get(key))
    assert len(history) == MAX_HISTORY
    assert {each.attempt for each in history} == {1}
    assert history[-1].event == "CONTINUE"


def test_what_many_dead_attempts_leave_is_bounded(
    create: Any, claim: Any, requests: Any, key: RequestKey
) -> None:
    """An action may be begun a hundred times, and die each time: the hot item stays small."""
    create()
    for number in range(MAX_HISTORY):
        assert requests.release(claim(f"invocation-{number}").state)
    state = requests.get(key)
    assert (len(state.history), len(state.failures)) == (MAX_HISTORY, MAX_FAILURES)
    assert state.failures[-1].attempt == MAX_HISTORY


def test_an_attempt_that_is_taken_over_has_failed(
    create: Any, claim: Any, requests: Any, key: RequestKey, clock: Any
) -> None:
    """Nobody said how: a FAILED request tells of every attempt, also of one whose executor never reported."""
    create()
    lost: list[Failure] = []
    for number in (1, 2):
        held = claim(f"invocation-{number}")
        requests.save_progress(held, 50.0, "Half")
        clock.advance(LEASE_S)
        lost.append(Failure(number, "PROCESSING_FAILED", "The attempt ended without an answer.", clock.now()))
    held = claim("invocation-3")
    assert held.state.failures == tuple(lost)
    assert (held.state.percentage, held.state.message) == (None, None)
    ended = requests.fail(held, code="NO_DATA", message="None.", details=None, sequence=9_000_000)
    assert ended.failures == requests.get(key).failures
    assert [failure.attempt for failure in ended.failures] == [1, 2, 3]
    history = [(each.event, each.attempt) for each in history_of(requests.get(key))]
    assert history == [("CREATE", 0), ("CLAIM", 1), ("CLAIM", 2), ("CLAIM", 3), ("FAIL", 3)]


def test_what_many_attempts_leave_that_are_taken_over_is_bounded(
    create: Any, claim: Any, requests: Any, key: RequestKey, clock: Any
) -> None:
    """The hot item stays small, however often a lease runs out."""
    create()
    for number in range(MAX_HISTORY + 3):
        claim(f"invocation-{number}")
        clock.advance(LEASE_S)
    state = requests.get(key)
    assert (len(state.history), len(state.failures)) == (MAX_HISTORY, MAX_FAILURES)
    assert [each.attempt for each in history_of(state)] == [*range(4, MAX_HISTORY + 4)]


def test_every_attempts_error_is_kept(
    create: Any, claim: Any, requests: Any, key: RequestKey, clock: Any
) -> None:
    """A FAILED request shows how each attempt failed, the one that just ended too."""
    create()
    requests.retry(claim(), due_at=clock.now(), code="BUSY", message="Busy.")
    held = claim("invocation-2")
    requests.release(held.state, code="TIMEOUT", message="Late.")
    ended = requests.fail(
        claim("invocation-3"), code="NO_DATA", message="n" * 2000, details=None, sequence=9_000_000
    )
    state = requests.get(key)
    now = clock.now()
    assert state.failures == ended.failures
    assert state.failures[:2] == (Failure(1, "BUSY", "Busy.", now), Failure(2, "TIMEOUT", "Late.", now))
    assert (state.failures[2].attempt, state.failures[2].code) == (3, "NO_DATA")
    assert len(state.failures[2].message) < len(state.error["message"])
