import asyncio

import pytest

from emulator.application import Schedule
from emulator.errors import FunctionNotFound, InvalidApplication
from emulator.events.schedule_runner import ScheduleRunner


@pytest.fixture
async def make_runner(world):
    async def make(expression="rate(1 minute)", **schedule):
        runner = ScheduleRunner(
            Schedule("sweep", expression, "sweeper", **schedule),
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
        await make_runner("cron(0 12 30 2 ? *)")


async def test_cron_fires_by_the_wall_clock(world, make_runner):
    """A cron schedule fires at its minute, whose time the event tells, and at the next one."""
    runner = await make_runner("cron(0/15 * * * ? *)")  # the clock stands at 22:13:20
    assert runner.status().next_due_in_s == 100
    await world.let_time_pass(100)
    await world.happened("schedule.fired")
    await world.let_time_pass(15 * 60)
    await world.happened("schedule.fired", 2)
    assert [event["time"] for event in world.invoker.events] == [
        "2023-11-14T22:15:00Z",
        "2023-11-14T22:30:00Z",
    ]


async def test_a_jump_over_many_due_times_is_one_event_of_now(world, make_runner):
    """A day that passes at once fires an every-minute schedule once, with the time of the jump's end."""
    runner = await make_runner("cron(* * * * ? *)")
    await world.let_time_pass(86_400)
    await world.happened("schedule.fired")
    (event,) = world.invoker.events
    assert event["time"] == "2023-11-15T22:13:20Z"
    assert runner.status().next_due_in_s == 40


async def test_a_schedule_that_is_over_rests(world, make_runner):
    """After the last due time of its years a schedule is due no more."""
    runner = await make_runner("cron(0 0 31 12 ? 2023)")
    await world.let_time_pass(47 * 86_400)
    await world.happened("schedule.fired")
    assert runner.status().next_due_in_s is None


async def test_a_disabled_schedule_fires_by_hand_only(world, make_runner):
    """A schedule that was declared disabled counts no time, and can still be fired."""
    runner = await make_runner(enabled=False)
    await world.let_time_pass(600)
    assert runner.status().next_due_in_s is None
    await runner.fire()
    assert len(world.invoker.events) == 1


@pytest.mark.row("SCHEDULE.rate")
async def test_enabling_counts_the_rate_from_then(world, make_runner):
    """A schedule that is disabled and enabled again fires one period after that, and no earlier."""
    runner = await make_runner()
    runner.disable()
    runner.disable()
    await world.let_time_pass(90)
    runner.enable()
    runner.enable()
    assert runner.status().next_due_in_s == 60
    await asyncio.sleep(0)
    await world.let_time_pass(60)
    await world.happened("schedule.fired")
    assert len(world.invoker.events) == 1
    assert [entry.kind for entry in world.timeline.entries()] == [
        "schedule.disabled",
        "schedule.enabled",
        "schedule.fired",
    ]


async def test_its_own_input_is_sent_as_it_is(world, make_runner):
    """The function gets the declared input instead of the event."""
    runner = await make_runner(input='{"sweep": "all"}')
    await runner.fire()
    assert world.invoker.events == [{"sweep": "all"}]


@pytest.mark.gap("SCHEDULE.seconds", reason="works here with a warning, so that local schedules can be quick")
async def test_a_rate_in_seconds_is_marked(world, make_runner, caplog):
    """A schedule that AWS would refuse is followed, and the log says so."""
    await make_runner("rate(10 seconds)")
    await world.let_time_pass(10)
    await world.happened("schedule.fired")
    assert [record.action for record in caplog.records] == ["schedule.local_only"]
