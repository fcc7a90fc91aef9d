"""The control API's calls that change what happens, on parts in memory."""

import asyncio
from pathlib import Path

import pytest

from emulator.application import Application, Function, Key, Schedule, Table
from emulator.clock import SandboxClock
from emulator.control.experiments import Experiments
from emulator.errors import EmulatorError
from emulator.events.status import MappingStatus, State, Status
from emulator.faults import FaultKind, Faults
from emulator.telemetry.timeline import Timeline

APPLICATION = Application(
    "app",
    functions=[Function("app-worker", "m.h", Path("/"))],
    tables=[Table("app-jobs", Key("id"))],
    schedules=[Schedule("sweep", "rate(1 minute)", "app-worker")],
)


class FakeBackend:
    def __init__(self):
        self.offset_s, self.faults = 0.0, []

    async def set_clock_offset(self, offset_s):
        self.offset_s = offset_s

    async def set_faults(self, faults):
        self.faults = list(faults)

    async def count_faults(self):
        return [7 for _ in self.faults]

    async def strikes(self, *, after, wait_s):
        if not self.faults:
            await asyncio.sleep(wait_s)
            return []
        await asyncio.sleep(0)
        return [{"number": n, "fault": "fail-backend-call", "service": "sqs"} for n in (1, 2) if n > after]


class FakeGateway:
    def __init__(self, *connections):
        self.connections = set(connections)

    def cut(self, connection_id):
        return connection_id in self.connections


class FakeEvents:
    def __init__(self):
        self.told = []

    async def fire(self, name):
        self.told.append(("fire", name))

    def enable_schedule(self, name):
        self.told.append(("enable", name))

    def disable_schedule(self, name):
        self.told.append(("disable", name))

    def status(self):
        mapping = MappingStatus("late", "app-worker", State.READING, stream_arn=None, shards=())
        return Status(stream_mappings=(mapping,), schedules=())


class Called:
    """The experiments of a sandbox in memory; `await called(method, path, **body)`."""

    def __init__(self, backend):
        self.clock, self.faults, self.backend, self.events = SandboxClock(), Faults(), backend, FakeEvents()
        self.timeline = Timeline(self.clock)
        self.experiments = Experiments(
            APPLICATION,
            clock=self.clock,
            faults=self.faults,
            functions=None,
            gateways=[FakeGateway("one"), FakeGateway("two")],
            events=self.events,
            backend=backend,
            timeline=self.timeline,
        )
        self._table = self.experiments.table()

    async def __call__(self, method, path, **body):
        return await self._table[method, path]({}, body)


@pytest.fixture
async def called():
    made = Called(FakeBackend())
    yield made
    await made.experiments.close()


async def test_the_back_end_has_the_new_time_before_anything_follows(called):
    """Whoever is woken by an advance finds the back end at the same time."""
    seen = []
    called.clock.listen(lambda: seen.append(called.backend.offset_s))
    told = await called("POST", "/clock/advance", seconds=600)
    assert seen == [600]
    assert told["offset_s"] == 600
    assert told["backend_follows"] is True


async def test_advances_at_the_same_time_add_up(called):
    """The back end ends at the same offset as everything else, whoever answers first."""

    async def slowly(offset_s):
        await asyncio.sleep(0)
        called.backend.offset_s = offset_s

    called.backend.set_clock_offset = slowly
    await asyncio.gather(*(called("POST", "/clock/advance", seconds=10) for _ in range(5)))
    assert called.clock.offset_s == called.backend.offset_s == 50


async def test_time_does_not_go_back(called):
    """A negative advance is refused and moves nothing, the back end included."""
    with pytest.raises(EmulatorError, match="not by -1"):
        await called("POST", "/clock/advance", seconds=-1)
    assert called.clock.offset_s == called.backend.offset_s == 0


async def test_a_fault_is_armed_with_the_whole_name_of_its_function(called):
    """`worker` is enough to name app-worker."""
    answer = await called("POST", "/faults", kind="kill-environment", where={"function": "worker"})
    assert called.faults.strike(FaultKind.KILL_ENVIRONMENT, function="app-worker") is not None
    (told,) = await called("GET", "/faults")
    assert (told["id"], told["struck"]) == (answer["id"], 1)


async def test_tables_go_by_their_short_names_too(called):
    """`jobs` is enough to name app-jobs; a table that only a mapping names is known."""
    await called("POST", "/faults", kind="duplicate-record", where={"table": "jobs"})
    await called("POST", "/faults", kind="duplicate-record", where={"table": "late"})
    assert called.faults.strike(FaultKind.DUPLICATE_RECORD, table="app-jobs") is not None
    assert called.faults.strike(FaultKind.DUPLICATE_RECORD, table="late") is not None


@pytest.mark.parametrize("seconds", ["10m", None, True, []], ids=["text", "none", "bool", "list"])
async def test_a_clock_is_advanced_by_a_number(called, seconds):
    """Anything else is one sentence that says what to write."""
    with pytest.raises(EmulatorError, match="a number of seconds, 600 say, not by "):
        await called("POST", "/clock/advance", seconds=seconds)


async def test_the_back_end_is_not_told_of_an_advance_that_is_refused(called):
    """An advance too far is a sentence, and neither time has moved."""
    with pytest.raises(EmulatorError, match="before the year 2250"):
        await called("POST", "/clock/advance", seconds=1e16)
    assert called.clock.offset_s == called.backend.offset_s == 0


async def test_faults_of_the_back_end_are_its_own(called):
    """It gets the list whenever that changes, and its counts are what is told."""
    answer = await called("POST", "/faults", kind="fail-backend-call", where={"service": "dynamodb"})
    await called("POST", "/faults", kind="delay-post", delay_s=0.1)
    assert [fault.kind for fault in called.backend.faults] == ["fail-backend-call"]
    assert {told["kind"]: told["struck"] for told in await called("GET", "/faults")} == {
        "fail-backend-call": 7,
        "delay-post": 0,
    }
    await called("POST", "/faults/remove", id=answer["id"])
    assert called.backend.faults == []


async def test_changes_of_faults_at_the_same_time_reach_the_back_end_in_their_order(called):
    """What it holds in the end is what is declared, and who asks meanwhile gets an answer."""
    added = [await called("POST", "/faults", kind="fail-backend-call") for _ in range(2)]
    turns = iter([100, 0])

    async def the_first_slowly(faults):
        for _ in range(next(turns)):
            await asyncio.sleep(0)
        called.backend.faults = list(faults)

    called.backend.set_faults = the_first_slowly
    one, other = (called("POST", "/faults/remove", id=fault["id"]) for fault in added)
    _, told, _ = await asyncio.gather(one, called("GET", "/faults"), other)
    assert [fault["id"] for fault in told] == [added[1]["id"]]
    assert called.backend.faults == await called("GET", "/faults") == []


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"kind": "meteor"}, "There is no fault 'meteor'; there are kill-environment"),
        ({"kind": "delay-post", "where": {"function": "f"}}, "connection_id it can"),
        ({"kind": "delay-post", "dleay_s": 1}, "A fault has no dleay_s"),
        ({"kind": "cut-connection", "times": "twice"}, "cannot be a fault"),
        ({"kind": "cut-connection", "times": 0}, "once or more, not 0"),
        ({"kind": "cut-connection", "probability": 2}, "from 0 to 1, not 2"),
        ({"kind": "cut-connection", "skip": -1}, "0 occasions or more, not -1"),
        ({"kind": "delay-post", "delay_s": -1}, "not by -1"),
        ({"kind": "refuse-post", "code": "500"}, "410 or 429, not with '500'"),
        ({"kind": "delay-post"}, "needs delay_s"),
        ({"kind": "cut-connection", "delay_s": 1}, "takes no delay_s"),
        ({"kind": "cut-connection", "code": "410"}, "takes no code"),
        (
            {"kind": "kill-environment", "where": {"function": "exec"}},
            "no function 'exec'; there are app-worker",
        ),
        (
            {"kind": "duplicate-record", "where": {"table": "job"}},
            "declared or read 'job'; there are app-jobs, late",
        ),
        ({"kind": "fail-backend-call", "where": {"service": "dynamo"}}, "near it are dynamodb"),
        (
            {"kind": "fail-backend-call", "where": {"service": "dynamodb", "operation": "UpdateItm"}},
            "no operation 'UpdateItm'; near it are UpdateItem",
        ),
        ({"kind": "fail-backend-call", "where": {"service": "lambda"}}, "answered by the emulator itself"),
        ({"kind": "fail-backend-call", "where": ["service"]}, "cannot be a fault"),
    ],
    ids=[
        *("kind", "where", "field", "type", "times", "probability", "skip", "delay", "code"),
        *(
            "no-delay",
            "useless-delay",
            "useless-code",
            "function",
            "table",
            "service",
            "operation",
            "ours",
            "list",
        ),
    ],
)
async def test_a_wrong_fault_says_what_there_is(called, body, says):
    """A typing error is answered with the words that exist."""
    with pytest.raises(EmulatorError, match=says):
        await called("POST", "/faults", **body)
    assert await called("GET", "/faults") == []


async def test_a_back_end_that_cannot_fail_says_so():
    """An external back end takes no faults, and keeps its time."""
    called = Called(None)
    with pytest.raises(EmulatorError, match="only LocalStack"):
        await called("POST", "/faults", kind="slow-backend-call", delay_s=1)
    assert (await called("POST", "/clock/advance", seconds=1))["backend_follows"] is False


async def test_removing_what_is_not_there_says_what_is(called):
    """An unknown id is answered with the known ones."""
    await called("POST", "/faults", kind="delay-post", delay_s=1)
    with pytest.raises(EmulatorError, match="there are fault-1"):
        await called("POST", "/faults/remove", id="fault-9")


async def test_connections_are_looked_for_in_every_gateway(called):
    """Whichever API it belongs to."""
    assert await called("POST", "/connections/cut", connection_id="two") is True
    assert await called("POST", "/connections/cut", connection_id="three") is False


async def test_schedules_are_fired_and_switched_by_name(called):
    """An unknown name is answered with the known ones."""
    await called("POST", "/schedules/fire", name="sweep")
    await called("POST", "/schedules/enable", name="sweep", enabled=False)
    await called("POST", "/schedules/enable", name="sweep", enabled=True)
    assert called.events.told == [("fire", "sweep"), ("disable", "sweep"), ("enable", "sweep")]
    with pytest.raises(EmulatorError, match="there are sweep"):
        await called("POST", "/schedules/fire", name="weep")


async def test_strikes_in_the_back_end_are_on_the_timeline(called):
    """Each is told once, with what it struck; after the last fault was taken back nobody asks any more."""
    struck = asyncio.Queue()
    called.timeline.listen(lambda entry: entry.kind == "fault.struck" and struck.put_nowait(entry.facts))
    added = await called("POST", "/faults", kind="fail-backend-call", where={"service": "sqs"})
    async with asyncio.timeout(10):
        assert [await struck.get(), await struck.get()] == [
            {"fault": "fail-backend-call", "service": "sqs"}
        ] * 2
    await called("POST", "/faults/remove", id=added["id"])
    again = await called("POST", "/faults", kind="fail-backend-call", where={"service": "sqs"})
    await called("POST", "/faults/remove", id=again["id"])
    assert struck.empty()
