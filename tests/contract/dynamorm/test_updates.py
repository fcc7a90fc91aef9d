"""Any combination of changes does on every implementation what evaluation in memory says it does."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from streamer.dynamorm import (
    Attribute,
    Database,
    Engine,
    InvalidModel,
    InvalidRequest,
    KeyAttribute,
    Model,
    Returns,
    Table,
    Update,
    UpdateAction,
    attribute,
)
from streamer.dynamorm.expressions.evaluation import apply, comparable
from streamer.dynamorm.expressions.operands import Substitutions
from streamer.dynamorm.expressions.updates import render_update
from streamer.dynamorm.memory import MemoryDynamoDB

THINGS = Table("things", KeyAttribute("id"))

TABLES = (THINGS,)


class Thing(Model, table=THINGS):
    id: Attribute[str]
    text: Attribute[str | None] = attribute(default=None)
    count: Attribute[int | None] = attribute(default=None)
    limit: Attribute[int | None] = attribute(default=None)
    tags: Attribute[frozenset[str]] = attribute(default=frozenset())
    numbers: Attribute[frozenset[int]] = attribute(default=frozenset())
    values: Attribute[list[int] | None] = attribute(default=None)
    facts: Attribute[Mapping[str, int] | None] = attribute(default=None)
    rows: Attribute[list[list[int]] | None] = attribute(default=None)


KEY = Thing.at(id="a")

INTS = st.integers(-5, 5)
PLACES = st.integers(0, 4)
NAMES = st.sampled_from("abc")

THING = st.builds(
    Thing,
    id=st.just("a"),
    text=st.none() | st.sampled_from(["x", "y"]),
    count=st.none() | INTS,
    limit=st.none() | INTS,
    tags=st.frozensets(NAMES, max_size=3),
    numbers=st.frozensets(INTS, max_size=3),
    values=st.none() | st.lists(INTS, max_size=4),
    facts=st.none() | st.dictionaries(NAMES, INTS, max_size=3),
    rows=st.none() | st.lists(st.lists(INTS, max_size=2), max_size=2),
)

ACTIONS: st.SearchStrategy[UpdateAction] = st.one_of(
    st.builds(Thing.text.set, st.none() | st.sampled_from(["x", "y"])),
    st.builds(Thing.text.set_if_absent, st.just("z")),
    st.builds(Thing.count.set, st.none() | INTS),
    st.builds(Thing.count.increment, INTS),
    st.builds(lambda: Thing.count.set(Thing.limit)),
    st.builds(lambda by: Thing.limit.set(Thing.count + by), INTS),
    st.builds(lambda other: Thing.limit.set(Thing.count.or_else(other)), INTS),
    st.builds(Thing.tags.add, st.frozensets(NAMES, min_size=1)),
    st.builds(Thing.tags.discard, st.frozensets(NAMES, min_size=1)),
    st.builds(Thing.numbers.add, st.frozensets(INTS, min_size=1, max_size=3)),
    st.builds(Thing.numbers.discard, st.frozensets(INTS, min_size=1, max_size=3)),
    st.builds(Thing.numbers.remove),
    st.builds(Thing.values.append, st.lists(INTS, max_size=2)),
    st.builds(Thing.values.prepend, st.lists(INTS, max_size=2)),
    st.builds(lambda place, value: Thing.values[place].set(value), PLACES, INTS),
    st.builds(lambda place: Thing.values[place].remove(), PLACES),
    st.builds(lambda name, value: Thing.facts[name].set(value), NAMES, INTS),
    st.builds(lambda name, value: Thing.facts[name].increment(value), NAMES, INTS),
    st.builds(lambda name: Thing.facts[name].remove(), NAMES),
    st.builds(lambda row, place, value: Thing.rows[row][place].set(value), PLACES, PLACES, INTS),
    st.builds(lambda row, place: Thing.rows[row][place].remove(), PLACES, PLACES),
    st.builds(lambda row: Thing.rows[row].remove(), PLACES),
)


def can_be_sent(actions: list[UpdateAction]) -> bool:
    try:
        render_update(actions, Substitutions())
    except InvalidModel:  # two changes of one place
        return False
    return True


def test_any_update(engine: Engine) -> None:
    """The item afterwards is as evaluated; what evaluation refuses is refused, and changes nothing."""
    database = Database(engine)
    in_memory = isinstance(engine, MemoryDynamoDB)

    @settings(
        max_examples=300 if in_memory else 120,
        deadline=None,
        database=None,
        phases=[phase for phase in Phase if in_memory or phase is not Phase.shrink],
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
    )
    @given(THING, st.lists(ACTIONS, min_size=1, max_size=4).filter(can_be_sent))
    def check(thing: Thing, actions: list[UpdateAction]) -> None:
        database.put(thing)
        try:
            expected = apply(actions, thing.to_item())
        except InvalidRequest:
            with pytest.raises(InvalidRequest):
                database.update(KEY, *actions)
            assert database.get(KEY) == thing
            return
        written: Any = engine.write(Update(KEY, tuple(actions), returns=Returns.NEW))
        assert comparable({"M": written}) == comparable({"M": expected}), actions
        assert database.get(KEY) == Thing.from_item(expected)

    check()
