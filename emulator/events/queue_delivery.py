"""Takes one mapping's batches to the function, and deletes the messages that are finished."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Any

from emulator.application import QueueMapping
from emulator.errors import BackendFailed, EmulatorError, PayloadTooLarge, QueueNotFound
from emulator.events.batches import NotReached, Verdict
from emulator.events.pacing import UNREACHABLE
from emulator.events.queue_batches import Outcome, decide
from emulator.events.queues import Message, Queues
from emulator.events.records import payload
from emulator.events.services import Services
from emulator.invocation import InvocationResult
from emulator.telemetry import tracing

logger = logging.getLogger(__name__)


class QueueDelivery:
    """Delivers batches of one queue, several at once; a batch that fails is left to its queue.

    Args:
        visibility_timeout_s: of the queue.
        ended: is told how each batch ended, and of each throttle.

    Attributes:
        facts: what the log and the timeline say of who takes what from where.
        last_verdict: how the last batch ended; None before the first.
    """

    def __init__(
        self,
        mapping: QueueMapping,
        *,
        queues: Queues,
        services: Services,
        visibility_timeout_s: float,
        ended: Callable[[Verdict], None],
    ) -> None:
        self._mapping = mapping
        self._queues = queues
        self._services = services
        self._visibility_timeout_s = visibility_timeout_s
        self._ended = ended
        self.facts = {"queue": mapping.queue, "function": mapping.function}
        self.last_verdict: Verdict | None = None

    async def deliver(self, batch: tuple[Message, ...]) -> Verdict:
        """Deliver one batch and delete what is finished of it; returns how it ended."""
        self._record(
            "queue.batch",
            messages=len(batch),
            received=max(int(one.event["attributes"].get("ApproximateReceiveCount", 1)) for one in batch),
            **_about(batch),
        )
        outcome = decide(batch, await self._invoke(batch), self._mapping)
        self.last_verdict = outcome.verdict
        if outcome.verdict is not Verdict.NOT_REACHED:  # a throttle was noted when it happened
            self._ended(outcome.verdict)
        if outcome.returned:
            self._note_returned(outcome)
        if outcome.finished:
            await self.delete(outcome.finished)
        return outcome.verdict

    async def delete(self, messages: Sequence[Message]) -> None:
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
                        "Messages were processed and could not be deleted",
                        extra={"action": "queue.delete", "error": str(error), **self.facts},
                    )
                    return
                await asyncio.sleep(delay_s)
            else:
                return

    async def give_back(self, messages: Sequence[Message]) -> None:
        """Make messages visible at once, where the queue can be reached."""
        if not messages:
            return
        try:
            await self._queues.release(self._mapping.queue, [one.receipt_handle for one in messages])
        except (QueueNotFound, BackendFailed):
            # Then the visibility timeout brings them back.
            return

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
            self._ended(Verdict.NOT_REACHED)
            delay_s = self._services.settings.retry_backoff.delay_s(failures, self._services.random.random())
            if self._services.clock.monotonic() + delay_s >= self._visible_at(batch):
                return NotReached(reason)
            self._record(
                "queue.throttled", reason=reason, messages=len(batch), delay_ms=round(delay_s * 1000)
            )
            await self._services.alarm.sleep(delay_s)

    def _visible_at(self, messages: Sequence[Message]) -> float:
        return min(one.received_at for one in messages) + self._visibility_timeout_s

    def _note_returned(self, outcome: Outcome) -> None:
        facts = {"reason": str(outcome.verdict), "messages": len(outcome.returned)}
        self._record("queue.returned", **facts)
        logger.warning(
            "Messages stay in their queue, and come again when they are visible",
            extra={"action": "queue.returned", **facts, **self.facts},
        )

    def _record(self, kind: str, **facts: Any) -> None:
        self._services.timeline.record(kind, **self.facts, **facts)


def _about(batch: Sequence[Message]) -> dict[str, Any]:
    """Return which requests a batch is about, as `tracing` tells it: `about`?."""
    named = [
        one
        for message in batch[: tracing.MAX_REQUESTS]
        for one in tracing.of_event(message.event["body"].encode()).get("about", ())
    ]
    return {"about": named} if named else {}
