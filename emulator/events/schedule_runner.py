"""Fires one schedule by the injected clock."""

import asyncio
import json
import logging
from collections.abc import Callable

from emulator.alarm import Alarm
from emulator.application import Schedule
from emulator.clock import Clock
from emulator.errors import EmulatorError
from emulator.events.schedules import next_due, period_s, scheduled_event
from emulator.events.status import ScheduleStatus
from emulator.invocation import Invoker
from emulator.telemetry.timeline import Timeline

logger = logging.getLogger(__name__)


class ScheduleRunner:
    """Invokes a schedule's function whenever it is due, first one period after the start.

    Args:
        ids: makes a new event id.

    Raises:
        InvalidApplication: the schedule's expression is none that can be followed.
    """

    def __init__(
        self,
        schedule: Schedule,
        *,
        invoker: Invoker,
        clock: Clock,
        alarm: Alarm,
        timeline: Timeline,
        ids: Callable[[], str],
    ) -> None:
        self._schedule = schedule
        self._period_s = period_s(schedule.expression)
        self._invoker = invoker
        self._clock = clock
        self._alarm = alarm
        self._timeline = timeline
        self._ids = ids
        self._due = clock.monotonic() + self._period_s
        self._last_fired_at: float | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to count the time."""
        started = self._clock.monotonic()
        self._due = started + self._period_s
        self._task = asyncio.create_task(self._run(started), name=f"schedule {self._schedule.name}")

    async def stop(self) -> None:
        """Fire no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            self._task = None

    async def fire(self) -> None:
        """Fire now, whatever the time is; the schedule goes on as before."""
        name, function = self._schedule.name, self._schedule.function
        self._last_fired_at = self._clock.now()
        event = scheduled_event(name=name, event_id=self._ids(), at=self._last_fired_at)
        try:
            request_id = await self._invoker.invoke_event(function, json.dumps(event).encode())
        except EmulatorError as error:
            logger.error(
                "A schedule could not invoke its function: %s",
                error,
                extra={"action": "schedule.fired", "schedule": name, "function": function},
            )
            self._timeline.record(
                "schedule.failed", schedule=name, function=function, error=type(error).__name__
            )
            return
        self._timeline.record("schedule.fired", schedule=name, function=function, request_id=request_id)

    def status(self) -> ScheduleStatus:
        """Tell when this schedule fired and will fire."""
        return ScheduleStatus(
            name=self._schedule.name,
            function=self._schedule.function,
            last_fired_at=self._last_fired_at,
            next_due_in_s=max(0.0, self._due - self._clock.monotonic()),
        )

    async def _run(self, started: float) -> None:
        while True:
            await self._alarm.until(self._due)
            self._due = next_due(started=started, period_s=self._period_s, now=self._clock.monotonic())
            await self.fire()
