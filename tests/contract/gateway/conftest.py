"""A gateway on real sockets, with functions that are plain Python."""

import asyncio
import inspect
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest
import websockets

from emulator.application import Route, WebSocketApi
from emulator.clock import ManualClock
from emulator.faults import Faults
from emulator.gateway import Certificate, Gateway, GatewayServer, GatewaySettings, create_certificate
from emulator.gateway.throttling import AccountLimits, Throttle
from emulator.invocation import InvocationResult
from emulator.telemetry.timeline import Timeline

DEADLINE_S = 30.0


class Crash(Exception):
    """Raised by a fake function to stand for one that failed."""


class FakeInvoker:
    """Calls Python functions by name and remembers every event; a function may be asynchronous.

    What a function returns becomes JSON; an `InvocationResult` is the outcome itself.
    """

    def __init__(self) -> None:
        self.functions: dict[str, Callable[[dict[str, Any]], Any]] = {}
        self.events: list[tuple[str, dict[str, Any]]] = []
        self._changed = asyncio.Condition()

    async def invoke(self, function: str, payload: bytes, **_: Any) -> InvocationResult:
        event = json.loads(payload)
        self.events.append((function, event))
        async with self._changed:
            self._changed.notify_all()
        try:
            result = self.functions[function](event)
            if inspect.isawaitable(result):
                result = await result
        except Crash as error:
            return InvocationResult("r", json.dumps({"errorMessage": str(error)}).encode(), "Unhandled")
        if isinstance(result, InvocationResult):
            return result
        return InvocationResult("r", json.dumps(result).encode())

    async def invoke_event(self, function: str, payload: bytes, **_: Any) -> str:
        raise NotImplementedError

    async def wait_for(self, function: str, count: int = 1) -> list[dict[str, Any]]:
        """Return the events of `function` as soon as there are `count`."""

        def found() -> list[dict[str, Any]]:
            return [event for name, event in self.events if name == function]

        async with asyncio.timeout(DEADLINE_S), self._changed:
            await self._changed.wait_for(lambda: len(found()) >= count)
        return found()


@dataclass
class World:
    """One running gateway and what is around it."""

    server: GatewayServer
    invoker: FakeInvoker
    clock: ManualClock
    timeline: Timeline
    certificate: Certificate
    faults: Faults
    clients: list[Any] = field(default_factory=list)

    @property
    def gateway(self) -> Gateway:
        return self.server.gateway

    async def connect(self, path: str = "", uri: str | None = None, **options: Any) -> Any:
        options = {"proxy": None, "compression": None, "ping_interval": None, "max_size": None} | options
        client = await websockets.connect((uri or self.server.websocket_url) + path, **options)
        self.clients.append(client)
        return client

    async def wait_for(self, kind: str, count: int = 1) -> list[dict[str, Any]]:
        """Return the facts of the timeline's entries of `kind` as soon as there are `count`."""
        arrived = asyncio.Event()
        end = self.timeline.listen(lambda entry: arrived.set())
        try:
            async with asyncio.timeout(DEADLINE_S):
                while True:
                    arrived.clear()
                    found = [entry.facts for entry in self.timeline.entries() if entry.kind == kind]
                    if len(found) >= count:
                        return found
                    await arrived.wait()
        finally:
            end()


ROUTES = (
    Route("$connect", "connect"),
    Route("$disconnect", "disconnect"),
    Route("echo", "echo", route_response=True),
    Route("silent", "echo"),
    Route("impatient", "stall", route_response=True, timeout_s=0.05),
    Route("stall", "stall", route_response=True),
    Route("$default", "default", route_response=True),
)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return create_certificate(tmp_path_factory.mktemp("certificates"))


WorldFactory = Callable[..., Any]


@pytest.fixture
def make_world(certificate: Certificate) -> WorldFactory:
    """Return an asynchronous context manager that runs a gateway with the routes and settings given."""

    @asynccontextmanager
    async def make(
        routes: Sequence[Route] = ROUTES,
        settings: GatewaySettings | None = None,
        limits: AccountLimits | None = None,
        gateway_options: Mapping[str, Any] | None = None,
        **api_options: Any,
    ) -> AsyncIterator[World]:
        clock = ManualClock()
        faults = Faults()
        timeline = Timeline(clock)
        invoker = FakeInvoker()
        invoker.functions = {
            "connect": lambda event: {"statusCode": 200},
            "disconnect": lambda event: {"statusCode": 200},
            "echo": lambda event: {"statusCode": 200, "body": event["body"]},
            "default": lambda event: {"statusCode": 200, "body": "default"},
            "stall": lambda event: asyncio.Event().wait(),
        }
        gateway = Gateway(
            WebSocketApi("test", routes, **api_options),
            invoker,
            clock=clock,
            timeline=timeline,
            random=Random(1),
            settings=settings or GatewaySettings(),
            faults=faults,
            throttle=Throttle(clock, limits),
            **(gateway_options or {}),
        )
        world = World(GatewayServer(gateway, certificate), invoker, clock, timeline, certificate, faults)
        before = asyncio.all_tasks()
        await world.server.start()
        try:
            yield world
        finally:
            for client in world.clients:
                await client.close()
            await world.server.stop(timeout_s=1)
            assert len(gateway.connections) == 0
            left = {task for task in asyncio.all_tasks() - before if "emulator" in repr(task.get_coro())}
            assert not left

    return make


@pytest.fixture
async def world(make_world: WorldFactory) -> AsyncIterator[World]:
    async with make_world() as world:
        yield world


Waiter = Callable[[Awaitable[Any]], Awaitable[Any]]


@pytest.fixture
def soon() -> Waiter:
    """Return what waits for an awaitable, with a deadline."""

    async def wait(awaitable: Awaitable[Any]) -> Any:
        return await asyncio.wait_for(awaitable, DEADLINE_S)

    return wait


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """Return what waits until a condition holds that nothing announces, with a deadline."""

    async def wait(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while not condition():  # noqa: ASYNC110
                await asyncio.sleep(0)

    return wait
