"""How many environments there are, which one runs a call, and what happens at the limits."""

import asyncio
import itertools
import json
import os
import signal
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from emulator.application import Function
from emulator.clock import ManualClock
from emulator.errors import StartFailed, TooManyRequests
from emulator.runtime import LambdaService, RuntimeSettings
from emulator.telemetry.timeline import Entry, Timeline

Serve = Callable[..., Awaitable[LambdaService]]
Make = Callable[..., Function]
Call = Callable[..., Awaitable[Any]]


async def at_once(count: int, service: LambdaService, meeting: Any) -> list[Any]:
    """Make `count` calls of `wait` that all have to be there before any is let go."""
    names = [str(number) for number in range(count)]
    calls = [asyncio.create_task(service.invoke("wait", meeting.payload(name))) for name in names]
    for name in names:
        await meeting.arrives(name)
    meeting.let_go()
    return [json.loads(result.payload) for result in await asyncio.gather(*calls)]


@pytest.mark.row("E30")
async def test_calls_run_at_the_same_time(serve: Serve, function: Make, meeting: Any) -> None:
    """Ten calls run in ten environments at once, each call in one of its own."""
    service = await serve(function("wait"))
    results = await at_once(10, service, meeting)
    assert len({result["pid"] for result in results}) == 10


async def test_one_call_after_another_needs_one_environment(serve: Serve, function: Make, call: Call) -> None:
    """A caller that calls again as soon as it has its answer meets the same environment."""
    service = await serve(function("counting"))
    results = [await call(service, "counting") for _ in range(50)]
    assert [result["count"] for result in results] == list(range(1, 51))
    assert service.stats()["cold_starts"] == 1


async def test_at_the_limit_calls_wait_in_order(serve: Serve, function: Make, meeting: Any) -> None:
    """Beyond the laptop's limit calls wait, none is refused, and the oldest runs first."""
    settings = RuntimeSettings(max_environments=2, preload=(), preload_clients=())
    numbers = itertools.count(1)
    service = await serve(function("wait"), settings=settings, new_id=lambda: f"{next(numbers):03}")
    calls = [asyncio.create_task(service.invoke("wait", meeting.payload(str(n)))) for n in range(8)]
    await meeting.arrives("0")
    await meeting.arrives("1")
    assert meeting.here() == {"0", "1"}
    assert service.stats()["waiting"] == 6
    meeting.let_go()
    results = await asyncio.gather(*calls)
    in_order = [result.request_id for result in results]
    assert in_order == sorted(in_order)
    assert [log.request_id for log in service.logs("wait")] == in_order
    assert len(service.environments()) == 2


async def test_idle_environments_make_room_for_other_functions(
    serve: Serve, function: Make, call: Call
) -> None:
    """At the limit an idle environment of one function ends so that another function can run."""
    settings = RuntimeSettings(max_environments=1, preload=(), preload_clients=())
    service = await serve(function("echo"), function("counting"), settings=settings)
    for _ in range(3):
        assert await call(service, "echo", 1) == 1
        assert (await call(service, "counting"))["count"] == 1
    assert len(service.environments()) == 1


async def test_functions_take_turns_at_the_limit(serve: Serve, function: Make, call: Call) -> None:
    """No function starves another of the only place."""
    settings = RuntimeSettings(max_environments=1, preload=(), preload_clients=())
    service = await serve(function("echo"), function("counting"), settings=settings)
    calls = [call(service, name, 1) for _ in range(5) for name in ("echo", "counting")]
    assert len(await asyncio.gather(*calls)) == 10


async def test_reserved_concurrency_throttles(serve: Serve, function: Make, meeting: Any) -> None:
    """Beyond its reserved concurrency a function's callers are refused, with AWS's reason."""
    service = await serve(function("wait", reserved_concurrency=1))
    running = asyncio.create_task(service.invoke("wait", meeting.payload("1")))
    await meeting.arrives("1")
    with pytest.raises(TooManyRequests) as caught:
        await service.invoke("wait", meeting.payload("2"))
    assert caught.value.reason == "ReservedFunctionConcurrentInvocationLimitExceeded"
    meeting.let_go()
    await running
    assert (await service.invoke("wait", meeting.payload("3"))).function_error is None


async def test_provisioned_environments_are_ready_before_the_first_call(
    serve: Serve, function: Make, call: Call, until: Call
) -> None:
    """They are started with the service, so that no call is a cold start, and are replaced when they end."""
    service = await serve(function("echo", provisioned_concurrency=2))
    assert [(e.state, e.provisioned) for e in service.environments()] == [("idle", True)] * 2
    before = {e.pid for e in service.environments()}
    assert await call(service, "echo", 1) == 1
    assert service.stats()["cold_starts"] == 0
    killed = await service.kill_environment("echo")
    assert killed in before
    await until(lambda: [e.state for e in service.environments()] == ["idle"] * 2)
    assert killed not in {e.pid for e in service.environments()}


@pytest.mark.parametrize("moment", ["busy", "finishing"])
async def test_a_provisioned_environment_of_an_older_configuration_is_replaced_by_one(
    serve: Serve, function: Make, meeting: Any, until: Call, gone: Call, moment: str
) -> None:
    """A change while it runs, or before it asks for more, starts one in its place, and not a second one."""
    timeline = Timeline(ManualClock())
    service = await serve(function("wait", provisioned_concurrency=1), timeline=timeline)
    [old] = [e.pid for e in service.environments()]
    later: list[asyncio.Task[Any]] = []

    def change() -> None:
        service.configure("wait", memory_mb=256)
        later.append(asyncio.create_task(service.invoke("wait", meeting.payload("2"))))

    def look(entry: Entry) -> None:
        if moment == "finishing" and entry.kind == "lambda.end" and not later:
            change()

    timeline.listen(look)
    running = asyncio.create_task(service.invoke("wait", meeting.payload("1")))
    assert await meeting.arrives("1") == old
    if moment == "busy":
        change()
        assert await meeting.arrives("2") != old
    meeting.let_go()
    await running
    second = json.loads((await later[0]).payload)
    await gone(old)
    await until(lambda: {e.state for e in service.environments()} == {"idle"})
    assert [(e.pid, e.provisioned) for e in service.environments()] == [(second["pid"], True)]


async def test_a_provisioned_function_that_cannot_be_loaded(serve: Serve, function: Make) -> None:
    """The service starts; who calls the function gets its error."""
    service = await serve(function("broken_code.handler", provisioned_concurrency=2))
    assert service.environments() == []
    result = await service.invoke("handler", b"{}")
    assert json.loads(result.payload)["errorType"] == "KeyError"


async def test_a_dead_idle_environment_is_replaced(serve: Serve, function: Make, call: Call) -> None:
    """An environment that dies while it waits is noticed: the next call runs in a new one."""
    service = await serve(function("counting"))
    first = await call(service, "counting")
    assert await service.kill_environment("counting", first["pid"]) == first["pid"]
    assert service.environments() == []
    second = await call(service, "counting")
    assert second["count"] == 1
    assert second["pid"] != first["pid"]
    assert await service.kill_environment("counting", 1) is None


async def test_a_dead_fork_server_is_replaced(
    serve: Serve, function: Make, call: Call, gone: Call, until: Call
) -> None:
    """When the fork server dies, its environments are lost and the next call boots another."""
    service = await serve(function("counting"))
    first = await call(service, "counting")
    [fork_server] = service.fork_server_pids()
    os.kill(fork_server, signal.SIGKILL)
    await gone(first["pid"])
    await until(lambda: not service.environments())
    second = await call(service, "counting")
    assert second["count"] == 1
    assert service.fork_server_pids() != [fork_server]


async def test_the_timeline_tells_of_starts_and_ends(serve: Serve, function: Make, until: Call) -> None:
    """Every environment and every invocation is recorded, without payloads."""
    clock = ManualClock()
    timeline = Timeline(clock)
    service = await serve(function("failing"), timeline=timeline, clock=clock)
    result = await service.invoke("failing", b'{"what": "secret"}')
    await until(lambda: service.environments()[0].state == "idle")
    await service.kill_environment("failing")
    entries = {entry.kind: entry.facts for entry in timeline.entries()}
    assert list(entries) == ["environment.started", "lambda.start", "lambda.end", "environment.ended"]
    pid = entries["environment.started"]["pid"]
    assert entries["lambda.start"] == {
        "function": "failing", "request_id": result.request_id, "pid": pid, "cold": True
    }  # fmt: skip
    assert entries["lambda.end"]["function_error"] == "Unhandled"
    assert entries["lambda.end"]["duration_ms"] > 0
    assert entries["environment.ended"] == {
        "function": "failing", "pid": pid, "state": "idle", "status": -9, "invocations": 1
    }  # fmt: skip
    assert "secret" not in str(list(timeline.entries()))


async def test_code_that_is_not_there(function: Make, tmp_path: Any) -> None:
    """The service does not start, and names the folder."""
    missing = Function(name="f", handler="a.b", code=tmp_path / "missing")
    with pytest.raises(StartFailed, match="missing"):
        await LambdaService([missing]).start()


async def test_a_stopped_service_starts_again(serve: Serve, function: Make, call: Call) -> None:
    """Stop leaves nothing that a later start could stumble over, and both may be repeated."""
    service = await serve(function("counting", provisioned_concurrency=1))
    for _ in range(2):
        assert (await call(service, "counting"))["count"] == 1
        await service.stop()
        await service.stop()
        await service.start()
    assert service.stats()["environments"] == 1


async def test_a_start_that_is_given_up_leaves_nothing(function: Make, gone: Call, until: Call) -> None:
    """Cancelling `start` ends what was started so far."""
    service = LambdaService([function("slow.handler", provisioned_concurrency=2)])
    starting = asyncio.create_task(service.start())
    await until(lambda: sum(e.pid is not None for e in service.environments()) == 2)
    pids = [e.pid for e in service.environments()] + service.fork_server_pids()
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    for pid in pids:
        await gone(pid)


async def test_updates_in_a_loop_starve_no_call(serve: Serve, function: Make, call: Call) -> None:
    """A call has the configuration with which it was accepted, or a later one, however often that changes."""
    service = await serve(function("describe", environment={"NUMBER": "0"}))
    done = asyncio.Event()
    last = 0

    async def update() -> None:
        nonlocal last
        while not done.is_set():
            last += 1
            service.configure("describe", environment={"NUMBER": str(last)})
            await asyncio.sleep(0.001)

    async def seen() -> int:
        return int((await call(service, "describe"))["environment"]["NUMBER"])

    updating = asyncio.create_task(update())
    try:
        for _ in range(3):
            accepted = last
            assert await seen() >= accepted
    finally:
        done.set()
        await updating
    assert await seen() == last
