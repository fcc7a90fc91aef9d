"""Receives a queue's messages for one function and gathers them into batches, which are delivered."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from emulator.application import Destination, QueueMapping
from emulator.errors import BackendFailed, EmulatorError, QueueNotFound
from emulator.events import queue_records
from emulator.events.batches import Verdict
from emulator.events.pacing import UNREACHABLE
from emulator.events.queue_batches import Gathering, Scale
from emulator.events.queue_delivery import QueueDelivery
from emulator.events.queue_records import BodyFilter
from emulator.events.queues import Message, Queues
from emulator.events.services import Services
from emulator.events.settings import STOP_GRACE_S
from emulator.events.status import QueueMappingStatus, State

logger = logging.getLogger(__name__)

WAIT_S = 5
"""What one receive waits for a message. AWS waits 20 s; a shorter wait leaves less behind at a stop. Ours."""


class QueuePoller:
    """Delivers the messages of one queue to one function, several batches at once.

    A batch that fails is left to the queue's visibility timeout, and its redrive policy. A throttled one
    is tried again, ever more slowly, until that timeout is over.

    Args:
        visibility_timeout_s: of the queue.

    Raises:
        InvalidApplication: the mapping's filters are no filter patterns.
    """

    def __init__(
        self, mapping: QueueMapping, *, queues: Queues, services: Services, visibility_timeout_s: float
    ) -> None:
        self._mapping = mapping
        self._queue_arn = Destination.queue(mapping.queue).arn
        self._filter = BodyFilter(mapping.filters)
        self._queues = queues
        self._services = services
        self._gathering = Gathering(mapping)
        self._scale = Scale(mapping)
        self._delivery = QueueDelivery(
            mapping,
            queues=queues,
            services=services,
            visibility_timeout_s=visibility_timeout_s,
            ended=self._scale.ended,
        )
        self._receiving: asyncio.Task[Sequence[Message]] | None = None
        self._deliveries: dict[asyncio.Task[Verdict], frozenset[str]] = {}
        self._deletions: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._state = State.STOPPED
        self._failures = 0

    async def start(self, *, ready_within_s: float) -> bool:
        """Begin to receive; returns at once: messages wait in their queue."""
        self._state = State.STARTING
        self._task = asyncio.create_task(self._run(), name=f"queue {self._mapping.queue}")
        return True

    async def finish(self) -> None:
        """See `Poller.finish`."""
        await self._stop_receiving()
        if under_way := self._under_way():
            await asyncio.wait(under_way)

    async def stop(self) -> None:
        """End receiving. Invocations under way get a moment to finish; else their messages come again."""
        await self._stop_receiving()
        if under_way := self._under_way():
            _, late = await asyncio.wait(under_way, timeout=STOP_GRACE_S)
            for delivery in late:
                delivery.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _under_way(self) -> list[asyncio.Task[Any]]:
        return [*self._deliveries, *self._deletions]

    async def _stop_receiving(self) -> None:
        if self._task is None:
            return
        self._state = State.STOPPED
        task, self._task = self._task, None
        ending = [task] if self._receiving is None else [task, self._receiving]
        for one in ending:
            one.cancel()
        await asyncio.wait(ending)
        if self._receiving is not None and not self._receiving.cancelled():
            self._take_in(self._receiving)
        self._receiving = None
        await self._delivery.give_back(self._gathering.take_all())

    def status(self) -> QueueMappingStatus:
        """Tell what this poller is doing."""
        return QueueMappingStatus(
            queue=self._mapping.queue,
            function=self._mapping.function,
            state=State.INVOKING if self._state is State.READING and self._deliveries else self._state,
            batches=len(self._deliveries),
            last_result=str(verdict) if (verdict := self._delivery.last_verdict) is not None else None,
        )

    async def _run(self) -> None:
        while True:
            while len(self._deliveries) >= self._scale.batches:
                await asyncio.wait(self._deliveries, return_when=asyncio.FIRST_COMPLETED)
            try:
                batch = await self._next_batch()
            except (QueueNotFound, BackendFailed) as error:
                self._note_failure(error)
                await self._pause()
                continue
            except Exception:
                # What was received comes again when it is visible.
                logger.exception(
                    "Reading a queue failed and starts again",
                    extra={"action": "queue.failed", **self._delivery.facts},
                )
                self._failures += 1
                await self._pause()
                continue
            groups = frozenset(one.group for one in batch if one.group is not None)
            if not await self._are_free(groups):
                await self._delivery.give_back(batch)
                continue
            delivery = asyncio.create_task(
                self._delivery.deliver(batch), name=f"queue {self._mapping.queue} batch"
            )
            self._deliveries[delivery] = groups
            delivery.add_done_callback(self._deliveries.pop)

    async def _are_free(self, groups: frozenset[str]) -> bool:
        """Wait for the batches that have messages of these groups; whether they all succeeded.

        A FIFO queue hides a group while messages of it are received; one receive may make two batches.
        """
        before = [delivery for delivery, others in self._deliveries.items() if groups & others]
        if not before:
            return True
        await asyncio.wait(before)
        return all(
            not one.cancelled() and one.exception() is None and one.result() is Verdict.SUCCEEDED
            for one in before
        )

    async def _pause(self) -> None:
        await asyncio.sleep(UNREACHABLE.delay_s(self._failures, self._services.random.random()))

    async def _next_batch(self) -> tuple[Message, ...]:
        """Gather messages until a batch is due.

        A receive that still waits when the window is over goes on for the next batch: to give it up would
        hide what it gets.
        """
        while True:
            batch = self._gathering.take(now=self._services.clock.monotonic())
            if batch is not None:
                return batch
            if self._receiving is None:
                self._receiving = asyncio.create_task(
                    self._receive(self._gathering.wanted()), name=f"queue {self._mapping.queue} receive"
                )
            if await self._wait_for(self._receiving):
                received, self._receiving = self._receiving, None
                if (error := received.exception()) is not None:
                    raise error
                self._take_in(received)

    async def _wait_for(self, receiving: asyncio.Task[Any]) -> bool:
        """Wait for a receive or the end of the window; returns whether the receive is done."""
        if not self._gathering:
            await asyncio.wait({receiving})
            return True
        window = asyncio.create_task(
            self._services.alarm.until(self._gathering.closes_at()),
            name=f"queue {self._mapping.queue} window",
        )
        try:
            await asyncio.wait({receiving, window}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            window.cancel()
        return receiving.done()

    async def _receive(self, limit: int) -> Sequence[Message]:
        received = await self._queues.receive(self._mapping.queue, limit=limit, wait_s=WAIT_S)
        now = self._services.clock.monotonic()
        self._note_success()
        self._scale.received(now=now, any_message=bool(received))
        return [queue_records.message(one, queue_arn=self._queue_arn, received_at=now) for one in received]

    def _take_in(self, received: asyncio.Task[Sequence[Message]]) -> None:
        """Gather what a receive brought; what no filter lets through is deleted."""
        if received.exception() is not None:
            return
        passed: list[Message] = []
        dropped: list[Message] = []
        for one in received.result():
            (passed if self._filter.matches(one.event["body"]) else dropped).append(one)
        self._gathering.add(passed)
        if dropped:
            self._record("queue.filtered", messages=len(dropped))
            deletion = asyncio.create_task(
                self._delivery.delete(dropped), name=f"queue {self._mapping.queue} filter"
            )
            self._deletions.add(deletion)
            deletion.add_done_callback(self._deletions.discard)

    def _note_failure(self, error: EmulatorError) -> None:
        self._failures += 1
        if self._failures > 1:
            return
        self._state = State.UNREACHABLE
        self._record("queue.unreachable", error=type(error).__name__)
        logger.warning(
            "A queue cannot be read",
            extra={"action": "queue.unreachable", "error": str(error), **self._delivery.facts},
        )

    def _note_success(self) -> None:
        if self._failures:
            self._record("queue.reachable")
        self._failures = 0
        self._state = State.READING

    def _record(self, kind: str, **facts: Any) -> None:
        self._services.timeline.record(kind, **self._delivery.facts, **facts)
