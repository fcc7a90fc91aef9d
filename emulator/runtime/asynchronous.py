"""Invocations of type `Event`: the queue, and the attempts at what is in it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from emulator.application import Function
from emulator.clock import Clock
from emulator.destinations import Destinations
from emulator.errors import EmulatorError, SandboxNotRunning, TooManyRequests
from emulator.invocation import InvocationResult
from emulator.runtime.event_destinations import EndedEvent, EventDestinations
from emulator.runtime.event_retries import Condition, GiveUp, Retry, after_error, after_throttle, before_retry
from emulator.runtime.settings import RuntimeSettings
from emulator.telemetry.timeline import Timeline


class Attempt(Protocol):
    """One synchronous attempt at an event. Raises EmulatorError where the function is not reached."""

    def __call__(
        self, function: Function, payload: bytes, *, request_id: str, trace_header: str | None
    ) -> Awaitable[InvocationResult]: ...


class EventQueue:
    """Delivers events to functions until they succeed or are given up.

    Every event is a task of its own; how many run at a time is the environments' business. `stop`
    ends them all: what is queued then is lost, as everything in the sandbox is.

    Args:
        find: returns a function as it is configured now; what waits obeys a change of its configuration.
        send_to: invokes a function asynchronously.
        sleep: waits between attempts; seconds of the clock.
    """

    def __init__(
        self,
        *,
        find: Callable[[str], Function],
        attempt: Attempt,
        send_to: Callable[[str, bytes], Awaitable[str]],
        destinations: Destinations,
        settings: RuntimeSettings,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]],
        timeline: Timeline,
    ) -> None:
        self._find = find
        self._attempt = attempt
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._timeline = timeline
        self._ended = EventDestinations(
            send_to=send_to, destinations=destinations, clock=clock, sleep=sleep, timeline=timeline
        )
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def put(self, function: Function, payload: bytes, *, request_id: str, trace_header: str | None) -> None:
        """Queue an event."""
        deliver = self._deliver(function.name, payload, request_id, trace_header)
        task = asyncio.get_running_loop().create_task(deliver, name=f"event {request_id} of {function.name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Drop all events."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _deliver(self, name: str, payload: bytes, request_id: str, trace_header: str | None) -> None:
        queued_at = self._clock.now()
        attempts = throttles = 0
        last: InvocationResult | None = None
        step: Retry | GiveUp | None = None
        while not isinstance(step, GiveUp):
            function = self._find(name)
            try:
                last = await self._attempt(
                    function, payload, request_id=request_id, trace_header=trace_header
                )
            except SandboxNotRunning:
                return
            except EmulatorError as error:
                throttles += 1
                step = self._after_throttle(name, error, throttles, self._clock.now() - queued_at)
            else:
                attempts, throttles = attempts + 1, 0
                if last.function_error is None:
                    await self._ended.succeeded(
                        EndedEvent(self._find(name), request_id, payload, Condition.SUCCESS, attempts, last)
                    )
                    return
                step = after_error(
                    self._find(name).asynchronous,
                    attempts=attempts,
                    age_s=self._clock.now() - queued_at,
                    delays_s=self._settings.retry_delays_s,
                )
            if isinstance(step, Retry):
                self._timeline.record(
                    "lambda.retry",
                    function=name,
                    request_id=request_id,
                    attempts=attempts,
                    delay_ms=step.delay_s * 1000,
                )
                await self._sleep(step.delay_s)
                step = before_retry(self._find(name).asynchronous, age_s=self._clock.now() - queued_at)
        ended = EndedEvent(self._find(name), request_id, payload, step.condition, attempts, last)
        await self._ended.given_up(ended)

    def _after_throttle(
        self, name: str, error: EmulatorError, throttles: int, age_s: float
    ) -> Retry | GiveUp:
        function = self._find(name)
        return after_throttle(
            function.asynchronous,
            throttles=throttles,
            age_s=age_s,
            delay_s=self._settings.throttle_delay_s,
            delay_max_s=self._settings.throttle_delay_max_s,
            reserved_concurrency=function.reserved_concurrency
            if isinstance(error, TooManyRequests)
            else None,
        )
