"""Which call runs where: idle environments, starts, and the queue at the laptop's limit. No I/O.

A call never belongs to the environment that was started because of it: whichever environment of its
function is free first takes it, so that a burst is not slower than its warm environments.
"""

from collections import deque
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from emulator.runtime.patience import Patience

E = TypeVar("E", bound=Hashable)  # environments
C = TypeVar("C")  # calls


@dataclass(slots=True)
class _Share(Generic[E, C]):
    """What the pool knows of one function."""

    idle: list[E] = field(default_factory=list)  # the most recently used is last
    waiting: deque[tuple[int, float, C]] = field(default_factory=deque)  # order, since when, call
    coming: int = 0  # environments that start or finish: each will take one waiting call
    live: int = 0


class Pool(Generic[E, C]):
    """Assigns calls to environments, first come, first served, within the limits.

    Guaranteed: a call waits only while its function has no idle environment; of two waiting calls of a
    function the older runs first; at the overall limit the oldest call that nothing is coming for gets
    the next place, and idle environments of other functions make room for it.

    Args:
        start: begin to start an environment of a function; reported later by `came` or `ended`.
        run: give a call to an environment.
        evict: end an idle environment; the pool has forgotten it already.
        patience: says which calls wait although the function could grow; None: none does.
    """

    def __init__(
        self,
        *,
        start: Callable[[str], None],
        run: Callable[[E, C], None],
        evict: Callable[[E], None],
        max_live: int,
        max_live_per_function: int,
        max_starting: int,
        patience: Patience | None = None,
    ) -> None:
        self._start = start
        self._run = run
        self._evict = evict
        self._max_live = max_live
        self._max_live_per_function = max_live_per_function
        self._max_starting = max_starting
        self._patience = patience
        self._shares: dict[str, _Share[E, C]] = {}
        self._idle_order: dict[E, str] = {}  # all idle environments, the longest idle first
        self._waiting = 0
        self._live = 0
        self._starting = 0
        self._sequence = 0

    @property
    def live(self) -> int:
        """Environments that hold a place."""
        return self._live

    @property
    def waiting(self) -> int:
        """Calls that wait for an environment."""
        return self._waiting

    def submit(self, function: str, call: C) -> None:
        """Run `call` on an idle environment, or let it wait for one."""
        share = self._share(function)
        if share.idle:
            environment = share.idle.pop()
            del self._idle_order[environment]
            self._run(environment, call)
            return
        self._sequence += 1
        since = self._patience.now() if self._patience is not None else 0.0
        share.waiting.append((self._sequence, since, call))
        self._waiting += 1
        self._grow()

    def reconsider(self) -> None:
        """Start what the calls that wait should not wait for any longer. While calls wait, ask often."""
        self._grow()

    def add(self, function: str) -> bool:
        """Start an environment ahead of need; False where the limits leave no place."""
        if self._live >= self._max_live or self._share(function).live >= self._max_live_per_function:
            return False
        self._begin(function)
        return True

    def finishing(self, function: str) -> None:
        """Note that an environment gave its outcome and will soon ask for more."""
        self._share(function).coming += 1

    def came(self, function: str, environment: E, *, started: bool) -> None:
        """Take an environment that asks for work; `started` if for the first time."""
        share = self._share(function)
        share.coming -= 1
        if started:
            self._starting -= 1
        if share.waiting and not self._is_another_owed(function):
            self._run(environment, self._next_of(share))
        else:
            share.idle.append(environment)
            self._idle_order[environment] = function
        if self._waiting:
            self._grow()
        while share.idle and share.waiting:  # the room that was owed came from elsewhere
            mine = share.idle.pop()
            del self._idle_order[mine]
            self._run(mine, self._next_of(share))

    def ended(self, function: str, environment: E, *, started: bool, coming: bool) -> None:
        """Give back the place of an environment that ended by itself or was killed.

        Args:
            started: it had asked for work at least once.
            coming: it was starting or finishing.
        """
        share = self._share(function)
        share.live -= 1
        self._live -= 1
        if not started:
            self._starting -= 1
        if coming:
            share.coming -= 1
        if environment in self._idle_order:
            del self._idle_order[environment]
            share.idle.remove(environment)
        self._grow()

    def remove_idle(self, environment: E) -> bool:
        """Take an idle environment out and give its place back; False where it is not idle."""
        if environment not in self._idle_order:
            return False
        self._forget_idle(environment)
        self._grow()
        return True

    def oldest_waiting(self, function: str) -> C | None:
        """Return the call of `function` that has waited longest, or None."""
        waiting = self._share(function).waiting
        return waiting[0][2] if waiting else None

    def take_waiting(self, function: str) -> C | None:
        """Remove and return the oldest waiting call of `function`, which a failed start has to answer."""
        share = self._share(function)
        return self._next_of(share) if share.waiting else None

    def dedicate(self, function: str) -> C | None:
        """Let an environment whose start failed begin again for the oldest waiting call, as if it ran it.

        Returns:
            The call, or None where none waits; then nothing has changed.
        """
        share = self._share(function)
        if not share.waiting:
            return None
        share.coming -= 1
        self._starting -= 1
        return self._next_of(share)

    def drain(self) -> list[C]:
        """Remove and return every waiting call, because the service stops."""
        calls = [call for share in self._shares.values() for _, _, call in share.waiting]
        for share in self._shares.values():
            share.waiting.clear()
        self._waiting = 0
        return calls

    def _share(self, function: str) -> _Share[E, C]:
        share = self._shares.get(function)
        if share is None:
            share = self._shares[function] = _Share()
        return share

    def _next_of(self, share: _Share[E, C]) -> C:
        self._waiting -= 1
        return share.waiting.popleft()[2]

    def _begin(self, function: str) -> None:
        share = self._share(function)
        share.live += 1
        share.coming += 1
        self._live += 1
        self._starting += 1
        self._start(function)

    def _oldest_uncovered(self) -> tuple[int, str] | None:
        """Return the oldest waiting call that nothing is coming for and whose function may grow."""
        oldest: tuple[int, str] | None = None
        for function, share in self._shares.items():
            if len(share.waiting) <= share.coming or share.live >= self._max_live_per_function:
                continue
            sequence, since, _ = share.waiting[share.coming]
            if oldest is not None and oldest[0] < sequence:
                continue
            if self._patience is None or not self._patience.waits(function, live=share.live, since=since):
                oldest = (sequence, function)
        return oldest

    def _is_another_owed(self, function: str) -> bool:
        """Whether this environment's place is due to an older call of another function."""
        if self._live < self._max_live:
            return False
        oldest = self._oldest_uncovered()
        own = self._share(function).waiting[0][0]
        return oldest is not None and oldest[1] != function and oldest[0] < own

    def _grow(self) -> None:
        while self._waiting and self._starting < self._max_starting:
            oldest = self._oldest_uncovered()
            if oldest is None:
                return
            if self._live >= self._max_live and not self._make_room(for_function=oldest[1]):
                return
            self._begin(oldest[1])

    def _make_room(self, *, for_function: str) -> bool:
        victim = next((e for e, owner in self._idle_order.items() if owner != for_function), None)
        if victim is None:
            return False
        self._forget_idle(victim)
        self._evict(victim)
        return True

    def _forget_idle(self, environment: E) -> None:
        share = self._share(self._idle_order.pop(environment))
        share.idle.remove(environment)
        share.live -= 1
        self._live -= 1
