"""Handlers that do what no handler should: the service stays up and nothing is left."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from emulator.application import Function, LogFormat, LoggingConfig
from emulator.runtime import LambdaService, RuntimeClient, RuntimeSettings

Serve = Callable[..., Awaitable[LambdaService]]
Call = Callable[..., Awaitable[Any]]

MAD = '''
import http.client, json, os, resource, signal, subprocess, sys, threading, time

def endless(event, context):
    line = b"x" * 65535 + b"\\n"
    for _ in range(event["megabytes"] * 16):
        os.write(1, line)

def prints_nested(event, context):
    print('{"a":' * 2000)
    return 1

def raises_megabytes(event, context):
    raise ValueError("x" * 7_000_000)

def nonsense(event, context):
    circle = []
    circle.append(circle)
    return {
        "bytes": b"\\xff\\xfe", "nan": float("nan"), "set": {1}, "circle": circle, "object": object(),
        "surrogate": "\\ud800", "deep": deep(5000),
    }[event["what"]]

def deep(levels):
    value = []
    for _ in range(levels):
        value = [value]
    return value

def forks(event, context):
    """Leave a child that has every descriptor of this process."""
    if os.fork() == 0:
        time.sleep(600)
        os._exit(0)

def dies_after_fork(event, context):
    if os.fork() == 0:
        time.sleep(600)
    os._exit(3)

def daemonises(event, context):
    told, tell = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            with open(event["file"], "w") as file:
                file.write(str(os.getpid()))
            os.write(tell, b".")
            time.sleep(600)
        os._exit(0)
    os.wait()
    os.read(told, 1)  # what has not begun when this returns is frozen before it does

def stubborn(event, context):
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while True:
        time.sleep(0.01)

def mute(event, context):
    sys.stdout.close()
    os.close(1)
    os.close(2)
    return "mute"

def hoards(event, context):
    kept = []
    try:
        while True:
            kept.append(os.open(os.devnull, os.O_RDONLY))
    except OSError as error:
        count = len(kept)
        if event.get("keep"):
            global hoard
            hoard = kept
        else:
            for descriptor in kept:
                os.close(descriptor)
        return {"count": count, "error": error.strerror}

def impostor(event, context):
    """Speak to the Runtime API itself."""
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"], timeout=10)
    statuses = []
    for method, path, body in event["calls"]:
        path = "/2018-06-01/runtime/" + path.replace("ID", context.aws_request_id)
        connection.request(method, path, body)
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)
    return statuses

def threads(event, context):
    for _ in range(200):
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    return threading.active_count()

def echo(event, context):
    return event
'''


@pytest.fixture
def mad(code: Path) -> Callable[..., Function]:
    (code / "mad.py").write_text(MAD)

    def make(name: str, **options: Any) -> Function:
        return Function(name, f"mad.{name}", code, **{"timeout_s": 20, **options})

    return make


@pytest.fixture(params=["native", "pure"])
def settings(request: pytest.FixtureRequest) -> RuntimeSettings:
    return RuntimeSettings(
        runtime_client=RuntimeClient(request.param), exit_grace_s=0.1, preload=(), preload_clients=()
    )


async def run(service: LambdaService, name: str, event: Any = None) -> Any:
    async with asyncio.timeout(30):
        return await service.invoke(name, json.dumps(event or {}).encode())


async def still_works(service: LambdaService) -> None:
    assert (await run(service, "echo", {"a": 1})).payload == b'{"a": 1}'


@pytest.mark.parametrize("log_format", ["Text", "JSON"])
async def test_endless_output_is_bounded(serve: Serve, mad: Callable[..., Function], log_format: str) -> None:
    """64 MB of output cost the emulator no more memory than a log may have, and other calls go on."""
    loud = mad("endless", logging=LoggingConfig(format=LogFormat(log_format)))
    service = await serve(loud, mad("echo"))
    before = psutil.Process().memory_info().rss
    result, _ = await asyncio.gather(run(service, "endless", {"megabytes": 64}), still_works(service))
    assert result.function_error is None
    assert "bytes of this log were left out" in result.log
    assert len(result.log) < 300_000
    assert psutil.Process().memory_info().rss - before < 32 << 20


async def test_a_line_that_nothing_parses_ends_no_service(serve: Serve, mad: Callable[..., Function]) -> None:
    """A deeply nested line in the JSON log is text: its invocation ends, and so do those after it."""
    service = await serve(mad("prints_nested", logging=LoggingConfig(format=LogFormat.JSON)), mad("echo"))
    for _ in range(2):
        assert (await run(service, "prints_nested")).payload == b"1"
    await still_works(service)


async def test_an_error_over_the_limit_is_too_large(serve: Serve, mad: Callable[..., Function]) -> None:
    """An error whose message is over 6 MB is answered as a response of that size is."""
    service = await serve(mad("raises_megabytes", timeout_s=20), mad("echo"))
    result = await run(service, "raises_megabytes")
    assert json.loads(result.payload)["errorType"] == "Function.ResponseSizeTooLarge"
    await still_works(service)


@pytest.mark.parametrize(
    ("what", "answer"),
    [
        ("bytes", b"\xff\xfe"),
        ("nan", b"NaN"),
        ("set", "Runtime.MarshalError"),
        ("circle", "Runtime.MarshalError"),
        ("object", "Runtime.MarshalError"),
        ("deep", "Runtime.MarshalError"),
    ],
)
async def test_nonsense(
    serve: Serve, mad: Callable[..., Function], settings: RuntimeSettings, what: str, answer: bytes | str
) -> None:
    """What is no JSON is passed on or refused as AWS's client does, and the environment goes on."""
    service = await serve(mad("nonsense"), settings=settings)
    result = await run(service, "nonsense", {"what": what})
    if isinstance(answer, bytes):
        assert result.payload == answer
    else:
        assert json.loads(result.payload)["errorType"] == answer
        assert result.log.count("[ERROR] Runtime.MarshalError") == 1
    assert (await run(service, "nonsense", {"what": "bytes"})).payload == b"\xff\xfe"
    assert len(service.environments()) == 1


async def test_a_forked_child_holds_nothing_up(
    serve: Serve, mad: Callable[..., Function], settings: RuntimeSettings, gone: Call
) -> None:
    """A child with the sockets and pipes of its parent keeps neither the answer nor the end from coming."""
    service = await serve(mad("forks"), mad("dies_after_fork"), settings=settings)
    for _ in range(2):
        assert (await run(service, "forks")).payload == b"null"
    result = await run(service, "dies_after_fork")
    assert json.loads(result.payload)["errorMessage"].endswith("exit status 3")
    assert result.log.count("Runtime.ExitError\n") == 1
    [environment] = service.environments()
    children = psutil.Process(environment.pid).children()
    assert len(children) == 2
    await service.kill_environment("forks")
    for child in children:
        await gone(child.pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux gives a dead parent's children to another")
async def test_a_daemon_ends_with_the_service(
    serve: Serve,
    mad: Callable[..., Function],
    settings: RuntimeSettings,
    tmp_path: Path,
    gone: Call,
) -> None:
    """What left its session and its parent is found when the service stops."""
    service = await serve(mad("daemonises"), mad("echo"), settings=settings)
    file = tmp_path / "daemon"
    assert (await run(service, "daemonises", {"file": str(file)})).function_error is None
    pid = int(file.read_text())
    await still_works(service)
    await service.stop()
    await gone(pid)


async def test_ignored_signals(
    serve: Serve, mad: Callable[..., Function], settings: RuntimeSettings, gone: Call
) -> None:
    """A handler that ignores every signal that can be ignored ends with its timeout."""
    service = await serve(mad("stubborn", timeout_s=0.5), mad("echo"), settings=settings)
    running = asyncio.create_task(run(service, "stubborn"))
    await still_works(service)
    result = await running
    assert json.loads(result.payload)["errorType"] == "Sandbox.Timedout"
    assert result.log.count("Task timed out after 0.50 seconds") == 1


async def test_a_closed_output(serve: Serve, mad: Callable[..., Function], settings: RuntimeSettings) -> None:
    """Who closes its output is answered for all the same, once and again."""
    service = await serve(mad("mute"), mad("echo"), settings=settings)
    assert (await run(service, "mute")).payload == b'"mute"'
    assert (await run(service, "mute")).function_error == "Unhandled"
    await still_works(service)


@pytest.mark.row("E25")
@pytest.mark.parametrize("keep", [False, True])
async def test_hoarded_descriptors(
    serve: Serve, mad: Callable[..., Function], settings: RuntimeSettings, keep: bool
) -> None:
    """A handler gets AWS's 1,024 descriptors, not the machine's; without any left it still answers."""
    service = await serve(mad("hoards"), mad("echo"), settings=settings)
    seen = json.loads((await run(service, "hoards", {"keep": keep})).payload)
    assert 1000 < seen["count"] < 1024
    assert seen["error"] == os.strerror(24)
    await still_works(service)


@pytest.mark.parametrize(
    ("calls", "statuses"),
    [
        ([["GET", "invocation/next", None]], [400]),
        ([["POST", "invocation/other/response", "1"], ["POST", "init/error", "{}"]], [400, 400]),
        ([["POST", "invocation/ID/response", '"early"']], None),
        ([["POST", "invocation/ID/error", "no json"]], None),
        ([["POST", "invocation/ID/response", '"early"'], ["POST", "invocation/ID/response", "1"]], None),
    ],
    ids=["next", "strangers", "early-response", "early-error", "twice"],
)
async def test_a_handler_that_speaks_to_the_runtime_api(
    serve: Serve,
    mad: Callable[..., Function],
    settings: RuntimeSettings,
    calls: list[list[Any]],
    statuses: list[int] | None,
) -> None:
    """Out of turn it is refused; an early answer counts, and what follows hurts that environment alone."""
    service = await serve(mad("impostor"), mad("echo"), settings=settings)
    result = await run(service, "impostor", {"calls": calls})
    if statuses is not None:
        assert json.loads(result.payload) == statuses
    elif calls[0][1].endswith("response"):
        assert result.payload == b'"early"'
    else:
        assert (result.payload, result.function_error) == (b"no json", "Unhandled")
    await still_works(service)
    again = await run(service, "impostor", {"calls": [["GET", "invocation/next", None]]})
    assert again.payload == b"[400]"


async def test_many_threads(serve: Serve, mad: Callable[..., Function], until: Call) -> None:
    """A process of many threads is stopped, continued and ended like any other."""
    service = await serve(mad("threads"))
    assert json.loads((await run(service, "threads")).payload) == 201
    [environment] = service.environments()
    await until(lambda: psutil.Process(environment.pid).status() == psutil.STATUS_STOPPED)
    assert json.loads((await run(service, "threads")).payload) == 401
    os.kill(environment.pid, signal.SIGKILL)  # type: ignore[arg-type]
    await until(lambda: not service.environments())
