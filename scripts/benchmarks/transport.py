"""Posts to a connection: ours beside boto3's client, in turn; then ConnectionManager's send and broadcast.

.venv/bin/python -m scripts.benchmarks.transport [--json FILE]
"""

import asyncio
import logging
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from botocore.session import Session

from emulator import Sandbox
from emulator.account import CREDENTIALS, REGION
from scripts.benchmarks.rows import Row, parser, percentile, show
from streamer.clock import SystemClock
from streamer.connections.manager import ConnectionManager, Delivery
from streamer.connections.transport import SignedTransport

POSTS = 500
WARM_UP = 50
MANY = 100
BROADCASTS = 30
THREADS = 16
DATA = b'{"type": "pong", "timestamp": "2026-01-01T00:00:00.000Z"}'


def timed(post: Callable[[], Any], count: int) -> list[float]:
    """Milliseconds of each call, after some to warm up."""
    for _ in range(WARM_UP):
        post()
    milliseconds = []
    for _ in range(count):
        began = time.perf_counter()
        post()
        milliseconds.append((time.perf_counter() - began) * 1000)
    return milliseconds


def together(post: Callable[[], Any]) -> float:
    """Milliseconds that many posts from a pool of threads take together."""
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda _: post(), range(MANY)))
        began = time.perf_counter()
        list(pool.map(lambda _: post(), range(MANY)))
        return (time.perf_counter() - began) * 1000


@dataclass(frozen=True)
class To:
    """A connection of the benchmark."""

    connection_id: str
    endpoint: str


class Everybody:
    """A directory of one tenant."""

    def __init__(self, connected: list[To]) -> None:
        self._connected = connected

    def list_for_tenant(self, tenant_id: str) -> list[To]:
        return self._connected

    def list_for_user(self, tenant_id: str, user_id: str) -> list[To]:
        return []


def managed(transport: SignedTransport, connected: list[To]) -> list[Row]:
    """Measure the manager: single sends, and broadcasts to everybody."""
    manager = ConnectionManager(
        transport,
        lambda _: None,
        clock=SystemClock(),
        sleep=time.sleep,
        random=random.random,
        logger=logging.getLogger("benchmark"),
        directory=Everybody(connected),
    )
    first = connected[0]

    def send() -> None:
        assert manager.send(first.endpoint, first.connection_id, DATA) is Delivery.DELIVERED

    def broadcast() -> None:
        outcome = manager.broadcast(DATA, tenant_id="demo")
        assert outcome.count(Delivery.DELIVERED) == len(connected), outcome

    sends = timed(send, POSTS)
    for _ in range(5):
        broadcast()
    broadcasts = []
    for _ in range(BROADCASTS):
        began = time.perf_counter()
        broadcast()
        broadcasts.append((time.perf_counter() - began) * 1000)
    manager.close()
    return [
        Row("send, p50", percentile(sends, 0.5), "ms"),
        Row("send, p99", percentile(sends, 0.99), "ms", goal=3),
        Row(f"broadcast to {len(connected)}, p50", percentile(broadcasts, 0.5), "ms", goal=25),
        Row(f"broadcast to {len(connected)}, p90", percentile(broadcasts, 0.9), "ms"),
    ]


def measure(sandbox: Sandbox, connection_ids: list[str]) -> list[Row]:
    """Measure both, one after the other."""
    session = Session()
    session.set_credentials(
        CREDENTIALS["AWS_ACCESS_KEY_ID"],
        CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        CREDENTIALS["AWS_SESSION_TOKEN"],
    )
    session.set_config_variable("region", REGION)
    transport = SignedTransport.from_session(session)
    endpoint = sandbox.addresses.management
    connection_id = connection_ids[0]
    boto3 = sandbox.boto3("apigatewaymanagementapi")

    def ours() -> None:
        reply = transport.post(endpoint, connection_id, DATA)
        assert reply.status == 200, reply

    def theirs() -> None:
        boto3.post_to_connection(ConnectionId=connection_id, Data=DATA)

    reference, values = timed(theirs, POSTS), timed(ours, POSTS)
    rows = [
        Row("post, p50", percentile(values, 0.5), "ms", percentile(reference, 0.5)),
        Row("post, p99", percentile(values, 0.99), "ms", percentile(reference, 0.99)),
        Row(f"{MANY} posts, {THREADS} threads", together(ours), "ms", together(theirs)),
    ]
    rows += managed(transport, [To(each, endpoint) for each in connection_ids])
    transport.close()
    return rows


async def main() -> list[Row]:
    """Start a sandbox with a hundred connections and measure against it."""
    async with Sandbox() as sandbox, AsyncExitStack() as stack:
        for _ in range(MANY):
            await stack.enter_async_context(await sandbox.connect())
        ids = [
            entry["facts"]["connection_id"]
            for entry in await sandbox.timeline()
            if entry["kind"] == "gateway.connect"
        ]
        return await asyncio.to_thread(measure, sandbox, ids)


if __name__ == "__main__":
    arguments = parser(__doc__ or "").parse_args()
    show("Posts to a connection: ours, and boto3's as the reference", asyncio.run(main()), arguments.json)
