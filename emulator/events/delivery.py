"""Takes batches to the function until each is finished."""

import json
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from emulator.alarm import Alarm
from emulator.application import Destination, Service, StreamMapping
from emulator.clock import Clock
from emulator.destinations import Destinations
from emulator.errors import BackendFailed, EmulatorError
from emulator.events import on_failure
from emulator.events.batches import Batch, Decision, GivenUp, NotReached, Verdict, decide, expire
from emulator.events.checkpoints import Checkpoints, Place
from emulator.events.pacing import Backoff
from emulator.events.records import StreamRecord, payload
from emulator.faults import FaultKind, Faults
from emulator.invocation import InvocationResult, Invoker
from emulator.telemetry import tracing
from emulator.telemetry.timeline import Timeline

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Services:
    """What every poller of an application shares.

    Attributes:
        ids: makes a new request id.
        retry_backoff: between deliveries of a batch that failed.
    """

    invoker: Invoker
    destinations: Destinations
    clock: Clock
    alarm: Alarm
    timeline: Timeline
    random: Random
    ids: Callable[[], str]
    checkpoints: Checkpoints
    retry_backoff: Backoff
    faults: Faults


@dataclass(frozen=True, slots=True)
class Subscription:
    """Who reads a stream, and how.

    Attributes:
        mapping_id: the UUID of the event source mapping.
    """

    mapping: StreamMapping
    mapping_id: str
    function_arn: str


class Delivery:
    """Delivers the batches of one lane of a shard, one at a time and in order.

    Args:
        finished: is told which records are finished or given up, in order.

    Attributes:
        is_invoking: whether the function runs right now.
        is_retrying: whether a batch waits to be delivered again.
        last_verdict: how the last invocation went.
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
        self._place = place
        self._services = services
        self._finished = finished
        self._pending: deque[Batch] = deque()
        self._last_result: InvocationResult | None = None
        self._is_stopping = False
        self.is_invoking = False
        self.is_retrying = False
        self.last_verdict: Verdict | None = None

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
            self.last_verdict = decision.verdict
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
        facts = {"table": self._mapping.table, "function": self._mapping.function}
        if self._services.faults.strike(FaultKind.DUPLICATE_RECORD, **facts) is None:
            return decision
        self._record("fault.struck", fault=str(FaultKind.DUPLICATE_RECORD), first=batch.first)
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
            backoff=self._services.retry_backoff,
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
        is_sent = destination is not None and await self._send(destination, given_up)
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
            extra={"action": "stream.gave_up", "condition": str(given_up.condition), **self._facts()},
        )

    async def _send(self, destination: Destination, given_up: GivenUp) -> bool:
        last_result = self._last_result if given_up.batch.invocations else None
        to_bucket, now = destination.service is Service.BUCKET, self._services.clock.now()
        told = on_failure.message(
            given_up,
            last_result=last_result,
            request_id=last_result.request_id if last_result is not None else self._services.ids(),
            function_arn=self._subscription.function_arn,
            stream_arn=self._place.stream_arn,
            shard_id=self._place.shard_id,
            now=now,
            with_records=to_bucket,
        )
        key = ""
        if to_bucket:
            key = on_failure.object_key(
                mapping_id=self._subscription.mapping_id,
                shard_id=self._place.shard_id,
                object_id=self._services.ids(),
                now=now,
            )
        try:
            await self._services.destinations.send(destination, json.dumps(told), key=key)
        except BackendFailed as error:
            logger.error(
                "An on-failure message was lost: %s",
                error,
                extra={"action": "stream.gave_up", "destination": destination.arn},
            )
            return False
        return True

    def _record(self, kind: str, **facts: Any) -> None:
        self._services.timeline.record(kind, **self._facts(), **facts)

    def _facts(self) -> dict[str, str]:
        return {
            "table": self._mapping.table,
            "function": self._mapping.function,
            "shard": self._place.shard_id,
        }


def _taken(unfinished: deque[StreamRecord], *, until: str | None) -> list[StreamRecord]:
    """Take the records up to and with the sequence number `until`; none where that is None."""
    taken: list[StreamRecord] = []
    while until is not None and unfinished:
        taken.append(unfinished.popleft())
        if taken[-1].sequence_number == until:
            break
    return taken
