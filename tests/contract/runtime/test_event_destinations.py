"""What becomes of events in the end, and how the clock moves them there."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from emulator.alarm import Alarm
from emulator.application import AsynchronousConfig, Destination, Function
from emulator.clock import ManualClock, SandboxClock
from emulator.destinations import RESEND_DELAYS_S
from emulator.errors import BackendFailed
from emulator.runtime import LambdaService
from emulator.telemetry.timeline import Timeline

Serve = Callable[..., Awaitable[LambdaService]]
Make = Callable[..., Function]
Until = Callable[[Callable[[], Any]], Awaitable[Any]]
DEADLINE_S = 20.0


class Mailbox:
    """Destinations that keep what they are sent, or take nothing."""

    def __init__(self, *, is_broken: bool = False) -> None:
        self.sent: list[tuple[Destination, str, dict[str, Any] | None, str]] = []
        self.is_broken = is_broken

    async def send(
        self, destination: Destination, body: str, *, attributes: dict[str, Any] | None = None, key: str = ""
    ) -> None:
        if self.is_broken:
            raise BackendFailed("It takes nothing.")
        self.sent.append((destination, body, attributes, key))


class Heard:
    """A timeline whose entries can be waited for."""

    def __init__(self, clock: Any) -> None:
        self.timeline = Timeline(clock)
        self._entries: asyncio.Queue[Any] = asyncio.Queue()
        self.timeline.listen(self._entries.put_nowait)

    async def next(self, kind: str) -> Any:
        """Wait for the next entry of a kind; return its facts."""
        async with asyncio.timeout(DEADLINE_S):
            while (entry := await self._entries.get()).kind != kind:
                pass
        return entry.facts


def drained(service: LambdaService) -> Callable[[], bool]:
    return lambda: not service.stats()["queued_events"]


async def test_a_success_is_told(serve: Serve, function: Make, until: Until) -> None:
    """The on-success destination gets the record; the on-failure destination and the queue get nothing."""
    mailbox = Mailbox()
    config = AsynchronousConfig(on_success=Destination.topic("good"), on_failure=Destination.queue("bad"))
    service = await serve(
        function("echo", asynchronous=config, dead_letter=Destination.queue("dead")), destinations=mailbox
    )
    request_id = await service.invoke_event("echo", b'{"a": 1}')
    await until(drained(service))
    ((destination, body, _, _),) = mailbox.sent
    record = json.loads(body)
    assert destination == Destination.topic("good")
    assert record["requestContext"]["condition"] == "Success"
    assert record["requestContext"]["requestId"] == request_id
    assert (record["requestPayload"], record["responsePayload"]) == ({"a": 1}, {"a": 1})
    assert "functionError" not in record["responseContext"]


async def test_a_functions_success_can_start_another(
    serve: Serve, function: Make, until: Until, tmp_path: Path
) -> None:
    """An on-success function is invoked with the record."""
    file = tmp_path / "record"
    service = await serve(
        function("echo", asynchronous=AsynchronousConfig(on_success=Destination.function("destination"))),
        function("destination", environment={"RECORD": str(file)}),
    )
    await service.invoke_event("echo", b'"hello"')
    await until(lambda: file.exists() and drained(service)())
    assert json.loads(file.read_text())["responsePayload"] == "hello"


async def test_minutes_pass_at_once(serve: Serve, function: Make, until: Until, tmp_path: Path) -> None:
    """An advanced clock brings both retries and the dead letter without waiting (row E44)."""
    clock = SandboxClock()
    alarm = Alarm(clock)
    clock.listen(alarm.poke)
    heard, mailbox = Heard(clock), Mailbox()
    service = await serve(
        function("recording", dead_letter=Destination.queue("dead")),
        clock=clock,
        sleep=alarm.sleep,
        timeline=heard.timeline,
        destinations=mailbox,
    )
    event = json.dumps({"file": str(tmp_path / "came"), "failures": 9}).encode()
    request_id = await service.invoke_event("recording", event)
    for delay_s in (60, 120):
        assert (await heard.next("lambda.retry"))["delay_ms"] == delay_s * 1000
        clock.advance(delay_s)
    assert (await heard.next("lambda.given_up"))["attempts"] == 3
    await until(drained(service))
    came = (tmp_path / "came").read_text().splitlines()
    assert [json.loads(line)["request_id"] for line in came] == [request_id] * 3
    ((destination, body, attributes, _),) = mailbox.sent
    assert (destination, body) == (Destination.queue("dead"), event.decode())
    assert attributes is not None
    assert attributes["RequestID"]["StringValue"] == request_id
    assert attributes["ErrorMessage"]["StringValue"] == "not yet"


@pytest.mark.row("E44")
async def test_an_event_grows_too_old_while_it_waits(serve: Serve, function: Make, until: Until) -> None:
    """After six hours it is given up without another attempt, with what the first one gave."""
    clock = ManualClock()
    mailbox = Mailbox()

    async def sleep(_seconds: float) -> None:
        clock.advance(21_601)

    service = await serve(
        function("failing", asynchronous=AsynchronousConfig(on_failure=Destination.bucket("records"))),
        clock=clock,
        sleep=sleep,
        destinations=mailbox,
    )
    await service.invoke_event("failing", b'{"what": "bad"}')
    await until(drained(service))
    ((_, body, _, key),) = mailbox.sent
    context = json.loads(body)["requestContext"]
    assert (context["condition"], context["approximateInvokeCount"]) == ("EventAgeExceeded", 1)
    assert key.startswith("aws/lambda/async/failing/2023/11/15/2023-11-15T04.13.21-")


async def test_a_destination_that_fails_is_told(serve: Serve, function: Make, until: Until) -> None:
    """What could not be sent is tried again, then told, and the other destination is tried nevertheless."""
    heard = Heard(ManualClock())
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    config = AsynchronousConfig(0, on_failure=Destination.queue("bad"))
    service = await serve(
        function("failing", asynchronous=config, dead_letter=Destination.queue("dead")),
        destinations=Mailbox(is_broken=True),
        timeline=heard.timeline,
        sleep=sleep,
    )
    await service.invoke_event("failing", b'{"what": "bad"}')
    failed = [(await heard.next("lambda.destination_failed"))["destination"] for _ in range(2)]
    await until(drained(service))
    assert failed == [Destination.queue("bad").arn, Destination.queue("dead").arn]
    assert slept == [*RESEND_DELAYS_S] * 2


async def test_a_destination_that_is_away_for_a_moment(serve: Serve, function: Make, until: Until) -> None:
    """What it does not take at first is sent again after a while, once."""
    mailbox = Mailbox(is_broken=True)

    async def sleep(_seconds: float) -> None:
        mailbox.is_broken = False

    config = AsynchronousConfig(0, on_failure=Destination.queue("bad"))
    service = await serve(function("failing", asynchronous=config), destinations=mailbox, sleep=sleep)
    await service.invoke_event("failing", b'{"what": "bad"}')
    await until(drained(service))
    assert [destination for destination, *_ in mailbox.sent] == [Destination.queue("bad")]


async def test_a_change_to_zero_concurrency_ends_what_waits(
    serve: Serve, function: Make, until: Until
) -> None:
    """Events that wait for a retry go to the dead-letter queue once the function may not run any more."""
    mailbox = Mailbox()
    waits, go_on = asyncio.Event(), asyncio.Event()

    async def sleep(_seconds: float) -> None:
        waits.set()
        await go_on.wait()

    service = await serve(
        function("failing", dead_letter=Destination.queue("dead")), sleep=sleep, destinations=mailbox
    )
    await service.invoke_event("failing", b'{"what": "bad"}')
    async with asyncio.timeout(DEADLINE_S):
        await waits.wait()
    service.configure("failing", reserved_concurrency=0)
    go_on.set()
    await until(drained(service))
    assert [(destination.name, body) for destination, body, _, _ in mailbox.sent] == [
        ("dead", '{"what": "bad"}')
    ]
