"""Tells a mapping's on-failure destination of records that were given up."""

import json
import logging
from collections.abc import Callable

from emulator.application import Destination, Service
from emulator.errors import BackendFailed
from emulator.events import on_failure
from emulator.events.batches import GivenUp
from emulator.events.checkpoints import Place
from emulator.events.services import Services, Subscription
from emulator.invocation import InvocationResult

logger = logging.getLogger(__name__)

SEND_ATTEMPTS = 4
"""Attempts to send one message; by the default backoff they take 7 s at most. AWS does not tell its own;
ours."""


class FailureSender:
    """Sends the messages of one shard; a destination that is away for a moment is tried again.

    Args:
        record: takes what happens, for the timeline: kind and facts.
    """

    def __init__(
        self, subscription: Subscription, place: Place, services: Services, *, record: Callable[..., None]
    ) -> None:
        self._subscription = subscription
        self._place = place
        self._services = services
        self._record = record

    async def send(
        self, destination: Destination, given_up: GivenUp, *, last_result: InvocationResult | None
    ) -> bool:
        """Send the message; returns whether it was sent. One that is lost is logged.

        Args:
            last_result: the last invocation that reached the function, None if none did.
        """
        body, key = self._message(destination, given_up, last_result)
        for attempt in range(1, SEND_ATTEMPTS + 1):
            try:
                await self._services.destinations.send(destination, body, key=key)
            except BackendFailed as error:
                if attempt == SEND_ATTEMPTS:
                    logger.error(
                        "An on-failure message was lost: %s",
                        error,
                        extra={"action": "stream.gave_up", "destination": destination.arn},
                    )
                else:
                    await self._wait(destination, attempt, error)
            else:
                return True
        return False

    async def _wait(self, destination: Destination, attempt: int, error: BackendFailed) -> None:
        delay_s = self._services.settings.retry_backoff.delay_s(attempt, self._services.random.random())
        self._record(
            "stream.unsent",
            destination=destination.arn,
            error=type(error).__name__,
            attempt=attempt,
            delay_ms=round(delay_s * 1000),
        )
        await self._services.alarm.sleep(delay_s)

    def _message(
        self, destination: Destination, given_up: GivenUp, last_result: InvocationResult | None
    ) -> tuple[str, str]:
        """Return the message, and the key under which a bucket gets it."""
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
        if not to_bucket:
            return json.dumps(told), ""
        key = on_failure.object_key(
            mapping_id=self._subscription.mapping_id,
            shard_id=self._place.shard_id,
            object_id=self._services.ids(),
            now=now,
        )
        return json.dumps(told), key
