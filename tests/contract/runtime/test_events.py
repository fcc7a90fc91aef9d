"""Invocations of type `Event` on real environments."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from emulator.application import AsynchronousConfig, Destination, Function
from emulator.clock import ManualClock
from emulator.runtime import LambdaService
from emulator.telemetry.timeline import Timeline

Serve = Callable[..., Awaitable[LambdaService]]
Make = Callable[..., Function]


class Waits:
    """A `sleep` that remembers how long it was to take, and moves the clock instead."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.delays: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.delays.append(seconds)
        self.clock.advance(seconds)


async def settled(service: LambdaService) -> None:
    """Wait until no event is queued."""
    async with asyncio.timeout(30):
        while service.stats()["queued_events"]:  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


async def test_an_event_runs_without_its_caller(serve: Serve, function: Make, tmp_path: Path) -> None:
    """The caller has the request id at once; the function gets the event under that id."""
    service = await serve(function("recording"))
    file = tmp_path / "came"
    request_id = await service.invoke_event(
        "recording", json.dumps({"file": str(file), "failures": 0}).encode()
    )
    await settled(service)
    assert lines(file) == [{"request_id": request_id}]


async def test_a_failing_event_is_retried_with_lambdas_delays(
    serve: Serve, function: Make, tmp_path: Path
) -> None:
    """Twice more, after one and two minutes, under the same request id."""
    waits = Waits()
    service = await serve(function("recording"), clock=waits.clock, sleep=waits.sleep)
    file = tmp_path / "came"
    request_id = await service.invoke_event(
        "recording", json.dumps({"file": str(file), "failures": 2}).encode()
    )
    await settled(service)
    assert lines(file) == [{"request_id": request_id}] * 3
    assert waits.delays == [60, 120]


async def test_the_destination_gets_the_failure_record(serve: Serve, function: Make, tmp_path: Path) -> None:
    """What failed for good goes to the on-failure function in the form of AWS's record."""
    waits = Waits()
    record = tmp_path / "record"
    service = await serve(
        function(
            "failing",
            asynchronous=AsynchronousConfig(1, 21_600, on_failure=Destination.function("destination")),
        ),
        function("destination", environment={"RECORD": str(record)}),
        clock=waits.clock,
        sleep=waits.sleep,
    )
    request_id = await service.invoke_event("failing", b'{"what": "hopeless"}')
    await settled(service)
    await settled(service)
    found = json.loads(record.read_text())
    response = found.pop("responsePayload")
    assert response["errorMessage"] == "it is hopeless"
    assert found == {
        "version": "1.0",
        "timestamp": "2023-11-14T22:14:20.000Z",
        "requestContext": {
            "requestId": request_id,
            "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:failing:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 2,
        },
        "requestPayload": {"what": "hopeless"},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
    }


async def test_a_killed_process_reaches_the_destination(
    serve: Serve, function: Make, meeting: Any, tmp_path: Path
) -> None:
    """With no retries, a process killed in the middle is in its destination's hands at once."""
    record = tmp_path / "record"
    service = await serve(
        function("wait", asynchronous=AsynchronousConfig(0, on_failure=Destination.function("destination"))),
        function("destination", environment={"RECORD": str(record)}),
    )
    await service.invoke_event("wait", meeting.payload("1"))
    await meeting.arrives("1")
    await service.kill_environment("wait")
    await settled(service)
    await settled(service)
    found = json.loads(record.read_text())
    assert found["responsePayload"]["errorType"] == "Runtime.ExitError"
    assert found["requestPayload"] == meeting.event("1")


@pytest.mark.row("E44")
async def test_throttled_events_are_tried_again(serve: Serve, function: Make, meeting: Any) -> None:
    """A throttle costs no attempt: the event waits, longer each time, until there is room."""
    waits = Waits()

    async def sleep(seconds: float) -> None:
        await waits.sleep(seconds)
        if len(waits.delays) == 3:
            meeting.let_go()
            await running
        await asyncio.sleep(0)

    service = await serve(function("wait", reserved_concurrency=1), clock=waits.clock, sleep=sleep)
    running = asyncio.create_task(service.invoke("wait", meeting.payload("1")))
    await meeting.arrives("1")
    await service.invoke_event("wait", meeting.payload("2"))
    await settled(service)
    assert waits.delays == [1, 2, 4]
    assert meeting.here() == {"1", "2"}


async def test_events_of_a_function_that_may_not_run(serve: Serve, function: Make, tmp_path: Path) -> None:
    """A reserved concurrency of zero sends events to the destination without an attempt."""
    record = tmp_path / "record"
    service = await serve(
        function(
            "echo",
            reserved_concurrency=0,
            asynchronous=AsynchronousConfig(on_failure=Destination.function("destination")),
        ),
        function("destination", environment={"RECORD": str(record)}),
    )
    await service.invoke_event("echo", b"{}")
    await settled(service)
    await settled(service)
    found = json.loads(record.read_text())
    assert found["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert found["requestContext"]["approximateInvokeCount"] == 0
    assert "responsePayload" not in found


async def test_stop_leaves_no_event_behind(serve: Serve, function: Make) -> None:
    """Events that wait for a retry end with the service."""
    timeline = Timeline(ManualClock())
    service = await serve(function("failing"), timeline=timeline)
    retried = asyncio.Event()
    timeline.listen(lambda entry: retried.set() if entry.kind == "lambda.retry" else None)
    await service.invoke_event("failing", b'{"what": "x"}')
    async with asyncio.timeout(20):
        await retried.wait()
    assert service.stats()["queued_events"] == 1
    await service.stop()
    assert service.stats()["queued_events"] == 0
