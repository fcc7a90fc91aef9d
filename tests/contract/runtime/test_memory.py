"""Memory that an invocation used, and its limit."""

import json
import re
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from emulator.application import Function
from emulator.runtime import LambdaService, RuntimeSettings

Serve = Callable[..., Awaitable[LambdaService]]
Call = Callable[..., Awaitable[Any]]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="figures of Linux")

GREEDY = """
import subprocess, sys, time

CHILD = "import sys; kept = b'x' * (%d << 20); print('ready', flush=True); sys.stdin.read()"

def handler(event, context):
    if event.get("own"):
        kept = b"x" * (event["own"] << 20)
    if event.get("child"):
        child = subprocess.Popen(
            [sys.executable, "-c", CHILD % event["child"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        child.stdout.readline()
    if event.get("stay"):
        time.sleep(600)
    return "done"
"""


@pytest.fixture
def greedy(code: Path) -> Function:
    (code / "greedy.py").write_text(GREEDY)
    return Function("greedy", "greedy.handler", code, timeout_s=20)


def used_mb(log: str) -> int:
    found = re.search(r"Max Memory Used: (\d+) MB", log)
    assert found is not None
    return int(found[1])


@pytest.mark.parametrize("whose", ["own", "child"])
async def test_the_memory_used_is_reported(serve: Serve, greedy: Function, whose: str) -> None:
    """Max Memory Used counts the process and what it started; above the limit is no failure by default."""
    service = await serve(greedy)
    small = await service.invoke("greedy", b"{}")
    assert 0 < used_mb(small.log) < 100
    # A figure may be a quarter of a second old, so a new environment is asked.
    await service.kill_environment("greedy")
    large = await service.invoke("greedy", json.dumps({whose: 200}).encode())
    assert large.payload == b'"done"'
    assert used_mb(large.log) > 200


@pytest.mark.row("E38", switch="RuntimeSettings.enforce_memory_limit")
@pytest.mark.parametrize("whose", ["own", "child"])
async def test_the_limit_is_enforced_where_that_is_wanted(
    serve: Serve, greedy: Function, whose: str, until: Call
) -> None:
    """Whoever has more is killed, as on AWS, and the next call finds another process."""
    settings = RuntimeSettings(enforce_memory_limit=True, preload=(), preload_clients=())
    service = await serve(greedy, settings=settings)
    result = await service.invoke("greedy", json.dumps({whose: 300, "stay": True}).encode())
    assert json.loads(result.payload) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {result.request_id} Error: Runtime exited with error: signal: killed",
    }
    assert "Max Memory Used: 128 MB" in result.log
    assert "\tStatus: error\tError Type: Runtime.OutOfMemory\t\n" in result.log
    assert (await service.invoke("greedy", b"{}")).payload == b'"done"'
