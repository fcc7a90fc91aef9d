"""Versions and stamps, on every implementation of the seam."""

from datetime import UTC, datetime
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
    Index,
    InvalidModel,
    InvalidRequest,
    Key,
    KeyAttribute,
    Model,
    NotLoaded,
    Projection,
    Put,
    Query,
    Returns,
    StaleVersion,
    Table,
    TransactionCancelled,
    Update,
    attribute,
    created_stamp,
    updated_stamp,
    version_number,
)

THINGS = Table(
    "things",
    KeyAttribute("pk"),
    indexes=(
        Index("by-time", KeyAttribute("kind"), KeyAttribute("time")),
        Index("by-kind", KeyAttribute("kind"), projection=Projection.KEYS_ONLY),
    ),
    ttl_attribute="expires_at",
)

TABLES = (THINGS,)


class Account(Model, table=THINGS, partition="ACCOUNT#{name}"):
    name: Attribute[str]
    balance: Attribute[int] = attribute(default=0)
    note: Attribute[str | None] = attribute(default=None)
    expires_at: Attribute[int | None] = attribute(default=None)
    version: Attribute[int] = version_number(stored_name="v")


class Page(Model, table=THINGS, partition="PAGE#{name}"):
    name: Attribute[str]
    text: Attribute[str | None] = attribute(default=None)
    tags: Attribute[frozenset[str]] = attribute(default=frozenset())
    created: Attribute[datetime] = created_stamp()
    updated: Attribute[datetime] = updated_stamp()


class Draft(Model, table=THINGS, partition="DRAFT#{name}"):
    name: Attribute[str]
    text: Attribute[str | None] = attribute(default=None)
    version: Attribute[int] = version_number()
    created: Attribute[float] = created_stamp()
    updated: Attribute[int] = updated_stamp()


ANN = Account.at(name="ann")


def test_every_write_raises_the_version(database: Database) -> None:
    """By one, whatever writes, and the item that is returned has it."""
    first = database.put(Account(name="ann"))
    assert first.version == 1
    second = database.put(first.replace(balance=5))
    assert second == Account(name="ann", balance=5).replace(version=2)
    third = database.update(ANN, Account.balance.increment(2))
    assert (third.version, third.balance) == (3, 7)
    database.transact(Update(ANN, (Account.balance.increment(),)))
    database.transact(Put(database.get(ANN).replace(note="x")))
    assert database.get(ANN) == Account(name="ann", balance=8, note="x").replace(version=5)


def test_a_stale_item_is_not_written(database: Database) -> None:
    """The error says what was expected and what is stored, and has the item."""
    mine = database.put(Account(name="ann"))
    theirs = database.put(mine.replace(balance=5))
    for write in (
        lambda: database.put(mine.replace(balance=1)),
        lambda: database.update(mine, Account.balance.increment()),
        lambda: database.delete(mine),
        lambda: database.put(mine, returns=Returns.OLD),
        lambda: database.write(Update(Key.of(mine), (Account.balance.increment(),))),
    ):
        with pytest.raises(StaleVersion) as caught:
            write()
        assert (caught.value.expected, caught.value.found) == (1, 2)
        assert caught.value.item_as(Account) == theirs
    assert database.get(ANN) == theirs


def test_a_new_item_does_not_replace_another(database: Database) -> None:
    """One that was never read was written by nobody who knows of the other."""
    first = database.put(Account(name="ann"))
    with pytest.raises(StaleVersion) as caught:
        database.put(Account(name="ann", balance=9))
    assert (caught.value.expected, caught.value.found) == (0, 1)
    assert database.get(ANN) == first


def test_an_item_that_is_gone_is_stale(database: Database) -> None:
    """Whoever read it before learns that it was deleted."""
    first = database.put(Account(name="ann"))
    database.delete(first)
    with pytest.raises(StaleVersion) as caught:
        database.update(first, Account.balance.increment())
    assert (caught.value.expected, caught.value.found, caught.value.item) == (1, None, None)
    assert database.find(ANN) is None


def test_a_condition_beside_the_version(database: Database) -> None:
    """Its failure is told apart from staleness."""
    first = database.put(Account(name="ann"))
    with pytest.raises(ConditionFailed) as caught:
        database.put(first, condition=Account.balance > 5)
    assert type(caught.value) is ConditionFailed
    assert database.put(first, condition=Account.balance < 5).version == 2


def test_create_begins_at_one(database: Database, clock: Any) -> None:
    """Also in the place of an expired item, whatever its version was."""
    database.update(ANN, Account.name.set("ann"), Account.expires_at.set(int(clock.now()) + 1))
    with pytest.raises(AlreadyExists):
        database.create(Account(name="ann"))
    clock.advance(1)
    assert database.create(Account(name="ann")).version == 1
    database.transact(Create(Account(name="bob")))
    assert database.get(Account.at(name="bob")).version == 1


def test_versions_within_a_transaction(database: Database) -> None:
    """A stale action cancels it, and its reason says so, typed."""
    mine = database.put(Account(name="ann"))
    other = database.put(Account(name="bob"))
    database.update(mine, Account.balance.increment())
    for action in (
        Put(mine),
        Update(Key.of(mine), (Account.balance.increment(),)),
        Delete(Key.of(mine)),
        Check(Key.of(mine), Account.balance.exists()),
    ):
        with pytest.raises(TransactionCancelled) as caught:
            database.transact(Update(Key.of(other), (Account.balance.increment(),)), action)
        (failure,) = caught.value.failures
        assert isinstance(failure.error, StaleVersion)
        assert (failure.error.expected, failure.error.found) == (1, 2)
    assert database.get(Account.at(name="bob")) == other


def test_a_batch_heeds_no_version(database: Database) -> None:
    """So it takes no item with one; a delete by key alone means it."""
    account = database.put(Account(name="ann"))
    for wrong in (Put(account), Delete(Key.of(account))):
        with pytest.raises(InvalidRequest, match="version"):
            database.batch_write([wrong])
    database.batch_write([Delete(ANN)])
    assert database.find(ANN) is None


def test_the_version_is_nobody_else_s_to_write(database: Database) -> None:
    """An update that changes it by hand is refused."""
    database.put(Account(name="ann"))
    with pytest.raises(InvalidModel, match="twice"):
        database.update(ANN, Account.version.set(7))


def test_no_update_is_lost(database: Database, race: Any) -> None:
    """Many writers read, add and write back, by put, update and transaction; all additions are there."""
    database.put(Account(name="ann"))
    rounds = 8

    def by_put(item: Account) -> None:
        database.put(item.replace(balance=item.balance + 1))

    def by_update(item: Account) -> None:
        database.update(item, Account.balance.set(item.balance + 1))

    def by_transaction(item: Account) -> None:
        database.transact(Put(item.replace(balance=item.balance + 1)))

    def writer(write: Any) -> Any:
        def run() -> int:
            stale = 0
            for _ in range(rounds):
                while True:
                    try:
                        write(database.get(ANN, consistent=True))
                        break
                    except StaleVersion:
                        stale += 1
                    except TransactionCancelled as error:
                        if not isinstance(error.failures[0].error, StaleVersion):
                            raise
                        stale += 1
            return stale

        return run

    writers = [writer(write) for write in (by_put, by_update, by_transaction) * 2]
    results = race(*writers)
    assert all(isinstance(result, int) for result in results), results
    account = database.get(ANN, consistent=True)
    assert (account.balance, account.version) == (len(writers) * rounds, 1 + len(writers) * rounds)


def test_stamps_say_when_an_item_was_written(database: Database, clock: Any) -> None:
    """Created by the first write, updated by each; the item that is returned has them."""
    first_time = datetime.fromtimestamp(clock.now(), UTC)
    first = database.put(Page(name="a", text="x"))
    assert (first.created, first.updated) == (first_time, first_time)
    clock.advance(10)
    second = database.put(first.replace(text="y"))
    assert (second.created, second.updated.timestamp()) == (first_time, clock.now())
    clock.advance(10)
    third = database.update(first, Page.text.set("z"))
    assert (third.created, third.updated.timestamp()) == (first_time, clock.now())
    assert database.get(Page.at(name="a")) == third


def test_the_time_of_creation_survives_a_put_of_another_instance(database: Database, clock: Any) -> None:
    """One that was never read; everything else of the old item is replaced."""
    first = database.create(Page(name="a", text="x", tags=frozenset("ab")))
    clock.advance(10)
    second = database.put(Page(name="a", tags=frozenset("c")))
    assert second == Page(name="a", tags=frozenset("c")).replace(
        created=first.created, updated=second.updated
    )
    assert second.updated > first.updated
    assert database.get(Page.at(name="a")) == second
    clock.advance(10)
    assert database.put(Page(name="a"), returns=Returns.OLD) == second
    database.transact(Put(Page(name="a", text="z")))
    database.write(Put(Page(name="a", text="w")))
    found = database.get(Page.at(name="a"))
    assert (found.text, found.tags, found.created) == ("w", frozenset(), first.created)


def test_an_update_that_makes_an_item_stamps_it(database: Database, clock: Any) -> None:
    """As a put would."""
    made = database.update(Page.at(name="a"), Page.name.set("a"), Page.text.set("x"))
    assert made.created == made.updated == datetime.fromtimestamp(clock.now(), UTC)


def test_a_created_item_in_the_place_of_an_expired_one_is_new(database: Database, clock: Any) -> None:
    """Nothing of the expired one stays."""
    account = database.put(Account(name="ann", expires_at=int(clock.now()), note="old"))
    assert database.create(Account(name="ann")) == Account(name="ann").replace(version=1)
    assert account.version == 1


def test_a_batch_stamps_what_it_puts(database: Database, clock: Any) -> None:
    """What was read keeps its time of creation."""
    first = database.put(Page(name="a"))
    clock.advance(10)
    database.batch_write([Put(first.replace(text="x")), Put(Page(name="b"))])
    kept, new = database.batch_get([Page.at(name="a"), Page.at(name="b")])
    assert kept is not None
    assert new is not None
    assert (kept.created, kept.updated.timestamp()) == (first.created, clock.now())
    assert new.created.timestamp() == new.updated.timestamp() == clock.now()


def test_a_version_and_stamps_together(database: Database, clock: Any) -> None:
    """A put of a new instance over an item is stale; one that was read keeps what it knows."""
    first = database.put(Draft(name="a"))
    assert (first.version, first.created, first.updated) == (1, clock.now(), int(clock.now()))
    with pytest.raises(StaleVersion):
        database.put(Draft(name="a"))
    clock.advance(5)
    second = database.put(first.replace(text="x"))
    assert (second.version, second.created, second.updated) == (2, first.created, int(clock.now()))
    assert database.get(Draft.at(name="a")) == second


class Entry(
    Model, table=THINGS, partition="ENTRY#{name}", indexes={"by-time": ("ENTRY#{topic}", "{created}")}
):
    """Listed by the time of its creation."""

    name: Attribute[str]
    topic: Attribute[str | None] = attribute(default=None)
    text: Attribute[str | None] = attribute(default=None)
    created: Attribute[datetime] = created_stamp()


def test_an_index_by_the_time_of_creation(database: Database, clock: Any) -> None:
    """It keeps its order whatever is written later, and loses what has no key any more."""
    for name in "abc":
        database.put(Entry(name=name, topic="x"))
        clock.advance(1)
    database.put(Entry(name="a", topic="x", text="later"))
    database.update(Entry.at(name="b"), Entry.text.set("later"))
    database.transact(Put(Entry(name="b", topic="x", text="latest")))
    query = Query(Entry, Entry.topic == "x")
    assert query.index == "by-time"
    assert [(entry.name, entry.text) for entry in database.query(query)] == [
        ("a", "later"),
        ("b", "latest"),
        ("c", None),
    ]
    database.put(Entry(name="b", text="without a topic"))
    assert [entry.name for entry in database.query(query)] == ["a", "c"]


class Member(Model, table=THINGS, partition="MEMBER#{name}"):
    name: Attribute[str]
    kind: Attribute[str]
    count: Attribute[int] = attribute(default=0)
    version: Attribute[int] = version_number()


def test_an_item_without_its_version_is_not_written(database: Database) -> None:
    """What an index doesn't hold cannot be compared; its key alone can be named."""
    member = database.put(Member(name="ann", kind="x"))
    (partial,) = database.query(Query(Member, Member.kind == "x", index="by-kind"))
    with pytest.raises(NotLoaded):
        database.update(partial, Member.count.increment())
    with pytest.raises(NotLoaded):
        database.delete(partial)
    assert database.update(Member.at(name=partial.name), Member.count.increment()).version == 2
    assert member.version == 1
