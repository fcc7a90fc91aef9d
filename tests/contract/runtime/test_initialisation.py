"""The init phase: its limit, its failures, and the second try within the first invocation (row E33)."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from emulator.application import Function
from emulator.runtime import LambdaService, RuntimeSettings

Serve = Callable[..., Awaitable[LambdaService]]
Call = Callable[..., Awaitable[Any]]

SECOND_TRY = """
import os, pathlib, sys, time
tries = pathlib.Path(os.environ["TRIES"])
count = len(tries.read_text()) if tries.exists() else 0
tries.write_text("x" * (count + 1))
print("try", count + 1)
if count == 0:
    {first}

def handler(event, context):
    return {{"tries": count + 1, "remaining_ms": context.get_remaining_time_in_millis()}}
"""


@pytest.fixture
def second_try(code: Path, tmp_path: Path) -> Callable[..., Function]:
    """Make a function whose first import does something that it should not."""

    def make(first: str, **options: Any) -> Function:
        (code / "second.py").write_text(SECOND_TRY.format(first=first))
        options = {"timeout_s": 20, **options}
        return Function(
            "second", "second.handler", code, environment={"TRIES": str(tmp_path / "tries")}, **options
        )

    return make


@pytest.mark.row("E33")
@pytest.mark.parametrize(
    ("first", "report"),
    [
        ("raise KeyError('once')", "Phase: init\tStatus: error\tError Type: KeyError\n"),
        ("import no_such", "Phase: init\tStatus: error\tError Type: Runtime.ImportModuleError\n"),
        ("sys.exit(1)", "Phase: init\tStatus: error\tError Type: Runtime.ExitError\n"),
        ("time.sleep(600)", "Phase: init\tStatus: timeout\n"),
    ],
    ids=["raises", "no-module", "exits", "takes-too-long"],
)
async def test_a_failed_initialisation_is_repeated_within_the_invocation(
    serve: Serve, call: Call, second_try: Callable[..., Function], first: str, report: str
) -> None:
    """The caller of a function that loads on the second try gets its answer; the log tells of both."""
    init_timeout_s = 2.0 if "Status: timeout" in report else 20.0
    settings = RuntimeSettings(init_timeout_s=init_timeout_s, preload=(), preload_clients=())
    service = await serve(second_try(first), settings=settings)
    seen = await call(service, "second")
    assert seen["tries"] == 2
    assert seen["remaining_ms"] < 20_000
    [log] = service.logs("second")
    assert log.text.startswith("INIT_START ")
    assert log.text.count("INIT_START Runtime") == 1
    order = [
        "try 1\n",
        "INIT_REPORT Init Duration: ",
        report,
        "try 2\n",
        "\nSTART RequestId: ",
        "\nEND ",
        "\nREPORT ",
    ]
    places = [log.text.find(part) for part in order]
    assert -1 not in places
    assert places == sorted(places)
    assert "\tInit Duration" not in log.text.split("\nREPORT RequestId")[1]
    assert service.stats()["invocations"] == 1
    assert (await call(service, "second"))["tries"] == 2


async def test_a_function_that_cannot_be_loaded_is_tried_twice(
    serve: Serve, code: Path, function: Callable[..., Function]
) -> None:
    """Both tries are reported before START, and the REPORT line has the error's type."""
    service = await serve(function("broken_code.handler", name="broken"))
    result = await service.invoke("broken", b"{}")
    assert result.log.count("before\n") == 2
    assert result.log.count("LAMBDA_WARNING: Unhandled exception.") == 2
    first, second = [line for line in result.log.splitlines() if line.startswith("INIT_REPORT")]
    assert first.endswith("\tPhase: init\tStatus: error\tError Type: KeyError")
    assert second.endswith("\tPhase: invoke\tStatus: error\tError Type: KeyError")
    assert result.log.index("Phase: invoke") < result.log.index("START RequestId")
    assert "\tStatus: error\tError Type: KeyError\t\n" in result.log
    error = json.loads(result.payload)
    assert list(error) == ["errorMessage", "errorType", "requestId", "stackTrace"]
    assert error["requestId"] == ""
    assert any("importlib" in frame for frame in error["stackTrace"])


@pytest.mark.parametrize(
    ("handler", "error_type", "message"),
    [
        ("sys.exit", "Runtime.BuiltInModuleConflict", "Cannot use built-in module sys as a handler module"),
        ("nodot", "Runtime.MalformedHandlerName", "Bad handler 'nodot': not enough values to unpack"),
        ("package/module.handler", "Runtime.ImportModuleError", "Unable to import module 'package/module'"),
    ],
    ids=["built-in", "malformed", "slash"],
)
async def test_handlers_that_do_not_exist(
    serve: Serve, code: Path, handler: str, error_type: str, message: str
) -> None:
    """What is wrong with a handler's name is said in AWS's words (rows E10 and E11)."""
    service = await serve(Function("f", handler, code, timeout_s=20))
    error = json.loads((await service.invoke("f", b"{}")).payload)
    assert error["errorType"] == error_type
    assert error["errorMessage"].startswith(message)


@pytest.mark.row("E33")
async def test_the_second_try_is_held_to_the_functions_timeout(
    serve: Serve, function: Callable[..., Function]
) -> None:
    """An import that never ends is a timeout of the invocation, with both tries in its log."""
    settings = RuntimeSettings(init_timeout_s=0.2, preload=(), preload_clients=())
    service = await serve(function("slow.handler", timeout_s=0.3), settings=settings)
    result = await service.invoke("handler", b"{}")
    assert json.loads(result.payload)["errorType"] == "Sandbox.Timedout"
    assert "\tPhase: init\tStatus: timeout\n" in result.log
    assert "\tPhase: invoke\tStatus: timeout\n" in result.log
    assert "Task timed out after 0.30 seconds" in result.log


async def test_other_calls_go_on_meanwhile(serve: Serve, code: Path, call: Call) -> None:
    """A burst on a function whose first import fails, in one environment of several, gets all its answers."""
    (code / "once.py").write_text(
        "import contextlib, os\n"
        "with contextlib.suppress(FileExistsError):\n"
        "    os.close(os.open('once', os.O_CREAT | os.O_EXCL))\n"
        "    raise KeyError('once')\n"
        "def handler(event, context):\n"
        "    return event\n"
    )
    service = await serve(Function("once", "once.handler", code, timeout_s=20))
    results = await asyncio.gather(*(call(service, "once", number) for number in range(6)))
    assert results == list(range(6))
    assert service.stats()["waiting"] == 0
