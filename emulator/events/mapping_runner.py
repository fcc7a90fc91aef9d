"""One event source mapping while the sandbox runs: its identity, its state, and its poller."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any, Protocol

from emulator.application import Destination, QueueMapping, StreamMapping
from emulator.events.mapping_states import SETTLED, MappingEvent, MappingState, change, step
from emulator.events.status import MappingStatus, QueueMappingStatus

EventSourceMapping = StreamMapping | QueueMapping

READY_WITHIN_S = 5.0
"""What a start waits for a source to be open; a later one is read as soon as it is there. Ours."""


class Poller(Protocol):
    """Takes what one source has to one function; can be started again after a stop."""

    async def start(self, *, ready_within_s: float) -> bool:
        """Begin to read; returns whether the source was open within `ready_within_s`."""
        ...

    async def finish(self) -> None:
        """Begin nothing more; returns when the invocations under way have ended.

        `stop` follows in any case, also where this was cancelled.
        """
        ...

    async def stop(self) -> None:
        """End reading. An invocation under way gets a moment to finish."""
        ...

    def status(self) -> MappingStatus | QueueMappingStatus:
        """Tell what it is doing."""
        ...


@dataclass(frozen=True, slots=True)
class Described:
    """A mapping as the API shows it.

    Attributes:
        source_arn: of the stream or queue; None while the table has no stream.
        changed_at: epoch seconds of the last change.
        last_result: how the last invocation went, in the status's words; None before the first.
    """

    uuid: str
    mapping: EventSourceMapping
    state: MappingState
    source_arn: str | None
    changed_at: float
    last_result: str | None


class MappingInUse(Exception):
    """A mapping cannot be changed while an earlier change is under way."""


class MappingRunner:
    """Runs one mapping; changes are worked off one after the other, in a task.

    A change lets an invocation under way finish; the end of the sandbox does not wait for it.

    Args:
        new_poller: makes the poller of a mapping; raises InvalidApplication where it cannot be followed.
        finish_within_s: tells how long a change waits for a mapping's invocations, at most.
        now: tells the epoch seconds.
    """

    def __init__(
        self,
        uuid: str,
        mapping: EventSourceMapping,
        *,
        new_poller: Callable[[EventSourceMapping], Poller],
        finish_within_s: Callable[[EventSourceMapping], float],
        now: Callable[[], float],
    ) -> None:
        self.uuid = uuid
        self.mapping = mapping
        self.state = MappingState.CREATING
        self._new_poller = new_poller
        self._poller = new_poller(mapping)
        self._finish_within_s = finish_within_s
        self._now = now
        self._changed_at = now()
        self._is_polling = False
        self._hurry = asyncio.Event()
        self._work: asyncio.Task[None] | None = None

    def status(self) -> MappingStatus | QueueMappingStatus:
        """Tell what the poller is doing, and for which mapping."""
        return replace(self._poller.status(), uuid=self.uuid, mapping_state=str(self.state))

    def describe(self) -> Described:
        """Return what the API shows."""
        status = self._poller.status()
        return Described(
            uuid=self.uuid,
            mapping=self.mapping,
            state=self.state,
            source_arn=status.stream_arn
            if isinstance(status, MappingStatus)
            else Destination.queue(status.queue).arn,
            changed_at=self._changed_at,
            last_result=status.last_result,
        )

    async def start(self) -> None:
        """Read, if the mapping is enabled; returns when the source is open, or a later one is waited for."""
        self._begin(self._settle())
        await self.settled()

    async def stop(self) -> None:
        """Read no more; the mapping's state stays, and `start` goes on."""
        self._hurry.set()
        await self.settled()
        await self._stop_polling()
        self._hurry.clear()

    def create(self) -> None:
        """Begin to read in the background."""
        self._begin(self._settle())

    def update(self, mapping: EventSourceMapping, *, between: Callable[[], None]) -> None:
        """Go on by another mapping for the same source; what was finished stays finished.

        Args:
            between: is called when the source is read no more, before it is read again.

        Raises:
            MappingInUse: an earlier change is under way.
            InvalidApplication: the mapping cannot be followed; the earlier one stays.
        """
        self._check()
        poller = self._new_poller(mapping)
        finish_within_s = self._finish_within_s(self.mapping)
        self._move(change(was_enabled=self.mapping.enabled, is_enabled=mapping.enabled))
        self.mapping = mapping
        self._begin(self._replace(poller, finish_within_s, between))

    def delete(self) -> None:
        """End reading for good, in the background. Raises MappingInUse."""
        self._check()
        self._move(MappingEvent.DELETE)
        self._begin(self._finish_polling(self._finish_within_s(self.mapping)))

    async def settled(self) -> None:
        """Wait until the last change is worked off."""
        if self._work is not None:
            await asyncio.wait({self._work})

    def _check(self) -> None:
        if self.state not in SETTLED:
            raise MappingInUse(f"The event source mapping {self.uuid} is {self.state}; try again shortly.")

    def _move(self, event: MappingEvent) -> None:
        self.state = step(self.state, event)
        self._changed_at = self._now()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        self._work = asyncio.create_task(work, name=f"event source mapping {self.uuid}")

    async def _replace(self, poller: Poller, finish_within_s: float, between: Callable[[], None]) -> None:
        await self._finish_polling(finish_within_s)
        between()
        self._poller = poller
        await self._settle()

    async def _settle(self) -> None:
        if self.mapping.enabled and not self._is_polling:
            self._is_polling = True
            await self._poller.start(ready_within_s=READY_WITHIN_S)
        if self.state not in SETTLED:
            self._move(MappingEvent.RUNNING if self.mapping.enabled else MappingEvent.STOPPED)

    async def _finish_polling(self, within_s: float) -> None:
        if not self._is_polling:
            return
        finishing = asyncio.create_task(self._poller.finish(), name=f"event source mapping {self.uuid} ends")
        hurry = asyncio.create_task(self._hurry.wait(), name=f"event source mapping {self.uuid} hurries")
        try:
            await asyncio.wait({finishing, hurry}, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            finishing.cancel()
            hurry.cancel()
            await asyncio.gather(finishing, hurry, return_exceptions=True)
        await self._stop_polling()

    async def _stop_polling(self) -> None:
        if self._is_polling:
            self._is_polling = False
            await self._poller.stop()
