"""What an environment is given while its process ends: nothing, and nobody waits for it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from emulator.application import Function
from emulator.clock import ManualClock
from emulator.runtime import LambdaService, RuntimeSettings
from emulator.runtime.environment import Environment
from emulator.runtime.invocations import Invocation, Outcome
from emulator.runtime.lifecycle import Status
from emulator.runtime.zygote import Exit
from emulator.telemetry.timeline import Timeline

Serve = Callable[..., Awaitable[LambdaService]]
Make = Callable[..., Function]

DEADLINE_S = 30.0

Runtime = tuple[asyncio.StreamReader, asyncio.StreamWriter]

ASK = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: f\r\n\r\n"
ANSWER = b"POST /2018-06-01/runtime/invocation/r1/response HTTP/1.1\r\nContent-Length: 1\r\n\r\n1"


class Told:
    """An owner that keeps the names of what it is told, in their order."""

    def __init__(self) -> None:
        self.names: asyncio.Queue[str] = asyncio.Queue()

    def environment_ready(self, environment: Environment, *, first: bool) -> None:
        self.names.put_nowait("ready")

    def invocation_ended(self, environment: Environment, invocation: Invocation, outcome: Outcome) -> None:
        self.names.put_nowait("answered")

    def environment_ended(self, environment: Environment, *, before: Status, failure: Outcome | None) -> None:
        self.names.put_nowait("ended")

    def environment_gone(self, environment: Environment) -> None:
        self.names.put_nowait("gone")


class Process:
    """A starter of one process, which is this test: it keeps the Runtime API's address and says its end."""

    runs_processes = False

    def open_output(self, key: str) -> tuple[int, int]:
        return os.pipe()

    async def start(
        self, key: str, variables: Mapping[str, str], output: int, on_exit: Callable[[Exit], None]
    ) -> int:
        self.address, self.exits = variables["address"], on_exit
        return os.getpid()

    def kill(self, key: str) -> None:
        """Do nothing: it ends when the test says so."""


@pytest.fixture
async def owner() -> Told:
    return Told()


@pytest.fixture
def process() -> Process:
    return Process()


@pytest.fixture
async def environment(owner: Told, process: Process) -> AsyncIterator[Environment]:
    made = Environment(
        "k",
        Function("f", "m.h", Path("/")),
        owner=owner,
        starter=process,
        settings=RuntimeSettings(),
        clock=ManualClock(),
    )
    await made.start(lambda address: {"address": address})
    yield made
    made.kill()
    process.exits(Exit(-9))


@pytest.fixture
async def runtime(environment: Environment, process: Process) -> AsyncIterator[Runtime]:
    """The connection of the process to its Runtime API."""
    host, _, port = process.address.partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    yield reader, writer
    writer.close()


async def test_one_whose_process_has_ended_takes_no_call(
    environment: Environment, owner: Told, process: Process, runtime: Runtime
) -> None:
    """Its answer is still read, but that it asked for more before its end is too late."""
    reader, writer = runtime
    writer.write(ASK)
    async with asyncio.timeout(DEADLINE_S):
        assert await owner.names.get() == "ready"
        result: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        environment.run(Invocation(environment.function, "r1", b"{}", {}, result))
        environment.hand_over()
        await reader.readuntil(b"{}")
        process.exits(Exit(-9))
        assert await owner.names.get() == "gone"
        writer.write(ANSWER)
        writer.write(ASK)
        assert [await owner.names.get() for _ in range(2)] == ["answered", "ended"]


async def test_an_idle_one_whose_process_has_ended_is_given_up(
    environment: Environment, owner: Told, process: Process, runtime: Runtime
) -> None:
    """It has said what it had to say: nobody waits until its connection is seen to be closed."""
    _, writer = runtime
    writer.write(ASK)
    async with asyncio.timeout(DEADLINE_S):
        assert await owner.names.get() == "ready"
        process.exits(Exit(-9))
        assert [await owner.names.get() for _ in range(2)] == ["ended", "gone"]


async def test_one_that_starts_while_the_fork_server_dies_is_started_once(
    serve: Serve, function: Make, until: Callable[..., Awaitable[Any]]
) -> None:
    """The next fork server starts it; no process was there that could have failed."""
    clock = ManualClock()
    timeline = Timeline(clock)
    service = await serve(function("echo"), timeline=timeline, clock=clock)
    [fork_server] = service.fork_server_pids()
    os.kill(fork_server, signal.SIGSTOP)
    calling = asyncio.create_task(service.invoke("echo", b"1"))
    await until(service.environments)
    os.kill(fork_server, signal.SIGKILL)
    async with asyncio.timeout(DEADLINE_S):
        result = await calling
    assert result.payload == b"1"
    assert "INIT_REPORT" not in result.log
    assert [entry.kind for entry in timeline.entries()].count("environment.started") == 1
