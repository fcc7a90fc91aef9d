"""Tells a mapping's on-failure destination of records that were given up."""

import json
import logging
from collections.abc import Callable
from functools import partial

from emulator.application import Destination, Service
from emulator.destinations import send_patiently
from emulator.errors import BackendFailed
from emulator.events import on_failure
from emulator.events.batches import GivenUp
from emulator.events.checkpoints import Place
from emulator.events.services import Services, Subscription
from emulator.invocation import InvocationResult

logger = logging.getLogger(__name__)


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
        try:
            await send_patiently(
                self._services.destinations,
                destination,
                body,
                key=key,
                sleep=self._services.alarm.sleep,
                unsent=partial(self._record, "stream.unsent"),
            )
        except BackendFailed as error:
            logger.error(
                "An on-failure message was lost",
                extra={"action": "stream.gave_up", "destination": destination.arn, "error": str(error)},
            )
            return False
        return True

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
