"""Strikes of faults in the back end's process, brought to the timeline."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol

from emulator.errors import BackendFailed
from emulator.telemetry.timeline import Timeline

WAIT_S = 1.0
"""How long one question for strikes waits; they come at once. Ours."""


class StrikingBackend(Protocol):
    """A back end that tells when its faults strike."""

    async def strikes(self, *, after: int, wait_s: float) -> Sequence[Mapping[str, Any]]:
        """Return the strikes with a number above `after`; waits for the first. Raises BackendFailed."""
        ...


class Strikes:
    """Follows a back end's strikes while faults are declared there. Event loop only.

    Args:
        declared: whether there are any.
    """

    def __init__(self, backend: StrikingBackend, timeline: Timeline, declared: Callable[[], bool]) -> None:
        self._backend = backend
        self._timeline = timeline
        self._declared = declared
        self._seen = 0
        self._task: asyncio.Task[None] | None = None

    def follow(self) -> None:
        """Begin, unless it has begun or no fault is declared."""
        if not self._declared():
            return
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._follow(), name="strikes of the back end")

    async def close(self) -> None:
        """End it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    async def _follow(self) -> None:
        with suppress(BackendFailed):  # it has ended, and the sandbox with it
            while self._declared():
                for strike in await self._backend.strikes(after=self._seen, wait_s=WAIT_S):
                    self._seen = strike["number"]
                    facts = {name: value for name, value in strike.items() if name != "number"}
                    self._timeline.record("fault.struck", **facts)
