"""The event sources of one application: its stream mappings and its schedules."""

import asyncio
import uuid
from collections.abc import Callable
from random import Random

from emulator.alarm import Alarm
from emulator.application import Application
from emulator.clock import Clock
from emulator.destinations import Destinations
from emulator.events.aws_streams import AwsStreams
from emulator.events.checkpoints import Checkpoints
from emulator.events.delivery import Services
from emulator.events.pacing import Backoff, Polling
from emulator.events.schedule_runner import ScheduleRunner
from emulator.events.status import Status
from emulator.events.stream_poller import StreamPoller
from emulator.faults import Faults
from emulator.invocation import Invoker
from emulator.telemetry.timeline import Timeline

READY_WITHIN_S = 5.0
"""What `start` waits for streams to be open; later ones are read as soon as they are. Ours."""


def _new_id() -> str:
    return str(uuid.uuid4())


class EventSources:
    """Runs the stream mappings and schedules of an application. Used from one event loop.

    Args:
        backend_endpoint_url: where DynamoDB Streams and SQS answer.
        waits_for_records: whether GetRecords there waits when it is asked to (the embedded engine).
        polling: the pace where it does not wait; `aws` imitates Lambda's four polls a second everywhere.
        retry_backoff: between deliveries of a batch that failed; AWS does not tell its own.
        checkpoints: of an earlier run on the same streams, to go on from.

    Raises:
        InvalidApplication: a filter pattern or a schedule expression cannot be followed.
    """

    def __init__(
        self,
        application: Application,
        *,
        invoker: Invoker,
        destinations: Destinations,
        backend_endpoint_url: str,
        waits_for_records: bool,
        clock: Clock,
        alarm: Alarm,
        faults: Faults,
        timeline: Timeline,
        random: Random,
        polling: Polling = Polling.ADAPTIVE,
        retry_backoff: Backoff | None = None,
        checkpoints: Checkpoints | None = None,
        ids: Callable[[], str] = _new_id,
    ) -> None:
        self._backend = AwsStreams(backend_endpoint_url)
        services = Services(
            invoker=invoker,
            destinations=destinations,
            clock=clock,
            alarm=alarm,
            timeline=timeline,
            random=random,
            ids=ids,
            checkpoints=checkpoints or Checkpoints(),
            retry_backoff=retry_backoff or Backoff(),
            faults=faults,
        )
        self._pollers = [
            StreamPoller(
                mapping,
                function_arn=application.function(mapping.function).arn,
                streams=self._backend,
                services=services,
                waits_for_records=waits_for_records,
                polling=polling,
            )
            for mapping in application.stream_mappings
        ]
        self._schedules = {
            schedule.name: ScheduleRunner(
                schedule, invoker=invoker, clock=clock, alarm=alarm, timeline=timeline, ids=ids
            )
            for schedule in application.schedules
        }
        self._is_running = False

    async def start(self) -> None:
        """Start every source; returns when the streams are being read, or later ones are waited for."""
        if self._is_running:
            return
        self._is_running = True
        if self._pollers:
            await self._backend.open()
        await asyncio.gather(*(poller.start(ready_within_s=READY_WITHIN_S) for poller in self._pollers))
        for schedule in self._schedules.values():
            await schedule.start()

    async def stop(self) -> None:
        """Stop every source; an invocation under way for a stream has a second to finish.

        Safe to call twice. After it, `start` goes on from the checkpoints.
        """
        if not self._is_running:
            return
        self._is_running = False
        await asyncio.gather(
            *(poller.stop() for poller in self._pollers),
            *(schedule.stop() for schedule in self._schedules.values()),
        )
        if self._pollers:
            self._backend.close()

    async def fire(self, schedule: str) -> None:
        """Fire a schedule now, out of turn. Raises KeyError where there is none of that name."""
        await self._schedules[schedule].fire()

    def status(self) -> Status:
        """Tell what every source is doing."""
        return Status(
            stream_mappings=tuple(poller.status() for poller in self._pollers),
            schedules=tuple(schedule.status() for schedule in self._schedules.values()),
        )
