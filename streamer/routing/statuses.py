"""A stored request as its clients see it. Pure: no I/O."""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from streamer.clock import timestamp
from streamer.lifecycle import TERMINAL, Status
from streamer.protocol import (
    AttemptFailure,
    Complete,
    Error,
    ErrorInfo,
    Progress,
    RequestStatus,
    ResultLink,
    Subscribed,
)
from streamer.protocol.limits import MAX_MESSAGE_BYTES
from streamer.store import RequestState, details_of
from streamer.store.limits import MESSAGE_TTL_S
from streamer.texts import cut

MAX_LISTED_TEXT = 100
"""Characters of a progress or error message on a page of requests. Ours: a page fits into a message."""

MAX_DATA_BYTES = MAX_MESSAGE_BYTES - 1_024
"""Bytes of the data of an answer; the rest is for its envelope."""


def status_of(
    state: RequestState, *, result: Any | UnsetType = UNSET, link: ResultLink | None = None
) -> RequestStatus:
    """Return where a request stands.

    Args:
        result, link: of a COMPLETED one, as a client gets them.
    """
    is_over = state.status in TERMINAL
    return RequestStatus(
        request_id=state.request_id,
        user_id=state.user_id,
        action=state.action,
        status=state.status.value,
        attempt=state.attempt,
        created_at=timestamp(state.created_at),
        updated_at=timestamp(state.updated_at),
        finished_at=None if state.finished_at is None else timestamp(state.finished_at),
        percentage=state.percentage,
        message=state.message,
        next_attempt_at=timestamp(state.due_at)
        if state.status is Status.RETRYING and state.due_at is not None
        else None,
        cancel_requested=state.cancel_requested,
        sequence=state.outcome_sequence if is_over else None,
        error=_error(state),
        failures=[
            AttemptFailure(
                attempt=failure.attempt, code=failure.code, message=failure.message, at=timestamp(failure.at)
            )
            for failure in state.failures
        ],
        result=result,
        link=link,
    )


def listed(state: RequestState) -> RequestStatus:
    """Return where a request stands, as short as many of them on a page have to be."""
    whole = status_of(state)
    error = whole.error
    return msgspec.structs.replace(
        whole,
        message=None if whole.message is None else cut(whole.message, MAX_LISTED_TEXT),
        error=None
        if error is None
        else ErrorInfo(code=error.code, message=cut(error.message, MAX_LISTED_TEXT)),
        failures=[],
    )


def fitted_status(status: RequestStatus) -> RequestStatus:
    """Return a status that a message carries: its result or its error goes before its past."""
    if _fits(status):
        return status
    return msgspec.structs.replace(status, message=None, failures=[])


def fitted(
    request: RequestStatus,
    messages: list[Progress],
    outcome: Complete | Error | None,
    *,
    truncated: bool,
) -> Subscribed:
    """Return the answer to `subscribe` that a message carries: the outcome goes before older messages."""
    last: list[Complete | Error] = [] if outcome is None else [outcome]
    answer = Subscribed(request=request, messages=[*messages, *last], truncated=truncated)
    while not _fits(answer) and messages:
        messages = messages[len(messages) // 2 + 1 :]
        answer = Subscribed(request=request, messages=[*messages, *last], truncated=True)
    if _fits(answer):
        return answer
    short = msgspec.structs.replace(request, message=None, error=None, failures=[])  # the outcome says why
    return msgspec.structs.replace(answer, request=short)


def may_have_lost(state: RequestState, seen: int, now: float) -> bool:
    """Whether messages after `seen` may have been kept of a request that is over, and are no more."""
    is_old = state.finished_at is not None and state.finished_at <= now - MESSAGE_TTL_S
    return is_old and state.started_at is not None and (state.outcome_sequence or 0) > seen


def _error(state: RequestState) -> ErrorInfo | None:
    if state.error is None or state.status is Status.COMPLETED:
        return None
    return ErrorInfo(
        code=state.error["code"], message=state.error["message"], details=details_of(state.error) or None
    )


def _fits(data: Any) -> bool:
    return len(msgspec.json.encode(data)) <= MAX_DATA_BYTES
