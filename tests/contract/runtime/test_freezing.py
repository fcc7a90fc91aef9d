"""Nothing of an environment runs between its invocations (row E31)."""

import asyncio
import json
import sys
import textwrap
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from emulator.application import Function
from emulator.runtime import LambdaService, RuntimeSettings, StartMethod

Serve = Callable[..., Awaitable[LambdaService]]
Call = Callable[..., Awaitable[Any]]

TICKING = """
import os, subprocess, sys, threading, time

beats = 0
child = None

def beat():
    global beats
    while True:
        beats += 1
        time.sleep(0.001)

threading.Thread(target=beat, daemon=True).start()

def handler(event, context):
    global child
    if child is None:
        child = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    goal = beats + 3
    while beats < goal:
        time.sleep(0.001)
    return {"pid": os.getpid(), "child": child.pid, "beats": beats}
"""


@pytest.fixture(params=["fork", "spawn"])
def method(request: pytest.FixtureRequest) -> StartMethod:
    return StartMethod(request.param)


@pytest.fixture
def ticking(code: Path) -> Function:
    (code / "ticking.py").write_text(textwrap.dedent(TICKING))
    return Function("ticking", "ticking.handler", code, timeout_s=20)


def status(pid: int) -> str:
    return str(psutil.Process(pid).status())


@pytest.mark.row("E31")
async def test_an_idle_environment_is_stopped_with_its_children(
    serve: Serve, call: Call, until: Call, ticking: Function, method: StartMethod
) -> None:
    """Threads and child processes of a handler rest after the response and go on with the next event."""
    settings = RuntimeSettings(start_method=method, preload=(), preload_clients=())
    service = await serve(ticking, settings=settings)
    first = await call(service, "ticking")
    for pid in (first["pid"], first["child"]):
        await until(lambda pid=pid: status(pid) == psutil.STATUS_STOPPED)
    second = await call(service, "ticking")
    assert (second["pid"], second["child"]) == (first["pid"], first["child"])
    assert second["beats"] > first["beats"]
    [environment] = service.environments()
    assert environment.pid == first["pid"]


async def test_freezing_is_a_setting(serve: Serve, call: Call, until: Call, ticking: Function) -> None:
    """Switched off, an idle environment goes on."""
    settings = RuntimeSettings(freeze=False, preload=(), preload_clients=())
    service = await serve(ticking, settings=settings)
    first = await call(service, "ticking")
    await until(lambda: service.environments()[0].state == "idle")
    assert status(first["pid"]) != psutil.STATUS_STOPPED
    assert status(first["child"]) != psutil.STATUS_STOPPED


@pytest.mark.skipif(sys.platform != "linux", reason="a figure of Linux")
async def test_the_fork_server_sleeps_while_environments_stop_and_go_on(
    serve: Serve, call: Call, until: Call, function: Callable[..., Function]
) -> None:
    """Stopping and continuing does not wake the fork server, which is every environment's parent."""
    service = await serve(function("echo"))
    await call(service, "echo", 1)

    def wakes() -> int:
        [pid] = service.fork_server_pids()
        return int(psutil.Process(pid).num_ctx_switches().voluntary)

    async def frozen() -> None:
        pid = service.environments()[0].pid
        await until(lambda: status(pid) == psutil.STATUS_STOPPED)
        await until(lambda: status(service.fork_server_pids()[0]) == psutil.STATUS_SLEEPING)

    await frozen()
    before = wakes()
    for _ in range(10):
        await call(service, "echo", 1)
        await frozen()
    assert wakes() == before


async def test_a_stopped_environment_can_be_killed_and_replaced(
    serve: Serve, call: Call, until: Call, gone: Call, ticking: Function
) -> None:
    """Killing reaches stopped processes, their children included."""
    service = await serve(ticking)
    first = await call(service, "ticking")
    await until(lambda: status(first["child"]) == psutil.STATUS_STOPPED)
    assert await service.kill_environment("ticking") == first["pid"]
    await gone(first["child"])
    assert (await call(service, "ticking"))["pid"] != first["pid"]


KILLED = """
import asyncio, json, sys
from pathlib import Path
import psutil
from emulator.application import Function
from emulator.runtime import LambdaService, RuntimeSettings, StartMethod

async def main(code, method):
    function = Function("ticking", "ticking.handler", code, timeout_s=20)
    settings = RuntimeSettings(start_method=StartMethod(method), preload=(), preload_clients=())
    service = LambdaService([function], settings=settings)
    await service.start()
    seen = json.loads((await service.invoke("ticking", b"{}")).payload)
    pids = [seen["pid"], seen["child"]]
    while any(psutil.Process(pid).status() != psutil.STATUS_STOPPED for pid in pids):
        await asyncio.sleep(0.01)
    print(json.dumps(pids + service.fork_server_pids()), flush=True)
    await asyncio.Event().wait()

asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
"""


@pytest.mark.parametrize("victim", ["emulator", "fork server"])
async def test_stopped_processes_end_with_whoever_keeps_them(
    code: Path, tmp_path: Path, gone: Call, ticking: Function, method: StartMethod, victim: str
) -> None:
    """SIGKILL of the emulator or of the fork server leaves no stopped process."""
    driver = tmp_path / "driver.py"
    driver.write_text(KILLED)
    process = await asyncio.create_subprocess_exec(
        sys.executable, driver, code, method.value, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            *pids, fork_server = json.loads(await process.stdout.readline())
        psutil.Process(process.pid if victim == "emulator" else fork_server).kill()
        for pid in [*pids, fork_server]:
            await gone(pid)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
