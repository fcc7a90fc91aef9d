"""Sends on what asynchronous invocations leave behind: records to destinations, dead letters to queues."""

import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from emulator.application import Destination, Function, Service
from emulator.clock import Clock
from emulator.destinations import Destinations, send_patiently
from emulator.errors import EmulatorError
from emulator.invocation import InvocationResult
from emulator.runtime.destination_records import dead_letter_attributes, invocation_record, object_key
from emulator.runtime.event_retries import Condition
from emulator.telemetry.timeline import Timeline


@dataclass(frozen=True, slots=True)
class EndedEvent:
    """An event that came to its end.

    Attributes:
        function: as it was configured when the event ended.
        attempts: that reached the function.
        last: the outcome of the last of them, or None.
    """

    function: Function
    request_id: str
    payload: bytes
    condition: Condition
    attempts: int
    last: InvocationResult | None

    def facts(self) -> dict[str, Any]:
        """Return what the timeline says of it."""
        return {
            "function": self.function.name,
            "request_id": self.request_id,
            "condition": str(self.condition),
            "attempts": self.attempts,
        }


class EventDestinations:
    """Sends what the functions' configuration says; one that takes nothing, several times, is only recorded.

    Args:
        send_to: invokes a function asynchronously.
        sleep: waits between attempts to send; seconds of the clock.
        new_id: makes the unique part of an object's key.
    """

    def __init__(
        self,
        *,
        send_to: Callable[[str, bytes], Awaitable[str]],
        destinations: Destinations,
        clock: Clock,
        sleep: Callable[[float], Awaitable[None]],
        timeline: Timeline,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self._send_to = send_to
        self._destinations = destinations
        self._clock = clock
        self._sleep = sleep
        self._timeline = timeline
        self._new_id = new_id

    async def succeeded(self, event: EndedEvent) -> None:
        """Send the record to the function's on-success destination, if it has one."""
        destination = event.function.asynchronous.on_success
        if destination is not None:
            self._timeline.record("lambda.succeeded", destination=destination.arn, **event.facts())
            await self._send_record(event, destination)

    async def given_up(self, event: EndedEvent) -> None:
        """Send the record to the on-failure destination and the event to the dead-letter queue."""
        destination, dead_letter = event.function.asynchronous.on_failure, event.function.dead_letter
        self._timeline.record(
            "lambda.given_up",
            destination=destination.arn if destination is not None else None,
            dead_letter=dead_letter.arn if dead_letter is not None else None,
            **event.facts(),
        )
        if destination is not None:
            await self._send_record(event, destination)
        if dead_letter is not None:
            await self._send_dead_letter(event, dead_letter)

    async def _send_record(self, event: EndedEvent, destination: Destination) -> None:
        now = self._clock.now()
        record = invocation_record(
            request_id=event.request_id,
            function_arn=event.function.arn,
            condition=event.condition,
            invoke_count=event.attempts,
            request_payload=event.payload,
            result=event.last,
            at=now,
        )
        try:
            if destination.service is Service.FUNCTION:
                await self._send_to(destination.name, record)
            else:
                key = object_key(event.function.name, at=now, unique=self._new_id())
                await self._send(event, destination, record.decode(), key=key)
        except EmulatorError as error:
            self._failed(event, destination, error)

    async def _send_dead_letter(self, event: EndedEvent, destination: Destination) -> None:
        attributes = dead_letter_attributes(
            request_id=event.request_id, condition=event.condition, result=event.last
        )
        try:
            await self._send(event, destination, event.payload.decode(), attributes=attributes)
        except EmulatorError as error:
            self._failed(event, destination, error)

    async def _send(self, event: EndedEvent, destination: Destination, body: str, **options: Any) -> None:
        await send_patiently(
            self._destinations,
            destination,
            body,
            sleep=self._sleep,
            unsent=partial(self._timeline.record, "lambda.unsent", **event.facts()),
            **options,
        )

    def _failed(self, event: EndedEvent, destination: Destination, error: EmulatorError) -> None:
        self._timeline.record(
            "lambda.destination_failed",
            destination=destination.arn,
            why=type(error).__name__,
            **event.facts(),
        )
