"""Posts to a connection: our signed transport beside boto3's client, in turn, against one sandbox.

.venv/bin/python -m scripts.benchmarks.transport [--json FILE]
"""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from botocore.session import Session

from emulator import Sandbox
from emulator.account import REGION
from emulator.aws import CREDENTIALS
from scripts.benchmarks.rows import Row, parser, percentile, show
from streamer.connections.transport import SignedTransport

POSTS = 500
WARM_UP = 50
MANY = 100
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


def measure(sandbox: Sandbox, connection_id: str) -> list[Row]:
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
    transport.close()
    return rows


async def main() -> list[Row]:
    """Start a sandbox with one connection and measure against it."""
    async with Sandbox() as sandbox, await sandbox.connect() as client:
        await client.request("echo")
        entries = await sandbox.timeline()
        connection_id = next(
            entry["facts"]["connection_id"] for entry in entries if entry["kind"] == "gateway.connect"
        )
        return await asyncio.to_thread(measure, sandbox, connection_id)


if __name__ == "__main__":
    arguments = parser(__doc__ or "").parse_args()
    show("Posts to a connection: ours, and boto3's as the reference", asyncio.run(main()), arguments.json)
