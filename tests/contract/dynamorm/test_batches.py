"""Batches, on every implementation of the seam."""

from typing import Any

import pytest

from streamer.dynamorm import (
    Attribute,
    Database,
    Delete,
    InvalidRequest,
    KeyAttribute,
    KeyType,
    Model,
    Put,
    Returns,
    Table,
    TooLarge,
    attribute,
)

THINGS = Table("things", KeyAttribute("pk"), KeyAttribute("sk"), ttl_attribute="expires_at")
PLACES = Table("places", KeyAttribute("number", KeyType.NUMBER))

TABLES = (THINGS, PLACES)


class Thing(Model, table=THINGS, partition="THING#{owner}", sort="NUMBER#{number}"):
    owner: Attribute[str]
    number: Attribute[str]
    count: Attribute[int | None] = attribute(default=None)
    text: Attribute[str | None] = attribute(default=None)
    expires_at: Attribute[int | None] = attribute(default=None)


class Place(Model, table=PLACES):
    number: Attribute[int]
    name: Attribute[str] = attribute(default="")


def thing(number: int, **values: Any) -> Thing:
    return Thing(owner="ann", number=str(number), count=number, **values)


def key(number: int) -> Any:
    return Thing.at(owner="ann", number=str(number))


def test_a_batch_of_any_size(database: Database) -> None:
    """What is written is read, in the order of the keys, None where absent."""
    things = [thing(number) for number in range(130)]
    database.batch_write(map(Put, things))
    order = [*range(129, -1, -1), 500, *range(5)]
    found = database.batch_get(map(key, order), consistent=True)
    assert found == [things[number] if number < 130 else None for number in order]


def test_a_batch_of_nothing(database: Database) -> None:
    """It is no failure."""
    assert database.batch_get([]) == []
    database.batch_write([])


def test_a_key_that_comes_twice_is_found_twice(database: Database) -> None:
    """DynamoDB refuses it; the batch reads it once. A number is the same key however it is written."""
    database.put(thing(1))
    database.put(Place(number=10, name="shelf"))
    assert database.batch_get([key(1), key(2), key(1)]) == [thing(1), None, thing(1)]
    shelf = Place(number=10, name="shelf")
    assert database.batch_get([Place.at(number=10), Place.at(number=10)]) == [shelf, shelf]


def test_of_several_writes_to_an_item_the_last_wins(database: Database) -> None:
    """As if they were carried out one after the other."""
    database.put(thing(3))
    database.batch_write(
        [
            Put(thing(1, text="first")),
            Put(thing(2)),
            Put(thing(1, text="last")),
            Delete(key(2)),
            Delete(key(3)),
            Put(thing(3, text="back")),
        ]
    )
    assert database.batch_get(map(key, (1, 2, 3))) == [thing(1, text="last"), None, thing(3, text="back")]


def test_batches_over_tables(database: Database) -> None:
    """Items of several tables in one."""
    database.batch_write([Put(thing(1)), Put(Place(number=7, name="shelf")), Delete(key(9))])
    keys: list[Any] = [Place.at(number=7), key(1), Place.at(number=8)]
    assert database.batch_get(keys) == [Place(number=7, name="shelf"), thing(1), None]


def test_expired_items_of_a_batch(database: Database, clock: Any) -> None:
    """They are absent unless asked for."""
    expired = thing(1, expires_at=int(clock.now()))
    database.put(expired)
    assert database.batch_get([key(1)]) == [None]
    assert database.batch_get([key(1)], include_expired=True) == [expired]


def test_what_a_batch_cannot_do_is_refused(database: Database) -> None:
    """Before any of it is written."""
    for wrong in (
        Put(thing(2), Thing.count.does_not_exist()),
        Delete(key(2), Thing.count.exists()),
        Delete(key(2), returns=Returns.OLD),
    ):
        with pytest.raises(InvalidRequest, match="batch"):
            database.batch_write([Put(thing(1)), wrong])
    with pytest.raises(TooLarge):
        database.batch_write([Put(thing(1)), Put(thing(2, text="x" * 410_000))])
    assert database.find(key(1)) is None


def test_a_batch_of_large_items(database: Database) -> None:
    """More than an answer holds: DynamoDB leaves the rest unprocessed, and it is asked again."""
    things = [thing(number, text="x" * 350_000) for number in range(60)]
    database.batch_write(map(Put, things))
    found = database.batch_get(map(key, range(60)))
    assert [item and item.number for item in found] == [str(number) for number in range(60)]
