"""How far a shard may be read ahead of what is finished, so that memory stays bounded."""

import asyncio
from typing import Self

from emulator.application import StreamMapping
from emulator.invocation import MAX_REQUEST_BYTES

MORE_RECORDS = 1_000
"""Records that each lane may have besides its batch: one page of GetRecords. Ours."""

BATCHES = 2
"""Batches of the largest size that the lanes may have in all, on average: one out, one gathered. Ours."""


class Ahead:
    """Counts what is read and not finished; `room` waits while that is too much.

    Args:
        max_records, max_bytes: of all lanes together; the last page may pass `max_bytes`.
    """

    def __init__(self, *, max_records: int, max_bytes: int) -> None:
        self._max_records = max_records
        self._max_bytes = max_bytes
        self._records = 0
        self._bytes = 0
        self._less = asyncio.Event()

    @classmethod
    def of(cls, mapping: StreamMapping) -> Self:
        """Return what one shard of `mapping` may have."""
        lanes = mapping.parallelization_factor
        return cls(
            max_records=lanes * (mapping.batch_size + MORE_RECORDS),
            max_bytes=lanes * BATCHES * MAX_REQUEST_BYTES,
        )

    @property
    def records_left(self) -> int:
        """How many more records may be read."""
        return self._max_records - self._records

    def add(self, size: int) -> None:
        """Note a record of `size` bytes that was read."""
        self._records += 1
        self._bytes += size

    def take(self, size: int) -> None:
        """Note that a record of `size` bytes is finished."""
        self._records -= 1
        self._bytes -= size
        self._less.set()

    async def room(self) -> None:
        """Wait until another record may be read."""
        while self._records >= self._max_records or self._bytes >= self._max_bytes:
            self._less.clear()
            await self._less.wait()
