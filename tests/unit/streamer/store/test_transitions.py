"""What events write: always what the lifecycle says."""

from collections.abc import Callable

import pytest

from streamer.dynamorm import Condition, InvalidRequest, Throttled
from streamer.dynamorm.expressions.evaluation import apply, holds
from streamer.errors import ProcessingFailed, ServiceUnavailable
from streamer.lifecycle import Event, InvalidTransition, Status, sources, step
from streamer.store import RequestKey, RequestState, transitions
from streamer.store.documents import digest, read_document, write_document
from streamer.store.tables import translated

NOW = 1_763_700_000.25

ERROR = {"code": "X", "message": "x"}


def state(status: Status, **changes: object) -> RequestState:
    created = transitions.created(
        RequestKey("demo", "ann", "r-1"), action="a", payload_hash="h", correlation_id="c", now=NOW
    )
    return created.replace(status=status, owner="me", attempt=3, lease_until=NOW, due_at=NOW, **changes)


CHANGES: dict[Event, Callable[[RequestState], transitions.Change]] = {
    Event.CLAIM: lambda held: (
        transitions.take_over(held, owner="you", lease_until=NOW + 60, now=NOW)
        if held.status is Status.PROCESSING
        else transitions.claim(owner="you", lease_until=NOW + 60, now=NOW)
    ),
    Event.COMPLETE: lambda held: transitions.finish(Event.COMPLETE, held, sequence=1, error=None, now=NOW),
    Event.FAIL: lambda held: transitions.finish(Event.FAIL, held, sequence=1, error=ERROR, now=NOW),
    Event.RETRY: lambda held: transitions.retry(held, due_at=NOW, code="X", message="x", now=NOW),
    Event.RELEASE: lambda held: transitions.release(held, code="X", message="x", now=NOW),
    Event.CONTINUE: lambda held: transitions.proceed(held, now=NOW),
    Event.CANCEL: lambda held: transitions.finish(Event.CANCEL, held, sequence=1, error=ERROR, now=NOW),
    Event.REPLAY: lambda held: transitions.replay(held, NOW),
}


def claim_of(held: RequestState, now: float) -> Condition:
    """The condition of a claim, over a lease where there is one."""
    is_held = held.status is Status.PROCESSING
    return transitions.is_overdue(held, now) if is_held else transitions.claimable(now)


def test_every_event_has_its_change() -> None:
    """No event is written by anything else."""
    assert set(CHANGES) == set(Event)


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("event", CHANGES, ids=str)
def test_a_change_happens_where_the_lifecycle_lets_it(status: Status, event: Event) -> None:
    """The condition holds exactly in the event's sources, and the change leads where `step` says."""
    before = state(status)
    condition = (
        claim_of(before, NOW) if event is Event.CLAIM else transitions.owned(event, owner="me", attempt=3)
    )
    allowed = holds(condition, before.to_item())
    assert allowed is (status in sources(event))
    if allowed:
        after = RequestState.from_item(apply(CHANGES[event](before), before.to_item()))
        assert after.status is step(status, event)
        assert (after.history[-1].event, after.history[-1].status) == (event, after.status)
        assert (after.due, after.updated_at) == ("DUE", NOW)


@pytest.mark.parametrize(
    ("status", "later"), [(Status.PROCESSING, "lease_until"), (Status.RETRYING, "due_at")], ids=str
)
def test_a_claim_waits_for_its_time(status: Status, later: str) -> None:
    """Not before the lease is over, or the retry is due; then at once."""
    early = state(status).replace(**{later: NOW + 0.001})
    assert not holds(claim_of(early, NOW), early.to_item())
    assert holds(claim_of(early, NOW + 0.001), early.to_item())


def test_putting_a_retry_into_the_stream_is_a_release() -> None:
    """RETRYING becomes PENDING by the table; PENDING stays so; nothing else is put there."""
    for status in (Status.PENDING, Status.RETRYING):
        after = apply(transitions.redispatch(state(status), NOW), state(status).to_item())
        assert after["status"] == {"S": "PENDING"}
    with pytest.raises(InvalidTransition):
        transitions.redispatch(state(Status.COMPLETED), NOW)


def test_what_is_over_is_not_given_up() -> None:
    """The lifecycle has no such step."""
    with pytest.raises(InvalidTransition):
        transitions.unchanged(Event.FAIL, state(Status.COMPLETED))


def test_documents_are_exact() -> None:
    """Numbers that no float holds, and text of any kind, come back."""
    value = {"n": 10**40, "f": 0.1, "t": "\x00 ä 𝄞 \u2028", "l": [None, True, {}]}
    assert repr(read_document(write_document(value, what="It", error=ProcessingFailed))) == repr(value)


@pytest.mark.parametrize("value", ["\ud800", float("inf"), {1: object()}], ids=["surrogate", "inf", "object"])
def test_what_is_no_json_is_refused(value: object) -> None:
    """With the error that the caller names."""
    with pytest.raises(ProcessingFailed, match="The result cannot be written"):
        write_document(value, what="The result", error=ProcessingFailed)


def test_the_digest_is_of_meaning() -> None:
    """The order of keys doesn't matter; action and values do."""
    assert digest("a", {"x": 1, "y": [2]}) == digest("a", {"y": [2], "x": 1})
    assert len({digest("a", {"x": 1}), digest("b", {"x": 1}), digest("a", {"x": "1"})}) == 3


def test_a_table_that_does_not_answer_is_a_service_that_is_unavailable() -> None:
    """What may pass is told to clients as such; a fault of ours is not."""

    @translated
    def call(error: Exception) -> None:
        raise error

    with pytest.raises(ServiceUnavailable):
        call(Throttled("slow down."))
    with pytest.raises(InvalidRequest):
        call(InvalidRequest("wrong."))
