"""A second look at calls that wait although their function could have another environment."""

import asyncio
import time
from typing import Protocol

import psutil

from emulator.runtime.patience import IDLE_SHARE, OWN_SHARE, STALL_S, Patience


class Waiting(Protocol):
    """Where calls wait."""

    @property
    def waiting(self) -> int:
        """How many."""

    def reconsider(self) -> None:
        """Start what they should not wait for any longer."""


class SecondLook:
    """Finds out how busy the processors are while calls wait, and has them reconsidered. Event loop only."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._timer: asyncio.TimerHandle | None = None
        self._before = (0.0, 0.0, 0.0, 0.0)

    def begin(self, pool: Waiting) -> None:
        """Look from now on until nothing waits; nothing happens where that is under way."""
        if self._timer is None and pool.waiting:
            self._before = _processor_times()
            self._patience.is_machine_busy = True
            self._again(pool)

    def end(self) -> None:
        """Look no more; idempotent."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _again(self, pool: Waiting) -> None:
        self._timer = asyncio.get_running_loop().call_later(STALL_S, self._look, pool)

    def _look(self, pool: Waiting) -> None:
        self._timer = None
        if not pool.waiting:
            return
        before, self._before = self._before, _processor_times()
        idle_s, all_s, own_s, passed_s = (now - then for now, then in zip(self._before, before, strict=True))
        self._patience.is_machine_busy = idle_s <= IDLE_SHARE * all_s or own_s >= OWN_SHARE * passed_s
        pool.reconsider()
        self._again(pool)


def _processor_times() -> tuple[float, float, float, float]:
    """Return seconds: idle and all of all processors, this process's own, and what the clock says.

    Takes some 10 µs. Linux counts the first two in 10 ms.
    """
    times = psutil.cpu_times()
    idle_s = times.idle + getattr(times, "iowait", 0.0)
    return idle_s, sum(times), time.process_time(), time.monotonic()
