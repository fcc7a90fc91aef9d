"""Which calls wait for the environments there are, although their function could have another."""

import pytest

from emulator.clock import ManualClock
from emulator.runtime.patience import MAX_WAIT_S, QUICK_S, STALL_S, Patience
from emulator.runtime.pool import Pool

ENOUGH = 2


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def patience(clock: ManualClock) -> Patience:
    """Of a function `f` whose calls come back quickly."""
    patience = Patience(clock.monotonic, enough=ENOUGH)
    patience.ended("f", 0.002)
    return patience


def test_a_call_of_a_quick_function_waits(patience: Patience) -> None:
    """Where enough environments are there and calls come back quickly, a call waits."""
    assert patience.waits("f", live=ENOUGH, since=0.0)


def test_few_environments_are_not_waited_for(patience: Patience) -> None:
    """Below the figure a function grows with every call, as on AWS."""
    assert not patience.waits("f", live=ENOUGH - 1, since=0.0)


def test_a_function_that_nothing_is_known_of_waits_a_while(patience: Patience, clock: ManualClock) -> None:
    """The first burst of a function does not fill a busy machine with processes, and is not held for ever."""
    clock.advance(STALL_S)
    assert patience.waits("g", live=ENOUGH, since=0.0)
    clock.advance(MAX_WAIT_S)
    assert not patience.waits("g", live=ENOUGH, since=0.0)


def test_a_slow_function_grows_at_once(patience: Patience) -> None:
    """Calls that take their time are not waited for."""
    patience.ended("slow", QUICK_S * 2)
    assert not patience.waits("slow", live=ENOUGH, since=0.0)


def test_a_function_that_has_become_slow_is_found_out(patience: Patience) -> None:
    """What counts is how long calls took of late."""
    for _ in range(10):
        patience.ended("f", QUICK_S * 2)
    assert not patience.waits("f", live=ENOUGH, since=0.0)


def test_with_idle_processors_a_function_grows(patience: Patience) -> None:
    """Calls that leave the processors idle, because they wait themselves, are not waited for."""
    patience.is_machine_busy = False
    assert not patience.waits("f", live=ENOUGH, since=0.0)


def test_environments_that_are_stuck_are_not_waited_for(patience: Patience, clock: ManualClock) -> None:
    """When no call has come back for a while, another environment is needed."""
    clock.advance(STALL_S)
    assert not patience.waits("f", live=ENOUGH, since=clock.monotonic())


def test_no_call_waits_for_ever(patience: Patience, clock: ManualClock) -> None:
    """A call that has waited for long has a new environment, however busy the machine is."""
    clock.advance(MAX_WAIT_S)
    patience.ended("f", 0.002)
    assert not patience.waits("f", live=ENOUGH, since=0.0)


def test_a_pool_starts_what_its_calls_have_waited_for_in_vain(patience: Patience, clock: ManualClock) -> None:
    """A patient call starts nothing; asked again when the others are stuck, the pool grows for it."""
    started: list[str] = []
    ran: list[tuple[str, int]] = []
    pool: Pool[str, int] = Pool(
        start=started.append,
        run=lambda environment, call: ran.append((environment, call)),
        evict=lambda environment: None,
        max_live=9,
        max_live_per_function=9,
        max_starting=9,
        patience=patience,
    )
    for call in (1, 2):
        pool.submit("f", call)
    for environment in ("one", "two"):
        pool.came("f", environment, started=True)
    pool.submit("f", 3)
    pool.reconsider()
    assert (started, ran, pool.waiting) == (["f", "f"], [("one", 1), ("two", 2)], 1)
    clock.advance(STALL_S)
    pool.reconsider()
    assert started == ["f", "f", "f"]
    pool.came("f", "three", started=True)
    assert ran[-1] == ("three", 3)
