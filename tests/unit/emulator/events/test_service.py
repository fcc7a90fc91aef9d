from dataclasses import asdict
from pathlib import Path
from random import Random

import pytest

from emulator.application import (
    Application,
    Function,
    Key,
    Queue,
    QueueMapping,
    Schedule,
    StreamMapping,
    StreamViewType,
    Table,
)
from emulator.errors import InvalidApplication
from emulator.events.service import EventSources
from emulator.events.services import Services
from emulator.faults import Faults

FUNCTION = Function("f", "a.b", Path())
TABLE = Table("t", Key("pk"), stream_view_type=StreamViewType.KEYS_ONLY)


@pytest.fixture
def make_sources(world):
    def make(**application):
        return EventSources(
            Application("a", functions=[FUNCTION], tables=[TABLE], **application),
            Services(
                invoker=world.invoker,
                clock=world.clock,
                alarm=world.alarm,
                faults=Faults(),
                destinations=world.destinations,
                timeline=world.timeline,
                random=Random(1),
            ),
            backend_endpoint_url="http://127.0.0.1:9",
            waits_for_records=False,
        )

    return make


@pytest.mark.parametrize(
    "application",
    [
        {"stream_mappings": [StreamMapping("t", "f", filters=[{"eventName": "INSERT"}])]},
        {"schedules": [Schedule("s", "cron(* * * * * *)", "f")]},
        {"schedules": [Schedule("s", "rate(1 day)", "f", input="no JSON")]},
        {"queues": [Queue("q")], "queue_mappings": [QueueMapping("q", "f", filters=[{"attributes": {}}])]},
        {"queues": [Queue("q", 2)], "queue_mappings": [QueueMapping("q", "f")]},
        {"queues": [Queue("q")], "queue_mappings": [QueueMapping("q", "f")] * 2},
    ],
    ids=["filter", "schedule", "input", "filter of a queue", "visibility timeout", "two of a queue"],
)
async def test_refuses_what_cannot_be_followed(make_sources, application):
    """A wrong filter or schedule is refused before anything starts."""
    with pytest.raises(InvalidApplication):
        make_sources(**application)


async def test_schedules_follow_an_advanced_clock(world, make_sources):
    """After `poke` a schedule that became due fires, however far the clock was moved."""
    sources = make_sources(schedules=[Schedule("s", "rate(1 hour)", "f")])
    await sources.start()
    world.stack.push_async_callback(sources.stop)
    world.clock.advance(3_600)
    world.alarm.poke()
    await world.happened("schedule.fired")
    (status,) = asdict(sources.status())["schedules"]
    assert (status["name"], status["last_fired_at"]) == ("s", world.clock.now())


async def test_a_schedule_is_fired_by_name(world, make_sources):
    """`fire` sends the event of the named schedule now; another name is refused."""
    sources = make_sources(schedules=[Schedule("s", "rate(1 hour)", "f")])
    await sources.fire("s")
    assert len(world.invoker.events) == 1
    with pytest.raises(KeyError):
        await sources.fire("other")


async def test_may_be_stopped_at_any_time(make_sources):
    """Stopping before the start, and twice, does nothing."""
    sources = make_sources(schedules=[Schedule("s", "rate(1 hour)", "f")])
    await sources.stop()
    await sources.start()
    await sources.stop()
    await sources.stop()
