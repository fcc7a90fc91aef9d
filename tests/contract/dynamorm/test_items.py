"""The promises of DynamORM's seam, on every implementation of it: what one does, the others do."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from streamer.dynamorm import (
    AlreadyExists,
    Attribute,
    ConditionFailed,
    Create,
    Database,
    Delete,
    EncodingFailed,
    Engine,
    Get,
    ItemNotFound,
    KeyAttribute,
    Model,
    Put,
    Query,
    Returns,
    Table,
    Update,
    attribute,
)
from streamer.dynamorm.requests.items import paths_of

THINGS = Table("things", KeyAttribute("pk"), KeyAttribute("sk"), ttl_attribute="expires_at")

TABLES = (THINGS,)


class Thing(Model, table=THINGS, partition="THING#{owner}", sort="NUMBER#{number}"):
    """An item with an attribute of every kind."""

    owner: Attribute[str]
    number: Attribute[str] = attribute(default="1")
    text: Attribute[str | None] = attribute(default=None)
    count: Attribute[int | None] = attribute(default=None)
    share: Attribute[float | None] = attribute(default=None)
    exact: Attribute[Decimal | None] = attribute(default=None)
    data: Attribute[bytes | None] = attribute(default=None)
    on: Attribute[bool | None] = attribute(default=None)
    tags: Attribute[frozenset[str]] = attribute(default=frozenset())
    numbers: Attribute[frozenset[int]] = attribute(default=frozenset())
    values: Attribute[list[int] | None] = attribute(default=None)
    facts: Attribute[Mapping[str, Any] | None] = attribute(default=None)
    status: Attribute[str | None] = attribute(default=None, stored_name="size")
    due: Attribute[str | None] = attribute(default=None)
    due_at: Attribute[float | None] = attribute(default=None)
    expires_at: Attribute[int | None] = attribute(default=None)


KEY = Thing.at(owner="ann", number="1")

FULL = Thing(
    owner="ann",
    number="1",
    text="ä€𝄞",
    count=7,
    share=0.1,
    exact=Decimal("12345678901234567890.123456789"),
    data=b"\x00\xff",
    on=False,
    tags=frozenset({"a", "b"}),
    numbers=frozenset({1, 20, 3}),
    values=[3, 1, 2],
    facts={"n": None, "deep": {"list": [1, "x", True, 0.25]}, "empty": {}},
    status="reserved word",
)


def test_what_is_put_is_what_is_got(database: Database) -> None:
    """Every kind of value comes back as it was."""
    database.write(Put(FULL))
    assert database.get(KEY, consistent=True) == FULL


def test_put_replaces_the_whole_item(database: Database) -> None:
    """Nothing of the item before stays."""
    database.write(Put(FULL))
    database.write(Put(Thing(owner="ann")))
    assert database.get(KEY) == Thing(owner="ann")


def test_a_missing_item(database: Database) -> None:
    """`find` returns None, `get` raises, a delete of it is no failure."""
    assert database.find(KEY) is None
    with pytest.raises(ItemNotFound):
        database.get(KEY)
    database.write(Delete(KEY))


CONDITIONS = {
    "equal": (Thing.text == "ä€𝄞", True),
    "equal, other": (Thing.text == "a", False),
    "equal, absent": (Thing.due == "x", False),
    "different": (Thing.count != 8, True),
    "different, same": (Thing.count != 7, False),
    "different, absent": (Thing.due != "x", True),
    "less": (Thing.count < 8, True),
    "less, as numbers": (Thing.count < 10, True),
    "less, absent": (Thing.due_at < 10.0, False),
    "at most": (Thing.share <= 0.1, True),
    "more": (Thing.count > 7, False),
    "at least": (Thing.exact >= Decimal("1e19"), True),
    "text by UTF-8": (Thing.text > "z", True),
    "between": (Thing.count.between(7, 9), True),
    "between, outside": (Thing.count.between(8, 9), False),
    "in": (Thing.count.is_in([1, 7]), True),
    "in, none": (Thing.count.is_in([1, 2]), False),
    "begins with": (Thing.text.begins_with("ä€"), True),
    "begins with, not": (Thing.text.begins_with("€"), False),
    "contains text": (Thing.text.contains("€"), True),
    "contains member": (Thing.tags.contains("b"), True),
    "contains part of member": (Thing.tags.contains(""), False),
    "exists": (Thing.on.exists(), True),
    "exists, absent": (Thing.due.exists(), False),
    "does not exist": (Thing.due.does_not_exist(), True),
    "boolean": (Thing.on == False, True),  # noqa: E712
    "set, any order": (Thing.numbers == frozenset({20, 3, 1}), True),
    "map": (Thing.facts == {"empty": {}, "n": None, "deep": {"list": [1, "x", True, 0.25]}}, True),
    "list": (Thing.values == [3, 2, 1], False),
    "and": ((Thing.count == 7) & (Thing.on == True), False),  # noqa: E712
    "or": ((Thing.count == 1) | (Thing.on == False), True),  # noqa: E712
    "or binds weaker": ((Thing.count == 7) | (Thing.count == 1) & (Thing.count == 2), True),
    "brackets": (((Thing.count == 7) | (Thing.count == 1)) & (Thing.count == 2), False),
    "between in and": (Thing.count.between(1, 9) & Thing.text.exists() & (Thing.count == 7), True),
    "not": (~(Thing.count == 7), False),
    "not of or": (~((Thing.count == 1) | Thing.due.exists()), True),
    "reserved word": (Thing.status == "reserved word", True),
}


@pytest.mark.parametrize(("condition", "expected"), CONDITIONS.values(), ids=CONDITIONS.keys())
def test_conditions(database: Database, condition: Any, expected: bool) -> None:
    """A condition holds or not, and a write happens exactly if it does."""
    database.write(Put(FULL))
    request = Update(KEY, (Thing.due.set("written"),), condition)
    if expected:
        database.write(request)
    else:
        with pytest.raises(ConditionFailed) as caught:
            database.write(request)
        assert caught.value.item is not None
        # Not the raw items: sets come in any order.
        assert Thing.from_item(caught.value.item) == FULL, "the item as it was comes with the failure"
    assert (database.get(KEY).due == "written") is expected


def test_numbers_are_compared_exactly(database: Database) -> None:
    """Two numbers that a float cannot tell apart are different."""
    database.write(Put(FULL))
    database.write(Update(KEY, (Thing.due.set("x"),), Thing.exact > Decimal("12345678901234567890.123")))


def test_a_failed_condition_on_nothing_has_no_item(database: Database) -> None:
    """Where there was no item, the failure has none, and none is made."""
    with pytest.raises(ConditionFailed) as caught:
        database.update(KEY, Thing.count.increment(), condition=Thing.count.exists())
    assert caught.value.item is None
    assert database.find(KEY) is None


UPDATES = {
    "set": ((Thing.text.set("new"),), {"text": "new"}),
    "set None": ((Thing.text.set(None),), {"text": None}),
    "set if absent, there": ((Thing.text.set_if_absent("new"),), {}),
    "set if absent": ((Thing.due.set_if_absent("new"),), {"due": "new"}),
    "increment": ((Thing.count.increment(5),), {"count": 12}),
    "decrement": ((Thing.count.increment(-10),), {"count": -3}),
    "increment absent": ((Thing.due_at.increment(0.5),), {"due_at": 0.5}),
    "remove": ((Thing.facts.remove(),), {"facts": None}),
    "remove absent": ((Thing.due.remove(),), {}),
    "add to set": ((Thing.tags.add(frozenset({"b", "c"})),), {"tags": frozenset("abc")}),
    "discard": ((Thing.numbers.discard(frozenset({1, 9})),), {"numbers": frozenset({20, 3})}),
    "discard all": ((Thing.tags.discard(frozenset({"a", "b"})),), {"tags": frozenset()}),
    "several": (
        (Thing.text.remove(), Thing.count.increment(), Thing.status.set("x"), Thing.due.set("y")),
        {"text": None, "count": 8, "status": "x", "due": "y"},
    ),
}


@pytest.mark.parametrize(("actions", "changes"), UPDATES.values(), ids=UPDATES.keys())
def test_updates(database: Database, actions: Any, changes: dict[str, Any]) -> None:
    """An update changes what it names, and returns the whole item afterwards."""
    database.write(Put(FULL))
    expected = FULL.replace(**changes)
    assert database.update(KEY, *actions) == expected
    assert database.get(KEY) == expected


def test_an_update_without_condition_makes_the_item(engine: Engine) -> None:
    """As DynamoDB does it: the key and what was set."""
    item = engine.write(Update(KEY, (Thing.count.set(1),), returns=Returns.NEW))
    assert item == {**KEY.values, "count": {"N": "1"}}
    assert Database(engine).find(KEY) == Thing(owner="ann", count=1)


def test_a_write_returns_what_is_asked_for(database: Database) -> None:
    """The item as it is stored, or as it was, typed; None where there was none."""
    first, second = Thing(owner="ann", count=1), Thing(owner="ann", count=2)
    assert database.put(first) == first
    assert database.put(second, returns=Returns.OLD) == first
    assert database.put(Thing(owner="bob"), returns=Returns.OLD) is None
    assert database.update(KEY, Thing.count.increment(), returns=Returns.OLD) == second
    assert database.update(KEY, Thing.count.increment()) == second.replace(count=4)
    assert database.delete(KEY, returns=Returns.OLD) == second.replace(count=4)
    assert database.delete(KEY, returns=Returns.OLD) is None


def test_a_write_without_an_answer(database: Database) -> None:
    """Nothing is decoded where nothing is asked for."""
    nothing: object = database.update(KEY, Thing.count.set(1), returns=Returns.NONE)
    assert nothing is None
    gone: object = database.delete(KEY)
    assert gone is None


def test_an_item_stands_for_its_key(database: Database) -> None:
    """Whoever has read an item changes and deletes it without naming its key."""
    thing = database.put(FULL)
    assert database.update(thing, Thing.count.increment()).count == 8
    database.delete(thing)
    assert database.find(KEY) is None


def test_conditions_of_put_and_delete(database: Database) -> None:
    """They hold as those of an update do, and the failure can be read as a model."""
    database.put(FULL)
    with pytest.raises(ConditionFailed) as caught:
        database.put(Thing(owner="ann"), condition=Thing.count == 8)
    assert caught.value.item_as(Thing) == FULL
    with pytest.raises(ConditionFailed):
        database.delete(KEY, condition=Thing.count == 8)
    assert database.get(KEY) == FULL
    database.put(FULL.replace(count=8), condition=Thing.count == 7)
    database.delete(KEY, condition=Thing.count == 8)
    assert database.find(KEY) is None


def test_create_makes_an_item_once(database: Database) -> None:
    """The second is refused with a type of its own, and with the first."""
    assert database.create(FULL) == FULL
    with pytest.raises(AlreadyExists) as caught:
        database.create(FULL.replace(count=8))
    assert caught.value.item_as(Thing) == FULL
    assert database.get(KEY) == FULL


def test_create_with_a_condition(database: Database) -> None:
    """A condition beside the absence is no `AlreadyExists` when it fails on nothing."""
    with pytest.raises(ConditionFailed) as caught:
        database.create(FULL, condition=Thing.count.exists())
    assert type(caught.value) is ConditionFailed
    database.write(Create(FULL))
    with pytest.raises(AlreadyExists):
        database.write(Create(FULL))


def test_create_of_many_makes_one(database: Database, race: Any) -> None:
    """Of several at once exactly one wins."""

    def create() -> object:
        return database.create(FULL)

    results = race(*[create] * 6)
    assert sum(result == FULL for result in results) == 1
    assert sum(type(result) is AlreadyExists for result in results) == 5


def test_an_expired_item_reads_as_absent(database: Database, clock: Any) -> None:
    """Unless it is asked for; writes see it."""
    now = int(clock.now())
    database.write(Put(FULL.replace(expires_at=now)))
    assert database.find(KEY) is None
    assert database.find(KEY, include_expired=True) is not None
    where = Thing.partition(owner="ann")
    assert [*database.query(Query(Thing, where))] == []
    assert len([*database.query(Query(Thing, where), include_expired=True)]) == 1
    with pytest.raises(ConditionFailed):
        database.write(Put(FULL, Thing.count.does_not_exist()))


def test_create_takes_the_place_of_an_expired_item(database: Database, clock: Any) -> None:
    """What reads as absent can be created, from the second on at which it does."""
    database.put(FULL.replace(expires_at=int(clock.now()) + 1))
    with pytest.raises(AlreadyExists):
        database.create(FULL)
    clock.advance(1)
    assert database.create(FULL) == FULL
    assert database.get(KEY) == FULL


class Glance(Model, table=THINGS, partition="THING#{owner}", sort="NUMBER#{number}"):
    """A thing, seen from afar."""

    owner: Attribute[str]
    number: Attribute[str]
    count: Attribute[int | None] = attribute(default=None)
    status: Attribute[str | None] = attribute(default=None, stored_name="size")


def test_a_projection_reads_a_smaller_model(database: Database, engine: Engine, clock: Any) -> None:
    """Only its attributes, the keys and the TTL are read."""
    database.put(FULL)
    assert database.get(KEY, projection=Glance) == Glance(
        owner="ann", number="1", count=7, status="reserved word"
    )
    item = engine.get(Get(KEY, projection=paths_of(Glance, THINGS)))
    assert item is not None
    assert item.keys() == {"pk", "sk", "owner", "number", "count", "size"}
    database.put(FULL.replace(expires_at=int(clock.now())))
    assert database.find(KEY, projection=Glance) is None


def test_a_wrong_type_is_refused_before_it_is_sent(database: Database) -> None:
    """The sentence names the attribute."""
    with pytest.raises(EncodingFailed, match=r"Thing\.count"):
        database.write(Put(Thing(owner="ann", count="7")))  # type: ignore[arg-type]


def test_what_a_reader_changes_is_not_stored(engine: Engine) -> None:
    """An item that was read is the reader's own."""
    engine.write(Put(FULL))
    found = engine.get(Get(KEY))
    assert found is not None
    found["facts"]["M"]["n"] = {"S": "changed"}
    assert Database(engine).get(KEY) == FULL
