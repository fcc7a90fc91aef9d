"""What a process sees, what it leaves behind, and that it ends with the emulator."""

import asyncio
import json
import os
import signal
import sys
import textwrap
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from emulator.application import Function
from emulator.runtime import LambdaService, RuntimeSettings, StartMethod

Serve = Callable[..., Awaitable[LambdaService]]
Make = Callable[..., Function]
Call = Callable[..., Awaitable[Any]]

LEAVES_NOTHING = """
import asyncio, json, os, sys
from pathlib import Path
from emulator.application import Function
from emulator.runtime import LambdaService, RuntimeSettings, StartMethod

async def main(code, method, meeting):
    functions = [
        Function("echo", "app.echo", code, provisioned_concurrency=2),
        Function("with_child", "app.with_child", code, timeout_s=600),
    ]
    settings = RuntimeSettings(start_method=StartMethod(method), preload=(), preload_clients=())
    service = LambdaService(functions, settings=settings)
    await service.start()
    running = asyncio.create_task(service.invoke("with_child", json.dumps({"folder": meeting}).encode()))
    while not os.path.exists(os.path.join(meeting, "here-child")):
        await asyncio.sleep(0.01)
    pids = [e.pid for e in service.environments()] + service.fork_server_pids()
    print(json.dumps(pids), flush=True)
    await running

asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3]))
"""


@pytest.fixture(params=list(StartMethod)[1:], ids=str)
def settings(request: pytest.FixtureRequest) -> RuntimeSettings:
    return RuntimeSettings(start_method=request.param, preload=(), preload_clients=())


async def test_the_environment_variables_are_lambdas(
    serve: Serve, function: Make, call: Call, settings: RuntimeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A handler sees row E22's variables, its own and the sandbox's, and none of the caller's shell."""
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.invalid")
    monkeypatch.setenv("SECRET_OF_MINE", "1")
    describe = function("describe", environment={"MINE": "yes", "AWS_ACCESS_KEY_ID": "real"}, memory_mb=256)
    extra = {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    service = await serve(describe, settings=settings, environment_variables=lambda f: extra)
    seen = (await call(service, "describe"))["environment"]
    assert set(seen) & {"HOME", "USER", "AWS_PROFILE", "HTTPS_PROXY", "SECRET_OF_MINE"} == set()
    assert seen["MINE"] == "yes"
    assert seen["AWS_ENDPOINT_URL"] == "http://127.0.0.1:1"
    assert seen["AWS_ACCESS_KEY_ID"] == "test"
    assert seen["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256"
    assert seen["LAMBDA_TASK_ROOT"] == os.fspath(describe.code)
    assert seen["_X_AMZN_TRACE_ID"].startswith("Root=1-")


async def test_the_handlers_surroundings(
    serve: Serve, function: Make, call: Call, settings: RuntimeSettings
) -> None:
    """The function's folder is the working directory and first on `sys.path`; the context is complete."""
    describe = function("describe", memory_mb=256, timeout_s=9)
    service = await serve(describe, settings=settings)
    seen = await call(
        service,
        "describe",
        trace_header="Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1",
        qualified_arn=f"{describe.arn}:$LATEST",
        client_context='{"custom": {"a": "b"}}',
    )
    assert seen["folder"] == os.fspath(describe.code)
    assert seen["path"][0] == os.fspath(describe.code)
    assert not any("emulator/runtime" in entry for entry in seen["path"])
    assert seen["modules"] == []
    assert seen["group"] == seen["pid"]
    assert seen["arn"] == f"{describe.arn}:$LATEST"
    assert seen["memory"] == "256"
    assert 0 < seen["remaining_ms"] <= 9000
    assert seen["log_group"] == "/aws/lambda/describe"
    assert seen["environment"]["_X_AMZN_TRACE_ID"].endswith("Sampled=1")
    assert seen["client_context"] == {"a": "b"}


async def test_output_belongs_to_its_invocation(
    serve: Serve, function: Make, settings: RuntimeSettings
) -> None:
    """What print, stderr, bare descriptors and subprocesses write is in that invocation's log, in order."""
    service = await serve(function("noisy"), settings=settings)
    first = await service.invoke("noisy", b'{"word": "one"}')
    second = await service.invoke("noisy", b'{"word": "two"}')
    assert first.payload == b"null"
    body = f"START RequestId: {first.request_id} Version: $LATEST\n"
    body += "from print one\nto stderr one\nraw bytes\nfrom a child\n"
    body += f"END RequestId: {first.request_id}\nREPORT RequestId: {first.request_id}\tDuration: "
    assert first.log.startswith("INIT_START Runtime Version: python:")
    assert body in first.log
    assert "\tInit Duration: " in first.log
    assert second.log.startswith(f"START RequestId: {second.request_id} Version: $LATEST\nfrom print two\n")
    assert "one" not in second.log
    assert "Init Duration" not in second.log
    assert [log.output.text() for log in service.logs("noisy")] == [first.log, second.log]


async def test_a_loud_handler_does_not_block(serve: Serve, function: Make) -> None:
    """Output far over the bound keeps its beginning and its end and says what is missing."""
    settings = RuntimeSettings(max_log_bytes=10_000, preload=(), preload_clients=())
    service = await serve(function("loud"), settings=settings)
    result = await service.invoke("loud", b'{"bytes": 5000000}')
    assert result.function_error is None
    assert len(result.log) < 11_000
    assert "bytes of this log were left out" in result.log
    assert result.log.endswith("\t\n")


async def test_a_killed_function_takes_its_children_along(
    serve: Serve, function: Make, meeting: Any, gone: Call, settings: RuntimeSettings
) -> None:
    """A timeout ends the whole process group."""
    service = await serve(function("with_child", timeout_s=4), settings=settings)
    invocation = asyncio.create_task(service.invoke("with_child", meeting.payload("x")))
    child = await meeting.arrives("child")
    assert (await invocation).function_error == "Unhandled"
    await gone(child)


@pytest.mark.parametrize("method", ["fork", "spawn"])
async def test_a_killed_emulator_leaves_no_process(
    code: Path, meeting: Any, gone: Call, tmp_path: Path, method: str
) -> None:
    """SIGKILL of the emulator ends idle and busy environments, fork servers, and what handlers started."""
    driver = tmp_path / "driver.py"
    driver.write_text(textwrap.dedent(LEAVES_NOTHING))
    process = await asyncio.create_subprocess_exec(
        sys.executable, driver, code, method, meeting.event("x")["folder"], stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(60):
            pids = json.loads(await process.stdout.readline())
        child = await meeting.arrives("child")
        assert len(pids) == 4
    finally:
        process.send_signal(signal.SIGKILL)
        await process.wait()
    for pid in [*pids, child]:
        await gone(pid)
