"""Invocations of type `Event`: the queue, the retries and the on-failure destination."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from emulator.application import AsynchronousConfig, Function, Service
from emulator.clock import Clock
from emulator.destinations import Destinations
from emulator.errors import EmulatorError, SandboxNotRunning, TooManyRequests
from emulator.invocation import InvocationResult
from emulator.runtime.payloads import failure_record
from emulator.runtime.settings import RuntimeSettings
from emulator.telemetry.timeline import Timeline

RETRIES_EXHAUSTED = "RetriesExhausted"
EVENT_AGE_EXCEEDED = "EventAgeExceeded"
ZERO_RESERVED_CONCURRENCY = "ZeroReservedConcurrency"


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again after `delay_s`."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Send the event to the on-failure destination, because of `condition`."""

    condition: str


def after_error(
    config: AsynchronousConfig, *, attempts: int, age_s: float, delays_s: tuple[float, ...]
) -> Retry | GiveUp:
    """Decide what follows a function's error.

    Args:
        attempts: that reached the function so far, at least 1.
        age_s: of the event.
        delays_s: before the second attempt, the third, ...; the last one repeats.

    Source:
        Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation".
    """
    if attempts > config.maximum_retry_attempts:
        return GiveUp(RETRIES_EXHAUSTED)
    delay_s = delays_s[min(attempts, len(delays_s)) - 1] if delays_s else 0.0
    if age_s + delay_s > config.maximum_event_age_s:
        return GiveUp(EVENT_AGE_EXCEEDED)
    return Retry(delay_s)


def after_throttle(
    config: AsynchronousConfig,
    *,
    throttles: int,
    age_s: float,
    delay_s: float,
    delay_max_s: float,
    reserved_concurrency: int | None,
) -> Retry | GiveUp:
    """Decide what follows a throttle, which does not count as an attempt.

    Args:
        throttles: in a row, at least 1.
        delay_s: after the first throttle; doubled after each further one, up to `delay_max_s`.
    """
    if reserved_concurrency == 0:
        return GiveUp(ZERO_RESERVED_CONCURRENCY)
    delay_s = min(delay_s * 2.0 ** min(throttles - 1, 32), delay_max_s)
    if age_s + delay_s > config.maximum_event_age_s:
        return GiveUp(EVENT_AGE_EXCEEDED)
    return Retry(delay_s)


class Attempt(Protocol):
    """One synchronous attempt at an event. Raises EmulatorError where the function is not reached."""

    def __call__(
        self, function: Function, payload: bytes, *, request_id: str, trace_header: str | None
    ) -> Awaitable[InvocationResult]: ...


class EventQueue:
    """Delivers events to functions until they succeed or are given up.

    Every event is a task of its own; how many run at a time is the environments' business. `stop`
    ends them all: what is queued then is lost, as everything in the sandbox is.
    """

    def __init__(
        self,
        *,
        attempt: Attempt,
        send_to: Callable[[str, bytes], Awaitable[str]],
        destinations: Destinations,
        settings: RuntimeSettings,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]],
        timeline: Timeline,
    ) -> None:
        self._attempt = attempt
        self._send_to = send_to
        self._destinations = destinations
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._timeline = timeline
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._tasks)

    def put(self, function: Function, payload: bytes, *, request_id: str, trace_header: str | None) -> None:
        """Queue an event."""
        deliver = self._deliver(function, payload, request_id, trace_header)
        task = asyncio.get_running_loop().create_task(deliver, name=f"event {request_id} of {function.name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def stop(self) -> None:
        """Drop all events."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _deliver(
        self, function: Function, payload: bytes, request_id: str, trace_header: str | None
    ) -> None:
        queued_at = self._clock.now()
        attempts = throttles = 0
        last: InvocationResult | None = None
        while True:
            try:
                last = await self._attempt(
                    function, payload, request_id=request_id, trace_header=trace_header
                )
            except SandboxNotRunning:
                return
            except EmulatorError as error:
                throttles += 1
                step = after_throttle(
                    function.asynchronous,
                    throttles=throttles,
                    age_s=self._clock.now() - queued_at,
                    delay_s=self._settings.throttle_delay_s,
                    delay_max_s=self._settings.throttle_delay_max_s,
                    reserved_concurrency=function.reserved_concurrency
                    if isinstance(error, TooManyRequests)
                    else None,
                )
            else:
                if last.function_error is None:
                    return
                attempts, throttles = attempts + 1, 0
                step = after_error(
                    function.asynchronous,
                    attempts=attempts,
                    age_s=self._clock.now() - queued_at,
                    delays_s=self._settings.retry_delays_s,
                )
            if isinstance(step, GiveUp):
                await self._give_up(function, payload, request_id, step.condition, attempts, last)
                return
            self._timeline.record(
                "lambda.retry",
                function=function.name,
                request_id=request_id,
                attempts=attempts,
                delay_ms=step.delay_s * 1000,
            )
            await self._sleep(step.delay_s)

    async def _give_up(
        self,
        function: Function,
        payload: bytes,
        request_id: str,
        condition: str,
        attempts: int,
        last: InvocationResult | None,
    ) -> None:
        destination = function.asynchronous.on_failure
        named = destination.arn if destination is not None else None
        facts = {
            "function": function.name,
            "request_id": request_id,
            "condition": condition,
            "attempts": attempts,
        }
        self._timeline.record("lambda.given_up", destination=named, **facts)
        if destination is None:
            return
        record = failure_record(
            request_id=request_id,
            function_arn=function.arn,
            condition=condition,
            invoke_count=attempts,
            request_payload=payload,
            response_payload=last.payload if last is not None else None,
            at=self._clock.now(),
        )
        try:
            if destination.service is Service.FUNCTION:
                await self._send_to(destination.name, record)
            else:
                await self._destinations.send(destination, record.decode())
        except EmulatorError as error:
            self._timeline.record(
                "lambda.destination_failed", destination=named, why=type(error).__name__, **facts
            )
