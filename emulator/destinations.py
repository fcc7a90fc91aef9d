"""Sending to queues, topics and buckets what an invocation or a batch left behind."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from emulator.application import Destination, Service
from emulator.aws import Clients
from emulator.errors import BackendFailed
from emulator.threads import in_thread

MAX_PARALLEL_SENDS = 16
"""Calls to the back end at once; a thousand events that fail together are not a thousand threads. Ours."""


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
