"""What the request store hands out and raises, as values. Pure: no I/O."""

from collections.abc import Mapping
from typing import Any

import msgspec

from streamer.dynamorm.frozen import dataclass
from streamer.errors import AlreadyClaimed, CancelRequested, ErrorCode, NotFound, Superseded
from streamer.lifecycle import TERMINAL, Event
from streamer.store.models import RequestKey, RequestState


@dataclass(frozen=True, slots=True)
class Created:
    """What `create` found or made.

    Attributes:
        new: whether this call made it.
    """

    state: RequestState
    new: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to work on a request, until its lease is over or somebody ends it.

    Attributes:
        state: the request as the claim left it.
        first_sequence: the first of the sequence numbers that this attempt may use.
    """

    state: RequestState
    first_sequence: int

    @property
    def key(self) -> RequestKey:
        return self.state.key

    @property
    def attempt(self) -> int:
        return self.state.attempt

    @property
    def owner(self) -> str:
        return self.state.owner or ""

    @property
    def run_id(self) -> str:
        """What tells this claim from every other one of the request, replayed or not."""
        return str(self.first_sequence)

    @property
    def percentage(self) -> float:
        """How far the attempt was when it went on in this invocation; 0 where it begins here."""
        return self.state.percentage or 0.0

    @property
    def previous_ended_at(self) -> float | None:
        """When the claim before this one ended, epoch seconds.

        None: there was none, it is so long ago that it is not kept, or nobody knows, as its lease ran out.
        """
        *earlier, _this = self.state.history
        ended_at = None
        for change in reversed(earlier):
            if change.event == Event.CLAIM:
                return ended_at
            ended_at = change.at
        return None


@dataclass(frozen=True, slots=True)
class RequestPage:
    """Some of a user's requests, newest first.

    Attributes:
        cursor: where the next page begins; None: this was the last.
    """

    states: tuple[RequestState, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Where an action's next run begins.

    Attributes:
        state: what the action stored.
        attempt: that stored it.
    """

    state: Any
    attempt: int


@dataclass(frozen=True, slots=True)
class Sent:
    """What a client sent with a request, exactly."""

    payload: dict[str, Any]
    metadata: dict[str, str]


def failure(code: str, message: str, details: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the `error` of a request's state."""
    error: dict[str, Any] = {"code": code, "message": message}
    if details:
        error["details"] = msgspec.json.encode(details).decode()  # JSON has more than DynamoDB's maps
    return error


def details_of(error: Mapping[str, Any]) -> dict[str, Any]:
    """Return the details of a state's `error`."""
    text = error.get("details")
    details: dict[str, Any] = msgspec.json.decode(text) if text else {}
    return details


def cancellation() -> dict[str, Any]:
    """Return the `error` of a request that was cancelled."""
    return failure(ErrorCode.CANCELLED, "The request was cancelled.", None)


def not_found(key: RequestKey) -> NotFound:
    """Return the error of a request that isn't there."""
    return NotFound(f"There is no request {key.request_id}; it may have expired.")


def superseded(claim: Claim) -> Superseded:
    """Return the error of an attempt that lost its request."""
    return Superseded(
        f"Attempt {claim.attempt} no longer owns request {claim.key.request_id}; stop its work."
    )


def cancelling(claim: Claim) -> CancelRequested:
    """Return the error of an attempt whose user asked to end it."""
    return CancelRequested(f"Request {claim.key.request_id} is to be cancelled; end its work.")


def already_claimed(state: RequestState) -> AlreadyClaimed:
    """Return the error of a request that cannot be claimed as it is."""
    until = None if state.status in TERMINAL else state.lease_until or state.due_at
    return AlreadyClaimed(
        f"Request {state.request_id} is {state.status} and cannot be claimed now.",
        status=state.status,
        until=until,
    )
