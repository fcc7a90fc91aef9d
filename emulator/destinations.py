"""Sending to queues, topics and buckets what an invocation or a batch left behind."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from emulator.application import Destination, Service
from emulator.aws import Clients
from emulator.errors import BackendFailed
from emulator.threads import in_thread

MAX_PARALLEL_SENDS = 16
"""Calls to the back end at once; a thousand events that fail together are not a thousand threads. Ours."""

RESEND_DELAYS_S = (1.0, 2.0, 4.0)
"""Waits before the further attempts to send a message. AWS does not tell its own; ours."""


class Destinations(Protocol):
    """Takes what is sent to a destination that is not a function."""

    async def send(
        self, destination: Destination, body: str, *, attributes: dict[str, Any] | None = None, key: str = ""
    ) -> None:
        """Send `body` to a queue or topic, or put it under `key` into a bucket.

        Args:
            attributes: message attributes, in SQS's form.

        Raises:
            BackendFailed: it could not be sent.
        """
        ...


async def send_patiently(
    destinations: Destinations,
    destination: Destination,
    body: str,
    *,
    attributes: dict[str, Any] | None = None,
    key: str = "",
    sleep: Callable[[float], Awaitable[None]],
    unsent: Callable[..., None],
) -> None:
    """Send as `Destinations.send` does; where a destination is away for a moment, again, up to four times.

    Args:
        sleep: waits between attempts; seconds of the clock.
        unsent: is told of each attempt that failed and is repeated: `destination`, `error`, `attempt`,
            `delay_ms`.

    Raises:
        BackendFailed: the last attempt failed too.
    """
    for attempt, delay_s in enumerate(RESEND_DELAYS_S, 1):
        try:
            return await destinations.send(destination, body, attributes=attributes, key=key)
        except BackendFailed as error:
            unsent(
                destination=destination.arn,
                error=type(error).__name__,
                attempt=attempt,
                delay_ms=round(delay_s * 1000),
            )
        await sleep(delay_s)
    return await destinations.send(destination, body, attributes=attributes, key=key)


def object_key(folder: str, *, at: float, unique: str) -> str:
    """Return the key under which Lambda puts a record into a bucket.

    Args:
        folder: of the function or the shard that it is about.
        at: epoch seconds.
        unique: a UUID.

    Shape:
        `aws/lambda/<folder>/YYYY/MM/DD/YYYY-MM-DDTHH.MM.SS-<UUID>`, UTC.
    """
    time = datetime.fromtimestamp(at, UTC)
    return f"aws/lambda/{folder}/{time:%Y/%m/%d}/{time:%Y-%m-%dT%H.%M.%S}-{unique}"


class NoDestinations:
    """Has none; for a Lambda service without a back end."""

    async def send(
        self, destination: Destination, body: str, *, attributes: dict[str, Any] | None = None, key: str = ""
    ) -> None:
        """Raise BackendFailed."""
        raise BackendFailed(f"There is no back end that has {destination.arn}; start the sandbox with one.")


NO_DESTINATIONS = NoDestinations()


class AwsDestinations:
    """Sends with boto3, each call in a thread.

    Args:
        endpoint_url: tells where the back end is; asked when something is sent first.
    """

    def __init__(self, endpoint_url: Callable[[], str]) -> None:
        self._endpoint_url = endpoint_url
        self._free = asyncio.Semaphore(MAX_PARALLEL_SENDS)
        self._made: Clients | None = None

    def _clients(self, service: str) -> Any:
        if self._made is None:
            self._made = Clients(self._endpoint_url(), emulators_own=True)
        return self._made(service)

    async def send(
        self, destination: Destination, body: str, *, attributes: dict[str, Any] | None = None, key: str = ""
    ) -> None:
        """See `Destinations.send`."""
        try:
            async with self._free:
                await in_thread(
                    lambda: self._send(destination, body, attributes or {}, key), name="destination"
                )
        except (ClientError, BotoCoreError) as error:
            raise BackendFailed(
                f"Nothing could be sent to {destination.arn} ({error}); see that it exists."
            ) from error

    def _send(self, destination: Destination, body: str, attributes: dict[str, Any], key: str) -> None:
        match destination.service:
            case Service.QUEUE:
                # Looked up each time: a queue that was made again may have another URL.
                sqs = self._clients("sqs")
                url = sqs.get_queue_url(QueueName=destination.name)["QueueUrl"]
                sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=attributes)
            case Service.TOPIC:
                self._clients("sns").publish(
                    TopicArn=destination.arn, Message=body, MessageAttributes=attributes
                )
            case Service.BUCKET:
                self._clients("s3").put_object(Bucket=destination.name, Key=key, Body=body.encode())
            case Service.FUNCTION:
                raise ValueError("A function is invoked, not sent to.")
