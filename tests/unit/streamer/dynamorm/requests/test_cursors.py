"""Cursors survive a process and belong to one query."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.dynamorm import (
    Attribute,
    Index,
    InvalidCursor,
    KeyAttribute,
    KeyType,
    Model,
    Query,
    Scan,
    Table,
)
from streamer.dynamorm.requests.cursors import decode_cursor, encode_cursor

THINGS = Table(
    "things",
    KeyAttribute("owner"),
    KeyAttribute("number", KeyType.NUMBER),
    indexes=(Index("by-data", KeyAttribute("data", KeyType.BINARY)),),
)


class Thing(Model, table=THINGS):
    owner: Attribute[str]
    number: Attribute[int]
    data: Attribute[bytes]


QUERY = Query(Thing, Thing.owner == "ann")


@given(st.text(min_size=1), st.integers(), st.binary(min_size=1))
def test_a_cursor_says_where_it_stopped(owner: str, number: int, data: bytes) -> None:
    """Whatever the keys are, in a text that a URL can hold."""
    table_key = {"owner": {"S": owner}, "number": {"N": str(number)}}
    query = Query(Thing, Thing.owner == owner)
    cursor = encode_cursor(query, table_key)
    assert decode_cursor(query, cursor) == table_key
    assert cursor.replace("-", "").replace("_", "").isalnum()
    assert cursor.isascii()
    index_key = {"data": {"B": data}, **table_key}
    indexed = Query(Thing, Thing.data == data, index="by-data")
    assert decode_cursor(indexed, encode_cursor(indexed, index_key)) == index_key


def test_a_cursor_is_the_same_in_every_version() -> None:
    """What was given out yesterday is understood tomorrow: change the version if this changes."""
    key = {"owner": {"S": "ann"}, "number": {"N": "7"}}
    assert encode_cursor(QUERY, key) == GOLDEN
    assert decode_cursor(QUERY, GOLDEN) == key


GOLDEN = "WzEsIjF0dENVUEU5MC1odXdRMzNNOWVndVoiLHsibnVtYmVyIjp7Ik4iOiI3In0sIm93bmVyIjp7IlMiOiJhbm4ifX1d"


@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")))
def test_any_other_text_is_refused(text: str) -> None:
    """With one type of error."""
    with pytest.raises(InvalidCursor):
        decode_cursor(QUERY, text)


@given(st.data())
def test_a_changed_cursor_is_refused_or_of_the_same_partition(data: st.DataObject) -> None:
    """A cursor opens nothing that its query doesn't read."""
    cursor = encode_cursor(QUERY, {"owner": {"S": "ann"}, "number": {"N": "7"}})
    place = data.draw(st.integers(0, len(cursor) - 1))
    letter = data.draw(st.sampled_from("ABCabc019-_"))
    try:
        after = decode_cursor(QUERY, cursor[:place] + letter + cursor[place + 1 :])
    except InvalidCursor:
        return
    assert after["owner"] == {"S": "ann"}


def test_segments_of_a_scan_have_cursors_of_their_own() -> None:
    """They read different items."""
    key = {"owner": {"S": "ann"}, "number": {"N": "7"}}
    first, second = (Scan(Thing, segment=number, segments=2) for number in (0, 1))
    assert decode_cursor(first, encode_cursor(first, key)) == key
    with pytest.raises(InvalidCursor):
        decode_cursor(second, encode_cursor(first, key))
