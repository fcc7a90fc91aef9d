"""Which call runs where."""

from collections import defaultdict

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from emulator.runtime.pool import Pool


class World:
    """Environments and calls as plain values: environments are `(function, number)`."""

    def __init__(self, *, max_live: int = 4, max_live_per_function: int = 3, max_starting: int = 2) -> None:
        self.starting: list[str] = []
        self.busy: dict[tuple[str, int], int] = {}
        self.idle: list[tuple[str, int]] = []
        self.ran: list[int] = []
        self.evicted: list[tuple[str, int]] = []
        self.numbers = 0
        self.pool: Pool[tuple[str, int], int] = Pool(
            start=self.starting.append,
            run=self._run,
            evict=self._evict,
            max_live=max_live,
            max_live_per_function=max_live_per_function,
            max_starting=max_starting,
        )

    def _run(self, environment: tuple[str, int], call: int) -> None:
        if environment in self.idle:
            self.idle.remove(environment)
        assert environment not in self.busy
        self.busy[environment] = call
        self.ran.append(call)

    def _evict(self, environment: tuple[str, int]) -> None:
        self.idle.remove(environment)
        self.evicted.append(environment)

    def came(self, function: str) -> tuple[str, int]:
        """The oldest start of `function` is ready."""
        self.starting.remove(function)
        self.numbers += 1
        environment = (function, self.numbers)
        self.idle.append(environment)
        self.pool.came(function, environment, started=True)
        return environment

    def finish(self, environment: tuple[str, int]) -> None:
        """A busy environment gives its outcome and asks for more."""
        del self.busy[environment]
        self.pool.finishing(environment[0])
        self.idle.append(environment)
        self.pool.came(environment[0], environment, started=False)


def test_a_first_call_starts_an_environment_and_runs_when_it_is_ready() -> None:
    """A call without an environment waits for one that is started because of it."""
    world = World()
    world.pool.submit("f", 1)
    assert (world.starting, world.ran, world.pool.waiting) == (["f"], [], 1)
    environment = world.came("f")
    assert world.busy == {environment: 1}


def test_the_most_recently_used_environment_is_taken() -> None:
    """Of two idle environments the warmer one runs the next call."""
    world = World()
    world.pool.submit("f", 1)
    world.pool.submit("f", 2)
    first, second = world.came("f"), world.came("f")
    world.finish(second)
    world.finish(first)
    world.pool.submit("f", 3)
    assert world.busy == {first: 3}


def test_a_call_takes_whichever_environment_is_free_first() -> None:
    """A waiting call does not wait for its own cold start when a warm environment is free sooner."""
    world = World()
    world.pool.submit("f", 1)
    environment = world.came("f")
    world.pool.submit("f", 2)
    assert world.starting == ["f"]
    world.finish(environment)
    assert world.busy == {environment: 2}
    later = world.came("f")
    assert later in world.idle


def test_an_environment_that_finishes_saves_a_start() -> None:
    """A call in the moment between outcome and next request waits for that environment."""
    world = World()
    world.pool.submit("f", 1)
    environment = world.came("f")
    del world.busy[environment]
    world.pool.finishing("f")
    world.pool.submit("f", 2)
    assert world.starting == []
    world.idle.append(environment)
    world.pool.came("f", environment, started=False)
    assert world.busy == {environment: 2}


def test_the_function_limit_makes_its_calls_wait() -> None:
    """Beyond the limit of one function its calls wait, and others still start."""
    world = World(max_live_per_function=1)
    world.pool.submit("f", 1)
    world.pool.submit("f", 2)
    world.pool.submit("g", 3)
    assert world.starting == ["f", "g"]


def test_an_idle_stranger_makes_room_oldest_first() -> None:
    """At the overall limit the environment that was idle longest ends for another function's call."""
    world = World(max_live=2)
    world.pool.submit("f", 1)
    first = world.came("f")
    world.pool.submit("g", 2)
    second = world.came("g")
    world.finish(first)
    world.finish(second)
    world.pool.submit("h", 3)
    assert world.evicted == [first]
    assert world.starting == ["h"]


def test_an_older_call_of_another_function_gets_the_place() -> None:
    """At the limit a busy function does not keep its environment from an older call of another one."""
    world = World(max_live=1)
    world.pool.submit("f", 1)
    environment = world.came("f")
    world.pool.submit("g", 2)
    world.pool.submit("f", 3)
    world.finish(environment)
    assert world.evicted == [environment]
    assert world.starting == ["g"]
    other = world.came("g")
    world.finish(other)
    world.came("f")
    assert world.ran == [1, 2, 3]


def test_a_failed_start_gives_its_place_back() -> None:
    """After a start that failed the next waiting call gets a start of its own."""
    world = World(max_starting=1)
    world.pool.submit("f", 1)
    world.pool.submit("f", 2)
    assert world.starting == ["f"]
    assert world.pool.take_waiting("f") == 1
    world.starting.clear()
    world.pool.ended("f", ("f", 99), started=False, coming=True)
    assert world.starting == ["f"]
    assert world.pool.live == 1


def test_a_failed_start_begins_again_for_the_call_that_waits() -> None:
    """The environment keeps its place, counts as running its call, and finishes like any other."""
    world = World(max_starting=1)
    world.pool.submit("f", 1)
    world.pool.submit("f", 2)
    assert world.pool.dedicate("f") == 1
    assert (world.pool.live, world.pool.waiting) == (1, 1)
    world.pool.finishing("f")
    world.pool.came("f", ("f", 99), started=False)
    assert world.ran == [2]
    assert world.pool.dedicate("g") is None


def test_adding_ahead_of_need_respects_the_limits() -> None:
    """Provisioned environments are started while there are places."""
    world = World(max_live=2)
    assert [world.pool.add("f") for _ in range(3)] == [True, True, False]
    assert world.starting == ["f", "f"]


def test_drain_forgets_every_waiting_call() -> None:
    """What waits is handed back once, in the order of arrival within a function."""
    world = World(max_live=1)
    for call in range(3):
        world.pool.submit("f", call)
    assert world.pool.drain() == [0, 1, 2]
    assert world.pool.waiting == 0
    world.came("f")
    assert world.ran == []


FUNCTIONS = st.sampled_from(["f", "g", "h"])


class PoolMachine(RuleBasedStateMachine):
    """Calls, starts, ends and deaths in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.calls = 0
        self.submitted: dict[str, list[int]] = defaultdict(list)
        self.lost: set[int] = set()

    @rule(function=FUNCTIONS)
    def submit(self, function: str) -> None:
        self.calls += 1
        self.submitted[function].append(self.calls)
        self.world.pool.submit(function, self.calls)

    @precondition(lambda self: self.world.starting)
    @rule(data=st.data())
    def start_ends_well(self, data: st.DataObject) -> None:
        self.world.came(data.draw(st.sampled_from(self.world.starting)))

    @precondition(lambda self: self.world.starting)
    @rule(data=st.data())
    def start_fails(self, data: st.DataObject) -> None:
        function = data.draw(st.sampled_from(self.world.starting))
        self.world.starting.remove(function)
        call = self.world.pool.take_waiting(function)
        if call is not None:
            self.lost.add(call)
        self.world.pool.ended(function, (function, -1), started=False, coming=True)

    @precondition(lambda self: self.world.starting)
    @rule(data=st.data())
    def start_is_repeated_for_its_call(self, data: st.DataObject) -> None:
        function = data.draw(st.sampled_from(self.world.starting))
        call = self.world.pool.dedicate(function)
        if call is not None:
            self.world.starting.remove(function)
            self.world.numbers += 1
            self.world.ran.append(call)
            self.world.busy[function, self.world.numbers] = call

    @precondition(lambda self: self.world.busy)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        self.world.finish(data.draw(st.sampled_from(sorted(self.world.busy))))

    @precondition(lambda self: self.world.busy or self.world.idle)
    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        environment = data.draw(st.sampled_from(sorted([*self.world.busy, *self.world.idle])))
        self.world.busy.pop(environment, None)
        if environment in self.world.idle:
            self.world.idle.remove(environment)
        self.world.pool.ended(environment[0], environment, started=True, coming=False)

    @invariant()
    def the_limits_hold(self) -> None:
        world = self.world
        functions = [e[0] for e in [*world.busy, *world.idle]] + world.starting
        assert world.pool.live == len(functions) <= 4
        assert all(functions.count(function) <= 3 for function in functions)
        assert len(world.starting) <= 2

    @invariant()
    def calls_of_a_function_run_in_order(self) -> None:
        for calls in self.submitted.values():
            ran = [call for call in self.world.ran if call in calls]
            assert ran == sorted(ran)

    @invariant()
    def nobody_waits_beside_an_idle_environment(self) -> None:
        gone = {*self.world.ran, *self.lost}
        for function, calls in self.submitted.items():
            waits = [call for call in calls if call not in gone]
            assert not (waits and [e for e in self.world.idle if e[0] == function])

    @invariant()
    def nobody_waits_while_nothing_happens(self) -> None:
        if self.world.pool.waiting:
            assert self.world.starting or self.world.busy


PoolMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestPoolMachine = pytest.mark.filterwarnings("ignore::pytest.PytestCollectionWarning")(PoolMachine.TestCase)
