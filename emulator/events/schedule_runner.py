"""Fires one schedule by the injected clock."""

import asyncio
import logging
from collections.abc import Callable

from emulator.alarm import Alarm
from emulator.application import Schedule
from emulator.clock import Clock
from emulator.errors import EmulatorError
from emulator.events.schedules import Expression, is_local_only, payload, read
from emulator.events.status import ScheduleStatus
from emulator.invocation import Invoker
from emulator.telemetry.timeline import Timeline

logger = logging.getLogger(__name__)

LONGEST_SLEEP_S = 60.0
"""Between looks at the wall clock, which a laptop that slept moved without telling. Ours."""


class ScheduleRunner:
    """Invokes a schedule's function whenever it is due: a rate first one period after the start.

    Due times are those of the wall clock in UTC. EventBridge sends one event for each of them. Where the
    clock jumps over several (it was advanced, the laptop slept) one event is sent, not many, and the
    schedule keeps its grid: an advance by a day must not invoke a function 1,440 times at once.

    Args:
        ids: makes a new event id.

    Raises:
        InvalidApplication: the schedule's expression is none that can be followed, or is never due.
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
        self._expression: Expression = read(schedule.expression, now=clock.now())
        self._invoker = invoker
        self._clock = clock
        self._alarm = alarm
        self._timeline = timeline
        self._ids = ids
        self._is_enabled = schedule.enabled
        self._is_started = False
        self._due: float | None = None
        self._last_fired_at: float | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to count the time, if the schedule is enabled."""
        self._is_started = True
        if is_local_only(self._schedule.expression):
            logger.warning(
                "A schedule counts seconds, which EventBridge refuses; it works in the sandbox only",
                extra={"action": "schedule.local_only", "schedule": self._schedule.name},
            )
        if self._is_enabled:
            self._begin()

    async def stop(self) -> None:
        """Fire no more."""
        self._is_started = False
        task = self._end()
        if task is not None:
            await asyncio.wait({task})

    def enable(self) -> None:
        """Count the time from now on. Nothing happens to a schedule that is enabled."""
        if self._is_enabled:
            return
        self._is_enabled = True
        self._timeline.record("schedule.enabled", schedule=self._schedule.name)
        if self._is_started:
            self._begin()

    def disable(self) -> None:
        """Fire no more until `enable`, except by hand."""
        if not self._is_enabled:
            return
        self._is_enabled = False
        self._timeline.record("schedule.disabled", schedule=self._schedule.name)
        self._end()

    async def fire(self) -> None:
        """Fire now, whatever the time is and even if disabled; the schedule goes on as before."""
        await self._fire(self._clock.now())

    def status(self) -> ScheduleStatus:
        """Tell when this schedule fired and will fire."""
        return ScheduleStatus(
            name=self._schedule.name,
            function=self._schedule.function,
            last_fired_at=self._last_fired_at,
            next_due_in_s=None if self._due is None else max(0.0, self._due - self._clock.now()),
            expression=self._schedule.expression,
            is_enabled=self._is_enabled,
        )

    def _begin(self) -> None:
        now = self._clock.now()
        self._expression = read(self._schedule.expression, now=now)
        self._due = self._expression.next_after(now)
        self._task = asyncio.create_task(self._run(), name=f"schedule {self._schedule.name}")

    def _end(self) -> asyncio.Task[None] | None:
        """Cancel the task that counts the time; returns it, where there is one."""
        task, self._task = self._task, None
        self._due = None
        if task is not None:
            task.cancel()
        return task

    async def _run(self) -> None:
        while (due := self._due) is not None:
            while (remaining_s := due - self._clock.now()) > 0:
                await self._alarm.sleep(min(remaining_s, LONGEST_SLEEP_S))
            now = self._clock.now()
            self._due = self._expression.next_after(now)
            is_one_of_many = self._expression.next_after(due) != self._due
            await self._fire(now if is_one_of_many else due)

    async def _fire(self, at: float) -> None:
        name, function = self._schedule.name, self._schedule.function
        self._last_fired_at = self._clock.now()
        event = payload(self._schedule, event_id=self._ids(), at=at)
        try:
            request_id = await self._invoker.invoke_event(function, event)
        except EmulatorError as error:
            logger.error(
                "A schedule could not invoke its function",
                extra={
                    "action": "schedule.fired",
                    "schedule": name,
                    "function": function,
                    "error": str(error),
                },
            )
            self._timeline.record(
                "schedule.failed", schedule=name, function=function, error=type(error).__name__
            )
            return
        self._timeline.record("schedule.fired", schedule=name, function=function, request_id=request_id)
