"""Rows E35 to E38: what a caller gets of a function that failed."""

import json
import re
from typing import Any

import pytest

from emulator.runtime import RuntimeSettings


async def failed(parity: Any, function: str) -> tuple[dict[str, Any], str]:
    """Invoke a function; return its error payload and the request id."""
    answer = await parity.invoke(function)
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    return json.loads(answer["Payload"]), answer["ResponseMetadata"]["RequestId"]


@pytest.mark.row("E35", "E52")
async def test_timeout(parity: Any) -> None:
    """A timeout is `Sandbox.Timedout`; the log says when and which, and so does the REPORT line."""
    parity.function("brief").sleeps(20)
    payload, request_id = await failed(parity, "brief")
    assert payload == {
        "errorType": "Sandbox.Timedout",
        "errorMessage": f"RequestId: {request_id} Error: Task timed out after 3.00 seconds",
    }
    log = await parity.log("brief", request_id)
    assert re.search(
        rf"^\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z {request_id} Task timed out after 3\.00 seconds\n\n?"
        rf"END RequestId: {request_id}\n"
        rf"REPORT RequestId: {request_id}\tDuration: 3000\.00 ms\t.*\tStatus: timeout\t\n$",
        log,
        re.MULTILINE,
    )


@pytest.mark.row("E35", switch="RuntimeSettings.classic_timeout_payload")
async def test_classic_timeout(start_service: Any, function: Any) -> None:
    """The older form is a message alone, the log's line."""
    settings = RuntimeSettings(classic_timeout_payload=True, preload=(), preload_clients=())
    service = await start_service({"f": {"timeout_s": 0.2}}, settings)
    function("f").sleeps(20)
    result = await service.invoke("f", b"{}")
    payload = json.loads(result.payload)
    assert list(payload) == ["errorMessage"]
    assert re.fullmatch(
        rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z {result.request_id} Task timed out after 0\.20 seconds",
        payload["errorMessage"],
    )


@pytest.mark.row("E36")
async def test_exception_of_a_handler(parity: Any) -> None:
    """An exception becomes message, type, request id and stack trace; the trace begins in the handler."""
    parity.function("invoked").runs("def main(event, context):\n    raise KeyError('Handler fails')")
    payload, request_id = await failed(parity, "invoked")
    assert list(payload) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    *outer, last = payload.pop("stackTrace")
    assert payload == {"errorMessage": "'Handler fails'", "errorType": "KeyError", "requestId": request_id}
    one = await parity.function("invoked").invocation()
    code = re.escape(one.environment["LAMBDA_TASK_ROOT"])
    assert re.fullmatch(
        rf'  File "{code}/generic\.py", line \d+, in handler\n    result = STEPS.+\n(.*\n)?', outer[0]
    )
    assert last == '  File "programmed", line 2, in main\n'
    assert not any("bootstrap.py" in frame for frame in outer)


@pytest.mark.row("E37")
async def test_exception_while_importing(parity: Any) -> None:
    """An import's exception has no request id, and importlib's frames."""
    payload, _ = await failed(parity, "init-raises")
    assert list(payload) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    trace = payload.pop("stackTrace")
    assert payload == {
        "errorMessage": "init failed on purpose",
        "errorType": "ValueError",
        "requestId": "",
    }
    assert any("importlib" in frame for frame in trace)
    assert "in initialise\n" in trace[-1]


@pytest.mark.row("E38")
@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import sys; sys.exit(0)", "Runtime exited without providing a reason"),
        ("import sys; sys.exit(3)", "Runtime exited with error: exit status 3"),
        ("import os; os._exit(127)", "Runtime exited with error: exit status 127"),
        ("import os; os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
    ],
    ids=["sys.exit(0)", "sys.exit(3)", "os._exit(127)", "SIGKILL"],
)
async def test_process_that_ends(parity: Any, source: str, reason: str) -> None:
    """A process that ends while it runs a handler is `Runtime.ExitError`, with how it ended."""
    parity.function("invoked").runs(f"def main(event, context):\n    {source}")
    payload, request_id = await failed(parity, "invoked")
    assert payload == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {request_id} Error: {reason}",
    }
    assert f"RequestId: {request_id} Error: {reason}\n" in await parity.log("invoked", request_id)


@pytest.mark.row("E38")
async def test_process_that_ends_at_import(parity: Any) -> None:
    """So is one that ends while the function is imported."""
    payload, request_id = await failed(parity, "init-exits")
    assert payload == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {request_id} Error: Runtime exited with error: exit status 3",
    }
