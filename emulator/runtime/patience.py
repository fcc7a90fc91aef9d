"""When a waiting call is served sooner by the environments there are than by another process. Pure.

On AWS every call at the same time has an environment of its own, and none takes processor time from
another. Here they share the machine's processors: once those are busy, or the emulator itself is, another
process makes every call slower. Unless calls of its function are known to be slow, a call then waits for
one of the function's environments, for a moment; with few environments a function grows at once, as on AWS.
"""

from collections.abc import Callable
from dataclasses import dataclass

QUICK_S = 0.25
"""Calls that take longer on average are not waited for. Ours."""

STALL_S = 0.1
"""Without a call that came back for so long there is no waiting. Ours."""

MAX_WAIT_S = 1.0
"""How long a call waits in this way at most. Ours; a cold start on AWS can take as long."""

IDLE_SHARE = 0.15
"""Of the processors' time; with more of it idle, another environment has something to run on. Ours."""

OWN_SHARE = 0.85
"""Of one processor, which is all that the emulator itself can have: then it is what calls wait for. Ours."""

_WEIGHT = 0.2


@dataclass(slots=True)
class _Pace:
    typical_s: float
    ended_at: float


class Patience:
    """Knows how quickly the calls of each function come back.

    Args:
        now: monotonic seconds.
        enough: environments of one function from which on there is waiting.

    Attributes:
        is_machine_busy: what was found last; kept up to date by whoever can look.
    """

    def __init__(self, now: Callable[[], float], *, enough: int) -> None:
        self.now = now
        self.is_machine_busy = True
        self._enough = enough
        self._paces: dict[str, _Pace] = {}

    def ended(self, function: str, duration_s: float) -> None:
        """Note that a call came back that was not its environment's first: those load what they need."""
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
        now = self.now()
        if now - since >= MAX_WAIT_S:
            return False
        pace = self._paces.get(function)
        return pace is None or (pace.typical_s <= QUICK_S and now - pace.ended_at < STALL_S)
