"""The life of a request: one table. Anything else that changes a status is a bug. Pure: no I/O."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Status(StrEnum):
    """Where a request stands, as it is stored and as clients see it."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    RETRYING = "RETRYING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class Event(StrEnum):
    """What happens to a request."""

    CLAIM = "CLAIM"
    """An executor takes it: a new one, one whose retry is due, or one whose lease is over."""
    COMPLETE = "COMPLETE"
    """The action returned a result."""
    FAIL = "FAIL"
    """The action failed for good, or the request was given up."""
    RETRY = "RETRY"
    """The action failed and is to be tried again at a later time."""
    RELEASE = "RELEASE"
    """It waits for an executor again: an attempt ended without an outcome, a retry is due, or nobody came."""
    CONTINUE = "CONTINUE"
    """The action stored a checkpoint and goes on in another invocation."""
    CANCEL = "CANCEL"
    """Its user asked to end it."""
    REPLAY = "REPLAY"
    """An operator lets it run again from its beginning."""


TRANSITIONS: Mapping[tuple[Status, Event], Status] = MappingProxyType(
    {
        (Status.PENDING, Event.CLAIM): Status.PROCESSING,
        (Status.PENDING, Event.RELEASE): Status.PENDING,
        (Status.PENDING, Event.FAIL): Status.FAILED,
        (Status.PENDING, Event.CANCEL): Status.CANCELLED,
        (Status.PROCESSING, Event.CLAIM): Status.PROCESSING,
        (Status.PROCESSING, Event.COMPLETE): Status.COMPLETED,
        (Status.PROCESSING, Event.FAIL): Status.FAILED,
        (Status.PROCESSING, Event.RETRY): Status.RETRYING,
        (Status.PROCESSING, Event.RELEASE): Status.PENDING,
        (Status.PROCESSING, Event.CONTINUE): Status.PENDING,
        (Status.PROCESSING, Event.CANCEL): Status.CANCELLED,
        (Status.RETRYING, Event.CLAIM): Status.PROCESSING,
        (Status.RETRYING, Event.FAIL): Status.FAILED,
        (Status.RETRYING, Event.RELEASE): Status.PENDING,
        (Status.RETRYING, Event.CANCEL): Status.CANCELLED,
        (Status.FAILED, Event.REPLAY): Status.PENDING,
        (Status.CANCELLED, Event.REPLAY): Status.PENDING,
    }
)
"""Every change there is."""

INITIAL = Status.PENDING

OUTCOMES = frozenset({Event.COMPLETE, Event.FAIL, Event.CANCEL})
"""Events that end a request: its clients are told once, and it stays so unless an operator replays it."""

TERMINAL = frozenset(end for (_, event), end in TRANSITIONS.items() if event in OUTCOMES)
"""Statuses in which a request is over."""


class InvalidTransition(ValueError):
    """An event came in a status that has no place for it.

    Attributes:
        status, event: the pair that is not in the table.
    """

    def __init__(self, status: Status, event: Event) -> None:
        super().__init__(
            f"{event} cannot happen to a request that is {status}; read its state again before the next step."
        )
        self.status = status
        self.event = event


def step(status: Status, event: Event) -> Status:
    """Return the status after an event.

    Raises:
        InvalidTransition: the event has no place in that status.
    """
    try:
        return TRANSITIONS[status, event]
    except KeyError:
        raise InvalidTransition(status, event) from None


def sources(event: Event) -> tuple[Status, ...]:
    """Return the statuses in which an event may happen, in the order of `Status`."""
    return _SOURCES[event]


def target(event: Event) -> Status:
    """Return the one status that an event leads to."""
    return _TARGETS[event]


_SOURCES = {event: tuple(status for status in Status if (status, event) in TRANSITIONS) for event in Event}
_TARGETS = {event: TRANSITIONS[_SOURCES[event][0], event] for event in Event}


def diagram() -> str:
    """Return the table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {INITIAL}"]
    lines += [f"    {source} --> {end}: {event}" for (source, event), end in TRANSITIONS.items()]
    lines += [f"    {status} --> [*]" for status in Status if status in TERMINAL]
    return "\n".join(lines) + "\n"
