"""Many clients at once: latency at a fixed rate, a thousand requests under way, work beside work.

.venv/bin/python -m scripts.benchmarks.load [--json FILE]

The rate is kept whatever the answers do (an open loop), and latency counts from the moment at which a message
was due: a server that stalls does not slow its own measurement down.
"""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

from emulator import Sandbox
from scripts.benchmarks.rows import Row, parser, percentile, show

CONNECTIONS = 100
RATE = 200
OPEN_LOOP_S = 10.0
WARM_UP_S = 3.0
MANY = 1_000
OPENING_AT_ONCE = 25
SLEEPERS = 200
SLEEP_S = 2.0
DEADLINE_S = 180.0
"""Until what has not come counts as lost, and the benchmark fails."""

SETTINGS = {"account": {"connection_burst": 10_000, "request_burst": 1_000_000}}
OPTIONS = {"action_modules": ["streamer.testing"], "max_in_flight_per_user": 10 * MANY}


@asynccontextmanager
async def opened(url: str, headers: dict[str, str], count: int) -> AsyncIterator[list[ClientConnection]]:
    """Open connections, some at a time, and close them in the end."""
    gate = asyncio.Semaphore(OPENING_AT_ONCE)

    async def one() -> ClientConnection:
        async with gate:
            return await connect(
                url,
                additional_headers=headers,
                compression=None,
                proxy=None,
                ping_interval=None,
                open_timeout=60,
            )

    connections = await asyncio.gather(*(one() for _ in range(count)))
    try:
        yield list(connections)
    finally:
        await asyncio.gather(*(connection.close() for connection in connections))


@asynccontextmanager
async def bare() -> AsyncIterator[str]:
    """Serve echoes of bare `websockets`; gives the URL."""

    async def answer(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async with serve(answer, "127.0.0.1", 0, compression=None, ping_interval=None) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


async def open_loop(connections: list[ClientConnection], seconds: float) -> list[float]:
    """Send `RATE` messages a second, whatever comes back; milliseconds from when each was due."""
    loop = asyncio.get_running_loop()
    count = int(RATE * seconds)
    due: list[float] = []
    latencies: list[float] = []
    all_came = asyncio.Event()

    async def listen(connection: ClientConnection) -> None:
        async for frame in connection:
            message = json.loads(frame)
            echoed = message.get("data", {}).get("echo") or message.get("payload")
            if echoed is None:
                raise RuntimeError(f"An echo was not answered: {message}")
            latencies.append((loop.time() - due[echoed["number"]]) * 1000)
            if len(latencies) == count:
                all_came.set()

    listeners = [asyncio.create_task(listen(connection)) for connection in connections]
    began = loop.time() + 0.1
    for number in range(count):
        due.append(began + number / RATE)
        await asyncio.sleep(max(0.0, due[number] - loop.time()))
        text = json.dumps({"action": "echo", "payload": {"number": number}})
        await connections[number % len(connections)].send(text)
    try:
        async with asyncio.timeout(DEADLINE_S):
            await all_came.wait()
    finally:
        for listener in listeners:
            listener.cancel()
        await asyncio.gather(*listeners, return_exceptions=True)
    return latencies


async def to_the_end(
    connections: list[ClientConnection], name: str, action: str, payload: dict[str, Any]
) -> tuple[float, list[float], int]:
    """Send one long request on each connection, all at once.

    What API Gateway answers in the function's place, as after its 29 seconds, counts, and the request is sent
    again under its id.

    Returns:
        Seconds until all are complete, seconds of each, and how often the gateway answered.
    """
    began = time.perf_counter()
    of_the_gateway = 0

    async def one(number: int, connection: ClientConnection) -> float:
        nonlocal of_the_gateway
        request = json.dumps({"action": action, "id": f"{name}-{number}", "payload": payload})
        await connection.send(request)
        async for frame in connection:
            message = json.loads(frame)
            match message.get("type"):
                case "complete":
                    return time.perf_counter() - began
                case None:
                    of_the_gateway += 1
                    await connection.send(request)
                case "error":
                    raise RuntimeError(f"A request did not complete: {message}")
        raise RuntimeError("A connection ended.")

    async with asyncio.timeout(DEADLINE_S):
        each = await asyncio.gather(*(one(number, each) for number, each in enumerate(connections)))
    return time.perf_counter() - began, each, of_the_gateway


def processor_s(pids: Iterable[int]) -> float:
    """Return the processor time of processes with all that they have started and is still there."""
    total = 0.0
    for pid in pids:
        for process in (psutil.Process(pid), *psutil.Process(pid).children(recursive=True)):
            try:
                times = process.cpu_times()
            except psutil.NoSuchProcess:
                continue
            total += times.user + times.system + times.children_user + times.children_system
    return total


async def with_processor(work: Callable[[], Awaitable[Any]], pid: int) -> tuple[Any, float, float]:
    """Return what `work` does, and the processor time that the emulator and this process took for it."""
    before = processor_s([pid]), time.process_time()
    found = await work()
    return found, processor_s([pid]) - before[0], time.process_time() - before[1]


async def measure(rows: list[Row]) -> None:
    """Measure everything into `rows`; the reference runs right before what it is compared with."""
    async with bare() as url, opened(url, {}, CONNECTIONS) as connections:
        reference = await open_loop(connections, OPEN_LOOP_S)
    async with Sandbox(options=OPTIONS, settings=SETTINGS) as sandbox:
        token = await asyncio.to_thread(sandbox.token, "load", "load", expires_in_s=36_000)
        headers, url = {"Authorization": f"Bearer {token}"}, sandbox.addresses.websocket
        async with opened(url, headers, CONNECTIONS) as connections:
            await open_loop(connections, WARM_UP_S)
            latencies, theirs, ours = await with_processor(
                lambda: open_loop(connections, OPEN_LOOP_S), sandbox.state.pid
            )
        messages = RATE * OPEN_LOOP_S
        rows += [
            Row(
                f"sync latency at {RATE}/s, p50", percentile(latencies, 0.5), "ms", percentile(reference, 0.5)
            ),
            Row(
                f"sync latency at {RATE}/s, p99",
                percentile(latencies, 0.99),
                "ms",
                percentile(reference, 0.99),
                15,
            ),
            Row("processor time of a message, sandbox", theirs / messages * 1000, "ms"),
            Row("processor time of a message, clients", ours / messages * 1000, "ms"),
        ]
        async with opened(url, headers, SLEEPERS) as connections:
            payload = {"seconds": SLEEP_S, "steps": 1}
            seconds, _, _ = await to_the_end(connections, "sleep", "sleep", payload)
            rows.append(Row(f"{SLEEPERS} requests of {SLEEP_S:g} s at once", seconds, "s", goal=60))
        async with opened(url, headers, MANY) as connections:
            (seconds, each, timeouts), theirs, _ = await with_processor(
                lambda: to_the_end(connections, "noop", "noop", {}), sandbox.state.pid
            )
        rows += [
            Row(f"{MANY} connections with a request each, all complete", seconds, "s"),
            Row("the same, answers by the gateway itself", timeouts, "", goal=1),
            Row("the same, p50 of each", percentile(each, 0.5), "s"),
            Row("requests to completion", MANY / seconds, "/s"),
            Row("processor time of a long request, sandbox", theirs / MANY * 1000, "ms"),
        ]


if __name__ == "__main__":
    arguments = parser(__doc__ or "").parse_args()
    load = os.getloadavg()[0]
    measured: list[Row] = []
    try:
        asyncio.run(measure(measured))
    finally:
        show(f"Many at once (load average before: {load:.1f})", measured, arguments.json)
