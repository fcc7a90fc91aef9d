"""Plans are shown before they are carried out, one step at a time."""

from dataclasses import replace

import pytest

from streamer.dynamorm import (
    Attribute,
    Index,
    KeyAttribute,
    LossRefused,
    Model,
    Table,
    TableBusy,
    TableNotFound,
)
from streamer.dynamorm.tables import MemoryTables, Progress, Step, TableDescription, Tables

BY_OWNER = Index("by-owner", KeyAttribute("owner"))
BY_DAY = Index("by-day", KeyAttribute("day"))
THINGS = Table("things", KeyAttribute("pk"), indexes=(BY_OWNER,))


class Thing(Model, table=THINGS):
    pk: Attribute[str]


class Other(Model, table=THINGS, partition="OTHER#{id}"):
    id: Attribute[str]


class Slow(MemoryTables):
    """Takes three looks to be done with a step, as DynamoDB takes minutes."""

    def __init__(self) -> None:
        super().__init__()
        self.looks = 0
        self.refused = 0

    def carry_out(self, step: Step) -> None:
        if self.looks:
            self.refused += 1
            raise TableBusy("Another change is going on; try again.")
        super().carry_out(step)
        self.looks = 3

    def find(self, table: Table) -> TableDescription | None:
        found = super().find(table)
        if found is None or not self.looks:
            return found
        self.looks -= 1
        return replace(found, status="UPDATING", busy=("the table is UPDATING",))


class Clock:
    """Moves when it is slept by."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.pauses: list[float] = []

    def now(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now_s += seconds


def keeper(administration: MemoryTables, **settings: float) -> tuple[Tables, Clock]:
    clock = Clock()
    return Tables(administration, sleep=clock.sleep, now=clock.now, **settings), clock


def test_models_of_one_table_plan_it_once() -> None:
    """Tables are named by themselves or by their models."""
    tables, _ = keeper(MemoryTables())
    assert tables.plan(Thing, Other, THINGS) == tables.plan(THINGS)
    assert len(tables.plan(Thing).steps) == 1


def test_planning_changes_nothing() -> None:
    """A plan is only looked at."""
    tables, _ = keeper(MemoryTables())
    tables.plan(THINGS)
    assert tables.find(THINGS) is None
    with pytest.raises(TableNotFound, match="plan and apply"):
        tables.get(THINGS)


def test_applying_twice() -> None:
    """A plan that was carried out is passed over, and the next one is empty."""
    administration = MemoryTables()
    tables, _ = keeper(administration)
    tables.apply(tables.plan(THINGS))
    changed = replace(
        THINGS,
        indexes=(Index("by-owner", KeyAttribute("owner"), KeyAttribute("pk")), BY_DAY),
        ttl_attribute="t",
    )
    plan = tables.plan(changed)
    for _ in range(2):
        tables.apply(plan, allow_losses=True)
        assert not tables.plan(changed)
    assert len(plan.steps) == 4


def test_each_step_waits_for_the_one_before() -> None:
    """DynamoDB changes one thing at a time; nothing is asked of a table that is busy."""
    administration = Slow()
    tables, clock = keeper(administration)
    tables.create(replace(THINGS, indexes=(BY_OWNER, BY_DAY), ttl_attribute="t"))
    tables.apply(tables.plan(replace(THINGS, indexes=())), allow_losses=True)
    assert administration.refused == 0
    assert clock.pauses[:3] == [0.05, 0.1, 0.2]


def test_progress_is_told() -> None:
    """Begin, waiting and end of each step, with its place in the plan."""
    told: list[Progress] = []
    tables, _ = keeper(Slow())
    tables.apply(tables.plan(replace(THINGS, ttl_attribute="t")), progress=told.append)
    assert [(each.position, each.steps, each.busy) for each in told[:3]] == [
        (1, 2, ("the step begins",)),
        (1, 2, ("the table is UPDATING",)),
        (1, 2, ("the table is UPDATING",)),
    ]
    assert (told[-1].position, told[-1].busy) == (2, ())
    assert told[4].elapsed_s > 0


def test_losses_are_asked_for() -> None:
    """A plan that takes something away does nothing at all unless losses are allowed."""
    tables, _ = keeper(MemoryTables())
    tables.create(THINGS)
    smaller = replace(THINGS, indexes=(), ttl_attribute="t")
    with pytest.raises(LossRefused, match="things, queries of by-owner fail from then on"):
        tables.create(smaller)
    assert tables.get(THINGS).table == THINGS
    tables.apply(tables.plan(smaller), allow_losses=True)
    assert tables.get(THINGS).table == smaller


def test_a_step_that_takes_too_long() -> None:
    """The wait ends; the change goes on, and the sentence says what to do."""
    administration = Slow()
    tables, _ = keeper(administration, timeout_s=0.1)
    with pytest.raises(TableBusy, match=r"the table is UPDATING.*apply a new plan"):
        tables.create(THINGS)


def test_a_table_that_went_away() -> None:
    """A step on a table that is no longer there fails at once."""
    tables, _ = keeper(MemoryTables())
    tables.create(THINGS)
    plan = tables.plan(replace(THINGS, ttl_attribute="t"))
    tables.delete(THINGS)
    with pytest.raises(TableNotFound, match="make a new plan"):
        tables.apply(plan)


class Deaf(MemoryTables):
    """Accepts every change of a table and does none, as imitations of DynamoDB do with some."""

    def carry_out(self, step: Step) -> None:
        if self.find(step.table) is None:
            super().carry_out(step)


def test_a_change_without_effect() -> None:
    """It is not waited for as long as one that goes on."""
    tables, clock = keeper(Deaf())
    with pytest.raises(TableBusy, match="the change is not seen"):
        tables.create(replace(THINGS, ttl_attribute="t"))
    assert 50 < clock.now_s < 70
