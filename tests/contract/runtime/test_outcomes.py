"""What a caller gets, however the function ends and however its process was started."""

import asyncio
import json
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from emulator.application import Function
from emulator.errors import FunctionNotFound, InvalidPayload, PayloadTooLarge, SandboxNotRunning
from emulator.invocation import MAX_EVENT_BYTES, MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES
from emulator.runtime import LambdaService, RuntimeClient, RuntimeSettings, StartMethod
from emulator.runtime.places import place_of

Serve = Callable[..., Awaitable[LambdaService]]
Make = Callable[..., Function]
Call = Callable[..., Awaitable[Any]]


@pytest.fixture(
    params=[(method, client) for method in ("fork", "spawn") for client in ("native", "pure")],
    ids="-".join,
)
def mode(request: pytest.FixtureRequest) -> RuntimeSettings:
    method, client = request.param
    return RuntimeSettings(
        start_method=StartMethod(method), runtime_client=RuntimeClient(client), preload=(), preload_clients=()
    )


@pytest.mark.row("E8")
async def test_the_response_is_the_handlers_value(
    serve: Serve, function: Make, call: Call, mode: RuntimeSettings
) -> None:
    """The payload is what the handler returned, as JSON, whatever characters it has."""
    service = await serve(function("echo"), settings=mode)
    event = {"text": "Grüße 世界 \U0001f680", "numbers": [1, 2.5, None, True]}
    assert await call(service, "echo", event) == event


async def test_globals_persist_in_an_environment(
    serve: Serve, function: Make, call: Call, mode: RuntimeSettings
) -> None:
    """A warm environment keeps its globals and its process."""
    service = await serve(function("counting"), settings=mode)
    first, second = await call(service, "counting"), await call(service, "counting")
    assert (first["count"], second["count"]) == (1, 2)
    assert first["pid"] == second["pid"]


@pytest.mark.row("E8", "E36")
async def test_an_exception_is_the_functions_error(
    serve: Serve, function: Make, call: Call, mode: RuntimeSettings
) -> None:
    """A handler that raises gives AWS's error payload, and its environment goes on."""
    service = await serve(function("failing"), function("echo"), settings=mode)
    result = await service.invoke("failing", b'{"what": "bad"}')
    error = json.loads(result.payload)
    assert result.function_error == "Unhandled"
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "it is bad")
    assert error["requestId"] == result.request_id
    assert "in failing" in error["stackTrace"][-1]
    assert "[ERROR] ValueError: it is bad" in result.log
    [environment] = [e for e in service.environments() if e.function == "failing"]
    await service.invoke("failing", b'{"what": "bad again"}')
    assert [e.pid for e in service.environments() if e.function == "failing"] == [environment.pid]


@pytest.mark.parametrize(
    ("handler", "error_type", "message"),
    [
        ("broken_import.handler", "Runtime.ImportModuleError", "No module named 'no_such_module'"),
        ("broken_code.handler", "KeyError", "'at import'"),
        ("broken_syntax.handler", "Runtime.UserCodeSyntaxError", "broken_syntax"),
        ("app.no_such_handler", "Runtime.HandlerNotFound", "Handler 'no_such_handler' missing"),
    ],
)
async def test_a_function_that_cannot_be_loaded(
    serve: Serve, function: Make, handler: str, error_type: str, message: str
) -> None:
    """An init error is the invocation's error, its request id empty (row E37); so is the next one's."""
    service = await serve(function(handler, name="broken"))
    for _ in range(2):
        result = await service.invoke("broken", b"{}")
        error = json.loads(result.payload)
        assert result.function_error == "Unhandled"
        assert error["errorType"] == error_type
        assert message in error["errorMessage"]
        assert error["requestId"] == ""
    if handler == "broken_code.handler":
        assert "before\n" in result.log


@pytest.mark.parametrize(
    ("handler", "place"),
    [
        ("imports_broken.handler", "broken_import.py, line 1"),
        ("broken_import.handler", "broken_import.py, line 1"),
        ("broken_syntax.handler", "broken_syntax.py, line 1"),
        ("broken_code.handler", "broken_code.py, line 2"),
        ("no_such_file.handler", None),
    ],
)
async def test_a_function_that_cannot_be_loaded_says_where(
    serve: Serve, function: Make, code: Path, handler: str, place: str | None
) -> None:
    """File and line of the code that failed, in the answer and in the log; none where no code has run."""
    (code / "imports_broken.py").write_text("import os\nimport broken_import\n")
    service = await serve(function(handler, name="broken"))
    result = await service.invoke("broken", b"{}")
    found = place_of(json.loads(result.payload)["stackTrace"])
    assert found == (None if place is None else str(code / place))
    if place is not None:
        assert f'File "{code / place.partition(",")[0]}"' in result.log


async def test_a_process_that_ends_at_import(serve: Serve, function: Make) -> None:
    """A function whose import ends the process gives Runtime.ExitError."""
    service = await serve(function("leaving.handler"))
    result = await service.invoke("handler", b"{}")
    assert json.loads(result.payload) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {result.request_id} Error: Runtime exited with error: exit status 9",
    }


async def test_an_import_that_never_ends(serve: Serve, function: Make, gone: Call, until: Call) -> None:
    """A function that is never loaded times out, and its process is gone."""
    settings = RuntimeSettings(init_timeout_s=0.2, preload=(), preload_clients=())
    service = await serve(function("slow.handler", timeout_s=0.1), settings=settings)
    invocation = asyncio.create_task(service.invoke("handler", b"{}"))
    found = await until(lambda: [e.pid for e in service.environments() if e.pid])
    result = await invocation
    assert json.loads(result.payload)["errorType"] == "Sandbox.Timedout"
    await gone(found[0])


async def test_a_timeout_kills_and_replaces_the_process(
    serve: Serve, function: Make, gone: Call, meeting: Any, mode: RuntimeSettings
) -> None:
    """A timed out invocation has row E35's error; its process is killed, and the next call gets another."""
    service = await serve(function("wait", timeout_s=2.0), settings=mode)
    result = await service.invoke("wait", meeting.payload("1"))
    pid = await meeting.arrives("1")
    assert result.function_error == "Unhandled"
    assert json.loads(result.payload) == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {result.request_id} Error: Task timed out after 2.00 seconds",
    }
    assert f"{result.request_id} Task timed out after 2.00 seconds" in result.log
    assert f"\nREPORT RequestId: {result.request_id}\tDuration: 2000.00 ms\t" in result.log
    assert "\tStatus: timeout\t" in result.log
    await gone(pid)
    meeting.let_go()
    again = await service.invoke("wait", meeting.payload("2"))
    assert json.loads(again.payload)["pid"] != pid


async def test_the_classic_timeout_payload_is_a_setting(serve: Serve, function: Make, meeting: Any) -> None:
    """The older form of the error has the message alone."""
    settings = RuntimeSettings(classic_timeout_payload=True, preload=(), preload_clients=())
    service = await serve(function("wait", timeout_s=0.2), settings=settings)
    result = await service.invoke("wait", meeting.payload("1"))
    error = json.loads(result.payload)
    assert list(error) == ["errorMessage"]
    assert error["errorMessage"].endswith(f"Z {result.request_id} Task timed out after 0.20 seconds")


@pytest.mark.row("E38")
@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"status": 7}, "Runtime exited with error: exit status 7"),
        ({"status": 0}, "Runtime exited without providing a reason"),
        ({"status": 3, "politely": True}, "Runtime exited with error: exit status 3"),
    ],
    ids=["os._exit(7)", "os._exit(0)", "sys.exit(3)"],
)
async def test_a_process_that_exits(
    serve: Serve, function: Make, call: Call, mode: RuntimeSettings, event: dict[str, Any], reason: str
) -> None:
    """A handler that ends its process gives Runtime.ExitError (row E38); the next call gets a new process."""
    service = await serve(function("leave"), settings=mode)
    result = await service.invoke("leave", json.dumps(event).encode())
    assert result.function_error == "Unhandled"
    assert json.loads(result.payload) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {result.request_id} Error: {reason}",
    }
    assert f"Error: {reason}\n" in result.log
    again = await service.invoke("leave", json.dumps(event).encode())
    assert json.loads(again.payload)["errorType"] == "Runtime.ExitError"


@pytest.mark.row("E38")
async def test_a_process_killed_in_the_middle(
    serve: Serve, function: Make, meeting: Any, mode: RuntimeSettings
) -> None:
    """SIGKILL in the middle of an invocation is `signal: killed` to its caller, and nobody else notices."""
    service = await serve(function("wait"), function("echo"), settings=mode)
    event = meeting.payload("1")
    invocation = asyncio.create_task(service.invoke("wait", event))
    pid = await meeting.arrives("1")
    assert await service.kill_environment("wait") == pid
    result = await invocation
    assert json.loads(result.payload) == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {result.request_id} Error: Runtime exited with error: signal: killed",
    }
    assert (await service.invoke("echo", b"1")).payload == b"1"


async def test_a_process_killed_by_a_stranger(serve: Serve, function: Make, meeting: Any) -> None:
    """A signal from outside the emulator is noticed just the same."""
    service = await serve(function("wait"))
    event = meeting.payload("1")
    invocation = asyncio.create_task(service.invoke("wait", event))
    os.kill(await meeting.arrives("1"), signal.SIGSEGV)
    error = json.loads((await invocation).payload)
    assert error["errorMessage"].endswith("Runtime exited with error: signal: segmentation fault")


@pytest.mark.parametrize("size", [100_000, 3_000_000, MAX_RESPONSE_BYTES - 2], ids=["100KB", "3MB", "limit"])
async def test_large_responses(
    serve: Serve, function: Make, call: Call, mode: RuntimeSettings, size: int
) -> None:
    """A response of up to Lambda's limit arrives whole."""
    service = await serve(function("large"), settings=mode)
    assert await call(service, "large", {"bytes": size}) == "x" * size


@pytest.mark.row("E39")
async def test_a_response_over_the_limit(
    serve: Serve, function: Make, call: Call, mode: RuntimeSettings
) -> None:
    """One byte more is the error of row E39, and the function can be called again."""
    service = await serve(function("large"), settings=mode)
    result = await service.invoke("large", json.dumps({"bytes": MAX_RESPONSE_BYTES - 1}).encode())
    assert result.function_error == "Unhandled"
    assert json.loads(result.payload) == {
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
        "errorType": "Function.ResponseSizeTooLarge",
    }
    assert await call(service, "large", {"bytes": 1}) == "x"


async def test_a_large_request(serve: Serve, function: Make, call: Call, mode: RuntimeSettings) -> None:
    """A payload of Lambda's limit reaches the handler."""
    service = await serve(function("echo"), settings=mode)
    event = "x" * (MAX_REQUEST_BYTES - 2)
    assert await call(service, "echo", event) == event


@pytest.mark.row("E4", "E9")
async def test_what_is_no_json(serve: Serve, function: Make) -> None:
    """An unserialisable response is Runtime.MarshalError; bytes are passed on as they are."""
    service = await serve(function("unserialisable"), function("raw"))
    error = json.loads((await service.invoke("unserialisable", b"{}")).payload)
    assert error["errorType"] == "Runtime.MarshalError"
    assert (await service.invoke("raw", b"{}")).payload == b"\x00\x01"


async def test_refused_calls(serve: Serve, function: Make) -> None:
    """What Lambda refuses never reaches the function, and says why."""
    service = await serve(function("echo"))
    with pytest.raises(FunctionNotFound, match="no_such"):
        await service.invoke("no_such", b"{}")
    with pytest.raises(FunctionNotFound):
        await service.invoke_event("no_such", b"{}")
    with pytest.raises(InvalidPayload):
        await service.invoke("echo", b"{not json")
    with pytest.raises(PayloadTooLarge):
        await service.invoke("echo", b" " * (MAX_REQUEST_BYTES + 1))
    with pytest.raises(PayloadTooLarge):
        await service.invoke_event("echo", b" " * (MAX_EVENT_BYTES + 1))
    assert service.environments() == []


async def test_an_empty_payload_is_an_empty_object(serve: Serve, function: Make) -> None:
    """Lambda gives the handler `{}` where the caller gave nothing."""
    service = await serve(function("echo"))
    assert (await service.invoke("echo", b"")).payload == b"{}"


async def test_stop_ends_calls_that_run(serve: Serve, function: Make, meeting: Any) -> None:
    """A call that runs while the service stops ends with an error that says so, as does every later one."""
    service = await serve(function("wait"))
    event = meeting.payload("1")
    invocation = asyncio.create_task(service.invoke("wait", event))
    await meeting.arrives("1")
    await service.stop()
    with pytest.raises(SandboxNotRunning):
        await invocation
    with pytest.raises(SandboxNotRunning):
        await service.invoke("wait", event)


async def test_a_cancelled_caller_does_not_stop_the_function(
    serve: Serve, function: Make, meeting: Any
) -> None:
    """The function runs to its end when its caller goes away, and its environment is free again."""
    service = await serve(function("wait"))
    invocation = asyncio.create_task(service.invoke("wait", meeting.payload("1")))
    pid = await meeting.arrives("1")
    invocation.cancel()
    with pytest.raises(asyncio.CancelledError):
        await invocation
    meeting.let_go()
    result = await service.invoke("wait", meeting.payload("2"))
    assert [log.function_error for log in service.logs("wait")] == [None, None]
    assert json.loads(result.payload)["pid"] in (pid, *[e.pid for e in service.environments()])
