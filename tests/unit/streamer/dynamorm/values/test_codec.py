"""What is written is what is read, for every type; what DynamoDB cannot hold is refused."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Annotated, Any, Literal, NewType
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.dynamorm import EPOCH_SECONDS, Converter
from streamer.dynamorm.values.codec import codec_for, decode_any, encode_any


def spelled(value: Any) -> str:
    """Return an id that is the same in every process: without addresses, and sets in an order."""
    if isinstance(value, frozenset):
        return f"frozenset({sorted(map(repr, value))})"
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))


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


@dataclass(frozen=True)
class Defaulted:
    text: str | None = "text"
    tags: frozenset[str] = frozenset({"a"})
    none: str | None = None
    factory: frozenset[str] = field(default_factory=frozenset)


class Wire(msgspec.Struct, frozen=True):
    x: int
    when: date | None = None


@dataclass(frozen=True)
class Colouring:
    red: int
    green: int

    def hex(self) -> str:
        return f"{self.red:02x}{self.green:02x}"

    @classmethod
    def from_hex(cls, text: str) -> "Colouring":
        return cls(int(text[:2], 16), int(text[2:], 16))


UserId = NewType("UserId", str)
Seconds = Annotated[datetime, EPOCH_SECONDS]
Hex = Annotated[Colouring, Converter(str, write=Colouring.hex, read=Colouring.from_hex)]

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
MOMENTS = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=ZONES)  # noqa: DTZ001
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
    "datetime": (datetime, MOMENTS),
    "datetime in seconds": (Seconds, st.integers(0, 10**10).map(lambda s: datetime.fromtimestamp(s, UTC))),
    "date": (date, st.dates()),
    "UUID": (UUID, st.uuids()),
    "literal": (Literal["a", "b"], st.sampled_from(["a", "b"])),
    "NewType": (UserId, TEXT),
    "converted": (Hex, st.builds(Colouring, st.integers(0, 255), st.integers(0, 255))),
    "list of converted": (
        list[Hex | None],
        st.lists(st.none() | st.builds(Colouring, st.just(1), st.just(2))),
    ),
    "tuple of two": (tuple[int, str], st.tuples(INTEGERS, TEXT)),
    "set of date": (frozenset[date], st.frozensets(st.dates(), min_size=1)),
    "set of Decimal": (frozenset[Decimal], st.frozensets(DECIMALS, min_size=1)),
    "defaults": (
        Defaulted,
        st.builds(
            Defaulted,
            st.none() | TEXT,
            st.frozensets(TEXT, min_size=1),
            st.none() | TEXT,
            st.frozensets(TEXT),
        ),
    ),
    "msgspec": (Wire, st.builds(Wire, INTEGERS, st.none() | st.dates())),
    "deep": (
        Mapping[str, list[tuple[Point, ...]]],
        st.dictionaries(
            TEXT, st.lists(st.lists(st.builds(Point, FLOATS), max_size=2).map(tuple), max_size=2)
        ),
    ),
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


@given(one=MOMENTS, two=MOMENTS)
def test_times_are_stored_in_their_order(one: datetime, two: datetime) -> None:
    """The text of a later time is a greater text, whatever their zones: it can be a sort key."""
    encode = codec_for(datetime).encode
    assert (encode(one)["S"] < encode(two)["S"]) is (one < two)


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
        (datetime, datetime(2025, 1, 2, 3, tzinfo=UTC), {"S": "2025-01-02T03:00:00.000000Z"}),
        (Seconds, datetime(1970, 1, 1, 0, 1, tzinfo=UTC), {"N": "60"}),
        (date, date(2025, 1, 2), {"S": "2025-01-02"}),
        (UUID, UUID(int=1), {"S": "00000000-0000-0000-0000-000000000001"}),
        (Literal[1, 2], 2, {"N": "2"}),
        (Hex, Colouring(1, 255), {"S": "01ff"}),
        (Point, Point(1.5), {"M": {"x": {"N": "1.5"}, "colours": {"L": []}}}),
        (Any, {"a": [1, None]}, {"M": {"a": {"L": [{"N": "1"}, {"NULL": True}]}}}),
    ],
    ids=spelled,
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
    ids=spelled,
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
        (datetime, datetime(2025, 1, 1)),  # noqa: DTZ001
        (datetime, date(2025, 1, 1)),
        (datetime, datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))),
        (Seconds, datetime(2025, 1, 1)),  # noqa: DTZ001
        (date, datetime(2025, 1, 1, tzinfo=UTC)),
        (date, "2025-01-01"),
        (UUID, "0"),
        (Hex, "0102"),
        (Literal["a"], "b"),
        (tuple[int, str], (1,)),
        (frozenset[str], "abc"),
        (frozenset[str], frozenset()),
        (frozenset[str], frozenset({1})),
        (list[str], "abc"),
        (dict[str, int], {1: 1}),
        (Point, (1, 2)),
        (Any, object()),
        (Any, {1: 2}),
        (Any, frozenset({1, "a"})),
    ],
    ids=spelled,
)
def test_what_cannot_be_stored_is_refused(annotation: Any, value: Any) -> None:
    """A value of another type, or outside DynamoDB's numbers, is an error before anything is sent."""
    with pytest.raises((TypeError, ValueError, AttributeError, OverflowError)):
        codec_for(annotation).encode(value)


@dataclass(frozen=True)
class Itself:
    inner: "Itself | None" = None


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
        set[str | None],
        Itself,
        Literal[1, "a"],
    ],
    ids=spelled,
)
def test_types_without_a_form_are_refused(annotation: Any) -> None:
    """A type that DynamoDB cannot hold is refused where it is declared."""
    with pytest.raises(TypeError):
        codec_for(annotation)
