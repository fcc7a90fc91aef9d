"""Time as a value that is passed in, so that a rule about ten minutes is tested in a millisecond."""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What time it is, in the two senses that rules need."""

    def now(self) -> float:
        """Return the wall-clock time as epoch seconds."""
        ...

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start; never goes back."""
        ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()


class ManualClock:
    """A clock that stands still until it is advanced. For tests of rules."""

    def __init__(self, now: float = 1_700_000_000.0) -> None:
        self._now = now
        self._elapsed = 0.0

    def now(self) -> float:
        return self._now + self._elapsed

    def monotonic(self) -> float:
        return self._elapsed

    def advance(self, seconds: float) -> None:
        """Move both senses of time forward by `seconds` (>= 0)."""
        self._elapsed += seconds


LATEST_YEAR = 2250
"""The sandbox's time stays before this year. CPython and its libraries count nanoseconds in 64 bits, which
end in 2262; seen: from then on timeouts of sockets are over at once.
"""

LATEST_S = datetime(LATEST_YEAR, 1, 1, tzinfo=UTC).timestamp()
"""Epoch seconds at which that year begins."""


class SandboxClock:
    """The machine's time plus what the sandbox was advanced by; goes on by itself.

    Attributes:
        offset_s: seconds that it is ahead of the machine's time.
    """

    def __init__(self) -> None:
        self.offset_s = 0.0
        self._listeners: list[Callable[[], None]] = []

    def now(self) -> float:
        return time.time() + self.offset_s

    def monotonic(self) -> float:
        return time.monotonic() + self.offset_s

    def advance(self, seconds: float) -> None:
        """Move both senses of time forward, and tell everyone who listens.

        Raises:
            ValueError: as `check` says; nothing has moved then.
        """
        self.check(seconds)
        self.offset_s += seconds
        for listener in list(self._listeners):
            listener()

    def check(self, seconds: float) -> None:
        """See that the clock can be advanced by `seconds` from now.

        Raises:
            ValueError: `seconds` is negative or no number, or the time would reach `LATEST_S`.
        """
        if not seconds >= 0:  # what is not a number is not
            raise ValueError(
                f"Time only goes forward: the clock can be advanced by 0 seconds or more, not by {seconds}."
            )
        if seconds >= LATEST_S - (now := self.now()):
            raise ValueError(
                f"The clock cannot be advanced by {seconds} seconds: the sandbox's time stays before the year"
                f" {LATEST_YEAR}, and it is {timestamp(now)} there."
            )

    def listen(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every advance, in the thread that advances."""
        self._listeners.append(listener)


def timestamp(epoch_s: float, *, timespec: str = "milliseconds") -> str:
    """Write a time as AWS's JSON does: ISO 8601, UTC, cut after `timespec`, `2024-01-20T11:54:57.419Z`.

    Args:
        timespec: `seconds` or `milliseconds`, as `datetime.isoformat` has them.
    """
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec=timespec).replace("+00:00", "Z")
