"""What is put is what is got, for every type, and parts of an item compare and change, on every engine."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import IntEnum, StrEnum
from typing import Annotated, Any, Literal, NewType
from uuid import UUID

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from streamer.dynamorm import (
    EPOCH_SECONDS,
    Attribute,
    Condition,
    ConditionFailed,
    Converter,
    Database,
    Engine,
    KeyAttribute,
    Model,
    Put,
    Query,
    Table,
    Update,
    UpdateAction,
    attribute,
)
from streamer.dynamorm.memory import MemoryDynamoDB

THINGS = Table("things", KeyAttribute("pk"))

TABLES = (THINGS,)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 20


@dataclass(frozen=True)
class Address:
    city: str
    size: int | None = None
    moved: date | None = None


class Wire(msgspec.Struct, frozen=True):
    x: float
    tags: tuple[str, ...] = ()


UserId = NewType("UserId", str)
Moment = Annotated[datetime, EPOCH_SECONDS]
Words = Annotated[tuple[str, ...], Converter(str, write=" ".join, read=lambda text: tuple(text.split()))]


class Thing(Model, table=THINGS, partition="THING#{id}"):
    id: Attribute[UserId]
    text: Attribute[str | None] = attribute(default=None)
    count: Attribute[int | None] = attribute(default=None, stored_name="size")
    share: Attribute[float | None] = attribute(default=None)
    exact: Attribute[Decimal | None] = attribute(default=None)
    on: Attribute[bool | None] = attribute(default=None)
    data: Attribute[bytes | None] = attribute(default=None)
    colour: Attribute[Colour | None] = attribute(default=None)
    level: Attribute[Level | None] = attribute(default=None)
    choice: Attribute[Literal["a", "b"] | None] = attribute(default=None)
    at_: Attribute[datetime | None] = attribute(default=None)
    due: Attribute[Moment | None] = attribute(default=None)
    day: Attribute[date | None] = attribute(default=None)
    uuid: Attribute[UUID | None] = attribute(default=None)
    words: Attribute[Words | None] = attribute(default=None)
    names: Attribute[frozenset[str]] = attribute(default=frozenset())
    numbers: Attribute[frozenset[int]] = attribute(default=frozenset())
    days: Attribute[frozenset[date]] = attribute(default=frozenset())
    blobs: Attribute[frozenset[bytes]] = attribute(default=frozenset())
    list_: Attribute[list[str | None]] = attribute(default_factory=list)
    tuple_: Attribute[tuple[int, ...]] = attribute(default=())
    pair: Attribute[tuple[str, int] | None] = attribute(default=None)
    labels: Attribute[Mapping[str, int]] = attribute(default_factory=dict)
    address: Attribute[Address | None] = attribute(default=None)
    lines: Attribute[Sequence[Address]] = attribute(default_factory=list)
    wire: Attribute[Wire | None] = attribute(default=None)


ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
WORDS = st.text("abc", min_size=1, max_size=4)
INTEGERS = st.integers(-(10**38) + 1, 10**38 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: x == 0 or 1e-130 <= abs(x) < 1e126)
DECIMALS = st.decimals(-(10**20), 10**20, places=9, allow_nan=False)
ADDRESSES = st.builds(Address, TEXT, st.none() | INTEGERS, st.none() | st.dates())

THING = st.builds(
    Thing,
    id=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20),
    text=st.none() | TEXT,
    count=st.none() | INTEGERS,
    share=st.none() | FLOATS,
    exact=st.none() | DECIMALS,
    on=st.none() | st.booleans(),
    data=st.none() | st.binary(max_size=8),
    colour=st.none() | st.sampled_from(Colour),
    level=st.none() | st.sampled_from(Level),
    choice=st.sampled_from(["a", "b", None]),
    at_=st.none() | st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=ZONES),  # noqa: DTZ001
    due=st.none() | st.integers(0, 10**10).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    day=st.none() | st.dates(),
    uuid=st.none() | st.uuids(),
    words=st.none() | st.lists(WORDS).map(tuple),
    names=st.frozensets(TEXT, max_size=3),
    numbers=st.frozensets(INTEGERS, max_size=3),
    days=st.frozensets(st.dates(), max_size=3),
    blobs=st.frozensets(st.binary(max_size=8), max_size=3),
    list_=st.lists(st.none() | TEXT, max_size=3),
    tuple_=st.lists(INTEGERS, max_size=3).map(tuple),
    pair=st.none() | st.tuples(TEXT, INTEGERS),
    labels=st.dictionaries(TEXT, INTEGERS, max_size=3),
    address=st.none() | ADDRESSES,
    lines=st.lists(ADDRESSES, max_size=2),
    wire=st.none() | st.builds(Wire, FLOATS, st.lists(TEXT, max_size=2).map(tuple)),
)


def test_what_is_put_is_what_is_got(engine: Engine) -> None:
    """Every value of every type, under any key."""
    database = Database(engine)
    examples = 150 if isinstance(engine, MemoryDynamoDB) else 25

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(THING)
    def check(thing: Thing) -> None:
        database.write(Put(thing))
        assert database.get(Thing.at(id=thing.id), consistent=True) == thing

    check()


HELD = Thing(
    id=UserId("1"),
    text="hällo",
    count=5,
    data=b"\x00\xff",
    names=frozenset({"x", "y"}),
    list_=["a", None, "c"],
    tuple_=(3, 1),
    labels={"k": 3, "deep.er": 4},
    pair=("p", 7),
    address=Address("Bern", 12, date(2025, 1, 2)),
    lines=[Address("Rome"), Address("Ulm", 3)],
    wire=Wire(1.5, ("q",)),
)
KEY = Thing.at(id="1")

CONDITIONS: Mapping[str, tuple[Condition, bool]] = {
    "attribute with attribute": (Thing.count == Thing.labels["k"], False),
    "attribute under attribute": (Thing.labels["k"] < Thing.count, True),
    "with an absent one": (Thing.count == Thing.share, False),
    "unequal to an absent one": (Thing.count != Thing.share, True),
    "between attributes": (Thing.count.between(Thing.labels["k"], 5), True),
    "in attributes": (Thing.count.is_in([1, Thing.labels["k"]]), False),
    "size of text": (Thing.text.size() == 5, True),
    "size of bytes": (Thing.data.size() == 2, True),
    "size of a list": (Thing.list_.size() >= 3, True),
    "size of a set": (Thing.names.size() < 2, False),
    "size of a map": (Thing.labels.size() == 2, True),
    "size of nothing": (Thing.words.does_not_exist(), True),
    "size compared with an attribute": (Thing.text.size() == Thing.count, True),
    "place": (Thing.list_[2] == "c", True),
    "null in a list": (Thing.list_[1].has_type("NULL"), True),
    "place behind the end": (Thing.list_[9].exists(), False),
    "key with a dot": (Thing.labels["deep.er"] == 4, True),
    "absent key": (Thing.labels["z"].does_not_exist(), True),
    "field": (Thing.address.city == "Bern", True),
    "field of a member": (Thing.lines[1].path(lambda line: line.size) == 3, True),
    "field, converted": (Thing.address.path(lambda address: address.moved) == date(2025, 1, 2), True),
    "place of a tuple": (Thing.pair.path(lambda pair: pair[1]) == 7, True),
    "member of a list": (Thing.tuple_.contains(3), True),
    "no member of a list": (Thing.tuple_.contains(4), False),
    "deep list": (Thing.wire.path(lambda wire: wire.tags[0]).begins_with("q"), True),
    "type": (Thing.names.has_type("SS"), True),
    "another type": (Thing.names.has_type("L"), False),
}


@pytest.mark.parametrize(("condition", "true"), CONDITIONS.values(), ids=CONDITIONS.keys())
def test_parts_and_sizes_compare(database: Database, condition: Condition, true: bool) -> None:
    """As the condition of a write, and as a filter."""
    database.write(Put(HELD))
    found = [*database.query(Query(Thing, Thing.id == "1", filter=condition))]
    assert found == ([HELD] if true else [])
    try:
        database.write(Put(HELD, condition))
    except ConditionFailed:
        assert not true
    else:
        assert true


CHANGES: Mapping[str, tuple[tuple[UpdateAction, ...], dict[str, Any]]] = {
    "to another attribute": ((Thing.count.set(Thing.labels["k"]),), {"count": 3}),
    "to a sum": ((Thing.count.set(Thing.count + 3),), {"count": 8}),
    "to a difference of attributes": ((Thing.count.set(Thing.count - Thing.labels["k"]),), {"count": 2}),
    "to a default": ((Thing.count.set(Thing.count.or_else(1)),), {"count": 5}),
    "if absent": ((Thing.share.set_if_absent(0.5), Thing.count.set_if_absent(9)), {"share": 0.5}),
    "append": ((Thing.list_.append(["d"]),), {"list_": ["a", None, "c", "d"]}),
    "prepend": ((Thing.list_.prepend(["d"]),), {"list_": ["d", "a", None, "c"]}),
    "place": ((Thing.list_[1].set("b"),), {"list_": ["a", "b", "c"]}),
    "place behind the end": ((Thing.list_[9].set("z"),), {"list_": ["a", None, "c", "z"]}),
    "remove places": ((Thing.list_[0].remove(), Thing.list_[2].remove()), {"list_": [None]}),
    "key of a map": ((Thing.labels["new"].set(1),), {"labels": {"k": 3, "deep.er": 4, "new": 1}}),
    "remove a key": ((Thing.labels["k"].remove(),), {"labels": {"deep.er": 4}}),
    "increment inside": ((Thing.labels["k"].increment(4),), {"labels": {"k": 7, "deep.er": 4}}),
    "increment what is not there": ((Thing.labels["n"].increment(),), {"labels": {**HELD.labels, "n": 1}}),
    "field": ((Thing.address.city.set("Ulm"),), {"address": Address("Ulm", 12, date(2025, 1, 2))}),
    "field of a member": (
        (Thing.lines[0].path(lambda line: line.size).set(9),),
        {"lines": [Address("Rome", 9), Address("Ulm", 3)]},
    ),
    "set members": (
        (Thing.names.discard(frozenset({"x"})), Thing.numbers.add(frozenset({7}))),
        {"names": frozenset({"y"}), "numbers": frozenset({7})},
    ),
    "last member": ((Thing.names.discard(frozenset({"x", "y"})),), {"names": frozenset()}),
}


@pytest.mark.parametrize(("actions", "after"), CHANGES.values(), ids=CHANGES.keys())
def test_parts_change(database: Database, actions: tuple[UpdateAction, ...], after: dict[str, Any]) -> None:
    """And the rest of the item stays as it was; `changed` says beforehand what comes of it."""
    database.write(Put(HELD))
    expected = HELD.replace(**after)
    assert database.update(KEY, *actions) == expected
    assert HELD.changed(*actions) == expected


def test_a_condition_and_an_update_share_their_values(database: Database) -> None:
    """One request, each name and value once."""
    database.write(Put(HELD))
    database.write(Update(KEY, (Thing.count.set(5), Thing.labels["k"].set(5)), Thing.count == 5))
    assert database.get(KEY).labels["k"] == 5
