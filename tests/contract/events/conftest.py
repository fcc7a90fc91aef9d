"""A real LocalStack, and the event sources of an application on it with a Lambda service in memory."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Any

import pytest
from botocore.config import Config

from emulator import resources
from emulator.alarm import Alarm
from emulator.application import Application, Function, Key, Queue, StreamMapping, StreamViewType, Table
from emulator.aws import Clients
from emulator.clock import SystemClock
from emulator.destinations import AwsDestinations
from emulator.events.api import EventSourceMappingsApi
from emulator.events.aws_streams import AwsStreams
from emulator.events.checkpoints import Checkpoints
from emulator.events.service import EventSources
from emulator.events.services import Services
from emulator.events.settings import EventSettings
from emulator.faults import Faults
from emulator.http import HttpServer
from emulator.invocation import InvocationResult
from emulator.localstack.process import LocalStack
from emulator.runtime.api import LambdaApi
from emulator.runtime.service import LambdaService
from emulator.telemetry.timeline import Timeline
from tests.ports import free_port

DEADLINE_S = 20.0


class NotingInvoker:
    """Notes the records it is given; `answer` decides what comes back, success unless it is set."""

    def __init__(self) -> None:
        self.batches: list[list[dict[str, Any]]] = []
        self.answer: Callable[[list[dict[str, Any]]], Any] = lambda records: None
        self._changed = asyncio.Event()

    async def invoke(self, function: str, payload: bytes, **_: Any) -> InvocationResult:
        records = json.loads(payload)["Records"]
        self.batches.append(records)
        self._changed.set()
        answer = self.answer(records)
        if isinstance(answer, InvocationResult):
            return answer
        return InvocationResult("a-request", json.dumps(answer).encode())

    async def invoke_event(self, function: str, payload: bytes, **_: Any) -> str:
        raise NotImplementedError

    @property
    def records(self) -> list[dict[str, Any]]:
        return [record for batch in self.batches for record in batch]

    @property
    def keys(self) -> list[str]:
        return [record["dynamodb"]["Keys"]["pk"]["S"] for record in self.records]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until `condition()` holds, looked at after each invocation."""
        async with asyncio.timeout(DEADLINE_S):
            while not condition():
                self._changed.clear()
                await self._changed.wait()


class World:
    """One table with a stream, a queue, and event sources that can be started on them."""

    def __init__(self, endpoint_url: str) -> None:
        self.endpoint_url = endpoint_url
        self.clients = Clients(endpoint_url)
        self.table = f"table-{uuid.uuid4().hex[:8]}"
        self.queue = f"queue-{uuid.uuid4().hex[:8]}"
        self.bucket = f"bucket-{uuid.uuid4().hex[:8]}"
        self.invoker = NotingInvoker()
        self.timeline = Timeline(SystemClock())
        self.checkpoints = Checkpoints()
        self.stack = AsyncExitStack()

    def declared(self, *, is_mapped: bool = True, **mapping: Any) -> Application:
        return Application(
            "contract",
            functions=[Function("f", "a.b", Path()), Function("g", "a.b", Path())],
            buckets=[self.bucket],
            tables=[
                Table(
                    self.table,
                    Key("pk"),
                    stream_view_type=StreamViewType.NEW_AND_OLD_IMAGES,
                    ttl_attribute="expires",
                )
            ],
            queues=[Queue(self.queue)],
            stream_mappings=[StreamMapping(self.table, "f", **mapping)] if is_mapped else [],
        )

    async def create(self) -> None:
        await asyncio.to_thread(resources.create, self.declared(), self.clients)

    async def start(
        self, *, endpoint_url: str | None = None, waits: bool = True, **mapping: Any
    ) -> EventSources:
        """Start the event sources, which are stopped in the end."""
        sources = EventSources(
            self.declared(**mapping),
            Services(
                invoker=self.invoker,
                clock=SystemClock(),
                alarm=Alarm(SystemClock()),
                faults=Faults(),
                destinations=AwsDestinations(lambda: endpoint_url or self.endpoint_url),
                timeline=self.timeline,
                random=Random(1),
                settings=EventSettings(retry_first_s=0.01, retry_longest_s=0.05),
                checkpoints=self.checkpoints,
            ),
            backend_endpoint_url=endpoint_url or self.endpoint_url,
            waits_for_records=waits,
        )
        await sources.start()
        self.stack.push_async_callback(sources.stop)
        return sources

    async def call(self, service: str, operation: str, **arguments: Any) -> Any:
        return await asyncio.to_thread(getattr(self.clients(service), operation), **arguments)

    async def put(self, key: str, **attributes: Any) -> None:
        await self.call("dynamodb", "put_item", TableName=self.table, Item={"pk": {"S": key}, **attributes})

    async def message(self) -> dict[str, Any]:
        """Take the next message from the queue."""
        url = (await self.call("sqs", "get_queue_url", QueueName=self.queue))["QueueUrl"]
        answer = await self.call("sqs", "receive_message", QueueUrl=url, WaitTimeSeconds=10)
        (message,) = answer["Messages"]
        return dict(json.loads(message["Body"]))

    async def happened(self, kind: str) -> dict[str, Any]:
        """Wait until the timeline has an entry of `kind`; returns the facts of the first."""
        news = asyncio.Event()
        stop = self.timeline.listen(lambda entry: news.set())
        try:
            async with asyncio.timeout(DEADLINE_S):
                while True:
                    for entry in self.timeline.entries():
                        if entry.kind == kind:
                            return entry.facts
                    news.clear()
                    await news.wait()
        finally:
            stop()


@pytest.fixture
async def world(localstack: LocalStack) -> AsyncIterator[World]:
    one = World(localstack.endpoint_url)
    await one.create()
    async with one.stack:
        yield one
    await one.call("dynamodb", "delete_table", TableName=one.table)


@pytest.fixture
async def streams(localstack: LocalStack) -> AsyncIterator[AwsStreams]:
    """The adapter on the real back end."""
    adapter = AwsStreams(localstack.endpoint_url)
    await adapter.open()
    yield adapter
    adapter.close()


class Forwarder:
    """A door to the back end that can be shut: what a back end that restarts looks like."""

    def __init__(self, target: str) -> None:
        self._target_port = int(target.rsplit(":", 1)[1])
        self._server: asyncio.Server | None = None
        self._port = free_port()  # opened again, it must not be somebody else's meanwhile
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._connect, "127.0.0.1", self._port)

    async def shut(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._server = None

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        writers = [writer]
        try:
            onward_reader, onward_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
            writers.append(onward_writer)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._copy(reader, onward_writer))
                group.create_task(self._copy(onward_reader, writer))
        except* (OSError, asyncio.CancelledError):
            pass
        finally:
            for one in writers:
                one.transport.abort()
            self._tasks.discard(task)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
        writer.close()


@pytest.fixture
async def forwarder(localstack: LocalStack) -> AsyncIterator[Forwarder]:
    one = Forwarder(localstack.endpoint_url)
    await one.open()
    yield one
    await one.shut()


FUNCTIONS = {name: Function(name, "a.b", Path()) for name in ("f", "g")}


class Mappings:
    """The operations of boto3's client, awaitable, and the stream of the world's table."""

    def __init__(self, world, client, sources, stream_arn):
        self.world, self.client, self.sources, self.stream_arn = world, client, sources, stream_arn

    async def __call__(self, operation, **arguments):
        return await asyncio.to_thread(getattr(self.client, operation), **arguments)

    async def create(self, **arguments):
        defaults = {
            "EventSourceArn": self.stream_arn,
            "FunctionName": "f",
            "StartingPosition": "TRIM_HORIZON",
        }
        return await self("create_event_source_mapping", **{**defaults, **arguments})

    async def created(self, **arguments):
        """Create a mapping and wait until it is settled; returns its id."""
        mapping_id = (await self.create(**arguments))["UUID"]
        await self.sources.settled(mapping_id)
        return mapping_id

    async def update(self, mapping_id, **arguments):
        answer = await self("update_event_source_mapping", UUID=mapping_id, **arguments)
        await self.sources.settled(mapping_id)
        return answer

    async def get(self, mapping_id):
        return await self("get_event_source_mapping", UUID=mapping_id)


@pytest.fixture
async def mappings(world):
    sources = await world.start(is_mapped=False)
    api = LambdaApi(LambdaService(FUNCTIONS.values()), clock=SystemClock())
    api.mount(EventSourceMappingsApi(sources, find_function=api.find_function))
    server = HttpServer(api)
    await server.start()
    # What is out of range for botocore already is sent here all the same, for the server's own answer.
    client = Clients(server.url).new("lambda", config=Config(parameter_validation=False))
    table = await world.call("dynamodb", "describe_table", TableName=world.table)
    yield Mappings(world, client, sources, table["Table"]["LatestStreamArn"])
    client.close()
    await server.stop()
