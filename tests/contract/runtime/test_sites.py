"""What outlives an environment's process: `/tmp` and the log stream (row E34)."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from emulator.application import Function
from emulator.runtime import LambdaService, RuntimeSettings, StartMethod

Serve = Callable[..., Awaitable[LambdaService]]
Call = Callable[..., Awaitable[Any]]

KEEPING = """
import os, pathlib, tempfile, time

number = 0

def handler(event, context):
    global number
    number += 1
    kept = pathlib.Path(tempfile.gettempdir()) / "kept"
    seen = kept.read_text() if kept.exists() else None
    kept.write_text("here")
    if event.get("sleep"):
        time.sleep(600)
    if event.get("exit"):
        os._exit(1)
    stream = context.log_stream_name
    return {"number": number, "seen": seen, "folder": tempfile.gettempdir(), "stream": stream}
"""


@pytest.fixture(params=["fork", "spawn"])
def settings(request: pytest.FixtureRequest) -> RuntimeSettings:
    return RuntimeSettings(start_method=StartMethod(request.param), preload=("tempfile",), preload_clients=())


@pytest.fixture
def keeping(code: Path) -> Function:
    (code / "keeping.py").write_text(KEEPING)
    return Function("keeping", "keeping.handler", code, timeout_s=4)


@pytest.mark.row("E34")
@pytest.mark.parametrize("end", ["sleep", "exit"])
async def test_a_reset_keeps_files_and_loses_globals(
    serve: Serve, call: Call, keeping: Function, settings: RuntimeSettings, end: str
) -> None:
    """After a timeout or an exit the process is another, what lies in its temporary folder is there."""
    service = await serve(keeping, settings=settings)
    before = await call(service, "keeping", {})
    assert (before["number"], before["seen"]) == (1, None)
    failed = await service.invoke("keeping", json.dumps({end: True}).encode())
    assert failed.function_error == "Unhandled"
    after = await call(service, "keeping", {})
    assert (after["number"], after["seen"]) == (1, "here")
    assert (after["folder"], after["stream"]) == (before["folder"], before["stream"])
    log = service.logs("keeping")[-1].text
    assert "INIT_START" not in log
    assert "Init Duration" not in log


async def test_every_environment_has_a_folder_of_its_own_while_it_lives(
    serve: Serve,
    call: Call,
    keeping: Function,
    function: Callable[..., Function],
    tmp_path: Path,
    until: Call,
) -> None:
    """Functions share no folder, one that made room has lost its own, and none is left after stop."""
    settings = RuntimeSettings(max_environments=1, preload=(), preload_clients=())
    run_folder = tmp_path / "run"
    run_folder.mkdir()
    service = await serve(keeping, function("echo"), settings=settings, run_folder=run_folder)
    folder = Path((await call(service, "keeping", {}))["folder"])
    assert run_folder in folder.parents
    await call(service, "echo", 1)
    await until(lambda: not folder.exists())
    assert (await call(service, "keeping", {}))["seen"] is None
    await service.stop()
    assert [path for path in run_folder.iterdir() if path.is_dir()] == []
