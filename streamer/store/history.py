"""What is kept of a request's past: its changes and its failures, both bounded. Pure: no I/O."""

from collections.abc import Sequence
from dataclasses import replace

from streamer.dynamorm import UpdateAction
from streamer.errors import ErrorCode
from streamer.lifecycle import Event, target
from streamer.store.limits import MAX_FAILURE_LENGTH, MAX_FAILURES, MAX_HISTORY
from streamer.store.models import Failure, HistoryEntry, RequestState
from streamer.texts import cut

LOST_ATTEMPT = "The attempt ended without an answer."
"""What is said of an attempt whose executor died or ran out of time."""

CREATE = "CREATE"
"""What the first change of a request is called: it is none of the lifecycle's events."""


def entry(event: Event, *, attempt: int | None, now: float) -> HistoryEntry:
    """Return the entry of an event."""
    return HistoryEntry(now, event.value, target(event), attempt)


def noted(new: HistoryEntry, earlier: Sequence[HistoryEntry] = ()) -> UpdateAction:
    """Return what adds an entry.

    Args:
        earlier: what is stored, where the writer knows it and nobody else can have changed it: then
            the oldest entry goes when there are too many.
    """
    if len(earlier) < MAX_HISTORY:
        return RequestState.history.append((new,))
    return RequestState.history.set((*earlier[-(MAX_HISTORY - 1) :], new))


def failure_of(attempt: int, *, code: str, message: str, now: float) -> Failure:
    """Return how an attempt failed, with a message that is short enough to keep."""
    return Failure(attempt, code, cut(message, MAX_FAILURE_LENGTH), now)


def lost(attempt: int, now: float) -> Failure:
    """Return how an attempt failed of which nobody said how."""
    return failure_of(attempt, code=ErrorCode.PROCESSING_FAILED, message=LOST_ATTEMPT, now=now)


def failed(new: Failure, earlier: Sequence[Failure] = ()) -> UpdateAction:
    """Return what adds a failure; `earlier` as `noted` takes it."""
    if len(earlier) < MAX_FAILURES:
        return RequestState.failures.append((new,))
    return RequestState.failures.set((*earlier[-(MAX_FAILURES - 1) :], new))


def put_aside(failures: Sequence[Failure], earlier: Sequence[Failure]) -> tuple[UpdateAction, ...]:
    """Return what makes the failures of a run those of an earlier one; of too many the oldest go."""
    if not failures:
        return ()
    return (
        RequestState.failures.remove(),
        RequestState.earlier_failures.set((*earlier, *failures)[-MAX_FAILURES:]),
    )


def history_of(state: RequestState) -> tuple[HistoryEntry, ...]:
    """Return a request's changes, oldest first, each with its attempt.

    A claim's attempt is that of the change after it, which ended it; of the last one it is the request's.
    """
    complete: list[HistoryEntry] = []
    attempt = state.attempt
    for held in reversed(state.history):
        if held.attempt is None:
            following = complete[-1] if complete else None
            if following is not None and following.event == Event.CLAIM:  # over the lease of the other
                attempt = max(1, attempt - 1)
            complete.append(replace(held, attempt=attempt))
        else:
            attempt = held.attempt
            complete.append(held)
    return tuple(reversed(complete))
