"""Rows E30 to E34: what an environment keeps, and what ends it."""

import asyncio
import json
from typing import Any

import pytest

from emulator.runtime import RuntimeSettings


@pytest.mark.row("E30")
async def test_environment_runs_one_invocation_at_a_time(parity: Any) -> None:
    """Three invocations at once run in three environments, none of which takes another one meanwhile."""
    function = parity.function("invoked").holds()
    async with asyncio.TaskGroup() as calls:
        for _ in range(3):
            calls.create_task(parity.invoke("invoked"))
        at_once = [await function.invocation() for _ in range(3)]
        for one in at_once:
            one.release()
    assert len({one.instance for one in at_once}) == len({one.pid for one in at_once}) == 3
    assert not any("AWS_LAMBDA_MAX_CONCURRENCY" in one.environment for one in at_once)


THREAD = """
    import sys, threading

    def main(event, context):
        ticked = threading.Event()
        sys.ticked = ticked

        def tick():
            while True:
                tell("tick")
                sys.ticked.set()

        if not hasattr(sys, "ticking"):
            sys.ticking = threading.Thread(target=tick, daemon=True)
            sys.ticking.start()
        ticked.wait()
"""
"""Starts a thread that goes on telling after the response, and waits until it has told something."""


@pytest.mark.row("E31")
async def test_nothing_runs_between_invocations(parity: Any) -> None:
    """A thread that a handler leaves behind stands still after the response until the next event."""
    function = parity.function("alone").runs(THREAD)
    await parity.invoke("alone")
    first = await function.invocation()

    async def told_meanwhile() -> int:
        before = len(first.findings)
        await parity.invoke("invoked")
        return len(first.findings) - before

    quiet = 0
    async with asyncio.timeout(20):
        while quiet < 20:  # until the environment has asked for its next event, and what it sent has come
            quiet = 0 if await told_meanwhile() else quiet + 1
    frozen_at = len(first.findings)
    assert [await told_meanwhile() for _ in range(20)] == [0] * 20
    await parity.invoke("alone")
    second = await function.invocation()
    assert second.instance == first.instance
    async with asyncio.timeout(20):
        while len(first.findings) == frozen_at:  # an invocation may be over before the thread has its turn
            await parity.invoke("alone")
    function.runs("import os\ndef main(event, context):\n    os._exit(0)")
    await parity.invoke("alone")


@pytest.mark.row("E32")
async def test_globals_stay_between_invocations(parity: Any) -> None:
    """Invocations one after another run in one environment, whose globals stay."""
    for _ in range(3):
        await parity.invoke("alone")
    first, second, third = parity.function("alone").invocations
    assert first.instance == second.instance == third.instance
    assert (second.count, third.count) == (first.count + 1, first.count + 2)


@pytest.mark.row("E33")
async def test_failed_init_is_repeated_in_the_first_invocation(parity: Any) -> None:
    """A function that loads on the second try answers its first caller; only the log tells of it."""
    answer = await parity.invoke("init-raises-once")
    one = await parity.function("init-raises-once").invocation()
    assert "FunctionError" not in answer
    log = await parity.log("init-raises-once", one.context["aws_request_id"])
    init, invocation = log.split("START RequestId: ")
    assert "\tPhase: init\tStatus: error\tError Type: ValueError\n" in init
    assert "Init Duration" not in invocation


@pytest.mark.row("E33")
async def test_slow_init_is_repeated_in_the_first_invocation(start_service: Any, function: Any) -> None:
    """An init that takes longer than its limit, 10 s, runs again, and then has the function's timeout."""
    assert RuntimeSettings().init_timeout_s == 10.0
    slow = {"environment": {"PARITY_INIT": "0.4"}, "timeout_s": 20}
    too_slow = {"environment": {"PARITY_INIT": "20"}, "timeout_s": 0.3}
    service = await start_service(
        {"slow": slow, "too-slow": too_slow}, RuntimeSettings(init_timeout_s=0.2, preload=())
    )
    result = await service.invoke("slow", b"{}")
    assert result.function_error is None
    assert "\tPhase: init\tStatus: timeout\n" in result.log
    one = await function("slow").invocation()
    assert one.count == 1
    assert one.context["remaining_ms"] < 20_000 - 400
    result = await service.invoke("too-slow", b"{}")
    assert json.loads(result.payload)["errorType"] == "Sandbox.Timedout"


WRITES = """
    import os, tempfile
    import generic

    def main(event, context):
        path = os.path.join(tempfile.gettempdir(), "kept")
        seen = [getattr(generic, "number", 0), open(path).read() if os.path.exists(path) else None]
        generic.number = 42
        with open(path, "w") as file:
            file.write("content")
        return seen
"""


@pytest.mark.row("E34")
async def test_timeout_loses_globals_and_keeps_files(parity: Any) -> None:
    """After a timeout the environment has a new process: globals are lost, `/tmp` is as it was."""
    function = parity.function("reset").runs(WRITES)
    assert json.loads((await parity.invoke("reset"))["Payload"]) == [0, None]
    assert json.loads((await parity.invoke("reset"))["Payload"]) == [42, "content"]
    function.sleeps(20, once=True)
    assert (await parity.invoke("reset"))["FunctionError"] == "Unhandled"
    assert json.loads((await parity.invoke("reset"))["Payload"]) == [0, "content"]
    before, _, ended, after = function.invocations
    assert before.instance == ended.instance != after.instance
    assert before.context["log_stream_name"] == after.context["log_stream_name"]
