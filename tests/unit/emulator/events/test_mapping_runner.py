import asyncio

import pytest

from emulator.application import StreamMapping
from emulator.errors import InvalidApplication
from emulator.events.mapping_runner import MappingInUse, MappingRunner
from emulator.events.mapping_states import MappingState
from emulator.events.status import MappingStatus, State

DEADLINE_S = 5.0


class FakePoller:
    """Notes what is asked of it; `may_finish` holds up its end."""

    def __init__(self, mapping, calls):
        self.mapping, self.calls = mapping, calls
        self.may_finish = asyncio.Event()
        self.may_finish.set()

    async def start(self, *, ready_within_s):
        self.calls.append(("start", self.mapping.batch_size))
        return True

    async def finish(self):
        await self.may_finish.wait()
        self.calls.append(("finish", self.mapping.batch_size))

    async def stop(self):
        self.calls.append(("stop", self.mapping.batch_size))

    def status(self):
        return MappingStatus("t", "f", State.READING, "arn:t/1", ())


class Pollers:
    def __init__(self):
        self.calls, self.made = [], []
        self.finish_within_s = DEADLINE_S

    def new(self, mapping):
        if mapping.batch_size < 1:
            raise InvalidApplication("no")
        self.made.append(FakePoller(mapping, self.calls))
        return self.made[-1]


@pytest.fixture
def pollers():
    return Pollers()


@pytest.fixture
def make_runner(pollers):
    def make(**mapping):
        return MappingRunner(
            "an-id",
            StreamMapping("t", "f", **mapping),
            new_poller=pollers.new,
            finish_within_s=lambda mapping: pollers.finish_within_s,
            now=lambda: 5.0,
        )

    return make


def nothing():
    pass


async def settled(runner):
    async with asyncio.timeout(DEADLINE_S):
        await runner.settled()


async def test_a_mapping_is_created_and_then_enabled(make_runner, pollers):
    """It is `Creating` until its poller has started."""
    runner = make_runner()
    runner.create()
    assert runner.describe().state is MappingState.CREATING
    await settled(runner)
    assert runner.describe().state is MappingState.ENABLED
    assert pollers.calls == [("start", 100)]
    assert (runner.status().uuid, runner.status().mapping_state) == ("an-id", "Enabled")


async def test_a_disabled_mapping_does_not_read(make_runner, pollers):
    """One that is declared disabled reads nothing until it is enabled."""
    runner = make_runner(enabled=False)
    await runner.start()
    assert (runner.state, pollers.calls) == (MappingState.DISABLED, [])
    runner.update(StreamMapping("t", "f"), between=nothing)
    assert runner.state is MappingState.ENABLING
    await settled(runner)
    assert (runner.state, pollers.calls) == (MappingState.ENABLED, [("start", 100)])


async def test_an_update_stops_before_it_starts_again(make_runner, pollers):
    """The earlier poller has ended before the next begins, and what lies between sees nobody reading."""
    runner = make_runner()
    await runner.start()
    runner.update(StreamMapping("t", "f", batch_size=5), between=lambda: pollers.calls.append("between"))
    await settled(runner)
    assert pollers.calls == [("start", 100), ("finish", 100), ("stop", 100), "between", ("start", 5)]


async def test_a_wrong_update_changes_nothing(make_runner, pollers):
    """What cannot be followed is refused, and the earlier mapping goes on."""
    runner = make_runner()
    await runner.start()
    with pytest.raises(InvalidApplication):
        runner.update(StreamMapping("t", "f", batch_size=0), between=nothing)
    assert (runner.state, runner.mapping.batch_size) == (MappingState.ENABLED, 100)
    assert pollers.calls == [("start", 100)]


async def test_a_change_during_a_change_is_refused(make_runner, pollers):
    """While an update waits for an invocation, neither another update nor a deletion begins."""
    runner = make_runner()
    await runner.start()
    pollers.made[0].may_finish.clear()
    runner.update(StreamMapping("t", "f", batch_size=5), between=nothing)
    with pytest.raises(MappingInUse):
        runner.update(StreamMapping("t", "f", batch_size=6), between=nothing)
    with pytest.raises(MappingInUse):
        runner.delete()
    pollers.made[0].may_finish.set()
    await settled(runner)
    assert runner.mapping.batch_size == 5


async def test_a_stop_waits_for_a_change_and_keeps_the_state(make_runner, pollers):
    """A stopped sandbox reads nothing more; started again, the mapping goes on as it was."""
    runner = make_runner()
    runner.create()
    async with asyncio.timeout(DEADLINE_S):
        await runner.stop()
    assert runner.state is MappingState.ENABLED
    await runner.start()
    assert pollers.calls == [("start", 100), ("stop", 100), ("start", 100)]


@pytest.mark.parametrize("change", ["update", "delete"])
async def test_an_invocation_that_does_not_end_holds_up_no_change_for_ever(make_runner, pollers, change):
    """After the time that the function has, the poller is stopped in the middle of it."""
    runner = make_runner()
    await runner.start()
    pollers.made[0].may_finish.clear()
    pollers.finish_within_s = 0
    if change == "update":
        runner.update(StreamMapping("t", "f", enabled=False), between=nothing)
    else:
        runner.delete()
    await settled(runner)
    assert pollers.calls == [("start", 100), ("stop", 100)]


async def test_stopping_the_sandbox_waits_for_no_change(make_runner, pollers):
    """A mapping that is being disabled while an invocation runs is stopped at once."""
    runner = make_runner()
    await runner.start()
    pollers.made[0].may_finish.clear()
    runner.update(StreamMapping("t", "f", enabled=False), between=nothing)
    async with asyncio.timeout(DEADLINE_S / 2):
        await runner.stop()
    assert (runner.state, pollers.calls) == (MappingState.DISABLED, [("start", 100), ("stop", 100)])
