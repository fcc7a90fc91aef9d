import asyncio
import json
from random import Random

import pytest

from emulator.alarm import Alarm
from emulator.application import Application, Function, Schedule
from emulator.clock import SandboxClock, timestamp
from emulator.destinations import NO_DESTINATIONS
from emulator.events.service import EventSources
from emulator.events.services import Services
from emulator.faults import Faults
from emulator.runtime.service import LambdaService
from emulator.telemetry.timeline import Timeline

DEADLINE_S = 20.0
CODE = """
import json, pathlib

def handler(event, context):
    with open(pathlib.Path(__file__).with_name("events"), "a") as events:
        events.write(json.dumps(event) + "\\n")
"""


class Sandbox:
    """A real Lambda service with one function, and schedules on a clock that can be advanced."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "noting.py").write_text(CODE)
        self.clock = SandboxClock()
        self.alarm = Alarm(self.clock)
        self.clock.listen(self.alarm.poke)
        self.timeline = Timeline(self.clock)
        self.function = Function("f", "noting.handler", folder)
        self.service = LambdaService(
            [self.function],
            environment_variables=lambda function: {},
            clock=self.clock,
            timeline=self.timeline,
            sleep=self.alarm.sleep,
            run_folder=folder,
        )
        self.sources = None

    async def start(self, *schedules):
        self.sources = EventSources(
            Application("contract", functions=[self.function], schedules=schedules),
            Services(
                invoker=self.service,
                clock=self.clock,
                alarm=self.alarm,
                faults=Faults(),
                destinations=NO_DESTINATIONS,
                timeline=self.timeline,
                random=Random(1),
            ),
            backend_endpoint_url="http://127.0.0.1:9",
            waits_for_records=False,
        )
        await self.sources.start()

    async def ended(self, times):
        """Wait until `times` invocations have ended; returns the events that the function got."""
        news = asyncio.Event()
        stop = self.timeline.listen(lambda entry: news.set())
        try:
            async with asyncio.timeout(DEADLINE_S):
                while sum(entry.kind == "lambda.end" for entry in self.timeline.entries()) < times:
                    news.clear()
                    await news.wait()
        finally:
            stop()
        return [json.loads(line) for line in (self.folder / "events").read_text().splitlines()]


@pytest.fixture
async def sandbox(tmp_path):
    one = Sandbox(tmp_path)
    await one.service.boot()
    await one.service.start()
    yield one
    if one.sources is not None:
        await one.sources.stop()
    await one.service.stop()


async def test_an_hourly_rate_follows_an_advanced_clock(sandbox):
    """A schedule of an hour invokes its function as soon as the clock was advanced by an hour."""
    await sandbox.start(Schedule("hourly", "rate(1 hour)", "f"))
    sandbox.clock.advance(3_600)
    (event,) = await sandbox.ended(1)
    assert event["detail-type"] == "Scheduled Event"
    assert event["resources"] == ["arn:aws:events:us-east-1:000000000000:rule/hourly"]
    sandbox.clock.advance(3_600)
    assert len(await sandbox.ended(2)) == 2


async def test_a_cron_schedule_follows_an_advanced_clock(sandbox):
    """A schedule of every day at noon invokes its function once the clock shows noon, and tells that time."""
    await sandbox.start(Schedule("noon", "cron(0 12 * * ? *)", "f"))
    (status,) = sandbox.sources.status().schedules
    noon = sandbox.clock.now() + status.next_due_in_s
    sandbox.clock.advance(status.next_due_in_s)
    (event,) = await sandbox.ended(1)
    assert event["time"] == timestamp(round(noon), timespec="seconds")
    assert event["time"].endswith("T12:00:00Z")


async def test_schedules_are_disabled_and_enabled_at_run_time(sandbox):
    """A disabled schedule does not fire whatever the clock shows; enabled again it does, with its input."""
    await sandbox.start(
        Schedule("off", "rate(1 hour)", "f"),
        Schedule("on", "rate(1 hour)", "f", input='{"is": "on"}', enabled=False),
    )
    sandbox.sources.disable_schedule("off")
    sandbox.clock.advance(7_200)
    sandbox.sources.enable_schedule("on")
    sandbox.clock.advance(3_600)
    assert await sandbox.ended(1) == [{"is": "on"}]
    with pytest.raises(KeyError):
        sandbox.sources.enable_schedule("other")
