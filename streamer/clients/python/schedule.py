"""Which requests are due when. Pure: times come in as values."""

from heapq import heapify, heappop, heappush
from itertools import count

from streamer.clients.python.exchange import Exchange, Phase

_SLACK = 64
"""Entries of requests that are over, beyond as many as there are others, before they are cleared away."""


class Schedule:
    """Moments at which requests are to be looked at; those that are over drop out by themselves."""

    def __init__(self) -> None:
        self._entries: list[tuple[float, int, Exchange]] = []
        self._numbers = count()
        self._limit = _SLACK

    def add(self, at: float, exchange: Exchange) -> None:
        """Have a request looked at, beside any other moment that it has."""
        heappush(self._entries, (at, next(self._numbers), exchange))
        if len(self._entries) > self._limit:
            self._entries = [entry for entry in self._entries if entry[2].phase is not Phase.DONE]
            heapify(self._entries)
            self._limit = 2 * len(self._entries) + _SLACK

    @property
    def due_at(self) -> float | None:
        """The earliest moment; None: nothing waits."""
        while self._entries and self._entries[0][2].phase is Phase.DONE:
            heappop(self._entries)
        return self._entries[0][0] if self._entries else None

    def take_due(self, now: float) -> list[Exchange]:
        """Return the requests whose moment has come, and forget those moments."""
        due: list[Exchange] = []
        while self._entries and self._entries[0][0] <= now:
            due.append(heappop(self._entries)[2])
        return due

    def __len__(self) -> int:
        return len(self._entries)
