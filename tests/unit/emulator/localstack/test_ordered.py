"""Items kept in order, against sorting them each time."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from streamer_localstack.engine.ordered import Ordered

KEYS = st.tuples(st.integers(0, 3), st.integers(0, 9), st.integers(0, 2))
WRITES = st.lists(st.tuples(st.booleans(), KEYS), max_size=60)

SAYS = {
    "EQ": lambda value, low, _: value == low,
    "LT": lambda value, low, _: value < low,
    "LE": lambda value, low, _: value <= low,
    "GT": lambda value, low, _: value > low,
    "GE": lambda value, low, _: value >= low,
    "BETWEEN": lambda value, low, high: low <= value <= high,
}


@given(WRITES, st.sampled_from(sorted(SAYS)), st.integers(-1, 10), st.integers(-1, 10), st.booleans(), KEYS)
def test_a_query_finds_what_sorting_finds(
    writes: list[Any], comparison: str, low: int, high: int, is_forward: bool, after: Any
) -> None:
    """Any comparison, both ways, from any place on; and the scan has all, in order."""
    ordered: Ordered[Any] = Ordered()
    held = set()
    for is_put, key in writes:
        if is_put:
            ordered.put(key[0], key[1:], key)
            held.add(key)
        else:
            ordered.remove(key[0], key[1:])
            held.discard(key)
    partition = after[0]
    expected = [key for key in sorted(held) if key[0] == partition and SAYS[comparison](key[1], low, high)]
    if not is_forward:
        expected.reverse()
    asked = {"is_forward": is_forward, "comparison": comparison, "operands": [low, high]}
    assert list(ordered.query(partition, **asked)) == expected
    rest = [key for key in expected if (key > after if is_forward else key < after)]
    assert list(ordered.query(partition, after=after[1:], **asked)) == rest
    assert list(ordered.scan()) == sorted(held)
    assert list(ordered.scan((after[0], after[1:]))) == [key for key in sorted(held) if key > after]


def test_a_beginning_is_found() -> None:
    """BEGINS_WITH is of texts."""
    ordered: Ordered[str] = Ordered()
    for text in ("a", "ab", "abc", "b", "aac"):
        ordered.put("p", (text,), text)
    assert list(ordered.query("p", comparison="BEGINS_WITH", operands=["ab"])) == ["ab", "abc"]


def test_an_unknown_comparison_is_refused() -> None:
    """It is a mistake of the caller's."""
    ordered: Ordered[str] = Ordered()
    ordered.put("p", ("a",), "a")
    with pytest.raises(ValueError, match="NE"):
        list(ordered.query("p", comparison="NE", operands=["a"]))
