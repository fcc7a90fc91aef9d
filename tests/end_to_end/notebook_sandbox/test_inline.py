"""Functions in threads of this process: the same flow, and actions that are defined here."""

import asyncio
import os
import sys
import threading
from typing import Any

import pytest

from emulator import Sandbox
from streamer.actions import ActionContext, Payload
from streamer.clients.python import RequestFailed

DEADLINE_S = 20.0


class Greeting(Payload, frozen=True, kw_only=True):
    name: str


async def test_echo(inline_client: Any) -> None:
    """A short request is answered as by a process."""
    payload = {"message": "hi", "list": [1, 2.5, None, True, {"ü": "ä"}]}
    assert (await inline_client.request("echo", payload))["echo"] == payload


async def test_long_request(inline_client: Any) -> None:
    """A long request is queued, reports progress and completes."""
    report = inline_client.request("generate_report", {"start_date": "2024-01-01", "end_date": "2024-12-31"})
    percentages = [progress.percentage async for progress in report]
    assert (await report)["rows_matched"] > 0
    assert percentages == sorted(percentages)


async def test_a_short_action_is_served_at_once(inline: Sandbox, inline_client: Any) -> None:
    """An action that is defined here answers the next request; its payload is checked by its type."""

    @inline.add_action
    def greet(payload: Greeting) -> dict[str, Any]:
        return {"greeting": f"Hello, {payload.name}", "pid": os.getpid()}

    assert await inline_client.request("greet", {"name": "Ada"}) == {
        "greeting": "Hello, Ada",
        "pid": os.getpid(),
    }
    with pytest.raises(RequestFailed, match="name"):
        await inline_client.request("greet", {})


async def test_a_long_action_is_queued(inline: Sandbox, inline_client: Any) -> None:
    """Router and executor offer the same action: it is acknowledged, reports progress and completes."""

    @inline.add_action(estimated_duration_s=60)
    def crawl(payload: dict[str, Any], context: ActionContext) -> dict[str, Any]:
        context.progress(50, "half")
        return {"attempt": context.attempt, "pid": os.getpid()}

    request = inline_client.request("crawl", {})
    assert type(await request.acknowledgment()).__name__ == "Acknowledgment"
    assert await request == {"attempt": 1, "pid": os.getpid()}


async def test_defining_an_action_again_replaces_it(inline: Sandbox, inline_client: Any) -> None:
    """A cell that is run again, changed, is what answers from then on."""
    for number in (1, 2):
        inline.add_action(lambda payload, number=number: {"number": number}, name="version")
        assert await inline_client.request("version") == {"number": number}


async def test_a_coroutine_function_is_an_action_too(inline: Sandbox, inline_client: Any) -> None:
    """`async def` in a cell is served like any other."""

    @inline.add_action
    async def nap(payload: dict[str, Any]) -> str:
        await asyncio.sleep(0)
        return "rested"

    assert await inline_client.request("nap") == "rested"


async def test_a_breakpoint_stops_in_this_process(
    inline: Sandbox, inline_client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`breakpoint()` in an action reaches this process's debugger, with the action's own frame."""
    seen: list[Any] = []

    def stop() -> None:
        frame = sys._getframe(1)
        seen.append((frame.f_code.co_name, frame.f_locals["payload"], threading.current_thread().name))

    monkeypatch.setattr(sys, "breakpointhook", stop)

    @inline.add_action
    def halt(payload: dict[str, Any]) -> None:
        breakpoint()

    await inline_client.request("halt", {"a": 1})
    assert [(name, payload) for name, payload, _ in seen] == [("halt", {"a": 1})]
    assert seen[0][2] != threading.current_thread().name


async def test_environments_grow_with_demand(inline: Sandbox, inline_client: Any) -> None:
    """Requests that run at the same time have a thread each."""
    together = threading.Barrier(3)

    @inline.add_action
    def meet(payload: dict[str, Any]) -> int:
        return together.wait(DEADLINE_S)

    places = await asyncio.gather(*(inline_client.request("meet") for _ in range(3)))
    assert sorted(places) == [0, 1, 2]


async def test_the_process_environment_is_not_touched(inline: Sandbox, inline_client: Any) -> None:
    """Settings are passed as an object: no variable of a function is set here."""
    await inline_client.request("echo")
    assert not [name for name in os.environ if name.startswith(("STREAMER_REQUESTS", "AWS_LAMBDA"))]


async def test_what_an_action_raises_is_in_the_functions_log(inline: Sandbox, inline_client: Any) -> None:
    """The client gets a sentence, the log the stack, and an explanation shows its end alone."""

    @inline.add_action
    def stumble(payload: dict[str, Any]) -> None:
        raise LookupError("over a stone")

    with pytest.raises(RequestFailed) as caught:
        await inline_client.request("stumble")
    logs = [log["log"] for log in await inline.logs("router") if "over a stone" in log["log"]]
    assert len(logs) == 1
    told = await asyncio.to_thread(inline.explain, caught.value)
    assert told is not None
    assert told.startswith("It failed in streamer-router")
    assert "LookupError: over a stone" in told
    assert "emulator" not in told


async def test_a_killed_environment_is_replaced(
    inline: Sandbox, inline_client: Any, completions: Any
) -> None:
    """Its thread goes on but counts no more: the request runs again and completes once."""
    begun, release = threading.Event(), threading.Event()
    attempts: list[int] = []

    @inline.add_action(estimated_duration_s=60)
    def linger(payload: dict[str, Any], context: ActionContext) -> int:
        attempts.append(context.attempt)
        if context.attempt == 1:
            begun.set()
            release.wait(DEADLINE_S)
        return context.attempt

    request = inline_client.request("linger")
    assert await asyncio.to_thread(begun.wait, DEADLINE_S)
    assert await inline.kill_environment("executor") == os.getpid()
    try:
        async with asyncio.timeout(DEADLINE_S):
            outcomes = await completions(request)
    finally:
        release.set()
    assert [outcome.result for outcome in outcomes] == [2]
    assert attempts == [1, 2]


async def test_threads_end_with_the_sandbox(sandbox_options: dict[str, Any], eventually: Any) -> None:
    """A sandbox that has stopped leaves no thread of its functions."""
    options = {**sandbox_options, "name": "ending"}  # the other sandbox may start threads at any time

    def threads() -> list[str]:
        names = [thread.name for thread in threading.enumerate()]
        return [name for name in names if name.startswith("inline-ending")]

    async with Sandbox(execution="inline", options=options) as sandbox:
        client = await sandbox.connect()
        await client.request("echo")
        await client.close()
        assert threads()
    await eventually(lambda: threads() == [])  # one that is not there within two seconds is not waited for
