"""Takes batches to the function until each is finished."""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from emulator.errors import EmulatorError
from emulator.events.batches import Batch, Decision, GivenUp, NotReached, Verdict, decide, expire
from emulator.events.checkpoints import Place
from emulator.events.failure_sender import FailureSender
from emulator.events.records import StreamRecord, payload
from emulator.events.services import Services, Subscription
from emulator.faults import FaultKind
from emulator.invocation import InvocationResult
from emulator.telemetry import tracing

logger = logging.getLogger(__name__)


class Delivery:
    """Delivers the batches of one lane of a shard, one at a time and in order.

    Args:
        finished: is told which records are finished or given up, in order.

    Attributes:
        is_invoking: whether the function runs right now.
        is_giving_up: whether the on-failure destination is being told of records.
        is_retrying: whether a batch waits to be delivered again.
    """

    def __init__(
        self,
        subscription: Subscription,
        place: Place,
        services: Services,
        *,
        finished: Callable[[Sequence[StreamRecord], Verdict], None],
    ) -> None:
        self._subscription = subscription
        self._mapping = subscription.mapping
        self._facts = subscription.facts(place)
        self._services = services
        self._sender = FailureSender(subscription, place, services, record=self._record)
        self._finished = finished
        self._pending: deque[Batch] = deque()
        self._last_result: InvocationResult | None = None
        self._is_stopping = False
        self.is_invoking = False
        self.is_giving_up = False
        self.is_retrying = False

    def stop(self) -> None:
        """Begin no further invocation; one that runs may finish and counts."""
        self._is_stopping = True

    async def deliver(self, records: tuple[StreamRecord, ...]) -> None:
        """Deliver a batch until every record is finished or given up, or until `stop()`."""
        self._pending = deque([Batch(records)])
        unfinished = deque(records)
        while self._pending and not self._is_stopping:
            batch = self._pending[0]
            decision = expire(batch, self._mapping, now=self._services.clock.now())
            if decision is None:
                decision = self._duplicated(batch, await self._invoke(batch))
            self._pending.popleft()
            self._pending.extendleft(reversed(decision.pending))
            if decision.given_up is not None:
                await self._give_up(decision.given_up)
            self._finished(_taken(unfinished, until=decision.checkpoint), decision.verdict)
            if decision.delay_s > 0 and not self._is_stopping:
                await self._wait_to_retry(decision)

    def _duplicated(self, batch: Batch, decision: Decision) -> Decision:
        """Return what to do where a fault delivers a batch that succeeded once more."""
        if decision.verdict is not Verdict.SUCCEEDED or batch.is_duplicate:
            return decision
        facts = self._subscription.facts()
        if self._services.faults.strike(FaultKind.DUPLICATE_RECORD, **facts) is None:
            return decision
        again = Batch(batch.records, is_duplicate=True)
        return Decision(decision.verdict, pending=(again,))

    async def _invoke(self, batch: Batch) -> Decision:
        self._record(
            "stream.batch",
            records=len(batch.records),
            first=batch.first,
            last=batch.last,
            attempt=batch.invocations + 1,
            **tracing.of_records(record.event for record in batch.records),
        )
        self.is_invoking = True
        try:
            outcome = await self._outcome(batch)
        finally:
            self.is_invoking = False
        if isinstance(outcome, InvocationResult):
            self._last_result = outcome
        return decide(
            batch,
            outcome,
            self._mapping,
            settings=self._services.settings,
            jitter=self._services.random.random(),
        )

    async def _outcome(self, batch: Batch) -> InvocationResult | NotReached:
        try:
            return await self._services.invoker.invoke(self._mapping.function, payload(batch.records))
        except EmulatorError as error:
            return NotReached(type(error).__name__)
        except Exception as error:
            # Whatever the Lambda service fails with, the records were not processed: they stay.
            logger.exception("Invoking for a stream batch failed", extra={"action": "stream.batch"})
            return NotReached(type(error).__name__)

    async def _wait_to_retry(self, decision: Decision) -> None:
        retried = decision.pending[0]
        self._record(
            "stream.retry",
            reason=str(decision.verdict),
            records=len(retried.records),
            first=retried.first,
            attempt=retried.invocations + 1,
            delay_ms=round(decision.delay_s * 1000),
        )
        self.is_retrying = True
        try:
            await self._services.alarm.sleep(decision.delay_s)
        finally:
            self.is_retrying = False

    async def _give_up(self, given_up: GivenUp) -> None:
        batch, destination = given_up.batch, self._mapping.on_failure
        last_result = self._last_result if batch.invocations else None
        is_sent = False
        if destination is not None:
            self.is_giving_up = True
            try:
                is_sent = await self._sender.send(destination, given_up, last_result=last_result)
            finally:
                self.is_giving_up = False
        self._record(
            "stream.gave_up",
            condition=str(given_up.condition),
            records=len(batch.records),
            first=batch.first,
            last=batch.last,
            invocations=batch.invocations,
            destination=destination.arn if destination is not None else None,
            sent=is_sent,
        )
        logger.warning(
            "Stream records were given up",
            extra={"action": "stream.gave_up", "condition": str(given_up.condition), **self._facts},
        )

    def _record(self, kind: str, **facts: Any) -> None:
        self._services.timeline.record(kind, **self._facts, **facts)


def _taken(unfinished: deque[StreamRecord], *, until: str | None) -> list[StreamRecord]:
    """Take the records up to and with the sequence number `until`; none where that is None."""
    taken: list[StreamRecord] = []
    while until is not None and unfinished:
        taken.append(unfinished.popleft())
        if taken[-1].sequence_number == until:
            break
    return taken
