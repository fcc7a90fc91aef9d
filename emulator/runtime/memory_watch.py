"""How much memory an environment had at most, and whether that is too much."""

import asyncio
from collections.abc import Callable

from emulator.runtime.memory import peak_memory_mb, proportional_memory_mb, resident_memory_mb

_SAMPLE_S = 0.25
"""How old a figure may be; reading it costs as much as a third of a call."""

_ENFORCING_SAMPLE_S = 0.05
"""Between two looks where the limit is enforced. What grows faster, or is gone sooner, is not seen."""


class MemoryWatch:
    """Looks at an environment's memory while it works: every quarter of a second, with a limit every 50 ms.

    AWS counts with the kernel's limit of a whole machine. Here the processes are looked at in intervals,
    and with a limit it is their proportional share that counts, so that pages which a forked process only
    shares with the fork server are not held against it in full.

    Args:
        limit_mb: is enforced; None: nothing is.
        exceeded: is told that the limit was exceeded.
    """

    def __init__(self, *, limit_mb: int | None, exceeded: Callable[[], None]) -> None:
        self._limit_mb = limit_mb
        self._exceeded = exceeded
        self._loop = asyncio.get_running_loop()
        self._pid: int | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._max_mb = 0
        self._looked_at = self._began_at = float("-inf")

    def begin(self, pid: int) -> None:
        """Look from now on, until `end`."""
        self._began_at = self._loop.time()
        self._wait(pid)

    def _wait(self, pid: int) -> None:
        self.end()
        self._pid = pid
        interval_s = _SAMPLE_S if self._limit_mb is None else _ENFORCING_SAMPLE_S
        self._timer = self._loop.call_later(interval_s, self._look_again)

    def end(self) -> None:
        """Look no more; idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def exited(self, max_mb: int) -> None:
        """Take what the operating system says of a process that has ended; 0 where it says nothing."""
        self._pid = None
        self._max_mb = max(self._max_mb, max_mb)

    def cap(self, max_mb: int) -> None:
        """Let the figure be `max_mb`, because the environment is ended for having reached it."""
        self._pid = None
        self._max_mb = max_mb

    def max_mb(self) -> int:
        """Return the most memory that the processes have had.

        After work of less than a quarter of a second the figure may be as old as that.
        """
        now = self._loop.time()
        if not self._max_mb or max(now - self._looked_at, now - self._began_at) > _SAMPLE_S:
            self._look()
        return self._max_mb

    def _look(self) -> None:
        if self._pid is not None:
            self._max_mb = max(self._max_mb, peak_memory_mb(self._pid))
            self._looked_at = self._loop.time()

    def _look_again(self) -> None:
        pid = self._pid
        if pid is None:
            return
        self._wait(pid)
        limit_mb = self._limit_mb
        if limit_mb is None:
            self._look()
        elif resident_memory_mb(pid) > limit_mb and proportional_memory_mb(pid) > limit_mb:
            self._exceeded()
