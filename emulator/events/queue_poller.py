"""Takes a queue's messages to one function in batches, and deletes those that are finished."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any

from emulator.application import Destination, QueueMapping
from emulator.errors import BackendFailed, EmulatorError, PayloadTooLarge, QueueNotFound
from emulator.events import queue_records
from emulator.events.batches import NotReached, Verdict
from emulator.events.pacing import UNREACHABLE
from emulator.events.queue_batches import Gathering, Outcome, Scale, decide
from emulator.events.queue_records import BodyFilter
from emulator.events.queues import Message, Queues
from emulator.events.records import payload
from emulator.events.services import Services
from emulator.events.status import QueueMappingStatus, State
from emulator.invocation import InvocationResult
from emulator.telemetry import tracing

logger = logging.getLogger(__name__)

WAIT_S = 5
"""What one receive waits for a message. AWS waits 20 s; a shorter wait leaves less behind at a stop. Ours."""

STOP_GRACE_S = 1.0
"""What invocations under way have to finish when a poller is stopped. Ours."""


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
        self._visibility_timeout_s = visibility_timeout_s
        self._gathering = Gathering(mapping)
        self._scale = Scale(mapping)
        self._receiving: asyncio.Task[Sequence[Message]] | None = None
        self._deliveries: set[asyncio.Task[None]] = set()
        self._deletions: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None
        self._state = State.STOPPED
        self._failures = 0
        self._last_verdict: Verdict | None = None

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

    def _under_way(self) -> list[asyncio.Task[None]]:
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
        await self._give_back(self._gathering.take_all())

    def status(self) -> QueueMappingStatus:
        """Tell what this poller is doing."""
        return QueueMappingStatus(
            queue=self._mapping.queue,
            function=self._mapping.function,
            state=State.INVOKING if self._state is State.READING and self._deliveries else self._state,
            batches=len(self._deliveries),
            last_result=str(self._last_verdict) if self._last_verdict is not None else None,
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
                    extra={"action": "queue.failed", **self._facts()},
                )
                self._failures += 1
                await self._pause()
                continue
            delivery = asyncio.create_task(self._deliver(batch), name=f"queue {self._mapping.queue} batch")
            self._deliveries.add(delivery)
            delivery.add_done_callback(self._deliveries.discard)

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
            deletion = asyncio.create_task(self._delete(dropped), name=f"queue {self._mapping.queue} filter")
            self._deletions.add(deletion)
            deletion.add_done_callback(self._deletions.discard)

    async def _deliver(self, batch: tuple[Message, ...]) -> None:
        self._record(
            "queue.batch",
            messages=len(batch),
            received=max(int(one.event["attributes"].get("ApproximateReceiveCount", 1)) for one in batch),
            **_about(batch),
        )
        outcome = decide(batch, await self._invoke(batch), self._mapping)
        self._last_verdict = outcome.verdict
        if outcome.verdict is not Verdict.NOT_REACHED:  # a throttle was noted when it happened
            self._scale.ended(outcome.verdict)
        if outcome.returned:
            self._note_returned(outcome)
        if outcome.finished:
            await self._delete(outcome.finished)

    async def _invoke(self, batch: tuple[Message, ...]) -> InvocationResult | NotReached:
        """Invoke once; where the function is not reached, again until the messages are visible again."""
        event = payload(batch)
        failures = 0
        while True:
            try:
                return await self._services.invoker.invoke(self._mapping.function, event)
            except PayloadTooLarge as error:
                return NotReached(type(error).__name__)
            except EmulatorError as error:
                reason = type(error).__name__
            except Exception as error:
                # Whatever the Lambda service fails with, the messages were not processed: they stay.
                logger.exception("Invoking for a queue's batch failed", extra={"action": "queue.batch"})
                reason = type(error).__name__
            failures += 1
            self._scale.ended(Verdict.NOT_REACHED)
            delay_s = self._services.settings.retry_backoff.delay_s(failures, self._services.random.random())
            if self._services.clock.monotonic() + delay_s >= self._visible_at(batch):
                return NotReached(reason)
            self._record(
                "queue.throttled", reason=reason, messages=len(batch), delay_ms=round(delay_s * 1000)
            )
            await self._services.alarm.sleep(delay_s)

    async def _delete(self, messages: Sequence[Message]) -> None:
        """Delete messages, trying until they are visible again; then they are delivered once more."""
        failures = 0
        while True:
            try:
                await self._queues.delete(self._mapping.queue, [one.receipt_handle for one in messages])
            except QueueNotFound:
                return
            except BackendFailed as error:
                failures += 1
                delay_s = UNREACHABLE.delay_s(failures, self._services.random.random())
                if self._services.clock.monotonic() + delay_s >= self._visible_at(messages):
                    logger.error(
                        "Messages were processed and could not be deleted: %s",
                        error,
                        extra={"action": "queue.delete", **self._facts()},
                    )
                    return
                await asyncio.sleep(delay_s)
            else:
                return

    async def _give_back(self, messages: Sequence[Message]) -> None:
        if not messages:
            return
        try:
            await self._queues.release(self._mapping.queue, [one.receipt_handle for one in messages])
        except (QueueNotFound, BackendFailed):
            # Then the visibility timeout brings them back.
            return

    def _visible_at(self, messages: Sequence[Message]) -> float:
        return min(one.received_at for one in messages) + self._visibility_timeout_s

    def _note_returned(self, outcome: Outcome) -> None:
        self._record("queue.returned", reason=str(outcome.verdict), messages=len(outcome.returned))
        logger.warning(
            "Messages stay in their queue, and come again when they are visible",
            extra={
                "action": "queue.returned",
                "reason": str(outcome.verdict),
                "messages": len(outcome.returned),
                **self._facts(),
            },
        )

    def _note_failure(self, error: EmulatorError) -> None:
        self._failures += 1
        if self._failures > 1:
            return
        self._state = State.UNREACHABLE
        self._record("queue.unreachable", error=type(error).__name__)
        logger.warning(
            "A queue cannot be read: %s", error, extra={"action": "queue.unreachable", **self._facts()}
        )

    def _note_success(self) -> None:
        if self._failures:
            self._record("queue.reachable")
        self._failures = 0
        self._state = State.READING

    def _record(self, kind: str, **facts: Any) -> None:
        self._services.timeline.record(kind, **self._facts(), **facts)

    def _facts(self) -> dict[str, str]:
        return {"queue": self._mapping.queue, "function": self._mapping.function}


def _about(batch: Sequence[Message]) -> dict[str, Any]:
    """Return which requests a batch is about, as `tracing` tells it: `about`?."""
    named = [
        one
        for message in batch[: tracing.MAX_REQUESTS]
        for one in tracing.of_event(message.event["body"].encode()).get("about", ())
    ]
    return {"about": named} if named else {}
