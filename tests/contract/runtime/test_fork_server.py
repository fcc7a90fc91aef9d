"""Environments from a fork server that has modules and AWS's models ahead, and from a loop of uvloop."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import uvloop

from emulator.application import Function
from emulator.runtime import LambdaService, RuntimeSettings, StartMethod
from emulator.runtime.zygote import Zygote

Serve = Callable[..., Awaitable[LambdaService]]
Call = Callable[..., Awaitable[Any]]

CLIENTS = """
import os, random, sys
warm = "boto3" in sys.modules
import boto3

client = boto3.client("dynamodb")

def handler(event, context):
    return {
        "warm": warm, "endpoint": client.meta.endpoint_url, "region": client.meta.region_name,
        "key": client._request_signer._credentials.access_key, "random": random.random(),
        "own": sys.modules["boto3"].__file__,
    }
"""


async def test_preloaded_modules_are_the_environments_own(serve: Serve, call: Call, code: Path) -> None:
    """boto3 is there already, and its clients go by the environment's own variables."""
    (code / "clients.py").write_text(CLIENTS)
    functions = [
        Function(name, "clients.handler", code, timeout_s=20, environment={"WHO": name})
        for name in ("a", "b")
    ]
    settings = RuntimeSettings(
        start_method=StartMethod.FORK, preload=("boto3",), preload_clients=("dynamodb",)
    )
    service = await serve(
        *functions,
        settings=settings,
        environment_variables=lambda function: {"AWS_ENDPOINT_URL": f"http://127.0.0.1/{function.name}"},
    )
    a, b = await call(service, "a"), await call(service, "b")
    assert (a["warm"], a["region"], a["key"]) == (True, "us-east-1", "test")
    assert (a["endpoint"], b["endpoint"]) == ("http://127.0.0.1/a", "http://127.0.0.1/b")
    assert a["random"] != b["random"]
    assert len(service.fork_server_pids()) == 1


async def test_a_package_with_its_own_copy_gets_it(serve: Serve, call: Call, code: Path) -> None:
    """The fork server looks into the function's folder first, as the function would."""
    (code / "boto3.py").write_text("client = lambda name: None\n")
    (code / "copies.py").write_text("import boto3\ndef handler(event, context):\n    return boto3.__file__\n")
    settings = RuntimeSettings(preload=("boto3",), preload_clients=("dynamodb",))
    service = await serve(Function("f", "copies.handler", code, timeout_s=20), settings=settings)
    assert await call(service, "f") == str(code / "boto3.py")


async def test_a_module_that_cannot_be_preloaded_is_passed_over(serve: Serve, call: Call, code: Path) -> None:
    """What is missing from the fork server is the environments' own affair."""
    (code / "fragile.py").write_text("raise RuntimeError\n")
    settings = RuntimeSettings(preload=("fragile", "no_such_module"), preload_clients=("no_such_service",))
    service = await serve(Function("f", "app.echo", code, timeout_s=20), settings=settings)
    assert await call(service, "f", 1) == 1


async def test_the_json_log_format_is_the_functions_choice(serve: Serve, code: Path) -> None:
    """`AWS_LAMBDA_LOG_FORMAT` works although the fork server had another environment."""
    (code / "logs.py").write_text(
        "import logging\ndef handler(event, context):\n    logging.getLogger().error('it happened')\n"
    )
    functions = [
        Function("text", "logs.handler", code, timeout_s=20),
        Function("json", "logs.handler", code, timeout_s=20, environment={"AWS_LAMBDA_LOG_FORMAT": "JSON"}),
    ]
    service = await serve(*functions)
    text, structured = await service.invoke("text", b""), await service.invoke("json", b"")
    assert f"Z\t{text.request_id}\tit happened\n" in text.log
    [line] = [line for line in structured.log.splitlines() if line.startswith("{")]
    assert json.loads(line)["requestId"] == structured.request_id


def test_the_service_runs_on_uvloop(code: Path) -> None:
    """The same service on the loop that the emulator uses."""

    async def story() -> list[bytes]:
        functions = [
            Function("echo", "app.echo", code, timeout_s=20),
            Function("leave", "app.leave", code, timeout_s=20),
            Function("large", "app.large", code, timeout_s=20),
        ]
        settings = RuntimeSettings(preload=(), preload_clients=())
        service = LambdaService(functions, settings=settings)
        await service.start()
        try:
            calls = [service.invoke("echo", str(n).encode()) for n in range(20)]
            results = [r.payload for r in await asyncio.gather(*calls)]
            results.append((await service.invoke("leave", b'{"status": 3}')).payload[:32])
            results.append((await service.invoke("large", b'{"bytes": 6000000}')).payload[:4])
            return results
        finally:
            await service.stop()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        results = runner.run(story())
    assert results[:20] == [str(n).encode() for n in range(20)]
    assert results[20:] == [b'{"errorType":"Runtime.ExitError"', b'"xxx']


async def test_a_fork_server_that_boots_again_has_not_the_number_of_the_one_before(code: Path) -> None:
    """Until it says its own there is none, under which a boot that fails could kill somebody else."""
    zygote = Zygote(code, RuntimeSettings(preload=(), preload_clients=()))
    await zygote.boot()
    await zygote.stop()
    booting = asyncio.create_task(zygote.boot())
    await asyncio.sleep(0)  # it runs up to its wait for the program
    assert zygote.pid is None
    await booting
    assert zygote.pid is not None
    await zygote.stop()


only_linux = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux gives a dead parent's children to another"
)


@only_linux
@pytest.mark.parametrize("how", ["session", "daemon", "fork"])
@pytest.mark.parametrize("method", ["fork", "spawn"])
async def test_a_process_that_left_its_environments_session_ends_with_it(
    serve: Serve, function: Callable[..., Function], meeting: Any, gone: Call, how: str, method: str
) -> None:
    """`start_new_session` in a handler takes a child out of its group, but not out of its environment."""
    settings = RuntimeSettings(start_method=StartMethod(method), preload=(), preload_clients=())
    service = await serve(function("with_stranger"), function("echo"), settings=settings)
    await service.invoke("echo", b"1")
    event = {**meeting.event("-"), "how": how}
    for _ in range(2):
        await service.invoke("with_stranger", json.dumps(event).encode())
        stranger = await meeting.arrives("child")
        assert psutil.Process(stranger).is_running()
        assert await service.kill_environment("with_stranger") is not None
        await gone(stranger)
    assert [e.function for e in service.environments()] == ["echo"]


@only_linux
@pytest.mark.parametrize("how", ["session", "daemon", "fork"])
async def test_a_handler_that_kills_the_fork_server_leaves_no_process(
    serve: Serve, function: Callable[..., Function], meeting: Any, gone: Call, call: Call, how: str
) -> None:
    """Whoever ends the fork server ends what it started, also what left its environment's session."""
    service = await serve(function("with_stranger"), function("echo"))
    event = {**meeting.event("-"), "how": how, "kills": "fork server"}
    result = await service.invoke("with_stranger", json.dumps(event).encode())
    assert result.function_error == "Unhandled"
    await gone(await meeting.arrives("child"))
    assert await call(service, "echo", 1) == 1


@only_linux
async def test_a_process_that_left_its_environments_session_rests_with_it(
    serve: Serve, function: Callable[..., Function], meeting: Any, until: Call
) -> None:
    """Between invocations nothing of an environment runs, and with the next one everything goes on (E31)."""
    service = await serve(function("with_stranger"), function("echo"))
    await service.invoke("with_stranger", meeting.payload("-"))
    stranger = psutil.Process(await meeting.arrives("child"))
    await until(lambda: stranger.status() == psutil.STATUS_STOPPED)
    event = {**meeting.event("-"), "how": "none", "stays": True}
    running = asyncio.create_task(service.invoke("with_stranger", json.dumps(event).encode()))
    await until(lambda: stranger.status() != psutil.STATUS_STOPPED)
    meeting.let_go()
    await running


@only_linux
async def test_a_process_that_left_its_environments_session_ends_with_the_service(
    function: Callable[..., Function], meeting: Any, gone: Call
) -> None:
    """Stopping the service leaves nothing."""
    service = LambdaService(
        [function("app.with_stranger")], settings=RuntimeSettings(preload=(), preload_clients=())
    )
    await service.start()
    try:
        await service.invoke("with_stranger", meeting.payload("-"))
        stranger = await meeting.arrives("child")
    finally:
        await service.stop()
    await gone(stranger)
