"""Reads one shard for one mapping, from its checkpoint on, and hands the records over for delivery."""

import asyncio
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from emulator.application import StartingPosition
from emulator.errors import BackendFailed, IteratorExpired, RecordsTrimmed, StreamNotFound
from emulator.events.ahead import Ahead
from emulator.events.batches import Verdict
from emulator.events.checkpoints import Place
from emulator.events.delivery import Delivery
from emulator.events.filters import Filter
from emulator.events.lane import Lane
from emulator.events.pacing import FASTEST_POLL_S, UNREACHABLE, Polling, poll_pause_s
from emulator.events.progress import Progress
from emulator.events.records import StreamRecord, lane_of, stream_record
from emulator.events.services import Services, Subscription
from emulator.events.status import ShardStatus, State
from emulator.events.streams import After, Page, Position, Streams
from emulator.faults import FaultKind

logger = logging.getLogger(__name__)

LONGEST_WAIT_S = 2.0
"""What a back end that can wait for records is asked to: an idle stream then costs next to nothing. Ours."""

MAX_PAGE_RECORDS = 1_000
"""Records of one GetRecords. DynamoDB Streams API reference."""


class ShardReader:
    """Reads one shard in order and delivers every record that the filter lets through.

    Records go to as many lanes as the mapping's parallelization factor, each item always to the same one; a
    lane that fails blocks only itself, until as much was read ahead as may be. A new iterator always starts
    behind the last record that was read, so an iterator that expired and a back end that was away lose and
    repeat nothing. What the stream itself has dropped is reported, and so is a record that makes no sense.

    Args:
        start: where to begin if there is no checkpoint.
        waits_for_records: whether the back end can be asked to wait for records.
        noted: is told how each invocation went.
    """

    def __init__(
        self,
        subscription: Subscription,
        place: Place,
        *,
        record_filter: Filter,
        streams: Streams,
        services: Services,
        start: StartingPosition,
        waits_for_records: bool,
        noted: Callable[[Verdict], None],
    ) -> None:
        self._subscription = subscription
        self._mapping = subscription.mapping
        self._facts = subscription.facts(place)
        self._place = place
        self._filter = record_filter
        self._streams = streams
        self._services = services
        self._start = start
        self._polling = services.settings.polling
        self._wait_s = LONGEST_WAIT_S if waits_for_records and self._polling is Polling.ADAPTIVE else 0.0
        self._noted = noted
        self._lanes = [
            Lane(
                self._mapping, Delivery(subscription, place, services, finished=self._note_finished), services
            )
            for _ in range(self._mapping.parallelization_factor)
        ]
        self._lane_tasks: list[asyncio.Task[None]] = []
        self._progress = Progress()
        self._ahead = Ahead.of(self._mapping)
        self._last_verdict: Verdict | None = None
        self._iterator: str | None = None
        self._read_until: str | None = services.checkpoints.find(place)
        self._latest_since: float | None = services.checkpoints.find_since(place)
        self._skip_before = -math.inf
        self._last_activity: float | None = None
        self._pause_s = 0.0
        self._failures = 0
        self._is_drained = False
        self.opened = asyncio.Event()

    async def run(self) -> None:
        """Read until the shard is closed and everything in it is finished.

        Raises:
            StreamNotFound: the stream was deleted; what was read of it is finished.
        """
        gone: StreamNotFound | None = None
        try:
            async with asyncio.TaskGroup() as group:
                self._lane_tasks = [
                    group.create_task(lane.run(), name=f"shard {self._place.shard_id} lane {number}")
                    for number, lane in enumerate(self._lanes)
                ]
                try:
                    await self._read_all()
                except StreamNotFound as error:
                    gone = error
                for lane in self._lanes:
                    lane.close()
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None
        if gone is not None:
            raise gone

    async def finish(self) -> None:
        """Begin no further invocation; returns when what is under way has ended. `stop` follows."""
        for lane in self._lanes:
            lane.stop()
        under_way = [
            lane_task
            for lane, lane_task in zip(self._lanes, self._lane_tasks, strict=False)
            if lane.delivery.is_invoking or lane.delivery.is_giving_up
        ]
        if under_way:
            await asyncio.wait(under_way)

    async def stop(self, task: "asyncio.Task[None]", *, grace_s: float) -> None:
        """End `task`, which executes `run`; an invocation under way has `grace_s` to finish."""
        with suppress(TimeoutError):
            async with asyncio.timeout(grace_s):
                await self.finish()
        task.cancel()
        await asyncio.wait({task})
        if not task.cancelled():
            task.exception()  # it has no other reader, and the reader ends here

    def status(self) -> ShardStatus:
        """Tell what this reader is doing."""
        oldest = self._progress.oldest_created_at
        return ShardStatus(
            shard_id=self._place.shard_id,
            state=self._state(),
            last_result=str(self._last_verdict) if self._last_verdict else None,
            checkpoint=self._services.checkpoints.find(self._place),
            lag_s=max(0.0, self._services.clock.now() - oldest) if oldest is not None else 0.0,
            unfinished=self._progress.unfinished,
            retrying=sum(lane.delivery.is_retrying for lane in self._lanes),
        )

    def _state(self) -> State:
        if any(lane.delivery.is_retrying for lane in self._lanes):
            return State.RETRYING
        if any(lane.delivery.is_invoking for lane in self._lanes):
            return State.INVOKING
        if self._failures:
            return State.UNREACHABLE
        if self._is_drained:
            return State.DRAINED
        return State.READING if self.opened.is_set() else State.STARTING

    async def _read_all(self) -> None:
        while not self._is_drained:
            await self._ahead.room()
            page = await self._read(min(self._ahead.records_left, MAX_PAGE_RECORDS), wait_s=self._wait_s)
            for raw in page.records:
                await self._take(raw)
            self._advance()

    async def _take(self, raw: Mapping[str, Any]) -> None:
        """Give one record to its lane; one that is filtered out, or makes no sense, is finished at once."""
        number = _sequence_number(raw)
        try:
            record = stream_record(raw, stream_arn=self._place.stream_arn)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self._note_unreadable(number, error)
            return
        self._progress.read(number, record.created_at)
        if record.created_at < self._skip_before or not self._filter.matches(record.event):
            self._progress.finish(number)
            return
        await self._delay(record)
        self._ahead.add(len(record.body))
        self._lanes[lane_of(record, len(self._lanes))].add(record)

    async def _delay(self, record: StreamRecord) -> None:
        fault = self._services.faults.strike(FaultKind.DELAY_RECORD, **self._subscription.facts())
        if fault is not None:
            await self._services.alarm.sleep(fault.delay_s)

    def _note_finished(self, records: Sequence[StreamRecord], verdict: Verdict) -> None:
        self._last_verdict = verdict
        self._noted(verdict)
        for record in records:
            self._progress.finish(record.sequence_number)
            self._ahead.take(len(record.body))
        self._advance()

    def _advance(self) -> None:
        reached = self._progress.advance()
        if reached is not None:
            self._services.checkpoints.set(self._place, reached)

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
        # "The latest" is a moment; a second iterator for it would miss what came since.
        if self._read_until is None and self._latest_since is not None:
            position, self._skip_before = StartingPosition.TRIM_HORIZON, math.floor(self._latest_since)
        elif position is StartingPosition.LATEST:
            self._latest_since = self._services.clock.now()
            self._services.checkpoints.set_since(self._place, self._latest_since)
        iterator = await self._streams.iterator(self._place.stream_arn, self._place.shard_id, position)
        self.opened.set()
        return iterator

    def _note_success(self, page: Page) -> None:
        if self._failures:
            self._failures = 0
            logger.info("A stream can be read again", extra={"action": "stream.reachable", **self._facts})
            self._services.timeline.record("stream.reachable", **self._facts)
        self._iterator = page.next_iterator
        self._is_drained = page.next_iterator is None
        if page.records:
            self._read_until = _sequence_number(page.records[-1])

    def _note_failure(self, error: BackendFailed) -> None:
        self._failures += 1
        if self._failures == 1:
            logger.warning(
                "A stream cannot be read and is tried again",
                extra={"action": "stream.unreachable", "error": str(error), **self._facts},
            )
            self._services.timeline.record("stream.unreachable", **self._facts)

    def _note_unreadable(self, number: str, error: Exception) -> None:
        self._progress.read(number, self._services.clock.now())
        self._progress.finish(number)
        facts = {**self._facts, "first": number, "error": type(error).__name__}
        logger.error(
            "A stream record has a form that is not known and is left out; look at what the back end sends",
            extra={"action": "stream.unreadable", **facts},
        )
        self._services.timeline.record("stream.unreadable", **facts)

    def _lose_position(self) -> None:
        logger.warning(
            "Records were trimmed before they were read; reading goes on with the oldest that is kept",
            extra={"action": "stream.position_lost", **self._facts},
        )
        self._services.timeline.record("stream.position_lost", after=self._read_until, **self._facts)
        self._iterator = self._read_until = None
        self._start = StartingPosition.TRIM_HORIZON


def _sequence_number(record: Mapping[str, Any]) -> str:
    number: str = record["dynamodb"]["SequenceNumber"]
    return number
