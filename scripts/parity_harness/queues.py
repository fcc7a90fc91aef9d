"""A queue, and the mappings that one test makes for it."""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from scripts.parity_harness.mappings import Mappings
from scripts.parity_harness.parity import Parity

VISIBILITY_S = 60
"""For how long a queue hides what was received: longer than a function may take."""


class MappedQueue(Mappings):
    """One test's queue with a dead-letter queue, and its mappings; what the test makes is gone at its end.

    Attributes:
        name, dead: of the queues, which no other test uses.
    """

    def __init__(self, parity: Parity, arn: str, urls: Sequence[str], dead: str) -> None:
        super().__init__(parity, arn)
        self.name = arn.rsplit(":", 1)[1]
        self.dead = dead
        self._sqs = parity.boto3("sqs")
        self._urls = urls

    @classmethod
    async def create(
        cls, parity: Parity, *, max_receive_count: int = 10, fifo: bool = False, **attributes: Any
    ) -> "MappedQueue":
        """Create both queues; `attributes` are the queue's."""
        sqs, base = parity.boto3("sqs"), f"mapped-{uuid.uuid4().hex[:12]}"
        kind, end = ({"FifoQueue": "true"}, ".fifo") if fifo else ({}, "")
        name, dead = f"{base}{end}", f"{base}-dead{end}"

        def create() -> "MappedQueue":
            dead_url = sqs.create_queue(QueueName=dead, Attributes=kind)["QueueUrl"]
            redrive = {"deadLetterTargetArn": _arn(sqs, dead_url), "maxReceiveCount": max_receive_count}
            given = {
                "VisibilityTimeout": str(VISIBILITY_S),
                "RedrivePolicy": json.dumps(redrive),
                **kind,
                **attributes,
            }
            url = sqs.create_queue(QueueName=name, Attributes=given)["QueueUrl"]
            return cls(parity, _arn(sqs, url), (url, dead_url), dead)

        return await parity.call(create)

    async def send(self, *bodies: str, **options: Any) -> None:
        """Send one message per body, in that order; `options` are of `SendMessage`."""

        def send() -> None:
            for body in bodies:
                self._sqs.send_message(QueueUrl=self._urls[0], MessageBody=body, **options)

        await self._parity.call(send)

    async def holds(self, visible: int, hidden: int) -> None:
        """Wait until the queue has so many messages."""
        await self._parity.eventually(lambda: self._depth() == (visible, hidden))

    async def show(self, event: Mapping[str, Any]) -> None:
        """End the visibility timeout of an event's messages, for which the clock cannot be advanced."""

        def show() -> None:
            for record in event["Records"]:
                self._sqs.change_message_visibility(
                    QueueUrl=self._urls[0], ReceiptHandle=record["receiptHandle"], VisibilityTimeout=0
                )

        await self._parity.call(show)

    def _depth(self) -> tuple[int, int]:
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        answer = self._sqs.get_queue_attributes(QueueUrl=self._urls[0], AttributeNames=list(names))
        visible, hidden = (int(answer["Attributes"][name]) for name in names)
        return visible, hidden

    async def end(self) -> None:
        """Delete the mappings and the queues."""
        self._parity.let_go()
        await self.end_mappings()
        for url in self._urls:
            await self._parity.call(self._sqs.delete_queue, QueueUrl=url)


def _arn(sqs: Any, url: str) -> str:
    answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(answer["Attributes"]["QueueArn"])


def bodies(event: Mapping[str, Any]) -> list[str]:
    """Return the bodies of a queue event's messages, in their order."""
    return [record["body"] for record in event["Records"]]
