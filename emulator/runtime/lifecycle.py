"""The life of one execution environment, as a table."""

from enum import StrEnum


class Status(StrEnum):
    """Where an environment is in its life."""

    STARTING = "starting"
    """Its process starts, or imports the function's code."""

    IDLE = "idle"
    """It asked for the next invocation and waits."""

    BUSY = "busy"
    """It has an invocation that has no outcome yet."""

    FINISHING = "finishing"
    """It gave the outcome and has not asked for the next invocation yet."""

    DEAD = "dead"
    """Its process has ended, or was told to."""


class Event(StrEnum):
    """What happens to an environment."""

    ASKED = "asked"
    """The runtime asked for the next invocation."""

    ASSIGNED = "assigned"
    """It was given an invocation."""

    ANSWERED = "answered"
    """The runtime posted the invocation's response or error."""

    ENDED = "ended"
    """The process has ended, or was told to."""


TRANSITIONS: dict[tuple[Status, Event], Status] = {
    (Status.STARTING, Event.ASKED): Status.IDLE,
    (Status.IDLE, Event.ASSIGNED): Status.BUSY,
    (Status.BUSY, Event.ANSWERED): Status.FINISHING,
    (Status.FINISHING, Event.ASKED): Status.IDLE,
    **{(status, Event.ENDED): Status.DEAD for status in Status},
}


class IllegalTransition(Exception):
    """The event cannot happen in this status.

    Caused by a runtime it is that runtime's mistake (the Runtime API answers 400); otherwise it is ours.
    """

    def __init__(self, status: Status, event: Event) -> None:
        super().__init__(f"An environment that is {status} cannot be {event}.")


def step(status: Status, event: Event) -> Status:
    """Return the status after `event`. Raises IllegalTransition where the table has no entry."""
    try:
        return TRANSITIONS[status, event]
    except KeyError:
        raise IllegalTransition(status, event) from None
