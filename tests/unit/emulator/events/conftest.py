"""Streams, queues and a Lambda service in memory, and pollers on them."""

import asyncio
import json
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from random import Random

import pytest

from emulator.alarm import Alarm
from emulator.application import StartingPosition, StreamMapping
from emulator.clock import ManualClock
from emulator.errors import BackendFailed, IteratorExpired, RecordsTrimmed, StreamNotFound
from emulator.events.checkpoints import Checkpoints
from emulator.events.services import Services, Subscription
from emulator.events.settings import EventSettings
from emulator.events.stream_poller import StreamPoller
from emulator.events.streams import After, Page, Shard
from emulator.faults import Faults
from emulator.invocation import InvocationResult
from emulator.telemetry.timeline import Timeline

DEADLINE_S = 10.0


class FakeStream:
    """One stream: its shards, each with its records."""

    def __init__(self, arn: str) -> None:
        self.arn = arn
        self.shards: dict[str, tuple[Shard, list[dict]]] = {}
        self.closed: set[str] = set()
        self.trimmed_until: dict[str, int] = {}


class FakeStreams:
    """Behaves as `Streams` promises; faults are switched on by attributes.

    Attributes:
        is_unreachable: every call fails.
        expires: how many of the next reads find their iterator expired.
        opened: the positions at which iterators were asked for.
    """

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._changed = asyncio.Event()
        self.streams: dict[str, FakeStream] = {}
        self.is_unreachable = False
        self.expires = 0
        self.opened: list = []
        self.reads = 0
        self._next = 1

    def create(
        self, table: str, shards: Iterable[Shard] = (Shard("shard-1"),), label: str = "1"
    ) -> FakeStream:
        stream = self.streams[table] = FakeStream(f"arn:{table}/{label}")
        for shard in shards:
            stream.shards[shard.id] = (shard, [])
        self.wake()
        return stream

    def put(
        self, table: str, key: str, shard: str = "shard-1", age_s: float = 0.0, name: str = "INSERT"
    ) -> str:
        """Write an item; returns the sequence number of its record."""
        number = f"{self._next:021d}"
        self._next += 1
        self.streams[table].shards[shard][1].append(
            {
                "eventID": number,
                "eventName": name,
                "eventVersion": "1.1",
                "eventSource": "aws:dynamodb",
                "awsRegion": "us-east-1",
                "dynamodb": {
                    "ApproximateCreationDateTime": self._clock.now() - age_s,
                    "Keys": {"pk": {"S": key}},
                    "SequenceNumber": number,
                    "SizeBytes": 1,
                    "StreamViewType": "KEYS_ONLY",
                },
            }
        )
        self.wake()
        return number

    def close(self, table: str, shard: str) -> None:
        self.streams[table].closed.add(shard)
        self.wake()

    def wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def find_stream(self, table: str) -> str | None:
        self._answer()
        stream = self.streams.get(table)
        return stream.arn if stream else None

    async def list_shards(self, stream_arn: str) -> list[Shard]:
        return [shard for shard, _ in self._stream(stream_arn).shards.values()]

    async def iterator(self, stream_arn: str, shard_id: str, position) -> str:
        self.opened.append(position)
        stream = self._stream(stream_arn)
        if shard_id not in stream.shards:
            raise StreamNotFound(shard_id)
        records = stream.shards[shard_id][1]
        if isinstance(position, After):
            if int(position.sequence_number) < stream.trimmed_until.get(shard_id, 0):
                raise RecordsTrimmed("trimmed")
            after = int(position.sequence_number)
            place = sum(1 for record in records if int(record["dynamodb"]["SequenceNumber"]) <= after)
        else:
            place = len(records) if position is StartingPosition.LATEST else 0
        return json.dumps([stream_arn, shard_id, place])

    async def read(self, iterator: str, *, limit: int, wait_s: float) -> Page:
        self.reads += 1
        stream_arn, shard_id, place = json.loads(iterator)
        try:
            async with asyncio.timeout(wait_s):
                while not self._has_news(stream_arn, shard_id, place):
                    await self._changed.wait()
        except TimeoutError:
            pass
        if self.expires:
            self.expires -= 1
            raise IteratorExpired("expired")
        stream = self._stream(stream_arn)
        all_records = stream.shards[shard_id][1]
        found = [
            record
            for record in all_records[place : place + limit]
            if int(record["dynamodb"]["SequenceNumber"]) > stream.trimmed_until.get(shard_id, 0)
        ]
        place = min(place + limit, len(all_records))
        is_drained = shard_id in stream.closed and place == len(all_records)
        return Page(found, None if is_drained else json.dumps([stream_arn, shard_id, place]))

    def _has_news(self, stream_arn: str, shard_id: str, place: int) -> bool:
        stream = self._stream(stream_arn)
        return shard_id in stream.closed or len(stream.shards[shard_id][1]) > place

    def _stream(self, stream_arn: str) -> FakeStream:
        self._answer()
        for stream in self.streams.values():
            if stream.arn == stream_arn:
                return stream
        raise StreamNotFound(stream_arn)

    def _answer(self) -> None:
        if self.is_unreachable:
            raise BackendFailed("The back end does not answer (fake).")


class FakeInvoker:
    """Notes what it is given; `answer` decides what comes back, success unless it is set."""

    def __init__(self) -> None:
        self.batches: list[list[dict]] = []
        self.events: list[dict] = []
        self.answer: Callable[[list[dict]], object] = lambda records: None
        self._changed = asyncio.Event()

    async def invoke(self, function, payload, *, trace_header=None, qualified_arn=None):
        records = json.loads(payload)["Records"]
        self.batches.append(records)
        self._wake()
        answer = self.answer(records)
        if asyncio.iscoroutine(answer):
            answer = await answer
        if isinstance(answer, InvocationResult):
            return answer
        return InvocationResult(f"request-{len(self.batches)}", json.dumps(answer).encode())

    async def invoke_event(self, function, payload, *, trace_header=None):
        self.events.append(json.loads(payload))
        self._wake()
        answer = self.answer(self.events)
        assert not asyncio.iscoroutine(answer)
        return f"request-{len(self.events)}"

    @property
    def keys(self) -> list[list[str]]:
        """The keys of the items of every batch."""
        return [[record["dynamodb"]["Keys"]["pk"]["S"] for record in batch] for batch in self.batches]

    @property
    def seen(self) -> list[str]:
        return [key for batch in self.keys for key in batch]

    def _wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition()` holds, looked at after each invocation."""
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                await self._changed.wait()


class FakeDestinations:
    def __init__(self) -> None:
        self.sent: list[tuple[str, dict]] = []
        self.keys: list[str] = []
        self.is_unreachable = False

    async def send(self, destination, body, *, attributes=None, key="") -> None:
        if self.is_unreachable:
            raise BackendFailed("The back end does not answer (fake).")
        self.sent.append((destination.name, json.loads(body)))
        self.keys.append(key)


class World:
    """Everything a poller needs, in memory, with a table `t` that has a stream of one shard."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.alarm = Alarm(self.clock)
        self.timeline = Timeline(self.clock)
        self.streams = FakeStreams(self.clock)
        self.streams.create("t")
        self.invoker = FakeInvoker()
        self.destinations = FakeDestinations()
        self.checkpoints = Checkpoints()
        self.faults = Faults(
            lambda fault, facts: self.timeline.record("fault.struck", fault=fault.kind.value, **facts)
        )
        self.stack = AsyncExitStack()

    async def poll(
        self, *, function="f", stream_arn=None, waits=True, settings=None, **mapping
    ) -> StreamPoller:
        """Start a poller, which is stopped in the end."""
        services = Services(
            invoker=self.invoker,
            destinations=self.destinations,
            clock=self.clock,
            alarm=self.alarm,
            timeline=self.timeline,
            random=Random(1),
            ids=lambda: "new-id",
            checkpoints=self.checkpoints,
            settings=settings or EventSettings(),
            faults=self.faults,
        )
        poller = StreamPoller(
            Subscription(
                StreamMapping("t", function, **mapping), f"mapping-of-{function}", f"arn:{function}"
            ),
            streams=self.streams,
            services=services,
            stream_arn=stream_arn,
            waits_for_records=waits,
        )
        await poller.start(ready_within_s=0.5)
        self.stack.push_async_callback(poller.stop)
        return poller

    async def happened(self, kind: str, times: int = 1) -> list[dict]:
        """Wait until the timeline has `times` entries of `kind`; returns their facts."""
        news = asyncio.Event()
        stop = self.timeline.listen(lambda entry: news.set())
        try:
            async with asyncio.timeout(DEADLINE_S):
                while True:
                    found = [entry.facts for entry in self.timeline.entries() if entry.kind == kind]
                    if len(found) >= times:
                        return found
                    news.clear()
                    await news.wait()
        finally:
            stop()

    async def let_time_pass(self, seconds: float) -> None:
        """Advance the clock and tell the waiting tasks."""
        self.clock.advance(seconds)
        self.alarm.poke()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition()` holds, with the loop free to run."""
        async with asyncio.timeout(DEADLINE_S):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0)


@pytest.fixture
async def world():
    one = World()
    async with one.stack:
        yield one
    await asyncio.sleep(0)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    assert not [task for task in left if task.get_name().startswith(("stream", "shard", "schedule"))]
