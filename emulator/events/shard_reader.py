"""Reads one shard for one mapping, from its checkpoint on, and hands the records over for delivery."""

import asyncio
import logging
import math
from collections.abc import Mapping
from typing import Any

from emulator.application import StartingPosition, StreamMapping
from emulator.errors import BackendFailed, IteratorExpired, RecordsTrimmed
from emulator.events.checkpoints import Place
from emulator.events.delivery import Delivery, Services
from emulator.events.filters import Filter
from emulator.events.pacing import FASTEST_POLL_S, UNREACHABLE, Polling, poll_pause_s
from emulator.events.records import StreamRecord, split, stream_record
from emulator.events.status import ShardStatus, State
from emulator.events.streams import After, Page, Position, Streams
from emulator.invocation import MAX_REQUEST_BYTES

logger = logging.getLogger(__name__)

LONGEST_WAIT_S = 2.0
"""What a back end that can wait for records is asked to: an idle stream then costs next to nothing. Ours."""

MAX_PAGE_RECORDS = 1_000
"""Records of one GetRecords. DynamoDB Streams API reference."""


class ShardReader:
    """Reads one shard in order and delivers every record that the filter lets through.

    A new iterator always starts behind the last record that was read, so an iterator that expired and a
    back end that was away lose and repeat nothing. What the stream itself has dropped is reported.

    Args:
        start: where to begin if there is no checkpoint.
        waits_for_records: whether the back end can be asked to wait for records.
    """

    def __init__(
        self,
        mapping: StreamMapping,
        place: Place,
        *,
        function_arn: str,
        record_filter: Filter,
        streams: Streams,
        services: Services,
        start: StartingPosition,
        waits_for_records: bool,
        polling: Polling,
    ) -> None:
        self._mapping = mapping
        self._place = place
        self._filter = record_filter
        self._streams = streams
        self._services = services
        self._start = start
        self._wait_s = LONGEST_WAIT_S if waits_for_records and polling is Polling.ADAPTIVE else 0.0
        self._polling = polling
        self._delivery = Delivery(mapping, place, function_arn, services)
        self._iterator: str | None = None
        self._read_until: str | None = services.checkpoints.find(place)
        self._latest_since: float | None = None
        self._skip_before = -math.inf
        self._last_activity: float | None = None
        self._pause_s = 0.0
        self._failures = 0
        self._is_drained = False
        self.opened = asyncio.Event()

    async def run(self) -> None:
        """Read until the shard is closed and everything in it is finished.

        Raises:
            StreamNotFound: the stream was deleted.
        """
        while not self._is_drained:
            records, last_read = await self._gather()
            batches = split(records, batch_size=self._mapping.batch_size)
            if not await self._delivery.deliver(batches):
                return
            if last_read is not None:
                self._services.checkpoints.set(self._place, last_read)

    async def stop(self, task: "asyncio.Task[None]", *, grace_s: float) -> None:
        """End `task`, which executes `run`; an invocation under way has `grace_s` to finish."""
        self._delivery.stop()
        if self._delivery.is_invoking:
            await asyncio.wait({task}, timeout=grace_s)
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # it has no other reader, and the reader ends here

    def status(self) -> ShardStatus:
        """Tell what this reader is doing."""
        oldest = self._delivery.oldest_pending
        return ShardStatus(
            shard_id=self._place.shard_id,
            state=self._state(),
            last_result=str(self._delivery.last_verdict) if self._delivery.last_verdict else None,
            checkpoint=self._services.checkpoints.find(self._place),
            lag_s=max(0.0, self._services.clock.now() - oldest.created_at) if oldest is not None else 0.0,
        )

    def _state(self) -> State:
        if self._delivery.is_invoking:
            return State.INVOKING
        if self._delivery.is_retrying:
            return State.RETRYING
        if self._failures:
            return State.UNREACHABLE
        if self._is_drained:
            return State.DRAINED
        return State.READING if self.opened.is_set() else State.STARTING

    async def _gather(self) -> tuple[list[StreamRecord], str | None]:
        """Read until there is a reason to invoke, or to move the checkpoint.

        Returns:
            The records that pass the filter, and the sequence number of the last one read.
        """
        gathered: list[StreamRecord] = []
        size = 0
        window_ends = math.inf
        while True:
            now = self._services.clock.monotonic()
            room = min(self._mapping.batch_size - len(gathered), MAX_PAGE_RECORDS)
            page = await self._read(room, wait_s=min(self._wait_s, window_ends - now))
            for raw in page.records:
                record = stream_record(raw, stream_arn=self._place.stream_arn)
                if record.created_at >= self._skip_before and self._filter.matches(record.event):
                    gathered.append(record)
                    size += len(record.body)
            if not gathered:
                if page.records or self._is_drained:
                    return [], self._read_until
                continue
            if window_ends == math.inf:
                window_ends = self._services.clock.monotonic() + self._mapping.maximum_batching_window_s
            is_full = len(gathered) >= self._mapping.batch_size or size >= MAX_REQUEST_BYTES
            if is_full or self._is_drained or self._services.clock.monotonic() >= window_ends:
                return gathered, self._read_until

    async def _read(self, limit: int, *, wait_s: float) -> Page:
        """Read one page, from a new iterator where that is needed; keeps the pace of polling."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._pause_s)
            try:
                if self._iterator is None:
                    self._iterator = await self._open()
                began = loop.time()
                page = await self._streams.read(self._iterator, limit=limit, wait_s=wait_s)
            except IteratorExpired:
                self._iterator = None
                self._pause_s = FASTEST_POLL_S
            except RecordsTrimmed:
                self._lose_position()
                self._pause_s = FASTEST_POLL_S
            except BackendFailed as error:
                self._iterator = None
                self._note_failure(error)
                self._pause_s = UNREACHABLE.delay_s(self._failures, self._services.random.random())
            else:
                self._note_success(page)
                has_waited = wait_s > 0 and loop.time() - began >= wait_s / 2
                self._pause_s = 0.0 if has_waited else self._poll_pause_s(page, loop.time())
                return page

    def _poll_pause_s(self, page: Page, now: float) -> float:
        if page.records or self._last_activity is None:
            self._last_activity = now
        return poll_pause_s(self._polling, idle_s=now - self._last_activity)

    async def _open(self) -> str:
        """Get an iterator behind the last record that was read, or at the mapping's start."""
        position: Position = self._start if self._read_until is None else After(self._read_until)
        if position is StartingPosition.LATEST:
            # "The latest" is a moment; a second iterator for it would miss what came since.
            if self._latest_since is None:
                self._latest_since = self._services.clock.now()
            else:
                position, self._skip_before = StartingPosition.TRIM_HORIZON, math.floor(self._latest_since)
        iterator = await self._streams.iterator(self._place.stream_arn, self._place.shard_id, position)
        self.opened.set()
        return iterator

    def _note_success(self, page: Page) -> None:
        if self._failures:
            self._failures = 0
            logger.info("A stream can be read again", extra={"action": "stream.reachable", **self._facts()})
            self._services.timeline.record("stream.reachable", **self._facts())
        self._iterator = page.next_iterator
        self._is_drained = page.next_iterator is None
        if page.records:
            self._read_until = _sequence_number(page.records[-1])

    def _note_failure(self, error: BackendFailed) -> None:
        self._failures += 1
        if self._failures == 1:
            logger.warning(
                "A stream cannot be read and is tried again: %s",
                error,
                extra={"action": "stream.unreachable", **self._facts()},
            )
            self._services.timeline.record("stream.unreachable", **self._facts())

    def _lose_position(self) -> None:
        logger.warning(
            "Records were trimmed before they were read; reading goes on with the oldest that is kept",
            extra={"action": "stream.position_lost", **self._facts()},
        )
        self._services.timeline.record("stream.position_lost", after=self._read_until, **self._facts())
        self._iterator = self._read_until = None
        self._start = StartingPosition.TRIM_HORIZON

    def _facts(self) -> dict[str, str]:
        return {
            "table": self._mapping.table,
            "function": self._mapping.function,
            "shard": self._place.shard_id,
        }


def _sequence_number(record: Mapping[str, Any]) -> str:
    number: str = record["dynamodb"]["SequenceNumber"]
    return number
