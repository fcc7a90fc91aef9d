"""Takes the batches of one shard to the function until each is finished."""

import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from random import Random

from emulator.application import StreamMapping
from emulator.clock import Clock
from emulator.errors import BackendFailed, EmulatorError
from emulator.events import on_failure
from emulator.events.alarm import Alarm
from emulator.events.batches import Batch, Decision, GivenUp, NotReached, Verdict, decide, expire
from emulator.events.checkpoints import Checkpoints, Place
from emulator.events.pacing import Backoff
from emulator.events.records import StreamRecord, payload
from emulator.events.streams import Queues
from emulator.invocation import InvocationResult, Invoker
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
    queues: Queues
    clock: Clock
    alarm: Alarm
    timeline: Timeline
    random: Random
    ids: Callable[[], str]
    checkpoints: Checkpoints
    retry_backoff: Backoff


class Delivery:
    """Delivers the batches of one shard, one at a time and in order."""

    def __init__(self, mapping: StreamMapping, place: Place, function_arn: str, services: Services) -> None:
        self._mapping = mapping
        self._place = place
        self._function_arn = function_arn
        self._services = services
        self._pending: deque[Batch] = deque()
        self.is_invoking = False
        self.last_verdict: Verdict | None = None

    @property
    def oldest_pending(self) -> StreamRecord | None:
        """The first record that is not finished."""
        return self._pending[0].records[0] if self._pending else None

    async def deliver(self, batches: Iterable[tuple[StreamRecord, ...]], *, is_stopping: Callable[[], bool]) -> bool:
        """Deliver `batches` until every record is finished or given up; the checkpoint follows.

        Returns:
            False if `is_stopping()` became true before everything was finished.
        """
        self._pending = deque(Batch(records) for records in batches)
        last_result: InvocationResult | None = None
        while self._pending:
            if is_stopping():
                return False
            batch = self._pending.popleft()
            decision = expire(batch, self._mapping, now=self._services.clock.now())
            if decision is None:
                outcome = await self._while_pending(batch, self._invoke(batch))
                last_result = outcome if isinstance(outcome, InvocationResult) else last_result
                decision = decide(
                    batch,
                    outcome,
                    self._mapping,
                    backoff=self._services.retry_backoff,
                    jitter=self._services.random.random(),
                )
            await self._act(batch, decision, last_result)
        return True

    async def _act(self, batch: Batch, decision: Decision, last_result: InvocationResult | None) -> None:
        self.last_verdict = decision.verdict
        # What is not finished stays pending whatever happens to this task.
        self._pending.extendleft(reversed(decision.pending))
        if decision.given_up is not None:
            await self._give_up(decision.given_up, last_result if batch.invocations or decision.verdict is not
                                Verdict.EXPIRED else None)
        if decision.checkpoint is not None:
            self._services.checkpoints.set(self._place, decision.checkpoint)
