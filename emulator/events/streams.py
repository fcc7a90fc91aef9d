"""The seam between the event sources and the AWS API: streams that are read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from emulator.application import StartingPosition


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard of a stream.

    Attributes:
        parent_id: the shard that has to be drained before this one; it may be trimmed already.
    """

    id: str
    parent_id: str | None = None


@dataclass(frozen=True, slots=True)
class After:
    """The place behind a record.

    Attributes:
        sequence_number: of that record.
    """

    sequence_number: str


Position = After | StartingPosition


@dataclass(frozen=True, slots=True)
class Page:
    """One answer of GetRecords.

    Attributes:
        records: as boto3 returns them, or as they are sent: with binaries in base64, times in epoch seconds.
        next_iterator: None: the shard is closed and drained.
    """

    records: Sequence[Mapping[str, Any]]
    next_iterator: str | None


class Streams(Protocol):
    """DynamoDB Streams as the pollers see them.

    Every method raises BackendFailed where the back end does not answer or refuses.
    """

    async def find_stream(self, table: str) -> str | None:
        """Return the ARN of the table's newest stream, None without table or stream."""
        ...

    async def list_shards(self, stream_arn: str) -> list[Shard]:
        """Return every shard that the stream still has. Raises StreamNotFound."""
        ...

    async def iterator(self, stream_arn: str, shard_id: str, position: Position) -> str:
        """Return an iterator at `position`. Raises StreamNotFound, RecordsTrimmed."""
        ...

    async def read(self, iterator: str, *, limit: int, wait_s: float) -> Page:
        """Return up to `limit` (1 to 1000) records.

        Args:
            wait_s: the back end is asked to wait this long for the first record; one that cannot,
                answers at once.

        Cancelling is immediate, also while the back end waits.

        Raises:
            StreamNotFound, IteratorExpired, RecordsTrimmed.
        """
        ...
