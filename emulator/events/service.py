"""The event sources of one application: its event source mappings and its schedules."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from emulator.application import Application, Destination, QueueMapping, StreamMapping
from emulator.errors import FunctionNotFound
from emulator.events import mapping_limits, queue_batches, schedules
from emulator.events.aws_queues import AwsQueues
from emulator.events.aws_streams import AwsStreams
from emulator.events.mapping_runner import Described, EventSourceMapping, MappingRunner, Poller
from emulator.events.queue_poller import QueuePoller
from emulator.events.schedule_runner import ScheduleRunner
from emulator.events.services import Services, Subscription
from emulator.events.status import MappingStatus, QueueMappingStatus, Status
from emulator.events.stream_poller import StreamPoller

_DECLARED = uuid.UUID("5ed2d2a5-6f0c-4f5e-9d4d-0f5c7a0e7b11")
"""Namespace of the ids of declared mappings, which are the same in every run. Ours."""


START_S = 10.0
"""What an environment may need before a function's timeout counts, when a change waits for an invocation.
Lambda Developer Guide: the init phase has 10 seconds."""


class EventSources:
    """Runs the event source mappings and schedules of an application. Used from one event loop.

    Args:
        backend_endpoint_url: where DynamoDB Streams and SQS answer.
        waits_for_records: whether GetRecords there waits when it is asked to (the embedded engine).

    Raises:
        InvalidApplication: a filter pattern or a schedule expression cannot be followed.
    """

    def __init__(
        self,
        application: Application,
        services: Services,
        *,
        backend_endpoint_url: str,
        waits_for_records: bool,
    ) -> None:
        declared: list[EventSourceMapping] = [*application.stream_mappings, *application.queue_mappings]
        mapping_limits.check_all(declared)
        schedules.check(application.schedules)
        self._application = application
        self._visibility_s: dict[str, float] = {
            queue.name: queue.visibility_timeout_s for queue in application.queues
        }
        self._streams = AwsStreams(backend_endpoint_url)
        self._queues = AwsQueues(backend_endpoint_url)
        self._waits_for_records = waits_for_records
        self._services = services
        self._mappings: dict[str, MappingRunner] = {}
        for mapping in declared:
            self._add(_declared_id(mapping), mapping)
        self._schedules = {
            schedule.name: ScheduleRunner(
                schedule,
                invoker=services.invoker,
                clock=services.clock,
                alarm=services.alarm,
                timeline=services.timeline,
                ids=services.ids,
            )
            for schedule in application.schedules
        }
        self._leaving: set[asyncio.Task[None]] = set()
        self._is_running = False
        self._is_open = False
        self._opening = asyncio.Lock()

    async def start(self) -> None:
        """Start every source; returns when the sources are being read, or later ones are waited for."""
        if self._is_running:
            return
        self._is_running = True
        if self._mappings:
            await self._open()
        await asyncio.gather(*(runner.start() for runner in self._mappings.values()))
        for schedule in self._schedules.values():
            await schedule.start()

    async def stop(self) -> None:
        """Stop every source; an invocation under way for a mapping has a second to finish.

        Safe to call twice. After it, `start` goes on from the checkpoints.
        """
        if not self._is_running:
            return
        self._is_running = False
        await asyncio.gather(
            *(runner.stop() for runner in self._mappings.values()),
            *(schedule.stop() for schedule in self._schedules.values()),
            *self._leaving,
        )
        self._services.checkpoints.flush()
        if self._is_open:
            self._is_open = False
            self._streams.close()
        self._queues.close()

    async def create(self, mapping: EventSourceMapping, *, stream_arn: str | None = None) -> str:
        """Add a mapping; returns its id at once. It is read in the background, `settled` waits for that.

        Args:
            stream_arn: reads this stream only; None: the table's newest, also when it is made again.

        Raises:
            InvalidApplication: the mapping cannot be followed.
            QueueNotFound, BackendFailed: the queue cannot be looked at.
            FunctionNotFound: the application has no such function.
        """
        if self._is_running:
            await self._open()
        if isinstance(mapping, QueueMapping):
            self._visibility_s[mapping.queue] = await self.visibility_timeout_s(mapping.queue)
        runner = self._add(self._services.ids(), mapping, stream_arn)
        if self._is_running:
            runner.create()
        return runner.uuid

    async def update(self, mapping_id: str, **changes: Any) -> None:
        """Change fields of a mapping, `enabled` among them; what was finished stays finished.

        Raises:
            KeyError: there is no such mapping.
            MappingInUse: an earlier change is under way.
            InvalidApplication: the changed mapping cannot be followed.
        """
        runner = self._mappings[mapping_id]
        before = runner.describe()
        changed = replace(runner.mapping, **changes)

        def between() -> None:
            if before.source_arn is not None:
                self._services.checkpoints.move(before.mapping.function, changed.function, before.source_arn)

        runner.update(changed, between=between)

    async def delete(self, mapping_id: str) -> None:
        """Remove a mapping and what is known of its progress, in the background.

        Raises:
            KeyError: there is no such mapping.
            MappingInUse: an earlier change is under way.
        """
        runner = self._mappings[mapping_id]
        runner.delete()
        task = asyncio.create_task(self._forget(runner), name=f"event source mapping {mapping_id} leaves")
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    async def settled(self, mapping_id: str) -> None:
        """Wait until the last change of a mapping is worked off; returns at once for one that is gone."""
        runner = self._mappings.get(mapping_id)
        if runner is not None:
            await runner.settled()
            await asyncio.gather(*self._leaving)

    def mappings(self) -> list[Described]:
        """Return every mapping, as the API shows it, in the order in which they were made."""
        return [runner.describe() for runner in self._mappings.values()]

    async def has_stream(self, stream_arn: str) -> bool:
        """Tell whether a stream exists. Raises BackendFailed."""
        await self._open()
        return await self._streams.exists(stream_arn)

    async def visibility_timeout_s(self, queue: str) -> float:
        """Return the visibility timeout that a queue has now. Raises QueueNotFound, BackendFailed."""
        return await self._queues.visibility_timeout_s(queue)

    async def fire(self, schedule: str) -> None:
        """Fire a schedule now, out of turn. Raises KeyError where there is none of that name."""
        await self._schedules[schedule].fire()

    def enable_schedule(self, schedule: str) -> None:
        """Let a schedule fire; a rate counts from now. Raises KeyError where there is none of that name."""
        self._schedules[schedule].enable()

    def disable_schedule(self, schedule: str) -> None:
        """Let a schedule fire no more, except by hand. Raises KeyError where there is none of that name."""
        self._schedules[schedule].disable()

    def status(self) -> Status:
        """Tell what every source is doing."""
        mappings: Sequence[MappingStatus | QueueMappingStatus] = [
            runner.status() for runner in self._mappings.values()
        ]
        return Status(
            stream_mappings=tuple(one for one in mappings if isinstance(one, MappingStatus)),
            queue_mappings=tuple(one for one in mappings if isinstance(one, QueueMappingStatus)),
            schedules=tuple(schedule.status() for schedule in self._schedules.values()),
        )

    def _add(
        self, mapping_id: str, mapping: EventSourceMapping, stream_arn: str | None = None
    ) -> MappingRunner:
        def new_poller(changed: EventSourceMapping) -> Poller:
            return self._new_poller(mapping_id, changed, stream_arn)

        runner = MappingRunner(
            mapping_id,
            mapping,
            new_poller=new_poller,
            finish_within_s=lambda ending: START_S + self._timeout_s(ending.function),
            now=self._services.clock.now,
        )
        self._mappings[mapping_id] = runner
        return runner

    def _new_poller(self, mapping_id: str, mapping: EventSourceMapping, stream_arn: str | None) -> Poller:
        function_arn = Destination.function(mapping.function).arn
        if isinstance(mapping, StreamMapping):
            return StreamPoller(
                Subscription(mapping, mapping_id, function_arn),
                streams=self._streams,
                services=self._services,
                stream_arn=stream_arn,
                waits_for_records=self._waits_for_records,
            )
        visibility_timeout_s = self._visibility_s[mapping.queue]
        timeout_s = self._timeout_s(mapping.function)
        queue_batches.check(mapping, visibility_timeout_s=visibility_timeout_s, timeout_s=timeout_s)
        return QueuePoller(
            mapping,
            queues=self._queues,
            services=self._services,
            visibility_timeout_s=visibility_timeout_s,
        )

    def _timeout_s(self, function: str) -> float:
        try:
            return self._application.function(function).timeout_s
        except KeyError:
            raise FunctionNotFound(f"There is no function {function!r}; declare it.") from None

    async def _open(self) -> None:
        """Make the clients, once."""
        async with self._opening:
            if not self._is_open:
                await self._streams.open()
                self._is_open = True

    async def _forget(self, runner: MappingRunner) -> None:
        await runner.settled()
        del self._mappings[runner.uuid]
        stream_arn = runner.describe().source_arn
        if stream_arn is not None:
            self._services.checkpoints.forget(runner.mapping.function, stream_arn)


def _declared_id(mapping: EventSourceMapping) -> str:
    source = mapping_limits.source_of(mapping)
    return str(uuid.uuid5(_DECLARED, f"{type(mapping).__name__}/{source}/{mapping.function}"))
