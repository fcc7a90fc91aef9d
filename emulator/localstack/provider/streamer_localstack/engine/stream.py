"""A table's stream: one shard that keeps the newest records and wakes readers that wait."""

import itertools
import json
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .iterators import OLDEST

MAX_KEPT_BYTES = 64 * 1024 * 1024
"""JSON bytes of records that one stream keeps; older ones are trimmed. A laptop's memory is the source."""

RETENTION_S = 86_400.0
"""Seconds for which a record is kept. DynamoDB Developer Guide, "DynamoDB Streams"."""

MAX_RECORDS = 1000
MAX_ANSWER_BYTES = 1024 * 1024
"""Limits of one GetRecords. Amazon DynamoDB Streams API reference, `GetRecords`."""


_WRITER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False)


class TrimmedData(Exception):
    """The record asked for is not kept any more."""


@dataclass(frozen=True, slots=True)
class Page:
    """What one read found.

    Attributes:
        records: JSON texts, oldest first.
        next_position: where the following read goes on; None when the stream is closed and read to its end.
    """

    records: list[str]
    next_position: int | None


class Stream:
    """The records of one stream. Any thread may call any method.

    Attributes:
        arn: ends in the stream's label.
        shard_id: 37 characters, as AWS's.
        first_sequence_number: of the shard, whether or not the record is still kept.
    """

    def __init__(self, arn: str, view: str, created_at: float, shard_suffix: str) -> None:
        """Open a stream.

        Args:
            view: `StreamViewType`.
            created_at: epoch seconds.
            shard_suffix: 8 hexadecimal digits.
        """
        self.arn = arn
        self.label = arn.rpartition("/")[2]
        self.view = view
        self.created_at = created_at
        self.shard_id = f"shardId-{int(created_at * 1000):020d}-{shard_suffix}"
        self.first_sequence_number = int(created_at * 1000) * 10**9 + 1
        self.is_closed = False
        self._next = self.first_sequence_number
        self._records: deque[tuple[float, str]] = deque()
        self._kept_bytes = 0
        self._changed = threading.Condition()
        self._told: list[Callable[[], None]] = []

    @property
    def next_sequence_number(self) -> int:
        """The sequence number that the next record will have: the position of `LATEST`."""
        return self._next

    def append(self, make: Callable[[int], dict[str, Any]], now: float) -> None:
        """Add the record that `make` returns for its sequence number, and wake the readers that wait."""
        with self._changed:
            text = _WRITER.encode(make(self._next))
            self._next += 1
            self._records.append((now, text))
            self._kept_bytes += len(text)
            self._trim(now)
            self._tell_all()

    def close(self) -> None:
        """End the stream: what it keeps can be read, nothing is added."""
        with self._changed:
            self.is_closed = True
            self._tell_all()

    def trim(self, now: float) -> int:
        """Let go of what is too old at `now` (epoch seconds); return the oldest number that can be read."""
        with self._changed:
            self._trim(now)
            return self._oldest()

    def read(self, position: int, limit: int, wait_s: float = 0.0) -> Page:
        """Return the records from `position` on, after waiting up to `wait_s` for the first one.

        Raises:
            TrimmedData: `position` is before the oldest record that is kept.
        """
        with self._changed:
            if wait_s > 0:
                self._changed.wait_for(lambda: self._is_readable(position), wait_s)
            oldest = self._oldest()
            if position == OLDEST:
                position = oldest
            if position < oldest:
                raise TrimmedData(str(position))
            offset, records, size = position - oldest, [], 0
            for _, text in itertools.islice(self._records, offset, offset + min(limit, MAX_RECORDS)):
                size += len(text)
                if records and size > MAX_ANSWER_BYTES:
                    break
                records.append(text)
            following = position + len(records)
            return Page(records, None if self.is_closed and following >= self._next else following)

    def tell(self, position: int, told: Callable[[], None]) -> bool:
        """Let `told` be called, once and in any thread, when there is something to read from `position` on.

        Returns:
            Whether that is still to come; else nobody is called.
        """
        with self._changed:
            is_to_come = not self._is_readable(position)
            if is_to_come:
                self._told.append(told)
            return is_to_come

    def forget(self, told: Callable[[], None]) -> None:
        """Call `told` no more, if it was to be called."""
        with self._changed:
            if told in self._told:
                self._told.remove(told)

    def _is_readable(self, position: int) -> bool:
        return self.is_closed or max(position, self._oldest()) < self._next

    def _tell_all(self) -> None:
        self._changed.notify_all()
        told, self._told = self._told, []
        for each in told:
            each()

    def _trim(self, now: float) -> None:
        while self._records and (
            self._kept_bytes > MAX_KEPT_BYTES or now - self._records[0][0] > RETENTION_S
        ):
            self._kept_bytes -= len(self._records.popleft()[1])

    def _oldest(self) -> int:
        return self._next - len(self._records)
