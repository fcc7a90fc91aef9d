"""The promises of DynamORM's seam, on every implementation of it: what one does, the others do."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from streamer.dynamorm import (
    Attribute,
    Check,
    ConditionFailed,
    Database,
    DecodingFailed,
    Delete,
    EncodingFailed,
    Engine,
    Get,
    InvalidRequest,
    ItemNotFound,
    Model,
    Put,
    Query,
    TransactionCancelled,
    Update,
    attribute,
)
from streamer.store import REQUESTS


class Thing(Model, table=REQUESTS, partition="THING#{owner}", sort="NUMBER#{number}"):
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


@pytest.fixture
def database(stores: Any) -> Database:
    return stores.database


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
        assert caught.value.item == FULL.to_item(), "the item as it was comes with the failure"
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
    """As DynamoDB does it: the key and what was set; a model that needs more says so when it is read."""
    item = engine.update(Update(KEY, (Thing.count.set(1),)))
    assert item == {**KEY.values, "count": {"N": "1"}}
    with pytest.raises(DecodingFailed, match="owner"):
        Database(engine).find(KEY)


def test_an_expired_item_reads_as_absent(database: Database, stores: Any) -> None:
    """Unless it is asked for; writes see it."""
    now = int(stores.clock.now())
    database.write(Put(FULL.replace(expires_at=now)))
    assert database.find(KEY) is None
    assert database.find(KEY, include_expired=True) is not None
    where = Thing.partition(owner="ann")
    assert [*database.query(Query(Thing, where))] == []
    assert len([*database.query(Query(Thing, where), include_expired=True)]) == 1
    with pytest.raises(ConditionFailed):
        database.write(Put(FULL, Thing.count.does_not_exist()))


@pytest.fixture
def ten(database: Database) -> list[Thing]:
    """Ten things of one owner, and one of another whose name begins alike."""
    things = [
        Thing(owner="ann", number=f"{n:02}", count=n, due="DUE" if n % 2 else None, due_at=100.0 - n)
        for n in range(10)
    ]
    for thing in things:
        database.write(Put(thing))
    database.write(Put(Thing(owner="ann#2", number="00")))
    return things


def query(database: Database, **arguments: Any) -> list[Any]:
    where = arguments.pop("where", None)
    condition = Thing.partition(owner="ann")
    return [*database.query(Query(Thing, condition if where is None else where, **arguments))]


def test_a_query_reads_one_partition_in_order(database: Database, ten: list[Thing]) -> None:
    """In the order of the sort key, either way."""
    assert query(database, consistent=True) == ten
    assert query(database, descending=True) == ten[::-1]


def test_a_query_stops_at_its_limit(database: Database, ten: list[Thing]) -> None:
    """The limit counts what is returned, also beside a filter."""
    assert query(database, limit=3) == ten[:3]
    assert query(database, limit=3, filter=Thing.count >= 5) == ten[5:8]


def test_a_query_goes_on_behind_a_key(engine: Engine, ten: list[Thing]) -> None:
    """A page says where the next begins, until the last."""
    where = Thing.partition(owner="ann")
    first = engine.query(Query(Thing, where, limit=4))
    assert first.after == Thing.at(owner="ann", number="03").values
    rest = engine.query(Query(Thing, where, after=first.after))
    assert [Thing.from_item(item) for item in (*first.items, *rest.items)] == ten
    back = engine.query(Query(Thing, where, after=first.after, descending=True))
    assert [Thing.from_item(item) for item in back.items] == ten[2::-1]


def test_a_query_of_a_sparse_index(database: Database, ten: list[Thing]) -> None:
    """Only items with the index's keys are in it, ordered as numbers."""
    due = Thing.due == "DUE"
    assert query(database, where=due, index="due-index") == ten[9::-2]
    some = due & (Thing.due_at <= 97.0)
    assert query(database, where=some, index="due-index", limit=2) == [ten[9], ten[7]]
    assert query(database, where=due & Thing.due_at.between(95.0, 97.0), index="due-index") == [
        ten[5],
        ten[3],
    ]


def test_a_transaction_happens_whole(database: Database) -> None:
    """Puts, updates, deletes and checks on different items, together."""
    one, two, three, four = (Thing.at(owner="ann", number=str(n)) for n in range(1, 5))
    for number in ("2", "3", "4"):
        database.write(Put(Thing(owner="ann", number=number, count=1)))
    database.transact(
        Put(FULL, Thing.count.does_not_exist()),
        Update(two, (Thing.count.increment(),), Thing.count == 1),
        Delete(three, Thing.count == 1),
        Check(four, Thing.count == 1),
    )
    assert database.get(one) == FULL
    assert database.get(two).count == 2
    assert database.find(three) is None
    assert database.get(four).count == 1


def test_a_cancelled_transaction_writes_nothing(database: Database) -> None:
    """The failure has a reason for each action, with the item as it was."""
    two = Thing(owner="ann", number="2", count=1)
    database.write(Put(two))
    with pytest.raises(TransactionCancelled) as caught:
        database.transact(
            Put(FULL),
            Update(Thing.at(owner="ann", number="2"), (Thing.count.increment(),), Thing.count == 9),
            Check(Thing.at(owner="ann", number="3"), Thing.count.exists()),
        )
    assert [reason.code for reason in caught.value.reasons] == [
        "None",
        "ConditionalCheckFailed",
        "ConditionalCheckFailed",
    ]
    assert [reason.item for reason in caught.value.reasons] == [None, two.to_item(), None]
    assert database.find(KEY) is None
    assert database.get(Thing.at(owner="ann", number="2")) == two


def test_a_transaction_has_one_action_for_an_item(database: Database) -> None:
    """Two actions on one item are refused."""
    with pytest.raises(InvalidRequest):
        database.transact(Put(FULL), Delete(KEY))
    assert database.find(KEY) is None


def test_increments_from_many_threads_are_all_counted(database: Database, race: Any) -> None:
    """No update is lost, in transactions or alone."""
    database.write(Put(Thing(owner="ann", count=0)))
    database.write(Put(Thing(owner="ann", number="2", count=0)))
    other = Thing.at(owner="ann", number="2")

    def alone() -> None:
        for _ in range(10):
            database.update(KEY, Thing.count.increment())

    def together() -> None:
        for _ in range(10):
            database.transact(
                Update(KEY, (Thing.count.increment(),)), Update(other, (Thing.count.increment(),))
            )

    assert race(alone, together, alone, together) == [None] * 4
    assert (database.get(KEY).count, database.get(other).count) == (40, 20)


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
