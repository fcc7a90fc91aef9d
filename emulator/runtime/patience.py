"""When a waiting call is served sooner by the environments there are than by another process. Pure.

On AWS every call at the same time has an environment of its own, and none takes processor time from
another. Here they share the machine's processors: once those are busy, another process makes every call
slower. So where calls of a function come back quickly and the processors are busy, a call waits for one of
the function's environments, for a moment; a slow or a new function grows at once, as on AWS.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass

QUICK_S = 0.25
"""Calls that take longer on average are not waited for. Ours."""

STALL_S = 0.05
"""Without a call that came back for so long there is no waiting. Ours; a start takes about as long."""

MAX_WAIT_S = 0.5
"""How long a call waits in this way at most. Ours; a cold start on AWS takes about as long."""

IDLE_SHARE = 0.15
"""Of the processors' time; with more of it idle, another environment has something to run on. Ours."""

ENOUGH = max(8, 4 * (os.cpu_count() or 1))
"""Environments of one function from which on there is waiting: those that wait for a back end meanwhile
included. Ours, from `scripts.benchmarks.gateway` on two processors."""

_WEIGHT = 0.2


@dataclass(slots=True)
class _Pace:
    typical_s: float
    ended_at: float


class Patience:
    """Knows how quickly the calls of each function come back.

    Args:
        now: monotonic seconds.

    Attributes:
        is_machine_busy: what was found last; kept up to date by whoever can look.
    """

    def __init__(self, now: Callable[[], float], *, enough: int = ENOUGH) -> None:
        self.now = now
        self.is_machine_busy = True
        self._enough = enough
        self._paces: dict[str, _Pace] = {}

    def ended(self, function: str, duration_s: float) -> None:
        """Note that a call of `function` came back."""
        pace = self._paces.get(function)
        if pace is None:
            self._paces[function] = _Pace(duration_s, self.now())
            return
        pace.typical_s += (duration_s - pace.typical_s) * _WEIGHT
        pace.ended_at = self.now()

    def waits(self, function: str, *, live: int, since: float) -> bool:
        """Tell whether a call that waits since `since` waits on, though no environment is coming for it.

        Args:
            live: environments that the function has.
        """
        if live < self._enough or not self.is_machine_busy:
            return False
        pace = self._paces.get(function)
        if pace is None or pace.typical_s > QUICK_S:
            return False
        now = self.now()
        return now - pace.ended_at < STALL_S and now - since < MAX_WAIT_S
