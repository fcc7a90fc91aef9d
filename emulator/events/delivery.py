"""Takes the batches of one shard to the function until each is finished."""

import json
import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

from emulator.alarm import Alarm
from emulator.application import Destination, StreamMapping
from emulator.clock import Clock
from emulator.destinations import Destinations
from emulator.errors import BackendFailed, EmulatorError
from emulator.events import on_failure
from emulator.events.batches import Batch, Decision, GivenUp, NotReached, Verdict, decide, expire
from emulator.events.checkpoints import Checkpoints, Place
from emulator.events.pacing import Backoff
from emulator.events.records import StreamRecord, payload
from emulator.faults import Faults
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


class Delivery:
    """Delivers the batches of one shard, one at a time and in order.

    Attributes:
        is_invoking: whether the function runs right now.
        is_retrying: whether a batch waits to be delivered again.
        last_verdict: how the last invocation went.
    """

    def __init__(self, mapping: StreamMapping, place: Place, function_arn: str, services: Services) -> None:
        self._mapping = mapping
        self._place = place
        self._function_arn = function_arn
        self._services = services
        self._pending: deque[Batch] = deque()
        self._last_result: InvocationResult | None = None
        self._is_stopping = False
        self.is_invoking = False
        self.is_retrying = False
        self.last_verdict: Verdict | None = None

    @property
    def oldest_pending(self) -> StreamRecord | None:
        """The first record that is not finished, None if all are."""
        return self._pending[0].records[0] if self._pending else None

    def stop(self) -> None:
        """Begin no further invocation; one that runs may finish and counts."""
        self._is_stopping = True

    async def deliver(self, batches: Iterable[tuple[StreamRecord, ...]]) -> bool:
        """Deliver `batches` until every record is finished or given up; the checkpoint follows.

        Returns:
            Whether everything is finished; False after `stop()`.
        """
        self._pending = deque(map(Batch, batches))
        while self._pending and not self._is_stopping:
            batch = self._pending[0]
            decision = expire(batch, self._mapping, now=self._services.clock.now())
            if decision is None:
                decision = await self._invoke(batch)
            self.last_verdict = decision.verdict
            self._pending.popleft()
            self._pending.extendleft(reversed(decision.pending))
            if decision.given_up is not None:
                await self._give_up(decision.given_up)
            if decision.checkpoint is not None:
                self._services.checkpoints.set(self._place, decision.checkpoint)
            if decision.delay_s > 0 and not self._is_stopping:
                await self._wait_to_retry(decision)
        return not self._pending

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
        told = on_failure.message(
            given_up,
            last_result=last_result,
            request_id=last_result.request_id if last_result is not None else self._services.ids(),
            function_arn=self._function_arn,
            stream_arn=self._place.stream_arn,
            shard_id=self._place.shard_id,
            now=self._services.clock.now(),
        )
        try:
            await self._services.destinations.send(destination, json.dumps(told))
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
