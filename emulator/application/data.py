"""What holds data: tables, queues, secrets, objects."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from emulator.errors import InvalidApplication


class StreamViewType(StrEnum):
    """What a stream record carries of the item. DynamoDB API reference, `StreamSpecification`."""

    KEYS_ONLY = "KEYS_ONLY"
    NEW_IMAGE = "NEW_IMAGE"
    OLD_IMAGE = "OLD_IMAGE"
    NEW_AND_OLD_IMAGES = "NEW_AND_OLD_IMAGES"


@dataclass(frozen=True, slots=True)
class Key:
    """A key attribute: its name and DynamoDB type, `S`, `N` or `B`."""

    name: str
    type: str = "S"


@dataclass(frozen=True, slots=True)
class Index:
    """A global secondary index.

    Attributes:
        projection: what is in it beside its keys and the table's: `ALL`, `KEYS_ONLY`, or the attributes of
            these names.
    """

    name: str
    partition_key: Key
    sort_key: Key | None = None
    projection: str | Sequence[str] = "ALL"


@dataclass(frozen=True, slots=True)
class Table:
    """A DynamoDB table, billed per request.

    Attributes:
        stream_view_type: what its stream carries, also as a text; None: it has no stream.

    Raises:
        InvalidApplication: DynamoDB has no such view.
    """

    name: str
    partition_key: Key
    sort_key: Key | None = None
    indexes: Sequence[Index] = ()
    stream_view_type: StreamViewType | None = None
    ttl_attribute: str | None = None

    def __post_init__(self) -> None:
        if self.stream_view_type is None:
            return
        if self.stream_view_type not in list(StreamViewType):
            raise InvalidApplication(
                f"The stream_view_type of table {self.name} is {self.stream_view_type!r}; DynamoDB has"
                f" {', '.join(StreamViewType)}, and None is a table without a stream."
            )
        object.__setattr__(self, "stream_view_type", StreamViewType(self.stream_view_type))


@dataclass(frozen=True, slots=True)
class Queue:
    """An SQS queue; one whose name ends in `.fifo` is a FIFO queue, as is its dead-letter queue.

    Attributes:
        visibility_timeout_s: how long a message that was received is hidden, 0 to 43200.
        dead_letter_queue: name of the queue that takes a message received `max_receive_count` times, or None.
        content_based_deduplication: whether equal bodies are one message; of a FIFO queue.
    """

    name: str
    visibility_timeout_s: int = 30
    dead_letter_queue: str | None = None
    max_receive_count: int = 3
    content_based_deduplication: bool = False


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret and the value that it has in the sandbox (a development value, never a real one)."""

    name: str
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class LifecycleRule:
    """Deletes objects of a bucket by their age. The back end keeps the rule and deletes nothing.

    Attributes:
        prefix: of their keys.
        expiration_days: whole days after they were written.
    """

    bucket: str
    prefix: str
    expiration_days: int


@dataclass(frozen=True, slots=True)
class BucketObject:
    """An object that lies in a bucket when the sandbox is ready.

    Attributes:
        body: makes the bytes; called once, while the back end starts.
    """

    bucket: str
    key: str
    body: Callable[[], bytes]
    content_type: str = "application/octet-stream"
