"""An emulator that is not wanted any more before it is ready."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest

DEADLINE_S = 60.0
CONFIGURATION = {
    "application": "streamer",
    "options": {},
    "aws_endpoint": None,
    "port": 0,
    "settings": {},
    "named": True,
}


@pytest.fixture
async def emulator(tmp_path: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """The emulator's process, told what to start; its temporary files go to `tmp_path`."""
    surroundings = {
        **os.environ,
        "TMPDIR": str(tmp_path),
        "STREAMER_SANDBOX_STATE": str(tmp_path / "sandbox.json"),
        "STREAMER_DEPLOYMENT": str(tmp_path / "deployment.json"),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "emulator.server",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=surroundings,
        start_new_session=True,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(CONFIGURATION).encode() + b"\n")
    yield process
    process.stdin.close()
    if process.returncode is None:
        process.kill()
    await process.wait()


@pytest.mark.parametrize("cause", ["parent", "SIGTERM", "SIGHUP"])
async def test_a_start_that_nobody_waits_for_is_given_up(
    emulator: asyncio.subprocess.Process, tmp_path: Path, cause: str
) -> None:
    """It ends where it is, without getting ready first, and leaves no process and no file."""
    assert emulator.stdin is not None
    assert emulator.stdout is not None
    async with asyncio.timeout(DEADLINE_S):
        first = json.loads(await emulator.stdout.readline())
        assert first["event"] == "progress"
        children = psutil.Process(emulator.pid).children(recursive=True)
        if cause == "parent":
            emulator.stdin.close()
        else:
            emulator.send_signal(signal.Signals[cause])
        events = [json.loads(line)["event"] async for line in emulator.stdout]
        await emulator.wait()
    _, left = await asyncio.to_thread(psutil.wait_procs, children, timeout=DEADLINE_S)
    assert left == []
    assert "ready" not in events
    assert list((tmp_path / f"streamer-sandbox-{os.getuid()}").iterdir()) == []
    assert not (tmp_path / "sandbox.json").exists()
