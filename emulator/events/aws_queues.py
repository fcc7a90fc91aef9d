"""SQS behind its seam."""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from emulator.aws import Clients
from emulator.errors import EmulatorError, QueueNotFound
from emulator.events.aws_calls import Errors, call_aws, patient
from emulator.events.queues import MAX_MESSAGES

READ_TIMEOUT_S = 30.0
"""Longer than any wait that is asked for. Ours."""

_ERRORS: Errors = {
    "AWS.SimpleQueueService.NonExistentQueue": QueueNotFound,
    "QueueDoesNotExist": QueueNotFound,
}

Result = TypeVar("Result")


class AwsQueues:
    """Receives and deletes through boto3, in threads. See `Queues`."""

    def __init__(self, endpoint_url: str) -> None:
        self._endpoint_url = endpoint_url
        self._urls: dict[str, str] = {}
        self._made: Any = None
        self._lock = threading.Lock()

    def close(self) -> None:
        """Give up the connections; one on which the back end waits ends with that wait."""
        self._urls.clear()
        with self._lock:
            if self._made is not None:
                self._made.close()
                self._made = None

    def _client(self) -> Any:
        """Return the client; made in the thread that needs it first, because boto3 takes its time."""
        with self._lock:
            if self._made is None:
                clients = Clients(self._endpoint_url, emulators_own=True)
                self._made = clients.new("sqs", config=patient(READ_TIMEOUT_S))
            return self._made

    async def receive(self, queue: str, *, limit: int, wait_s: int) -> Sequence[Mapping[str, Any]]:
        landing = _Landing()

        def receive() -> list[Mapping[str, Any]]:
            sqs = self._client()
            url = self._url(sqs, queue)
            answer = sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=limit,
                WaitTimeSeconds=wait_s,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            )
            messages: list[Mapping[str, Any]] = answer.get("Messages", [])
            landing.land(lambda: _release(sqs, url, [message["ReceiptHandle"] for message in messages]))
            return messages

        try:
            return await self._call(queue, receive)
        except asyncio.CancelledError:
            landing.abandon()
            raise

    async def delete(self, queue: str, receipt_handles: Sequence[str]) -> None:
        def delete() -> None:
            sqs = self._client()
            url = self._url(sqs, queue)
            for entries in _entries(receipt_handles):
                sqs.delete_message_batch(QueueUrl=url, Entries=entries)

        await self._call(queue, delete)

    async def release(self, queue: str, receipt_handles: Sequence[str]) -> None:
        def release() -> None:
            sqs = self._client()
            _release(sqs, self._url(sqs, queue), receipt_handles)

        await self._call(queue, release)

    async def visibility_timeout_s(self, queue: str) -> float:
        def ask() -> float:
            sqs = self._client()
            answer = sqs.get_queue_attributes(
                QueueUrl=self._url(sqs, queue), AttributeNames=["VisibilityTimeout"]
            )
            return float(answer["Attributes"]["VisibilityTimeout"])

        return await self._call(queue, ask)

    def _url(self, sqs: Any, queue: str) -> str:
        """Return the queue's URL, looked up once; again after it was not found."""
        url = self._urls.get(queue)
        if url is None:
            url = self._urls[queue] = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        return url

    async def _call(self, queue: str, call: Callable[[], Result]) -> Result:
        try:
            return await call_aws(call, errors=_ERRORS, subject=f"queue {queue}")
        except EmulatorError:
            self._urls.pop(queue, None)
            raise


class _Landing:
    """Gives messages back that arrive, or have just arrived, for somebody who went away.

    The back end goes on waiting when its caller has gone, and would hide what comes then for the whole
    visibility timeout.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._give_back: Callable[[], None] | None = None
        self._is_abandoned = False

    def land(self, give_back: Callable[[], None]) -> None:
        """Tell that messages have arrived; called in the thread that received them."""
        with self._lock:
            self._give_back = give_back
            is_abandoned = self._is_abandoned
        if is_abandoned:
            _quietly(give_back)

    def abandon(self) -> None:
        """Tell that nobody takes them."""
        with self._lock:
            self._is_abandoned = True
            give_back = self._give_back
        if give_back is not None:
            threading.Thread(target=_quietly, args=(give_back,), name="sqs release", daemon=True).start()


def _quietly(give_back: Callable[[], None]) -> None:
    try:
        give_back()
    except (ClientError, BotoCoreError):
        # The queue or the back end has gone too; else the visibility timeout brings the messages back.
        return


def _release(sqs: Any, url: str, receipt_handles: Sequence[str]) -> None:
    for entries in _entries(receipt_handles):
        sqs.change_message_visibility_batch(
            QueueUrl=url, Entries=[entry | {"VisibilityTimeout": 0} for entry in entries]
        )


def _entries(receipt_handles: Sequence[str]) -> list[list[dict[str, Any]]]:
    """Return the entries of as many requests as it takes."""
    entries = [{"Id": str(index), "ReceiptHandle": handle} for index, handle in enumerate(receipt_handles)]
    return [entries[start : start + MAX_MESSAGES] for start in range(0, len(entries), MAX_MESSAGES)]
