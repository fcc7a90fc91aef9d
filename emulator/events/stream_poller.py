"""Follows a table's stream for one mapping: finds it, and keeps a reader on every shard that is due."""

import asyncio
import logging

from emulator.application import StartingPosition
from emulator.errors import BackendFailed, StreamNotFound
from emulator.events.batches import Verdict
from emulator.events.checkpoints import Place
from emulator.events.filters import Filter
from emulator.events.mapping_limits import check
from emulator.events.pacing import UNREACHABLE
from emulator.events.services import Services, Subscription
from emulator.events.settings import STOP_GRACE_S
from emulator.events.shard_reader import ShardReader
from emulator.events.shards import drained_at_start, readable
from emulator.events.status import MappingStatus, State
from emulator.events.streams import Shard, Streams

logger = logging.getLogger(__name__)

DISCOVERY_INTERVAL_S = 10.0
"""Between looks for new shards and a new stream; a shard that ends is followed at once. Ours."""

ABSENT_STREAM_INTERVAL_S = 0.25
"""Between looks for a stream that does not exist yet. Ours."""


class StreamPoller:
    """Delivers the records of one table's stream to one function.

    Every shard is read by a task of its own: one that fails holds up none but its children. A table that
    is deleted and made again is followed into its new stream, from the beginning of that.

    Args:
        stream_arn: reads this stream only, as a mapping on AWS does (row F27); None: the table's newest.

    Raises:
        InvalidApplication: the mapping's filters are no filter patterns, or a number is out of range.
    """

    def __init__(
        self,
        subscription: Subscription,
        *,
        streams: Streams,
        services: Services,
        stream_arn: str | None = None,
        waits_for_records: bool = False,
    ) -> None:
        mapping = subscription.mapping
        check(mapping)
        self._subscription = subscription
        self._mapping = mapping
        self._only_stream = stream_arn
        self._filter = Filter(mapping.filters)
        self._streams = streams
        self._services = services
        self._waits_for_records = waits_for_records
        self._start_at = mapping.starting_position
        self._stream_arn: str | None = None
        self._readers: dict[str, tuple[ShardReader, asyncio.Task[None]]] = {}
        self._finished: set[str] = set()
        self._last_verdict: Verdict | None = None
        self._state = State.STOPPED
        self._task: asyncio.Task[None] | None = None
        self._following = asyncio.Event()

    async def start(self, *, ready_within_s: float) -> bool:
        """Begin to poll; returns whether every shard was open within `ready_within_s`.

        Polling goes on trying if not.
        """
        self._state = State.STARTING
        self._task = asyncio.create_task(self._run(), name=f"stream {self._mapping.table}")
        try:
            async with asyncio.timeout(ready_within_s):
                await self._following.wait()
                for reader, _ in list(self._readers.values()):
                    await reader.opened.wait()
        except TimeoutError:
            return False
        return True

    async def finish(self) -> None:
        """See `Poller.finish`."""
        await self._stop_looking()
        await asyncio.gather(*(reader.finish() for reader, _ in self._readers.values()))

    async def stop(self) -> None:
        """End polling. An invocation under way gets a moment to finish; else its batch comes again."""
        await self._stop_looking()
        await self._stop_readers()
        self._state = State.STOPPED

    def status(self) -> MappingStatus:
        """Tell what this poller and its readers are doing."""
        return MappingStatus(
            table=self._mapping.table,
            function=self._mapping.function,
            state=self._state,
            stream_arn=self._stream_arn or self._only_stream,
            shards=tuple(reader.status() for reader, _ in self._readers.values()),
            last_result=str(self._last_verdict) if self._last_verdict is not None else None,
        )

    async def _stop_looking(self) -> None:
        if self._task is not None:
            task, self._task = self._task, None
            task.cancel()
            await asyncio.wait({task})

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                await self._look()
                failures = 0
                pause_s = DISCOVERY_INTERVAL_S if self._readers else ABSENT_STREAM_INTERVAL_S
            except StreamNotFound:
                pause_s = ABSENT_STREAM_INTERVAL_S
            except BackendFailed as error:
                failures += 1
                self._note_failure(error, failures)
                pause_s = UNREACHABLE.delay_s(failures, self._services.random.random())
            await self._wait_for_end_of_reader(pause_s)

    async def _look(self) -> None:
        """Find the stream and start a reader on each shard that is due. Raises StreamNotFound."""
        stream_arn = self._only_stream or await self._streams.find_stream(self._mapping.table)
        if stream_arn != self._stream_arn:
            await self._follow(stream_arn)
        if stream_arn is None:
            return
        shards = await self._streams.list_shards(stream_arn)
        if not self._following.is_set() and self._services.checkpoints.knows(
            self._mapping.function, stream_arn
        ):
            # Whatever was not there in the earlier run is new.
            self._start_at = StartingPosition.TRIM_HORIZON
        if not self._following.is_set():
            self._finished |= drained_at_start(shards, self._start_at)
        for shard in readable(shards, started=self._readers.keys(), finished=self._finished):
            if shard.id not in self._finished:
                self._start_reader(stream_arn, shard)
        # What appears later is read from its beginning, wherever the mapping started.
        self._start_at = StartingPosition.TRIM_HORIZON
        self._state = State.READING
        self._following.set()

    async def _follow(self, stream_arn: str | None) -> None:
        if self._stream_arn is not None:
            self._services.timeline.record("stream.replaced", **self._subscription.facts(), stream=stream_arn)
            await self._stop_readers()
            self._services.checkpoints.forget(self._mapping.function, self._stream_arn)
        self._stream_arn = stream_arn
        self._finished = set()
        self._state = State.STARTING

    def _start_reader(self, stream_arn: str, shard: Shard) -> None:
        reader = ShardReader(
            self._subscription,
            Place(self._mapping.function, stream_arn, shard.id),
            record_filter=self._filter,
            streams=self._streams,
            services=self._services,
            start=self._start_at,
            waits_for_records=self._waits_for_records,
            noted=self._note_verdict,
        )
        self._readers[shard.id] = reader, asyncio.create_task(reader.run(), name=f"shard {shard.id}")

    async def _wait_for_end_of_reader(self, longest_s: float) -> None:
        tasks = [task for _, task in self._readers.values()]
        if not tasks:
            await asyncio.sleep(longest_s)
            return
        await asyncio.wait(tasks, timeout=longest_s, return_when=asyncio.FIRST_COMPLETED)
        ended_badly = [shard_id for shard_id in list(self._readers) if not self._reap(shard_id)]
        if ended_badly:
            await asyncio.sleep(ABSENT_STREAM_INTERVAL_S)

    def _reap(self, shard_id: str) -> bool:
        """Forget the reader of `shard_id` if it has ended; returns whether it ended well, or goes on."""
        _, task = self._readers[shard_id]
        if not task.done():
            return True
        del self._readers[shard_id]
        error = task.exception()
        if error is None:
            self._finished.add(shard_id)
            return True
        if not isinstance(error, StreamNotFound):
            logger.error(
                "Reading a shard failed and starts again from its checkpoint",
                exc_info=error,
                extra={"action": "stream.failed", **self._subscription.facts(), "shard": shard_id},
            )
        return False

    def _note_verdict(self, verdict: Verdict) -> None:
        self._last_verdict = verdict

    async def _stop_readers(self) -> None:
        stopping = [reader.stop(task, grace_s=STOP_GRACE_S) for reader, task in self._readers.values()]
        await asyncio.gather(*stopping)
        self._readers.clear()

    def _note_failure(self, error: BackendFailed, failures: int) -> None:
        self._state = State.UNREACHABLE
        if failures == 1:
            logger.warning(
                "A table's stream cannot be looked up and is tried again",
                extra={"action": "stream.unreachable", "error": str(error), **self._subscription.facts()},
            )
