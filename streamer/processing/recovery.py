"""What a request needs that nobody works on as they should. Pure."""

from enum import StrEnum

from streamer.dynamorm.frozen import dataclass
from streamer.lifecycle import TERMINAL, Status

MAX_DISPATCHES = 5
"""How often a request that no executor claims is put into the stream before it is given up. Ours."""


class Remedy(StrEnum):
    """What the sweeper does with a request."""

    NOTHING = "NOTHING"
    RELEASE = "RELEASE"
    REDISPATCH = "REDISPATCH"
    GIVE_UP = "GIVE_UP"
    CALL_OFF = "CALL_OFF"
    DELIVER = "DELIVER"


@dataclass(frozen=True, slots=True)
class Situation:
    """What decides the remedy; times in epoch seconds."""

    status: Status
    attempt: int
    dispatches: int
    due_at: float | None
    lease_until: float | None
    undelivered: bool
    cancel_requested: bool = False


def remedy(situation: Situation, *, now: float, max_attempts: int) -> Remedy:
    """Decide what a request needs at `now`, as it was read consistently."""
    if situation.due_at is None or situation.due_at > now:
        return Remedy.NOTHING
    if situation.status in TERMINAL:
        return Remedy.DELIVER if situation.undelivered else Remedy.NOTHING
    if situation.status is Status.PROCESSING:
        if situation.lease_until is not None and situation.lease_until > now:
            return Remedy.NOTHING
        return after_loss(situation, max_attempts=max_attempts)
    return unclaimed_remedy(situation.dispatches)


def after_loss(situation: Situation, *, max_attempts: int) -> Remedy:
    """Decide what a request needs whose attempt ended without an outcome."""
    if situation.cancel_requested:
        return Remedy.CALL_OFF
    return Remedy.RELEASE if situation.attempt < max_attempts else Remedy.GIVE_UP


def unclaimed_remedy(dispatches: int) -> Remedy:
    """Decide what a request needs that no executor has claimed."""
    return Remedy.REDISPATCH if dispatches < MAX_DISPATCHES else Remedy.GIVE_UP
