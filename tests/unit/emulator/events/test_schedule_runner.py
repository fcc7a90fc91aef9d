import asyncio

import pytest

from emulator.application import Schedule
from emulator.errors import FunctionNotFound, InvalidApplication
from emulator.events.schedule_runner import ScheduleRunner


@pytest.fixture
async def make_runner(world):
    async def make(expression="rate(1 minute)"):
        runner = ScheduleRunner(
            Schedule("sweep", expression, "sweeper"),
            invoker=world.invoker,
            clock=world.clock,
            alarm=world.alarm,
            timeline=world.timeline,
            ids=lambda: "an-id",
        )
        await runner.start()
        world.stack.push_async_callback(runner.stop)
        await asyncio.sleep(0)
        return runner

    return make


async def test_fires_when_the_clock_says_so(world, make_runner):
    """The first event comes one period after the start, as soon as the clock shows it."""
    await make_runner()
    await world.let_time_pass(59.9)
    await asyncio.sleep(0)
    assert world.invoker.events == []
    await world.let_time_pass(0.1)
    await world.invoker.until(lambda: len(world.invoker.events) == 1)
    (event,) = world.invoker.events
    assert (event["id"], event["detail-type"], event["time"]) == (
        "an-id",
        "Scheduled Event",
        "2023-11-14T22:14:20Z",
    )
    (fired,) = await world.happened("schedule.fired")
    assert fired == {"schedule": "sweep", "function": "sweeper", "request_id": "request-1"}


async def test_fires_again_and_again(world, make_runner):
    """Each further period fires once more."""
    runner = await make_runner()
    for times in (1, 2, 3):
        await world.let_time_pass(60)
        await world.happened("schedule.fired", times)
    assert len(world.invoker.events) == 3
    assert runner.status().next_due_in_s == 60


async def test_a_clock_that_jumps_fires_once(world, make_runner):
    """What a jump of an hour skipped is one event, and the schedule keeps its grid."""
    runner = await make_runner()
    await world.let_time_pass(3_610)
    await world.happened("schedule.fired")
    assert len(world.invoker.events) == 1
    assert runner.status().next_due_in_s == 50


async def test_can_be_fired_out_of_turn(world, make_runner):
    """Firing by hand sends an event now and leaves the schedule as it was."""
    runner = await make_runner()
    await runner.fire()
    assert len(world.invoker.events) == 1
    assert runner.status().last_fired_at == world.clock.now()
    assert runner.status().next_due_in_s == 60


async def test_a_refused_event_does_not_end_the_schedule(world, make_runner):
    """Where the function cannot be invoked that is recorded, and the schedule fires again."""

    def refuse(_):
        raise FunctionNotFound("There is no function sweeper.")

    world.invoker.answer = refuse
    await make_runner()
    await world.let_time_pass(60)
    await world.happened("schedule.failed")
    world.invoker.answer = lambda _: None
    await world.let_time_pass(60)
    await world.happened("schedule.fired")


async def test_refuses_an_expression_that_cannot_be_followed(make_runner):
    """A schedule that would never fire is refused when it is made."""
    with pytest.raises(InvalidApplication):
        await make_runner("cron(0 12 * * ? *)")
