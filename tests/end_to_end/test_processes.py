"""Whoever is killed takes along what it started."""

import asyncio
import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from emulator import Sandbox
from emulator.errors import SandboxNotRunning
from streamer.clients.python import ClientError

DRIVER = Path(__file__).with_name("driver.py")


@pytest.mark.slow
async def test_killed_parent_leaves_no_process(terminal: Any, family: Any, eventually: Any) -> None:
    """SIGKILL of the program that holds a sandbox ends the emulator, LocalStack and every environment."""
    driver = await terminal.start(str(DRIVER))
    async with asyncio.timeout(100):
        line = await driver.stdout.readline()
    told = json.loads(line)
    tree = family(driver.pid)
    assert len(tree.look()) > 6
    driver.kill()
    await terminal.finish(driver)
    await eventually(lambda: not tree.look())
    await eventually(lambda: not Path(told["run_folder"]).exists())


@pytest.mark.slow
async def test_killed_emulator_leaves_no_process(terminal: Any, eventually: Any) -> None:
    """SIGKILL of the emulator itself ends what it started, and `up` says so and ends with status 1."""
    async with terminal.up() as up:
        [emulator] = up.family.root.children()
        assert "emulator.server" in emulator.cmdline()
        up.family.look()
        emulator.kill()
        finished = await up.end()
        assert finished.status == 1
        assert "SIGKILL" in finished.err
        await eventually(lambda: not up.family.look())
    shown = await terminal.run("-m", "emulator", "status")
    assert (shown.status, "No sandbox is running" in shown.err) == (1, True)
    called = await terminal.run("-m", "streamer", "call", "echo")
    assert (called.status, "start the application again" in called.err) == (1, True)


@pytest.mark.slow
async def test_killed_localstack_is_told(terminal: Any, eventually: Any) -> None:
    """LocalStack killed: `up` ends with status 1, says what happened and shows the end of its log."""
    async with terminal.up() as up:
        up.family.find("streamer_localstack").kill()
        finished = await up.end()
    assert finished.status == 1
    assert "LocalStack has ended (exit code -9)" in finished.err
    assert "end of its log" in finished.err
    assert "Traceback" not in finished.err
    assert not terminal.state_file.exists()
    assert not terminal.deployment_file.exists()
    await eventually(lambda: not up.family.look())
    called = await terminal.run("-m", "streamer", "call", "echo")
    assert (called.status, "No running deployment" in called.err) == (1, True)


@pytest.mark.slow
async def test_call_after_localstack_was_killed_says_so(family: Any, eventually: Any) -> None:
    """With LocalStack killed, what is under way fails, and every later call says what happened."""
    async with Sandbox() as sandbox:
        tree = family(sandbox.state.pid)
        client = await sandbox.connect()
        sandbox.boto3("dynamodb").list_tables()
        await client.request("echo")
        request = client.request("generate_report", {"start_date": "2022-01-01", "end_date": "2024-12-31"})
        tree.find("streamer_localstack").kill()
        with pytest.raises(ClientError):
            await request
        assert "LocalStack has ended" in await sandbox.wait()
        for call in (sandbox.connect, sandbox.timeline, sandbox.environments):
            with pytest.raises(SandboxNotRunning, match="LocalStack has ended"):
                await call()
        for blocking in (sandbox.token, lambda: sandbox.boto3("dynamodb"), lambda: sandbox.addresses):
            with pytest.raises(SandboxNotRunning, match="LocalStack has ended"):
                blocking()
        await eventually(lambda: not tree.look())
        await client.close()


async def test_interrupt_of_the_group_does_not_reach_the_sandbox(sandbox: Sandbox) -> None:
    """The emulator runs in a session of its own: a kernel's interrupt goes to its group, not to ours."""
    assert os.getsid(sandbox.state.pid) != os.getsid(0)
    assert os.getpgid(sandbox.state.pid) != os.getpgid(0)


@pytest.mark.slow
async def test_interrupt_while_it_starts_leaves_nothing(terminal: Any, family: Any, eventually: Any) -> None:
    """Ctrl-C before the sandbox is ready ends it all, with the status of an interrupted program."""
    process = await terminal.start("-m", "emulator", "up")
    tree = family(process.pid)
    await eventually(lambda: len(tree.look()) > 2)
    process.send_signal(signal.SIGINT)
    finished = await terminal.finish(process)
    assert finished.status == 130
    assert "Traceback" not in finished.err
    await eventually(lambda: not tree.look())
    assert not terminal.state_file.exists()
