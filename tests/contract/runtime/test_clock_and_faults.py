"""An environment's time, and environments that die on purpose."""

import json
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from emulator.application import Function
from emulator.clock import SandboxClock
from emulator.faults import Fault, FaultKind, Faults
from emulator.runtime import LambdaService, RuntimeClient, RuntimeSettings

Serve = Callable[..., Awaitable[LambdaService]]
Call = Callable[..., Awaitable[Any]]

TELLING = """
import datetime, sys, time
import awslambdaric

def handler(event, context):
    return {
        "time": time.time(), "now": datetime.datetime.now(datetime.timezone.utc).timestamp(),
        "remaining_ms": context.get_remaining_time_in_millis(), "travels": "time_machine" in sys.modules,
        "tests": "pytest" in sys.modules,
        "monotonic": time.monotonic(),
    }
"""


@pytest.mark.parametrize("client", ["native", "pure"])
async def test_an_environment_follows_the_sandboxs_clock(
    serve: Serve, call: Call, code: Path, client: str
) -> None:
    """An advance is seen by the next invocation of a warm environment, and its remaining time stays right."""
    (code / "telling.py").write_text(TELLING)
    clock = SandboxClock()
    settings = RuntimeSettings(runtime_client=RuntimeClient(client), preload=(), preload_clients=())
    service = await serve(
        Function("f", "telling.handler", code, timeout_s=20), clock=clock, settings=settings
    )
    seen = await call(service, "f")
    assert not seen["travels"]
    assert abs(seen["time"] - time.time()) < 20
    total = 0
    for advance_s in (3600, 86_400):
        clock.advance(advance_s)
        total += advance_s
        for _ in range(2):
            seen = await call(service, "f")
            assert abs(seen["time"] - time.time() - total) < 20
            assert abs(seen["now"] - seen["time"]) < 20
            assert 0 < seen["remaining_ms"] < 21_000  # a busy machine may take a while to move its time
            assert abs(seen["monotonic"] - time.monotonic()) < 20
            assert not seen["tests"]  # large, and nothing of a function's
    assert len(service.environments()) == 1


async def test_a_declared_fault_kills_the_environment(
    serve: Serve, function: Callable[..., Function], call: Call
) -> None:
    """It strikes the function that it names, when an invocation has begun, and as often as declared."""
    faults = Faults()
    service = await serve(function("echo"), function("counting"), faults=faults)
    assert await call(service, "echo", 1) == 1
    faults.add(Fault(FaultKind.KILL_ENVIRONMENT, {"function": "echo"}))
    assert (await call(service, "counting"))["count"] == 1
    result = await service.invoke("echo", b"1")
    assert json.loads(result.payload)["errorMessage"].endswith("signal: killed")
    assert await call(service, "echo", 2) == 2


@pytest.mark.parametrize("client", ["native", "pure"])
async def test_an_environment_that_dies_at_once_has_done_nothing(
    serve: Serve, function: Callable[..., Function], tmp_path: Path, client: str
) -> None:
    """Without a delay the environment is dead before its function sees the event, however quick that is."""
    faults = Faults()
    settings = RuntimeSettings(runtime_client=RuntimeClient(client), preload=(), preload_clients=())
    service = await serve(function("recording"), faults=faults, settings=settings)
    seen = tmp_path / "seen"
    payload = json.dumps({"file": str(seen), "failures": 0}).encode()
    for _ in range(5):  # the kill and the function raced
        assert (await service.invoke("recording", payload)).function_error is None
        seen.unlink()
        faults.add(Fault(FaultKind.KILL_ENVIRONMENT, {"function": "recording"}))
        result = await service.invoke("recording", payload)
        assert json.loads(result.payload)["errorMessage"].endswith("signal: killed")
        assert not seen.exists()
