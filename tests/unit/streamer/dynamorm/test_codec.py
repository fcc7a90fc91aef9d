"""What is written is what is read, for every type; what DynamoDB cannot hold is refused."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.dynamorm.codec import codec_for, decode_any, encode_any


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 20


@dataclass(frozen=True)
class Point:
    x: float
    label: str | None = None
    colours: tuple[Colour, ...] = ()


TEXT = st.text()
INTEGERS = st.integers(min_value=-(10**38) + 1, max_value=10**38 - 1)
FLOATS = st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda number: number == 0 or 1e-130 <= abs(number) < 1e126
)
DECIMALS = st.builds(
    lambda sign, digits, exponent: Decimal((sign, digits, exponent)),
    st.integers(0, 1),
    st.lists(st.integers(0, 9), min_size=1, max_size=38).map(tuple),
    st.integers(-90, 80),
)

TYPED = {
    "str": (str, TEXT),
    "int": (int, INTEGERS),
    "float": (float, FLOATS),
    "bool": (bool, st.booleans()),
    "bytes": (bytes, st.binary()),
    "Decimal": (Decimal, DECIMALS),
    "StrEnum": (Colour, st.sampled_from(Colour)),
    "IntEnum": (Level, st.sampled_from(Level)),
    "optional": (int | None, st.none() | INTEGERS),
    "list": (list[int], st.lists(INTEGERS)),
    "list of optional": (list[str | None], st.lists(st.none() | TEXT)),
    "tuple": (tuple[Colour, ...], st.lists(st.sampled_from(Colour)).map(tuple)),
    "mapping": (Mapping[str, list[bool]], st.dictionaries(TEXT, st.lists(st.booleans()))),
    "set of str": (frozenset[str], st.frozensets(TEXT, min_size=1)),
    "set of int": (set[int], st.sets(INTEGERS, min_size=1)),
    "set of bytes": (frozenset[bytes], st.frozensets(st.binary(), min_size=1)),
    "set of enum": (frozenset[Colour], st.frozensets(st.sampled_from(Colour), min_size=1)),
    "dataclass": (
        Point,
        st.builds(Point, FLOATS, st.none() | TEXT, st.lists(st.sampled_from(Colour), max_size=3).map(tuple)),
    ),
}

JSON_LIKE = st.recursive(
    st.none() | st.booleans() | INTEGERS | TEXT | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.parametrize(("annotation", "values"), TYPED.values(), ids=TYPED.keys())
@given(data=st.data())
def test_every_type_comes_back(annotation: Any, values: st.SearchStrategy[Any], data: st.DataObject) -> None:
    """A value of a declared type is read as it was written, and is of the same type."""
    codec = codec_for(annotation)
    value = data.draw(values)
    read = codec.decode(codec.encode(value))
    assert read == value
    assert type(read) is type(value)


@given(value=JSON_LIKE)
def test_any_value_comes_back(value: Any) -> None:
    """A value without a declared type is read as it was written."""
    assert decode_any(encode_any(value)) == value


@given(number=FLOATS)
def test_any_number_loses_nothing(number: float) -> None:
    """A float without a declared type may come back as an integer, but not as another number."""
    assert decode_any(encode_any(number)) == number


@pytest.mark.parametrize(
    ("annotation", "value", "stored"),
    [
        (str, "", {"S": ""}),
        (int, 12, {"N": "12"}),
        (float, 0.1, {"N": "0.1"}),
        (float, 3, {"N": "3"}),
        (bool, True, {"BOOL": True}),
        (bytes, b"\x00", {"B": b"\x00"}),
        (Colour, Colour.RED, {"S": "red"}),
        (Level, Level.HIGH, {"N": "20"}),
        (list[str | None], ["a", None], {"L": [{"S": "a"}, {"NULL": True}]}),
        (Sequence[str], ("a",), {"L": [{"S": "a"}]}),
        (frozenset[str], frozenset("ba"), {"SS": ["a", "b"]}),
        (frozenset[int], frozenset({10, 9}), {"NS": ["10", "9"]}),
        (Point, Point(1.5), {"M": {"x": {"N": "1.5"}, "colours": {"L": []}}}),
        (Any, {"a": [1, None]}, {"M": {"a": {"L": [{"N": "1"}, {"NULL": True}]}}}),
    ],
    ids=str,
)
def test_the_form_is_dynamodbs(annotation: Any, value: Any, stored: Any) -> None:
    """Values are written in the low-level form of the DynamoDB API."""
    assert codec_for(annotation).encode(value) == stored


@pytest.mark.parametrize(
    ("annotation", "stored", "value"),
    [
        (int, {"N": "1E+3"}, 1000),
        (int, {"N": "7.0"}, 7),
        (float, {"N": "7"}, 7.0),
        (Any, {"N": "0.1"}, 0.1),
        (Any, {"N": "0.1234567890123456789"}, Decimal("0.1234567890123456789")),
        (Any, {"NS": ["1", "2.5"]}, frozenset({1, 2.5})),
    ],
    ids=str,
)
def test_other_spellings_of_numbers_are_read(annotation: Any, stored: Any, value: Any) -> None:
    """DynamoDB may write a number in another way than we did."""
    read = codec_for(annotation).decode(stored)
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (str, 1),
        (str, b"a"),
        (int, "1"),
        (int, 1.0),
        (int, True),
        (int, 10**38 + 1),
        (float, "1"),
        (float, True),
        (float, float("nan")),
        (float, float("inf")),
        (float, 1e200),
        (float, 1e-200),
        (bool, 1),
        (bytes, "a"),
        (Decimal, 1.0),
        (Decimal, Decimal("NaN")),
        (Decimal, Decimal("1." + "1" * 38)),
        (Decimal, Decimal("1E+126")),
        (Colour, "red"),
        (frozenset[str], frozenset()),
        (frozenset[str], frozenset({1})),
        (list[str], "abc"),
        (dict[str, int], {1: 1}),
        (Point, (1, 2)),
        (Any, object()),
        (Any, {1: 2}),
        (Any, frozenset({1, "a"})),
    ],
    ids=repr,
)
def test_what_cannot_be_stored_is_refused(annotation: Any, value: Any) -> None:
    """A value of another type, or outside DynamoDB's numbers, is an error before anything is sent."""
    with pytest.raises((TypeError, ValueError)):
        codec_for(annotation).encode(value)


class Mixed(Enum):
    ONE = 1
    TWO = "two"


@pytest.mark.parametrize(
    "annotation",
    [
        complex,
        int | str,
        int | str | None,
        dict[int, str],
        frozenset[list[str]],
        set[bool],
        Mixed,
        tuple[int, str],
    ],
    ids=str,
)
def test_types_without_a_form_are_refused(annotation: Any) -> None:
    """A type that DynamoDB cannot hold is refused where it is declared."""
    with pytest.raises(TypeError):
        codec_for(annotation)
