"""The control actions: what is asked about a request, and what the `data` of the answer is."""

from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from streamer.protocol.fields import (
    Attempt,
    Percentage,
    RequestId,
    Sequence,
    StatusName,
    Timestamp,
)
from streamer.protocol.limits import MAX_NAME_LENGTH
from streamer.protocol.messages import Complete, Error, ErrorInfo, Progress, ResultLink

MAX_LISTED = 50
"""Requests on one page of `list`. Ours: a page fits into a message."""

DEFAULT_LISTED = 20
"""Requests on a page, unless the client says otherwise. Ours."""


class ControlAction(StrEnum):
    """What a client may ask about requests, and nobody else may call an action."""

    STATUS = "status"
    SUBSCRIBE = "subscribe"
    CANCEL = "cancel"
    LIST = "list"
    PING = "ping"


class _Query(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    pass


class RequestReference(_Query, frozen=True):
    """The payload of `status` and `cancel`: which request is meant.

    Attributes:
        user_id: whose it is; without it, the caller's own.
    """

    request_id: RequestId
    user_id: Annotated[str, Meta(min_length=1, max_length=MAX_NAME_LENGTH)] | None = None


class SubscribeQuery(RequestReference, frozen=True):
    """The payload of `subscribe`.

    Attributes:
        after_sequence: the highest sequence number that the client has seen; messages after it are
            given again. Without it, the present state is enough.
    """

    after_sequence: Sequence | None = None


class ListQuery(_Query, frozen=True):
    """The payload of `list`.

    Attributes:
        cursor: that of the page before; without it, the newest requests.
        status: only requests that stand there.
        user_id: whose; without it, the caller's own.
    """

    limit: Annotated[int, Meta(ge=1, le=MAX_LISTED)] = DEFAULT_LISTED
    cursor: Annotated[str, Meta(min_length=1, max_length=2048)] | None = None
    status: StatusName | None = None
    user_id: Annotated[str, Meta(min_length=1, max_length=MAX_NAME_LENGTH)] | None = None


class PingQuery(_Query, frozen=True):
    """The payload of `ping`: none."""


QUERIES: dict[ControlAction, type[_Query]] = {
    ControlAction.STATUS: RequestReference,
    ControlAction.SUBSCRIBE: SubscribeQuery,
    ControlAction.CANCEL: RequestReference,
    ControlAction.LIST: ListQuery,
    ControlAction.PING: PingQuery,
}
"""The payload of each control action."""


class AttemptFailure(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Why one attempt failed."""

    attempt: Attempt
    code: Annotated[str, Meta(min_length=1)]
    message: str
    at: Timestamp


class RequestStatus(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Where a request stands: the `data` of `status` and `cancel`.

    Attributes:
        percentage, message: of the last progress of this attempt.
        next_attempt_at: when it is tried again; of a RETRYING one.
        sequence: of its outcome; of one that is over.
        failures: why its attempts failed, the oldest first, bounded.
        result: what a COMPLETED one gave; only in the answer of `status`.
        link: where the result is, if no message could carry it.
    """

    request_id: RequestId
    user_id: str
    action: str
    status: StatusName
    attempt: Attempt
    created_at: Timestamp
    updated_at: Timestamp
    finished_at: Timestamp | None = None
    percentage: Percentage | None = None
    message: str | None = None
    next_attempt_at: Timestamp | None = None
    cancel_requested: bool = False
    sequence: Sequence | None = None
    error: ErrorInfo | None = None
    failures: list[AttemptFailure] = []
    result: Any | UnsetType = UNSET
    link: ResultLink | None = None


class Subscribed(msgspec.Struct, kw_only=True, frozen=True):
    """The `data` of `subscribe`; what happens after it comes as messages of its own.

    Attributes:
        messages: those after `after_sequence`, as they were sent, and of a request that is over its
            outcome, last.
        truncated: whether messages are missing that came after `after_sequence`.
    """

    request: RequestStatus
    messages: list[Progress | Complete | Error]
    truncated: bool


class RequestList(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """The `data` of `list`: a page of requests, the newest first, without their results.

    Attributes:
        cursor: asks for the next page; absent when this was the last.
    """

    requests: list[RequestStatus]
    cursor: str | None = None
