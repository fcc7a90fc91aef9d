"""What a sequence diagram is made of. Pure values."""

from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """What a step tells beside its words."""

    PLAIN = ""
    DIM = "dim"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Step:
    """One row of the diagram: an arrow, or a note where `source` and `target` are one lane.

    Attributes:
        at: epoch seconds.
        via: a lane that the arrow passes through and that takes part, or None.
        is_return: whether it answers an arrow before it.
        is_derived: whether no entry says so itself; its time is not known then.
        number: rises with every step, in the order of the entries.
    """

    at: float
    source: str
    target: str
    label: str
    tone: Tone = Tone.PLAIN
    via: str | None = None
    is_return: bool = False
    is_derived: bool = False
    number: int = 0

    @property
    def is_note(self) -> bool:
        """Whether it happened within one lane."""
        return self.source == self.target


@dataclass(slots=True)
class Work:
    """One invocation: from which step to which step a function was at work.

    Attributes:
        last: number of its last step; None while it runs.
        ended_at: epoch seconds; None while it runs.
        ids: of the requests that it is about.
    """

    lane: str
    request_id: str
    source: str
    first: int
    ids: frozenset[str]
    last: int | None = None
    ended_at: float | None = None
    has_failed: bool = False


@dataclass(frozen=True, slots=True)
class Lane:
    """One vertical line."""

    name: str
    label: str


@dataclass(frozen=True, slots=True)
class Diagram:
    """What is to be drawn: lanes from left to right, steps from top to bottom."""

    lanes: tuple[Lane, ...]
    steps: tuple[Step, ...]
    works: tuple[Work, ...]
