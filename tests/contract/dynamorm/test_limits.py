"""What DynamoDB does not take is refused, before it is sent where that can be known."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from streamer.dynamorm import (
    Attribute,
    Database,
    Delete,
    Get,
    InvalidModel,
    InvalidRequest,
    KeyAttribute,
    KeyType,
    Model,
    Put,
    Table,
    TooLarge,
    Update,
    attribute,
)

THINGS = Table("things", KeyAttribute("pk"), KeyAttribute("sk"))
BYTES = Table("bytes", KeyAttribute("id", KeyType.BINARY))

TABLES = (THINGS, BYTES)

MAX_ITEM_BYTES = 409_600


class Thing(Model, table=THINGS):
    pk: Attribute[str]
    sk: Attribute[str] = attribute(default="1")
    text: Attribute[str | None] = attribute(default=None)
    other: Attribute[str | None] = attribute(default=None)
    number: Attribute[Decimal | None] = attribute(default=None)
    values: Attribute[list[int] | None] = attribute(default=None)
    facts: Attribute[Mapping[str, Any] | None] = attribute(default=None)


class Blob(Model, table=BYTES):
    id: Attribute[bytes]
    size: Attribute[int] = attribute(default=0)


KEY = Thing.at(pk="a", sk="1")

EMPTY_BYTES = len("pkask1text")
"""Of an item with an empty text: names and values count."""


def test_the_largest_item(database: Database) -> None:
    """400 KB with its names is stored, a byte more is refused before it is sent."""
    largest = Thing(pk="a", text="x" * (MAX_ITEM_BYTES - EMPTY_BYTES))
    database.put(largest)
    assert database.get(KEY) == largest
    writes: list[Any] = [
        database.put,
        database.create,
        lambda thing: database.transact(Put(thing)),
        lambda thing: database.batch_write([Put(thing)]),
    ]
    for write in writes:
        with pytest.raises(TooLarge) as caught:
            write(largest.replace(text=(largest.text or "") + "x"))
        assert (caught.value.size_bytes, caught.value.limit_bytes) == (MAX_ITEM_BYTES + 1, MAX_ITEM_BYTES)


def test_text_counts_as_utf_8(database: Database) -> None:
    """Two bytes for an umlaut."""
    with pytest.raises(TooLarge):
        database.put(Thing(pk="a", text="ä" * (MAX_ITEM_BYTES // 2)))


def test_an_update_that_makes_an_item_too_large(database: Database) -> None:
    """What one update writes is known before; what the item becomes, DynamoDB finds out."""
    with pytest.raises(TooLarge):
        database.update(KEY, Thing.text.set("x" * (MAX_ITEM_BYTES + 1)))
    database.put(Thing(pk="a", text="x" * 300_000))
    with pytest.raises(InvalidRequest):
        database.update(KEY, Thing.other.set("x" * 200_000))
    assert database.get(KEY).other is None


@pytest.mark.parametrize(
    ("pk", "sk", "fits"),
    [
        ("x" * 2048, "y" * 1024, True),
        ("x" * 2049, "y", False),
        ("x", "y" * 1025, False),
        ("ä" * 1024, "ä" * 512, True),
        ("ä" * 1025, "y", False),
    ],
    ids=["largest", "partition key", "sort key", "UTF-8", "UTF-8 partition key"],
)
def test_keys_have_limits(database: Database, pk: str, sk: str, fits: bool) -> None:
    """2,048 bytes for a partition key, 1,024 for a sort key, in every request."""
    thing, key = Thing(pk=pk, sk=sk), Thing.at(pk=pk, sk=sk)
    if fits:
        database.put(thing)
        assert database.get(key) == thing
        return
    for call in (
        lambda: database.put(thing),
        lambda: database.find(key),
        lambda: database.delete(key),
        lambda: database.update(key, Thing.text.set("x")),
        lambda: database.transact(Delete(key)),
        lambda: database.transact_get(key),
        lambda: database.batch_get([key]),
        lambda: database.batch_write([Delete(key)]),
    ):
        with pytest.raises(TooLarge):
            call()


def test_binary_keys(database: Database) -> None:
    """They name items as texts do, one by one and in batches."""
    blobs = [Blob(id=bytes([number, 255]), size=number) for number in range(3)]
    database.batch_write(map(Put, blobs))
    keys = [Blob.at(id=blob.id) for blob in blobs]
    assert database.batch_get(keys[::-1]) == blobs[::-1]
    assert database.update(keys[1], Blob.size.increment()).size == 2


def test_sums_are_exact(database: Database) -> None:
    """All 38 digits are kept."""
    database.put(Thing(pk="a", number=Decimal("99999999999999999999999999999999999998")))
    expected = Decimal("99999999999999999999999999999999999999")
    assert database.update(KEY, Thing.number.increment(Decimal(1))).number == expected


@pytest.mark.parametrize(
    ("held", "added"),
    [("9e125", "9e125"), ("1e50", "1"), ("1e50", "-1"), ("9" * 38, "0.1"), ("9" * 38, "2")],
    ids=["magnitude", "51 digits", "50 digits", "39 digits", "39 digits, carried"],
)
def test_a_sum_that_no_number_is_is_refused(database: Database, held: str, added: str) -> None:
    """A sum out of range, or of more than 38 digits, is not rounded: the item stays as it is."""
    database.put(Thing(pk="a", number=Decimal(held)))
    with pytest.raises(InvalidRequest):
        database.update(KEY, Thing.number.increment(Decimal(added)))
    assert database.get(KEY).number == Decimal(held)


def test_zeros_at_the_end_need_no_digits(database: Database) -> None:
    """Digits are counted as DynamoDB counts them, from the first to the last that is not 0."""
    database.put(Thing(pk="a", number=Decimal("9" * 38)))
    assert database.update(KEY, Thing.number.increment(Decimal(1))).number == Decimal("1e38")


def test_an_update_cannot_change_the_key(database: Database) -> None:
    """The sentence says what to do instead."""
    database.put(Thing(pk="a"))
    with pytest.raises(InvalidModel, match="put a new item"):
        database.update(KEY, Thing.sk.set("2"))
    assert database.find(Thing.at(pk="a", sk="2")) is None


def test_a_path_must_lead_somewhere(database: Database) -> None:
    """A place in a map that is not there cannot be set."""
    database.put(Thing(pk="a", values=[1]))
    with pytest.raises(InvalidRequest):
        database.update(KEY, Thing.facts["a"].set(1))
    database.put(Thing(pk="a", facts={"a": {}}))
    with pytest.raises(InvalidRequest):
        database.update(KEY, Thing.facts["b"]["c"].set(1))
    assert database.update(KEY, Thing.facts["a"]["c"].set(1)).facts == {"a": {"c": 1}}


def test_a_refused_update_changes_nothing(database: Database) -> None:
    """Not even the part that could be."""
    database.put(Thing(pk="a", text="x"))
    with pytest.raises(InvalidRequest):
        database.update(KEY, Thing.other.set("y"), Thing.facts["a"].set(1))
    with pytest.raises(InvalidRequest):
        database.write(Update(KEY, (Thing.text.set("y"), Thing.facts["a"].set(1))))
    assert database.get(KEY) == Thing(pk="a", text="x")


def test_what_was_read_is_the_reader_s(database: Database, engine: Any) -> None:
    """Changing it changes nothing that is stored, whatever was read how."""
    database.put(Thing(pk="a", values=[1]))
    item = engine.get(Get(KEY))
    item["values"]["L"].append({"N": "2"})
    assert database.get(KEY).values == [1]
