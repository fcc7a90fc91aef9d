"""What each event writes to a STATE item, and on which condition, from the lifecycle's table. Pure."""

from collections.abc import Iterable, Mapping
from functools import reduce
from operator import or_
from typing import Any

from streamer.dynamorm import Condition, UpdateAction
from streamer.lifecycle import INITIAL, TERMINAL, Event, Status, sources, step, target
from streamer.store.history import CREATE, entry, failed, failure_of, lost, noted, put_aside
from streamer.store.limits import DELIVERY_GRACE_S, DISPATCH_GRACE_S, REQUEST_TTL_S, SEQUENCE_BLOCK
from streamer.store.models import DUE, Failure, HistoryEntry, RequestKey, RequestState, user_key

Change = tuple[UpdateAction, ...]


def created(
    key: RequestKey,
    *,
    action: str,
    payload_hash: str,
    correlation_id: str,
    now: float,
    permissions: Iterable[str] = (),
    max_attempts: int | None = None,
    connection_id: str | None = None,
    endpoint: str | None = None,
    cancel_on_disconnect: str | None = None,
) -> RequestState:
    """Return a request that waits for its first executor."""
    return RequestState(
        tenant_id=key.tenant_id,
        user_id=key.user_id,
        request_id=key.request_id,
        action=action,
        status=INITIAL,
        correlation_id=correlation_id,
        payload_hash=payload_hash,
        permissions=sorted(permissions),
        max_attempts=max_attempts,
        connection_id=connection_id,
        endpoint=endpoint,
        cancel_on_disconnect=cancel_on_disconnect,
        history=(HistoryEntry(now, CREATE, INITIAL, 0),),
        user_key=user_key(key.tenant_id, key.user_id),
        created_at=now,
        updated_at=now,
        due=DUE,
        due_at=now + DISPATCH_GRACE_S,
    )


def is_undelivered(sequence: int) -> Condition:
    """Return the condition that the outcome with this sequence still has to be sent."""
    return (RequestState.undelivered == True) & (  # noqa: E712  # an expression, not a truth
        RequestState.outcome_sequence == sequence
    )


def absent(now: float) -> Condition:
    """Return the condition that there is no request, or an expired one that was not deleted yet."""
    return RequestState.status.does_not_exist() | (RequestState.expires_at <= int(now))


def may(event: Event) -> Condition:
    """Return the condition that an event may happen, by the lifecycle alone."""
    return RequestState.status.is_in(sources(event))


def claimable(now: float) -> Condition:
    """Return the condition of a claim: it waits, and its time has come."""
    guards: Mapping[Status, Condition | None] = {
        Status.PENDING: None,
        Status.RETRYING: RequestState.due_at <= now,
    }
    return _any(
        (RequestState.status == source) & guard
        if (guard := guards[source]) is not None
        else RequestState.status == source
        for source in sources(Event.CLAIM)
        if source is not target(Event.CLAIM)
    )


def is_overdue(state: RequestState, now: float) -> Condition:
    """Return the condition of a claim over a lease: it is over, and nothing happened since `state` was read.

    Raises:
        InvalidTransition: such a request cannot be claimed.
    """
    return unchanged(Event.CLAIM, state) & (RequestState.lease_until <= now)


def owned(event: Event, *, owner: str, attempt: int) -> Condition:
    """Return the condition that an event may happen and that this attempt still owns the request."""
    return may(event) & (RequestState.owner == owner) & (RequestState.attempt == attempt)


def working(*, owner: str, attempt: int) -> Condition:
    """Return the condition that this attempt still works on the request."""
    return (
        (RequestState.status == target(Event.CLAIM))
        & (RequestState.owner == owner)
        & (RequestState.attempt == attempt)
    )


def not_cancelling() -> Condition:
    """Return the condition that nobody asked to end the request."""
    return RequestState.cancel_requested != True  # noqa: E712  # an expression, not a truth


def is_under_way() -> Condition:
    """Return the condition that there is such a request, and that it is not over."""
    return RequestState.status.is_in(tuple(status for status in Status if status not in TERMINAL))


def is_unfollowed() -> Condition:
    """Return the condition that nobody follows it but the connection that it came from."""
    return RequestState.followed.does_not_exist()


def unchanged(event: Event, state: RequestState) -> Condition:
    """Return the condition that nothing of note happened to the request since it was read as `state`.

    Raises:
        InvalidTransition: the event cannot happen to it.
    """
    step(state.status, event)
    owner = RequestState.owner.does_not_exist() if state.owner is None else RequestState.owner == state.owner
    return (
        (RequestState.status == state.status)
        & (RequestState.attempt == state.attempt)
        & (RequestState.sequence == state.sequence)  # a replay makes all the rest as it was once
        & owner
    )


def claim(*, owner: str, lease_until: float, now: float) -> Change:
    """Return what a claim writes: a new attempt with a block of sequence numbers, due when its lease ends."""
    return (
        *_claimed(owner=owner, lease_until=lease_until, now=now),
        noted(entry(Event.CLAIM, attempt=None, now=now)),
    )


def take_over(state: RequestState, *, owner: str, lease_until: float, now: float) -> Change:
    """Return what a claim over the lease of another attempt writes: that one is lost, and has failed.

    Args:
        state: as it was read during that attempt.
    """
    return (
        *_claimed(owner=owner, lease_until=lease_until, now=now),
        RequestState.percentage.remove(),
        RequestState.message.remove(),
        failed(lost(state.attempt, now), state.failures),
        noted(entry(Event.CLAIM, attempt=state.attempt + 1, now=now), state.history),
    )


def _claimed(*, owner: str, lease_until: float, now: float) -> Change:
    return (
        RequestState.status.set(target(Event.CLAIM)),
        RequestState.attempt.increment(1),
        RequestState.sequence.increment(SEQUENCE_BLOCK),
        RequestState.dispatches.set(0),
        RequestState.handed_over.remove(),
        RequestState.owner.set(owner),
        RequestState.lease_until.set(lease_until),
        RequestState.started_at.set_if_absent(now),
        *_due(lease_until, now),
    )


def retry(
    state: RequestState, *, due_at: float, code: str, message: str, hand_over: bool = False, now: float
) -> Change:
    """Return what is written when an attempt failed and another shall follow at `due_at`.

    Args:
        state: as the attempt knows it.
    """
    return (
        RequestState.status.set(target(Event.RETRY)),
        RequestState.handed_over.set(True if hand_over else None),
        RequestState.error.set({"code": code, "message": message}),
        failed(failure_of(state.attempt, code=code, message=message, now=now), state.failures),
        noted(entry(Event.RETRY, attempt=state.attempt, now=now), state.history),
        *_attempt_over(),
        *_due(due_at, now),
    )


def release(state: RequestState, *, code: str, message: str, now: float) -> Change:
    """Return what makes a request wait for an executor whose attempt ended without an outcome.

    Args:
        state: as it was read during that attempt.
    """
    return (
        RequestState.status.set(target(Event.RELEASE)),
        failed(failure_of(state.attempt, code=code, message=message, now=now), state.failures),
        noted(entry(Event.RELEASE, attempt=state.attempt, now=now), state.history),
        *_attempt_over(),
        *_due(now + DISPATCH_GRACE_S, now),
    )


def proceed(state: RequestState, *, percentage: float | None = None, now: float) -> Change:
    """Return what makes a request wait for the executor that goes on with the same attempt.

    A claim will count one attempt more: so this counts one less.
    """
    return (
        RequestState.status.set(target(Event.CONTINUE)),
        RequestState.attempt.increment(-1),
        RequestState.continuations.increment(1),
        *([] if percentage is None else [RequestState.percentage.set(percentage)]),
        noted(entry(Event.CONTINUE, attempt=state.attempt, now=now), state.history),
        *_disowned(),
        *_due(now + DISPATCH_GRACE_S, now),
    )


def redispatch(state: RequestState, now: float) -> Change:
    """Return what puts a waiting request into the stream again. The count makes it differ each time.

    Each time it is left alone for twice as long: it may only wait until executors are free.

    A write that changes nothing makes no stream record (DynamoDB Developer Guide, "DynamoDB Streams").
    """
    return (
        RequestState.status.set(step(state.status, Event.RELEASE)),
        RequestState.dispatches.increment(1),
        RequestState.handed_over.remove(),
        noted(entry(Event.RELEASE, attempt=state.attempt, now=now), state.history),
        *_due(now + DISPATCH_GRACE_S * 2.0**state.dispatches, now),
    )


def finish(
    event: Event, state: RequestState, *, sequence: int, error: Mapping[str, Any] | None, now: float
) -> Change:
    """Return what an outcome writes: the terminal status, marked undelivered.

    The owner stays, so that whoever wrote the outcome recognises it as its own.

    Args:
        state: as the writer knows it; nobody else can have changed it if the condition holds.
    """
    changes = [
        RequestState.status.set(step(state.status, event)),
        RequestState.error.set(error),
        RequestState.outcome_sequence.set(sequence),
        RequestState.undelivered.set(True),
        RequestState.finished_at.set(now),
        RequestState.expires_at.set(expiry(now)),
        RequestState.lease_until.remove(),
        noted(entry(event, attempt=state.attempt, now=now), state.history),
        *_due(now + DELIVERY_GRACE_S, now),
    ]
    if (last := _last_failure(event, state, error, now)) is not None:
        changes.append(failed(last, state.failures))
    return tuple(changes)


def finished(
    event: Event, state: RequestState, *, sequence: int, error: Mapping[str, Any] | None, now: float
) -> RequestState:
    """Return the request as `finish` leaves it, in what its delivery needs to know."""
    last = _last_failure(event, state, error, now)
    return state.replace(
        status=target(event),
        outcome_sequence=sequence,
        error=error,
        failures=state.failures if last is None else (*state.failures, last),
        undelivered=True,
    )


def replay(state: RequestState, now: float) -> Change:
    """Return what lets a request that is over run again from its beginning; sequences go on rising.

    Who began to follow it when it was over left no trace in it: its next end has to look for everybody.
    """
    return (
        RequestState.status.set(step(state.status, Event.REPLAY)),
        RequestState.attempt.set(0),
        RequestState.dispatches.set(0),
        RequestState.continuations.set(0),
        RequestState.cancel_requested.remove(),
        RequestState.cancel_on_disconnect.remove(),
        RequestState.followed.set(True),
        RequestState.error.remove(),
        *put_aside(state.failures, state.earlier_failures),
        RequestState.outcome_sequence.remove(),
        RequestState.undelivered.remove(),
        RequestState.finished_at.remove(),
        RequestState.expires_at.remove(),
        RequestState.due.set(DUE),
        noted(entry(Event.REPLAY, attempt=0, now=now), state.history),
        *_attempt_over(),
        *_due(now + DISPATCH_GRACE_S, now),
    )


def expiry(now: float) -> int:
    """Return when the items of a request that ends now expire, whole epoch seconds as TTL needs them."""
    return int(now) + REQUEST_TTL_S


def _due(due_at: float, now: float) -> Change:
    """A request is in the due index from its creation until its outcome is delivered: only the time moves."""
    return (RequestState.due_at.set(due_at), RequestState.updated_at.set(now))


def _disowned() -> Change:
    return (RequestState.owner.remove(), RequestState.lease_until.remove())


def _last_failure(
    event: Event, state: RequestState, error: Mapping[str, Any] | None, now: float
) -> Failure | None:
    """Return how the last attempt failed, if it is an attempt that fails."""
    if event is not Event.FAIL or error is None or state.status is not Status.PROCESSING:
        return None
    return failure_of(state.attempt, code=error["code"], message=error["message"], now=now)


def _attempt_over() -> Change:
    return (*_disowned(), RequestState.percentage.remove(), RequestState.message.remove())


def _any(conditions: Iterable[Condition]) -> Condition:
    return reduce(or_, conditions)
