"""An application of one's own, as the emulator's README tells it."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files of the README's example."""
    readme = (ROOT / "emulator" / "README.md").read_text()
    for name, code in re.findall(r"<!-- example: (\S+\.py) -->\n```python\n(.*?)```", readme, re.DOTALL):
        (tmp_path / name).write_text(code)
    return tmp_path


@pytest.mark.slow
def test_the_example_runs_as_it_stands_there(folder: Path) -> None:
    """A file with a function `application` is served, connected to and has its table."""
    done = subprocess.run(
        [sys.executable, "talk.py"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    reply, items = done.stdout.splitlines()
    assert json.loads(reply) == {"room": "kitchen", "text": "hi"}
    assert "{'S': 'kitchen'}" in items


@pytest.mark.slow
async def test_up_serves_a_file(folder: Path, terminal: Any) -> None:
    """`up` takes the file, says where its stage is, and tells Streamer's commands nothing."""
    async with terminal.up("--application", str(folder / "chat.py"), "--option", "room=hall") as up:
        assert list(up.ready["stages"]) == ["chat/local"]
        assert not terminal.deployment_file.exists()
        finished = await up.end(signal.SIGTERM)
    assert finished.status == 0, finished.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--application", "./nowhere/chat.py"], "chat.py"),
        (["--application", "json.tool"], "declares nothing"),
        (["--set", "gateway.idle_timeout_s=-60"], "gateway.idle_timeout_s cannot be '-60'"),
    ],
    ids=["no-file", "no-application", "no-setting"],
)
async def test_what_is_wrong_is_told_in_a_sentence(terminal: Any, arguments: list[str], says: str) -> None:
    """A name or value that cannot be ends with status 1, before anything starts."""
    finished = await terminal.run("-m", "emulator", "up", *arguments)
    assert finished.status == 1
    assert says in finished.err
    assert "Traceback" not in finished.err
