"""Messages to clients: one, a thousand at once, a broadcast; beside a bare `websockets` server.

.venv/bin/python -m scripts.benchmarks.delivery [--json FILE]

The ConnectionManager runs here as it does in an executor, over its signed TLS connections to
`@connections`; the clients that read are another process.
"""

import asyncio
import logging
import os
import random
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from botocore.session import Session
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, broadcast, serve

from emulator import Sandbox
from emulator.account import CREDENTIALS, REGION
from scripts.benchmarks.rows import Row, parser, percentile, show
from streamer.clock import SystemClock
from streamer.connections.manager import ConnectionManager
from streamer.connections.retries import Delivery
from streamer.connections.transport import SignedTransport
from streamer.lambdas.clients import client_factory
from streamer.stack import stack
from streamer.store import Connection, ConnectionStore

ROOT = Path(__file__).resolve().parents[2]
CLIENTS = 100
SENDS = 1_000
WARM_UP = 100
BROADCASTS = 50
DEADLINE_S = 10.0
"""Until a message that was sent and was not read counts as lost."""

THREADS = 100
"""Callers that send at the same time, in "1,000 concurrent sends"."""

UNTHROTTLED = {"account": {"connection_burst": 10_000, "request_burst": 1_000_000}}
DATA = b'{"type":"progress","request_id":"r","sequence":1,"attempt":1,"percentage":50,"message":"Half way"}'
TENANT = USER = "benchmark"


async def read(url: str, headers: dict[str, str]) -> None:
    """Be the clients, in a process of their own: connect, say so, read as many as are asked for."""
    came = asyncio.Semaphore(0)

    async def listen() -> None:
        async with connect(
            url, additional_headers=headers, compression=None, proxy=None, ping_interval=None, open_timeout=60
        ) as connection:
            opened.release()
            async for _ in connection:
                came.release()

    opened = asyncio.Semaphore(0)
    tasks = [asyncio.create_task(listen()) for _ in range(CLIENTS)]
    for _ in tasks:
        await opened.acquire()
    print("ready", flush=True)
    expected = int(await asyncio.to_thread(sys.stdin.readline) or 0)
    received = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(DEADLINE_S):
            while received < expected:
                await came.acquire()
                received += 1
    print(received, flush=True)
    os._exit(0)


@asynccontextmanager
async def readers(url: str, token: str = "") -> AsyncIterator[Callable[[int], Any]]:
    """Run the clients; gives what ends them once so many messages came, and returns how many did."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "scripts.benchmarks.delivery", "--read", url),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "BENCHMARK_TOKEN": token},
    )
    words, answers = process.stdin, process.stdout
    assert words is not None
    assert answers is not None

    async def end(expected: int) -> int:
        words.write(f"{expected}\n".encode())
        received = int(await answers.readline())
        await process.wait()
        return received

    async with AsyncExitStack() as stack_of_ends:
        stack_of_ends.callback(lambda: process.kill() if process.returncode is None else None)
        assert await answers.readline() == b"ready\n"
        yield end


def timed(once: Callable[[], Any], count: int, warm_up: int) -> list[float]:
    """Milliseconds of each call, after some to warm up."""
    for _ in range(warm_up):
        once()
    milliseconds = []
    for _ in range(count):
        began = time.perf_counter()
        once()
        milliseconds.append((time.perf_counter() - began) * 1000)
    return milliseconds


async def bare() -> tuple[list[float], list[float]]:
    """Milliseconds of an echo, and of a broadcast until the last client has it, of bare `websockets`."""
    peers: set[ServerConnection] = set()

    async def answer(connection: ServerConnection) -> None:
        peers.add(connection)
        async for message in connection:
            await connection.send(message)

    async with serve(answer, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"
        echoes, broadcasts = [], []
        async with connect(url, compression=None, proxy=None) as one:
            for _ in range(SENDS):
                began = time.perf_counter()
                await one.send(DATA.decode())
                await one.recv()
                echoes.append((time.perf_counter() - began) * 1000)
        async with AsyncExitStack() as opened:
            clients = [
                await opened.enter_async_context(connect(url, compression=None, proxy=None))
                for _ in range(CLIENTS)
            ]
            for _ in range(BROADCASTS):
                began = time.perf_counter()
                broadcast(peers, DATA.decode())
                await asyncio.gather(*(client.recv() for client in clients))
                broadcasts.append((time.perf_counter() - began) * 1000)
        return echoes, broadcasts


def make_manager(sandbox: Sandbox) -> tuple[ConnectionManager, SignedTransport, ConnectionStore]:
    """Return what a function has, with the credentials, the authority and the endpoint of its environment."""
    os.environ["AWS_ENDPOINT_URL"] = sandbox.addresses.aws_endpoint
    session = Session()
    session.set_credentials(*CREDENTIALS.values())
    session.set_config_variable("region", REGION)
    session.set_config_variable("ca_bundle", sandbox.addresses.ca_bundle)
    store = ConnectionStore(client_factory(session)("dynamodb"), stack().settings, SystemClock())
    transport = SignedTransport.from_session(session)
    manager = ConnectionManager(
        transport,
        store.delete,
        clock=SystemClock(),
        sleep=time.sleep,
        random=random.random,
        logger=logging.getLogger("benchmark"),
        directory=store,
    )
    return manager, transport, store


def processor_ms(pid: int) -> float:
    """Return how much processor time a process has taken."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system) * 1000


def measure_sends(
    manager: ConnectionManager, connections: Sequence[Connection], emulator: int
) -> tuple[list[float], float, list[float], list[float]]:
    """Milliseconds of single sends, of a thousand at once, of broadcasts; and of processor time a message.

    Args:
        emulator: its process id.
    """
    one = connections[0]

    def send(to: Connection) -> None:
        delivery = manager.send(to.endpoint, to.connection_id, DATA)
        assert delivery is Delivery.DELIVERED, delivery

    def to_all() -> None:
        outcome = manager.broadcast(DATA, tenant_id=TENANT)
        assert outcome.count(Delivery.DELIVERED) == CLIENTS, outcome

    singles = timed(lambda: send(one), SENDS, WARM_UP)
    with ThreadPoolExecutor(THREADS) as callers:
        list(callers.map(send, connections))
        began = time.perf_counter()
        list(callers.map(send, [connections[number % CLIENTS] for number in range(SENDS)]))
        together = (time.perf_counter() - began) * 1000
    before = [processor_ms(pid) for pid in (os.getpid(), emulator)]
    broadcasts = timed(to_all, BROADCASTS, 0)
    after = [processor_ms(pid) for pid in (os.getpid(), emulator)]
    taken = [(end - begin) / (CLIENTS * BROADCASTS) for begin, end in zip(before, after, strict=True)]
    return singles, together, broadcasts, taken


async def measure() -> list[Row]:
    """Measure both, the reference first."""
    echoes, bare_broadcasts = await bare()
    async with Sandbox(settings=UNTHROTTLED) as sandbox:
        token = await asyncio.to_thread(sandbox.token, USER, TENANT)
        async with readers(sandbox.addresses.websocket, token) as end:
            manager, transport, store = make_manager(sandbox)
            connections = [*await asyncio.to_thread(store.list_for_tenant, TENANT)]
            assert len(connections) == CLIENTS, len(connections)
            singles, together, broadcasts, (here, there) = await asyncio.to_thread(
                measure_sends, manager, connections, sandbox.state.pid
            )
            expected = manager.counters.sent
            received = await end(expected)
            assert received == expected, f"{expected} sent, {received} received"
            manager.close()
            transport.close()
    return [
        Row("single send, p50", percentile(singles, 0.5), "ms", percentile(echoes, 0.5)),
        Row("single send, p99", percentile(singles, 0.99), "ms", percentile(echoes, 0.99), 3),
        Row(f"{SENDS} concurrent sends, all", together, "ms"),
        Row("concurrent sends", SENDS / together * 1000, "/s", 1000 / statistics.mean(echoes)),
        Row(
            f"broadcast to {CLIENTS}, p50",
            percentile(broadcasts, 0.5),
            "ms",
            percentile(bare_broadcasts, 0.5),
            25,
        ),
        Row(
            f"broadcast to {CLIENTS}, p99",
            percentile(broadcasts, 0.99),
            "ms",
            percentile(bare_broadcasts, 0.99),
            50,
        ),
        Row("processor time of a message in a broadcast, here", here, "ms"),
        Row("processor time of a message in a broadcast, emulator", there, "ms"),
    ]


def main() -> None:
    """Run as a program."""
    if sys.argv[1:2] == ["--read"]:
        asyncio.run(read(sys.argv[2], {"Authorization": f"Bearer {os.environ['BENCHMARK_TOKEN']}"}))
        return
    arguments = parser(__doc__ or "").parse_args()
    show("Messages to clients on this machine", asyncio.run(measure()), arguments.json)


if __name__ == "__main__":
    main()
