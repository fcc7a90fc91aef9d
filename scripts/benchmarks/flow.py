"""The whole flow: ready, echo, queue, completion, memory.

.venv/bin/python -m scripts.benchmarks.flow [--json FILE]
"""

import asyncio
import time
from typing import Any

from websockets.asyncio.client import connect as connect_bare
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_bare

from emulator import Sandbox
from scripts.benchmarks.rows import Row, parser, percentile, show
from streamer.clock import SystemClock
from streamer.stack import stack
from streamer.store import RequestKey, RequestStore

STARTS = 3
ECHOES = 2_000
WARM_UP = 200
REQUESTS = 100
OPTIONS = {"action_modules": ["streamer.testing"]}


async def starts() -> list[float]:
    """Start and stop the sandbox a few times; seconds to ready."""
    seconds = []
    for _ in range(STARTS):
        began = time.perf_counter()
        async with Sandbox(options=OPTIONS):
            seconds.append(time.perf_counter() - began)
    return seconds


async def bare_echo() -> list[float]:
    """Round trips, in ms, of a `websockets` server that does nothing else."""

    async def answer(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async with serve_bare(answer, "127.0.0.1", 0, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        async with connect_bare(f"ws://127.0.0.1:{port}", compression=None, proxy=None) as connection:

            async def once() -> None:
                await connection.send('{"action": "echo", "payload": {"message": "hi"}}')
                await connection.recv()

            return await timed(once, ECHOES)


async def timed(once: Any, count: int) -> list[float]:
    """Run `once` some times to warm up, then `count` times; milliseconds of each."""
    for _ in range(WARM_UP):
        await once()
    milliseconds = []
    for _ in range(count):
        began = time.perf_counter()
        await once()
        milliseconds.append((time.perf_counter() - began) * 1000)
    return milliseconds


async def echo(client: Any) -> list[float]:
    """Round trips of the action `echo`."""

    async def once() -> None:
        await client.request("echo", {"message": "hi"})

    return await timed(once, ECHOES)


async def long_requests(sandbox: Sandbox, client: Any) -> tuple[list[float], list[float]]:
    """Requests of an action that does nothing: ms from enqueued to executor start, and to completion."""
    ids, completions = [], []
    for _ in range(REQUESTS):
        began = time.perf_counter()
        request = client.request("noop")
        await request
        completions.append((time.perf_counter() - began) * 1000)
        ids.append(request.request_id)
    return await starts_after_enqueue(sandbox, ids), completions


async def starts_after_enqueue(sandbox: Sandbox, request_ids: list[str]) -> list[float]:
    """Milliseconds from created to claimed, as the STATE items say."""
    requests = RequestStore(sandbox.boto3("dynamodb"), stack().settings, SystemClock())
    waits = []
    for request_id in request_ids:
        state = await asyncio.to_thread(requests.get, RequestKey("demo", "demo", request_id))
        assert state.started_at is not None
        waits.append((state.started_at - state.created_at) * 1000)
    return waits


def _size(process: dict[str, Any]) -> float:
    """Proportional set size where the system tells it, else resident set size; MB."""
    size: float = process["pss_mb"] if process["pss_mb"] is not None else process["rss_mb"]
    return size


async def measure() -> list[Row]:
    """Measure everything; the reference runs right before what it is compared with."""
    ready = await starts()
    rows = [Row("time to ready, environments warm", percentile(ready, 0.5), "s", goal=4)]
    async with (
        Sandbox(options=OPTIONS) as sandbox,
        await sandbox.connect(user="demo", tenant="demo") as client,
    ):
        bare, ours = await bare_echo(), await echo(client)
        rows += [
            Row("echo round trip, p50", percentile(ours, 0.5), "ms", percentile(bare, 0.5), 1.5),
            Row("echo round trip, p99", percentile(ours, 0.99), "ms", percentile(bare, 0.99), 6),
        ]
        waits, completions = await long_requests(sandbox, client)
        rows += [
            Row("enqueued to executor start, p50", percentile(waits, 0.5), "ms", goal=30),
            Row("enqueued to executor start, p99", percentile(waits, 0.99), "ms"),
            Row("request to completion, p50", percentile(completions, 0.5), "ms", goal=60),
            Row("request to completion, p99", percentile(completions, 0.99), "ms"),
        ]
        processes = await sandbox.memory()
        for process in processes:
            rows.append(Row(f"memory: {process['name']}", _size(process), "MB"))
        rows.append(Row("memory: all processes", sum(map(_size, processes)), "MB"))
    return rows


if __name__ == "__main__":
    arguments = parser(__doc__ or "").parse_args()
    show("The whole flow on this machine", asyncio.run(measure()), arguments.json)
