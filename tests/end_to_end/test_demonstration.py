"""The demo, as a person starts it."""

import json
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.slow
async def test_demo_plays_the_flow(terminal: Any, tmp_path: Path) -> None:
    """The demo ends with 0 and writes back end, messages with their times, timings and checks as JSON."""
    file = tmp_path / "demo.json"
    finished = await terminal.run("-m", "scripts.demonstration", "--json", str(file))
    assert finished.status == 0, finished.out + finished.err
    written = json.loads(file.read_text())
    assert written["passed"] is True
    assert {"name", "version", "engine"} <= set(written["backend"])
    assert written["backend"]["engine"] == "embedded"
    assert {"ready", "echo", "report", "killed_request"} <= set(written["timings_ms"])
    times = [message["at_ms"] for message in written["messages"]]
    assert times == sorted(times)
    types = [message["message"]["type"] for message in written["messages"]]
    assert {"response", "acknowledgment", "progress", "complete", "error"} == set(types)
    assert types.count("complete") == 2
    assert all(check["passed"] for check in written["checks"])
    assert "✗" not in finished.out
