"""The timeline: one bounded list of everything that happened, fed by every part of the emulator."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from emulator.clock import Clock

MAX_ENTRIES = 10_000
"""Entries that are kept; older ones are dropped. A laptop's memory is the source."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened.

    Attributes:
        sequence: rises by one per entry, from 1.
        at: epoch seconds.
        kind: a dotted name, `gateway.connect`, `gateway.message`, `gateway.post`, `lambda.start`,
            `lambda.end`, `stream.batch`, `schedule.fired`, `environment.started`, ...
        facts: JSON-able values: ids, names, sizes, durations in ms. Never a token or a secret.
    """

    sequence: int
    at: float
    kind: str
    facts: dict[str, Any]

    def describe(self) -> dict[str, Any]:
        """Return it as JSON. `facts` is the entry's own: ten thousand copies would hold up the sandbox."""
        return {"sequence": self.sequence, "at": self.at, "kind": self.kind, "facts": self.facts}


class Timeline:
    """Keeps the newest entries and tells listeners of each one. Used from the event loop only."""

    def __init__(self, clock: Clock, max_entries: int = MAX_ENTRIES) -> None:
        self._clock = clock
        self._entries: deque[Entry] = deque(maxlen=max_entries)
        self._sequence = 0
        self._listeners: list[Callable[[Entry], None]] = []

    def record(self, kind: str, **facts: Any) -> None:
        """Add an entry that happened now."""
        self._sequence += 1
        entry = Entry(self._sequence, self._clock.now(), kind, facts)
        self._entries.append(entry)
        for listener in self._listeners:
            listener(entry)

    def entries(self, *, after: int = 0) -> Iterator[Entry]:
        """Iterate over the kept entries with a sequence above `after`, oldest first."""
        return (entry for entry in list(self._entries) if entry.sequence > after)

    def listen(self, listener: Callable[[Entry], None]) -> Callable[[], None]:
        """Call `listener` with every later entry; returns a function that ends this."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)
