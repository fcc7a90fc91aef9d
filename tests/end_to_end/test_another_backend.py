"""A sandbox on a back end that runs already, and a deployment that lets one tenant in."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import websockets

from emulator import Sandbox
from emulator.errors import StartFailed
from emulator.testing import run_in

REPORT = {"start_date": "2024-01-01", "end_date": "2024-12-31"}

WAITS = b"x-emulator-wait-ms"
DOES_NOT = b"x-emulator-none-ms"


@pytest.fixture(scope="module")
def neighbour(sandbox: Sandbox, sandbox_loop: asyncio.AbstractEventLoop) -> Iterator[Sandbox]:
    """A second sandbox with a deployment of its own name on the first one's LocalStack."""
    options = {"name": "neighbour", "action_modules": ["streamer.testing"], "allowed_tenants": "acme"}
    second = run_in(sandbox_loop, Sandbox.start(options=options, aws_endpoint=sandbox.addresses.aws_endpoint))
    yield second
    run_in(sandbox_loop, second.stop())


async def play(sandbox: Sandbox) -> None:
    """Play the flow: short, long, a report, and an executor that dies."""
    client = await sandbox.connect("ada", "acme")
    try:
        assert (await client.request("echo", {"a": 1}))["echo"] == {"a": 1}
        report = client.request("generate_report", REPORT)
        percentages = [progress.percentage async for progress in report]
        assert percentages[-1] == 100
        assert (await report)["rows_matched"] > 0
        assert await client.request("kill_environment") == {"attempt": 2}
    finally:
        await client.close()


async def test_flow_works_on_a_back_end_that_runs_already(sandbox: Sandbox, neighbour: Sandbox) -> None:
    """`aws_endpoint=` uses a running back end: the whole flow works there, and LocalStack is not started."""
    assert neighbour.addresses.aws_endpoint == sandbox.addresses.aws_endpoint
    assert dict(neighbour.backend) == dict(sandbox.backend)
    await play(neighbour)
    assert not [row for row in await neighbour.memory() if "localstack" in row["name"].lower()]


async def test_deployments_on_one_back_end_do_not_meet(
    sandbox: Sandbox, neighbour: Sandbox, dial: Any
) -> None:
    """Two deployments on one back end have their own tables, keys and streams."""
    theirs, ours = neighbour.token("ada", "acme"), sandbox.token("ada", "acme")
    with pytest.raises(websockets.InvalidStatus):
        await dial(neighbour.addresses.websocket, ours)
    with pytest.raises(websockets.InvalidStatus):
        await dial(sandbox.addresses.websocket, theirs)
    tables = set(sandbox.boto3("dynamodb").list_tables()["TableNames"])
    assert {"streamer-requests", "neighbour-requests"} <= tables
    wires = [
        await dial(sandbox.addresses.websocket, ours),
        await dial(neighbour.addresses.websocket, theirs),
    ]
    for number, wire in enumerate(wires):
        await wire.send({"action": "sleep", "id": "same", "payload": {"seconds": 0.1, "steps": number + 1}})
    for number, wire in enumerate(wires):
        assert (await wire.until(request_id="same", type="complete"))["result"]["steps"] == number + 1


async def test_tenant_that_is_not_allowed_is_forbidden(neighbour: Sandbox, dial: Any) -> None:
    """A good token of another tenant is answered 403 at the handshake, with no word about why."""
    for header in (True, False):
        token = neighbour.token("eve", "other")
        url = neighbour.addresses.websocket
        with pytest.raises(websockets.InvalidStatus) as refused:
            await (dial(url, token) if header else dial(f"{url}?token={token}"))
        response = refused.value.response
        assert (response.status_code, bytes(response.body or b"")) == (403, b'{"message":"Forbidden"}')
    wire = await dial(neighbour.addresses.websocket, neighbour.token("ada", "acme"))
    assert (await wire.ask({"action": "echo"}))["type"] == "response"


async def test_stopping_leaves_the_back_end_running(sandbox: Sandbox) -> None:
    """A sandbox that did not start its back end does not end it."""
    async with Sandbox(options={"name": "guest"}, aws_endpoint=sandbox.addresses.aws_endpoint) as guest:
        assert guest.addresses.aws_endpoint == sandbox.addresses.aws_endpoint
    client = await sandbox.connect()
    assert await client.request("noop") == {}
    await client.close()


async def test_action_module_that_cannot_be_imported_is_told_at_the_start(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    """An action module that fails at its import ends the start with that error and its place."""
    (tmp_path / "broken_actions.py").write_text('raise RuntimeError("broken on purpose")')
    options = {"name": "broken", "action_modules": "broken_actions", "python_path": str(tmp_path)}
    with pytest.raises(
        StartFailed, match=r"broken-router cannot be loaded: .*broken on purpose.*broken_actions\.py, line 1"
    ):
        await Sandbox.start(options=options, aws_endpoint=sandbox.addresses.aws_endpoint)


@asynccontextmanager
async def relay(url: str) -> AsyncIterator[str]:
    """Pass bytes on to `url`; of the header that asks GetRecords to wait, nothing arrives."""
    target = urlsplit(url)
    writers: list[asyncio.StreamWriter] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65_536):
                writer.write(data.replace(WAITS, DOES_NOT))
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there = await asyncio.open_connection(target.hostname, target.port)
        writers.extend((writer, there[1]))
        await asyncio.gather(pump(reader, there[1]), pump(there[0], writer))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in writers:
            writer.close()


@pytest.mark.slow
async def test_back_end_that_cannot_wait_is_polled(sandbox: Sandbox) -> None:
    """Where GetRecords does not wait, the stream is polled, and the whole flow works as well."""
    options = {"name": "polled", "action_modules": ["streamer.testing"]}
    async with (
        relay(sandbox.addresses.aws_endpoint) as url,
        Sandbox(options=options, aws_endpoint=url) as polled,
    ):
        assert dict(polled.backend)["engine"] == "unknown"
        await play(polled)


FLOW = ("short_requests", "long_requests", "failures", "recovery", "repeated_requests", "reports")
"""The stories that are told on MiniStack too; all of them are, by hand: `STREAMER_TEST_BACKEND=ministack`."""


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(os.environ.get("STREAMER_TEST_BACKEND") == "ministack", reason="everything runs there")
async def test_the_flow_works_on_ministack(ministack: str, terminal: Any) -> None:
    """Another emulator of AWS as the back end: the same tests pass, but for the list of its gaps."""
    environment = {**terminal.environment, "STREAMER_TEST_BACKEND": "ministack"}
    files = [f"tests/end_to_end/test_{story}.py" for story in FLOW]
    options = ["-q", "-p", "no:cacheprovider", "--sandbox-aws-endpoint", ministack]
    run = await terminal.start("-m", "pytest", *options, *files, env=environment)
    said, _ = await run.communicate()
    assert run.returncode == 0, said.decode()[-4000:]


async def test_back_end_that_is_not_there_is_told() -> None:
    """An address where nobody answers fails at once with a sentence that names it."""
    with pytest.raises(StartFailed, match=r"http://127\.0\.0\.1:9"):
        await Sandbox.start(aws_endpoint="http://127.0.0.1:9")
