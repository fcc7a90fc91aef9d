"""What stands in the way of a start is told once, in a sentence, before anything is made."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
DEADLINE_S = 90.0


async def run(*arguments: str, **surroundings: str) -> tuple[int | None, str]:
    """Run a command; returns its exit status and what it says, in one line."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "500", **surroundings},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(DEADLINE_S):
        _, said = await process.communicate()
    return process.returncode, " ".join(said.decode().split())


async def test_a_demo_that_cannot_be_written_down_is_not_played(tmp_path: Path) -> None:
    """The file of `--json` is tried before the demo, not after it."""
    target = tmp_path / "nowhere" / "demo.json"
    status, said = await run("-m", "scripts.demonstration", "--json", str(target))
    assert status == 2
    assert f"{target} cannot be written" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("variable", ["STREAMER_SANDBOX_STATE", "STREAMER_DEPLOYMENT"])
async def test_a_place_that_cannot_be_written_is_told_once(tmp_path: Path, variable: str) -> None:
    """A state file that cannot be written is named, with the variable that names another place."""
    (tmp_path / "file").touch()
    places: dict[str, Any] = {
        "STREAMER_SANDBOX_STATE": str(tmp_path / "sandbox.json"),
        "STREAMER_DEPLOYMENT": str(tmp_path / "deployment.json"),
        "TMPDIR": str(tmp_path),
        variable: str(tmp_path / "file" / "state.json"),
    }
    status, said = await run("-m", "emulator", "up", "--json", **places)
    assert status == 1
    assert said.count(variable) == 1
    assert "Traceback" not in said
    assert not (tmp_path / "sandbox.json").exists()


async def test_a_second_sandbox_says_that_it_takes_the_firsts_place(tmp_path: Path) -> None:
    """Two sandboxes run side by side, and nobody has to guess which one the other commands talk to."""
    running = {
        "pid": os.getpid(),
        "addresses": dict.fromkeys(
            ["websocket", "management", "https", "aws_endpoint", "lambda_endpoint", "control", "ca_bundle"],
            "",
        ),
        "secret": "",
        "backend": {},
        "run_folder": "",
        "started_in_s": {},
    }
    state = tmp_path / "sandbox.json"
    state.write_text(json.dumps(running))
    places = {
        "STREAMER_SANDBOX_STATE": str(state),
        "STREAMER_DEPLOYMENT": str(tmp_path / "file" / "deployment.json"),  # ends it once it has said so
        "TMPDIR": str(tmp_path),
    }
    (tmp_path / "file").touch()
    _, said = await run("-m", "emulator", "up", **places)
    assert f"process {os.getpid()}" in said
