"""`Sandbox` in code: started and stopped, under a running event loop, with nothing left behind."""

import asyncio
import os
import time
from contextlib import suppress
from typing import Any

import psutil
import pytest
import urllib3

from emulator import Sandbox
from emulator.errors import SandboxNotRunning, StartFailed
from streamer.clients.python import ConnectionRefused

DEADLINE_S = 20.0


def own_children() -> set[psutil.Process]:
    """Return what this process started itself: a sandbox that other tests share starts more at any time."""
    return set(psutil.Process().children())


def exists(path: str) -> bool:
    return os.path.exists(path)


async def started_pids(sandbox: Sandbox) -> set[int]:
    """Return every process id that the timeline names, also of environments that are gone."""
    return {entry["facts"]["pid"] for entry in await sandbox.timeline() if entry["facts"].get("pid")}


@pytest.mark.slow
async def test_block_starts_and_ends_everything(family: Any) -> None:
    """`async with Sandbox()` gives a working sandbox; after the block no process and no file is left."""
    before = own_children()
    async with Sandbox() as sandbox:
        tree = family(sandbox.state.pid)
        client = await sandbox.connect(user="demo", tenant="demo")
        assert (await client.request("echo", {"message": "hi"}))["echo"] == {"message": "hi"}
        await client.request("generate_report", {"start_date": "2024-01-01", "end_date": "2024-01-31"})
        await client.close()
        assert "streamer-requests" in sandbox.boto3("dynamodb").list_tables()["TableNames"]
        assert len(tree.look()) > 5
        pids = await started_pids(sandbox)
        run_folder = sandbox.state.run_folder
        assert exists(run_folder)
    assert tree.alive() == set()
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert own_children() <= before
    assert not exists(run_folder)


@pytest.mark.slow
async def test_start_and_stop_without_a_block(family: Any) -> None:
    """`await Sandbox.start()` and `stop()` do the same; stopping twice is allowed."""
    sandbox = await Sandbox.start()
    tree = family(sandbox.state.pid)
    tree.look()
    client = await sandbox.connect()
    assert await client.request("health")
    await sandbox.stop()
    await sandbox.stop()
    assert tree.alive() == set()
    await client.wait_closed()
    assert client.is_closed
    with pytest.raises(SandboxNotRunning):
        await sandbox.connect()
    for blocking in (sandbox.token, lambda: sandbox.boto3("dynamodb")):
        with pytest.raises(SandboxNotRunning):
            blocking()


@pytest.mark.slow
async def test_handle_starts_again_after_its_end() -> None:
    """The same handle can be started again; what it remembered of the first run is not used in the second."""
    sandbox = Sandbox()
    pids = []
    for _ in range(2):
        assert await sandbox.start() is sandbox
        try:
            client = await sandbox.connect()
            assert await client.request("health")
            assert sandbox.boto3("s3").list_buckets()["Buckets"]
            await client.close()
            pids.append(sandbox.state.pid)
        finally:
            await sandbox.stop()
    assert len(set(pids)) == 2


async def test_sandbox_that_runs_is_not_started_again(sandbox: Sandbox) -> None:
    """A second start of the same handle is refused, and the running sandbox goes on."""
    with pytest.raises(StartFailed):
        await sandbox.__aenter__()
    with pytest.raises(StartFailed):
        await sandbox.start()
    assert await sandbox.environments()


@pytest.mark.slow
async def test_start_that_is_cancelled_leaves_nothing(family: Any, eventually: Any) -> None:
    """Whoever gives up while the sandbox starts leaves no process behind."""
    before = own_children()
    starting = asyncio.create_task(Sandbox.start())
    await eventually(lambda: own_children() - before)
    [root] = own_children() - before
    tree = family(root.pid)
    await eventually(lambda: len(tree.look()) > 1)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    await eventually(lambda: not tree.look())


async def test_blocking_code_does_not_stop_it(sandbox: Sandbox, stored: Any, person: Any) -> None:
    """A cell that blocks the event loop, as in Jupyter, stops neither gateway nor functions."""
    client = await sandbox.connect(person.user, person.tenant)
    request = client.request("sleep", {"seconds": 0.6, "steps": 3})
    await request.acknowledgment()
    dynamodb = sandbox.boto3("dynamodb")
    state = {"pk": {"S": stored.pk(person, request.request_id)}, "sk": {"S": "STATE"}}
    until = time.monotonic() + DEADLINE_S
    status = ""
    while status != "COMPLETED" and time.monotonic() < until:  # without a turn for the event loop
        time.sleep(0.05)  # noqa: ASYNC251  # what the test is about
        found = dynamodb.get_item(TableName=stored.requests.name, Key=state, ConsistentRead=True)
        status = found["Item"]["status"]["S"]
    assert status == "COMPLETED"
    assert not request.is_done
    assert (await request)["attempt"] == 1
    await client.close()


async def test_blocking_calls_work_inside_the_loop(sandbox: Sandbox) -> None:
    """boto3, which blocks, can be called from a coroutine: nothing that it needs runs in this loop."""
    tables = sandbox.boto3("dynamodb").list_tables()["TableNames"]
    assert {"streamer-requests", "streamer-connections", "streamer-subscriptions"} <= set(tables)
    answer = sandbox.boto3("lambda").invoke(FunctionName="streamer-sweeper", Payload=b"{}")
    assert answer["StatusCode"] == 200


async def test_everything_listens_on_loopback_only(sandbox: Sandbox, family: Any) -> None:
    """No process of the sandbox listens on anything but 127.0.0.1."""
    listening = []
    for process in family(sandbox.state.pid).look():
        with suppress(psutil.NoSuchProcess):  # it has ended meanwhile
            name = process.name()
            for connection in process.net_connections(kind="inet"):
                if connection.status == psutil.CONN_LISTEN or (connection.laddr and not connection.raddr):
                    listening.append((name, connection.laddr.ip, connection.laddr.port))
    assert len(listening) >= 4
    assert {ip for _, ip, _ in listening} == {"127.0.0.1"}, listening


async def test_run_folder_is_private(sandbox: Sandbox) -> None:
    """Keys and logs of a run are readable by their owner only."""
    assert os.stat(sandbox.state.run_folder).st_mode & 0o077 == 0


async def test_control_api_needs_the_secret(sandbox: Sandbox) -> None:
    """Without the secret of the run nobody on the machine may kill environments or read logs."""
    http = urllib3.PoolManager(retries=False)
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        for path in ("/logs?function=executor", "/timeline"):
            response = await asyncio.to_thread(
                http.request, "GET", sandbox.addresses.control + path, headers=headers
            )
            assert response.status == 403
    http.clear()


async def test_aws_is_never_reached_by_accident(sandbox: Sandbox) -> None:
    """Every boto3 client of the sandbox points to loopback and carries worthless credentials."""
    for service in ("dynamodb", "s3", "lambda", "secretsmanager", "apigatewaymanagementapi"):
        client = sandbox.boto3(service)
        assert client.meta.endpoint_url.startswith("http://127.0.0.1:")


async def test_connect_takes_a_tokens_lifetime(sandbox: Sandbox) -> None:
    """What `token` takes, `connect` takes too: with a lifetime that is over the handshake is refused."""
    with pytest.raises(ConnectionRefused) as refusal:
        await sandbox.connect(expires_in_s=-60)
    assert refusal.value.status == 401
