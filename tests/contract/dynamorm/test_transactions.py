"""Transactions, on every implementation of the seam."""

import uuid
from typing import Any

import pytest

from streamer.dynamorm import (
    AlreadyExists,
    Attribute,
    Check,
    ConditionFailed,
    Create,
    Database,
    Delete,
    InvalidRequest,
    Key,
    KeyAttribute,
    Model,
    Put,
    Returns,
    Table,
    TooLarge,
    TransactionCancelled,
    Update,
    attribute,
)

THINGS = Table("things", KeyAttribute("pk"), KeyAttribute("sk"), ttl_attribute="expires_at")
PLACES = Table("places", KeyAttribute("name"))

TABLES = (THINGS, PLACES)


class Thing(Model, table=THINGS, partition="THING#{owner}", sort="NUMBER#{number}"):
    owner: Attribute[str]
    number: Attribute[str] = attribute(default="1")
    count: Attribute[int | None] = attribute(default=None)
    text: Attribute[str | None] = attribute(default=None)
    expires_at: Attribute[int | None] = attribute(default=None)


class Place(Model, table=PLACES):
    name: Attribute[str]
    things: Attribute[int] = attribute(default=0)


KEY = Thing.at(owner="ann", number="1")

FULL = Thing(owner="ann", number="1", count=7)


def at(number: int) -> Key[Thing]:
    return Thing.at(owner="ann", number=str(number))


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
    assert [(reason.action, reason.model) for reason in caught.value.failures] == [
        ("Update", "Thing"),
        ("ConditionCheck", "Thing"),
    ]
    assert "action 1, Update of Thing" in str(caught.value)
    error = caught.value.failures[0].error
    assert isinstance(error, ConditionFailed)
    assert error.item_as(Thing) == two
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


def test_a_transaction_over_tables(database: Database) -> None:
    """Its actions may be on items of any table."""
    database.transact(Create(FULL), Update(Place.at(name="shelf"), (Place.things.increment(),)))
    assert database.get(KEY) == FULL
    assert database.transact_get(Place.at(name="shelf"), include_expired=True) != []


def test_create_within_a_transaction(database: Database, clock: Any) -> None:
    """Its reason says that there is such an item, typed, with the item; an expired one counts as none."""
    database.put(FULL)
    with pytest.raises(TransactionCancelled) as caught:
        database.transact(Put(Place(name="shelf")), Create(FULL.replace(count=8)))
    (failure,) = caught.value.failures
    assert (failure.action, failure.model, failure.code) == ("Create", "Thing", "ConditionalCheckFailed")
    assert isinstance(failure.error, AlreadyExists)
    assert failure.error.item_as(Thing) == FULL
    database.put(FULL.replace(expires_at=int(clock.now())))
    database.transact(Put(Place(name="shelf")), Create(FULL.replace(count=8)))
    assert database.get(KEY).count == 8


def test_a_token_lets_one_happen(database: Database) -> None:
    """The second with the same token succeeds and writes nothing; another content is refused."""
    token = uuid.uuid4().hex  # a DynamoDB remembers the tokens of other tests
    change = Update(at(1), (Thing.count.increment(),))
    database.put(FULL)
    database.transact(change, token=token)
    database.transact(change, token=token)
    assert database.get(KEY).count == 8
    with pytest.raises(InvalidRequest):
        database.transact(Update(at(1), (Thing.count.increment(2),)), token=token)
    database.transact(change)
    database.transact(change)
    assert database.get(KEY).count == 10


def test_a_cancelled_transaction_can_be_sent_again(database: Database) -> None:
    """Its token is spent by a success only."""
    token = uuid.uuid4().hex
    change = Update(at(1), (Thing.count.increment(),), Thing.count == 7)
    with pytest.raises(TransactionCancelled):
        database.transact(change, token=token)
    database.put(FULL)
    database.transact(change, token=token)
    assert database.get(KEY).count == 8


def test_a_hundred_actions(database: Database) -> None:
    """They are the most."""
    puts = [Put(Thing(owner="ann", number=str(number), count=number)) for number in range(101)]
    database.transact(*puts[:100])
    assert [thing and thing.count for thing in database.transact_get(*map(at, range(100)))] == [*range(100)]
    with pytest.raises(InvalidRequest, match="100"):
        database.transact(*puts)
    with pytest.raises(InvalidRequest):
        database.transact()


def test_items_of_one_moment(database: Database, clock: Any) -> None:
    """In the order of their keys, None where absent or expired."""
    database.put(FULL)
    database.put(Thing(owner="ann", number="2", expires_at=int(clock.now())))
    assert database.transact_get(at(3), at(1), at(2)) == [None, FULL, None]
    found = database.transact_get(at(2), include_expired=True)
    assert [thing and thing.number for thing in found] == ["2"]


def test_a_transaction_is_too_large_before_it_is_sent(database: Database) -> None:
    """Over 4 MB together, though each item is small enough."""
    text = "x" * 390_000
    puts = [Put(Thing(owner="ann", number=str(number), text=text)) for number in range(11)]
    with pytest.raises(TooLarge) as caught:
        database.transact(*puts)
    assert caught.value.size_bytes > caught.value.limit_bytes == 4 * 1024 * 1024
    assert database.find(at(0)) is None


def test_a_transaction_returns_nothing(database: Database) -> None:
    """An action that asks for an answer is refused."""
    with pytest.raises(InvalidRequest, match="transact_get"):
        database.transact(Delete(KEY, returns=Returns.OLD))
    with pytest.raises(InvalidRequest, match="token"):
        database.transact(Delete(KEY), token="x" * 37)
