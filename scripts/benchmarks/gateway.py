"""The gateway: echo, throughput, slow handlers, connects, memory, beside a bare `websockets` server.

.venv/bin/python -m scripts.benchmarks.gateway [--json FILE] [--checkout DIR]

`--checkout DIR` measures the emulator of another checkout of this repository, an older one for instance,
with this program and this environment.
"""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from inspect import signature
from pathlib import Path
from typing import Any

import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

from scripts.benchmarks.rows import Row, parser, percentile, show

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent

COPIED = "gateway_benchmark"
"""What the application is called in a copy of another checkout, which may know names of its own only."""

ECHOES = 1_000
WARM_UP = 200
CONNECTIONS = 50
MESSAGES_EACH = 40
SLOW_CONNECTIONS = 10
UNTHROTTLED = {"account": {"connection_burst": 10_000, "request_burst": 1_000_000}}
"""AWS's limits of the account would end a measurement that is quicker than they allow."""

IDLE = 1_000
OPENING_AT_ONCE = 50
TEXT = '{"action": "%s", "text": "hello there, how are you today?"}'


async def bare() -> None:
    """Serve echoes until standard input ends; the port is the first line of standard output."""

    async def answer(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async with serve(answer, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


@asynccontextmanager
async def bare_server() -> AsyncIterator[tuple[str, int]]:
    """Run it in a process of its own; gives its URL and process id."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        __file__,
        "--serve-bare",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    port = int(await process.stdout.readline())
    try:
        yield f"ws://127.0.0.1:{port}", process.pid
    finally:
        process.stdin.close()
        await process.wait()


@asynccontextmanager
async def clients(url: str, count: int) -> AsyncIterator[list[ClientConnection]]:
    """Open connections, some at a time, and close them in the end."""
    async with AsyncExitStack() as stack:
        gate = asyncio.Semaphore(OPENING_AT_ONCE)

        async def one() -> ClientConnection:
            async with gate:
                return await connect(url, compression=None, proxy=None, ping_interval=None, open_timeout=60)

        opened = await asyncio.gather(*(one() for _ in range(count)))
        stack.push_async_callback(lambda: asyncio.gather(*(each.close() for each in opened)))
        yield list(opened)


async def timed(once: Callable[[], Awaitable[Any]], count: int) -> list[float]:
    """Milliseconds of each call."""
    milliseconds = []
    for _ in range(count):
        began = time.perf_counter()
        await once()
        milliseconds.append((time.perf_counter() - began) * 1000)
    return milliseconds


async def echo(url: str, action: str) -> list[float]:
    """Round trips of one message after another on one connection."""
    async with clients(url, 1) as (client,):

        async def once() -> None:
            await client.send(TEXT % action)
            await client.recv()

        await timed(once, WARM_UP)
        return await timed(once, ECHOES)


async def throughput(url: str, action: str, connections: int, each: int) -> float:
    """Messages per second of connections that each wait for an answer before they send again."""
    async with clients(url, connections) as opened:

        async def talk(client: ClientConnection, count: int) -> None:
            for _ in range(count):
                await client.send(TEXT % action)
                await client.recv()

        await asyncio.gather(*(talk(client, each // 4) for client in opened))
        began = time.perf_counter()
        await asyncio.gather(*(talk(client, each) for client in opened))
        return connections * each / (time.perf_counter() - began)


async def slow(url: str) -> float:
    """Seconds until connections that each send one message to a handler of 1 s have their answers."""
    async with clients(url, SLOW_CONNECTIONS) as opened:
        began = time.perf_counter()
        await asyncio.gather(*(client.send(TEXT % "slow") for client in opened))
        await asyncio.gather(*(client.recv() for client in opened))
        return time.perf_counter() - began


async def idle(url: str, pid: int) -> tuple[float, float, float]:
    """Open idle connections: opened per second, then the process's MB, and bytes for each connection."""
    async with clients(url, OPENING_AT_ONCE):
        pass
    before = memory_bytes(pid)
    began = time.perf_counter()
    async with clients(url, IDLE):
        per_second = IDLE / (time.perf_counter() - began)
        after = memory_bytes(pid)
    return per_second, after / 1_000_000, (after - before) / IDLE


def memory_bytes(pid: int) -> float:
    """Proportional set size where the system tells it, else resident set size."""
    memory = psutil.Process(pid).memory_full_info()
    return float(getattr(memory, "pss", memory.rss))


async def measure(application: str) -> list[Row]:
    """Measure the emulator and, right beside each figure, the bare server."""
    from emulator import Sandbox

    rows: list[Row] = []
    options = {"code": str(HERE / "gateway_code")}
    # An older checkout has neither the limits nor the settings.
    settings: dict[str, Any] = (
        {"settings": UNTHROTTLED} if "settings" in signature(Sandbox).parameters else {}
    )
    sandbox_started = Sandbox(application, options=options, **settings)
    async with bare_server() as (bare_url, bare_pid), sandbox_started as sandbox:
        url = sandbox.addresses.websocket
        reference = await echo(bare_url, "reply")
        for action, words in (("reply", "a route response"), ("post", "@connections")):
            ours = await echo(url, action)
            rows += [
                Row(f"echo by {words}, p{number}", percentile(ours, at), "ms", percentile(reference, at))
                for number, at in ((50, 0.5), (99, 0.99))
            ]
        for action, words in (("reply", "a route response"), ("post", "@connections")):
            many = await throughput(url, action, CONNECTIONS, MESSAGES_EACH)
            bare_many = await throughput(bare_url, action, CONNECTIONS, MESSAGES_EACH)
            rows.append(Row(f"messages by {words}, {CONNECTIONS} connections", many, "/s", bare_many))
        await slow(url)  # so that ten environments are there
        rows.append(Row(f"a handler of 1 s, {SLOW_CONNECTIONS} connections", await slow(url), "s"))
        found = await idle(url, sandbox.state.pid)
        bare_found = await idle(bare_url, bare_pid)
        names = (
            ("connects, `$connect` function included", "/s"),
            (f"memory of the emulator, {IDLE} idle connections", "MB"),
            ("memory for each connection", "B"),
        )
        for (name, unit), value, other in zip(names, found, bare_found, strict=True):
            rows.append(Row(name, value, unit, other))
    return rows


def measure_elsewhere(checkout: Path, arguments: Sequence[str]) -> int:
    """Run this program on a copy of another checkout's emulator; returns its exit status."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        copy = Path(folder)
        for package in ("emulator", "streamer"):
            shutil.copytree(checkout / package, copy / package)
        shutil.copy(HERE / "gateway_application.py", copy / "emulator" / "applications" / f"{COPIED}.py")
        path = os.pathsep.join((str(copy), str(ROOT)))
        command = [sys.executable, __file__, "--application", COPIED, *arguments]
        environment = {**os.environ, "PYTHONPATH": path, **shared_home(checkout)}
        # In the copy: the emulator is started as `python -m`, which looks in the working folder first.
        return subprocess.run(command, cwd=copy, env=environment, check=False).returncode


def shared_home(checkout: Path) -> dict[str, str]:
    """Let a copy use this checkout's LocalStack, where it wants the same one."""
    lock = Path("emulator") / "localstack" / "requirements.lock"
    is_same = (checkout / lock).read_bytes() == (ROOT / lock).read_bytes()
    return {"STREAMER_EMULATOR_HOME": str(ROOT / ".emulator")} if is_same else {}


def main() -> int:
    """Run as a command."""
    options = parser((__doc__ or "").splitlines()[0])
    options.add_argument("--checkout", type=Path, metavar="DIR", help="measure the emulator that lies there")
    options.add_argument("--application", default="scripts.benchmarks.gateway_application", help="internal")
    options.add_argument("--serve-bare", action="store_true", help="internal")
    arguments = options.parse_args()
    if arguments.serve_bare:
        asyncio.run(bare())
        return 0
    json_file = arguments.json.resolve() if arguments.json else None
    if arguments.checkout is not None:
        further = ["--json", str(json_file)] if json_file else []
        return measure_elsewhere(arguments.checkout.resolve(), further)
    import emulator

    print(f"The emulator in {Path(emulator.__file__).parent}")
    show("The gateway on this machine", asyncio.run(measure(arguments.application)), json_file)
    return 0


if __name__ == "__main__":
    sys.exit(main())
