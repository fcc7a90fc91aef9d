"""What the pollers see of SQS: one seam, and messages as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

MAX_MESSAGES = 10
"""Messages of one ReceiveMessage or DeleteMessageBatch. SQS API reference."""


def is_fifo(queue: str) -> bool:
    """Whether a queue is a FIFO queue, by its name. SQS API reference, `CreateQueue`."""
    return queue.endswith(".fifo")


@dataclass(frozen=True, slots=True)
class Message:
    """One message that was received, as the function receives it.

    Attributes:
        id: the same each time it is received.
        receipt_handle: of this time; with it the message is deleted.
        received_at: on the clock's monotonic sense; the visibility timeout counts from here.
        event: the record of the event.
        body: `event` as JSON.
    """

    id: str
    receipt_handle: str = field(repr=False)
    received_at: float
    event: Mapping[str, Any] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def group(self) -> str | None:
        """The group whose messages a FIFO queue keeps in order; None in a standard queue."""
        group: str | None = self.event["attributes"].get("MessageGroupId")
        return group


class Queues(Protocol):
    """Receives and deletes messages.

    Raises:
        QueueNotFound: from every method, where the queue does not exist.
        BackendFailed: from every method, where the back end does not answer or refuses.
    """

    async def receive(self, queue: str, *, limit: int, wait_s: int) -> Sequence[Mapping[str, Any]]:
        """Receive up to `limit` messages (1 to 10), as boto3 returns them; waits for the first one.

        A receive that is cancelled takes no messages along: what it gets after that is visible again.

        Args:
            wait_s: 0 to 20.
        """
        ...

    async def delete(self, queue: str, receipt_handles: Sequence[str]) -> None:
        """Delete messages; those that are no longer there do not matter."""
        ...

    async def release(self, queue: str, receipt_handles: Sequence[str]) -> None:
        """Make messages visible at once."""
        ...

    async def visibility_timeout_s(self, queue: str) -> float:
        """Return for how long a queue hides what was received."""
        ...
