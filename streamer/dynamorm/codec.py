"""Python values to DynamoDB's low-level form, `{"N": "12"}`, and back. Pure: no I/O.

A codec is made once for each attribute from its annotation, so that no type is looked at twice.
"""

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Mapping, Sequence, Set
from decimal import Decimal
from enum import Enum
from typing import Any

AttributeValue = dict[str, Any]
"""One value as DynamoDB's low-level API writes it: `{"S": "a"}`, `{"N": "1"}`, `{"M": {…}}`."""

Item = dict[str, AttributeValue]
"""An item as DynamoDB's low-level API writes it."""


@dataclasses.dataclass(frozen=True, slots=True)
class Codec:
    """How the values of one attribute are written and read.

    Attributes:
        encode: raises TypeError or ValueError for a value that cannot be stored.
        decode: raises KeyError, TypeError or ValueError for a stored value of another type.
        empty: for sets, the value that is stored as the attribute's absence, because DynamoDB has no
            empty set; None for all other types.
        kind: DynamoDB's type of what it writes; None: any.
        member: how the members of a set, list or map are written; None: it has none of one type.
        fields: of a struct, how each field is called in the item and written.
    """

    encode: Callable[[Any], AttributeValue]
    decode: Callable[[AttributeValue], Any]
    empty: Set[Any] | None = None
    kind: str | None = None
    member: "Codec | None" = None
    fields: "Mapping[str, tuple[str, Codec]] | None" = None

    def inside(self, part: str | int) -> "tuple[str | int, Codec] | None":
        """Return how a part of the value is called in the item and written; None: there is no such part."""
        if self.kind is None:
            return part, _SIMPLE[Any]
        if self.fields is not None:
            return self.fields.get(part) if isinstance(part, str) else None
        if self.member is not None and self.kind == ("L" if isinstance(part, int) else "M"):
            return part, self.member
        return None


def codec_for(annotation: Any) -> Codec:
    """Return the codec of a type.

    Known are `str`, `int`, `float`, `bool`, `bytes`, `Decimal`, enums of strings or integers,
    `T | None`, lists, tuples of one type, mappings with string keys, sets of strings, numbers or
    bytes, frozen dataclasses of these, and `Any` (whatever the value is).

    Raises:
        TypeError: the type has no form in DynamoDB.
    """
    simple = _SIMPLE.get(annotation)
    if simple is not None:
        return simple
    origin = typing.get_origin(annotation)
    arguments = typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        return _union_codec(annotation, arguments)
    if isinstance(origin, type):
        if issubclass(origin, Set):
            return _set_codec(arguments[0], frozenset if origin is not set else set)
        if issubclass(origin, Mapping):
            if arguments[0] is not str:
                raise TypeError(f"{annotation}: a stored mapping has keys of type str.")
            return _mapping_codec(codec_for(arguments[1]))
        if issubclass(origin, tuple) and arguments[1:] == (...,):
            return _sequence_codec(codec_for(arguments[0]), tuple)
        if issubclass(origin, Sequence) and not issubclass(origin, tuple):
            return _sequence_codec(codec_for(arguments[0]), list)
    if isinstance(annotation, type):
        if issubclass(annotation, Enum):
            return _enum_codec(annotation)
        if dataclasses.is_dataclass(annotation):
            return _dataclass_codec(annotation)
    raise TypeError(f"{annotation} has no form in DynamoDB; use a type that codec_for names.")


def _encode_str(value: str) -> AttributeValue:
    if not isinstance(value, str):
        raise TypeError(f"expected str, not {type(value).__name__}")
    return {"S": value}


def _encode_int(value: int) -> AttributeValue:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"expected int, not {type(value).__name__}")
    text = int.__repr__(value)
    if len(text) > 38:
        _check_number(Decimal(value))
    return {"N": text}


def _decode_int(stored: AttributeValue) -> int:
    text = stored["N"]
    try:
        return int(text)
    except ValueError:  # 1E+3 and 7.0 are integers too
        number = Decimal(text)
        if number != number.to_integral_value():
            raise ValueError(f"{text} is no integer") from None
        return int(number)


def _encode_float(value: float) -> AttributeValue:
    if not isinstance(value, (float, int)) or isinstance(value, bool):
        raise TypeError(f"expected float, not {type(value).__name__}")
    if isinstance(value, int):
        return _encode_int(value)
    magnitude = abs(value)
    if not 1e-130 <= magnitude < 1e126 and magnitude != 0:
        raise ValueError(f"{value} is outside DynamoDB's numbers, 1E-130 to 9.9E+125")
    return {"N": float.__repr__(value)}


def _encode_decimal(value: Decimal) -> AttributeValue:
    if not isinstance(value, Decimal):
        raise TypeError(f"expected Decimal, not {type(value).__name__}")
    _check_number(value)
    return {"N": str(value)}


def _check_number(value: Decimal) -> None:
    """Refuse what DynamoDB would refuse. API reference, "Number": 38 digits, 1E-130 to 9.9…E+125."""
    if not value.is_finite():
        raise ValueError(f"{value} is no number in DynamoDB")
    if value.is_zero():
        return
    digits = value.as_tuple().digits
    significant = len(digits)
    while digits[significant - 1] == 0:
        significant -= 1
    if significant > 38 or not -130 <= value.adjusted() <= 125:
        raise ValueError("a number in DynamoDB has at most 38 digits and an exponent of -130 to 125")


def _encode_bool(value: bool) -> AttributeValue:
    if not isinstance(value, bool):
        raise TypeError(f"expected bool, not {type(value).__name__}")
    return {"BOOL": value}


def _encode_bytes(value: bytes) -> AttributeValue:
    if not isinstance(value, bytes):
        raise TypeError(f"expected bytes, not {type(value).__name__}")
    return {"B": value}


def _decode_bytes(stored: AttributeValue) -> bytes:
    return bytes(stored["B"])


def encode_any(value: Any) -> AttributeValue:
    """Write a value by its own type. Mappings, sequences and sets are written with all that is in them."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": str(value)}
        case int():
            return _encode_int(value)
        case float():
            return _encode_float(value)
        case Decimal():
            return _encode_decimal(value)
        case bytes():
            return {"B": value}
        case Mapping():
            return {"M": {_mapping_key(key): encode_any(inner) for key, inner in value.items()}}
        case list() | tuple():
            return {"L": [encode_any(inner) for inner in value]}
        case Set():
            kinds = {type(member) for member in value}
            if len(kinds) != 1:
                raise TypeError("a stored set is not empty and its members are of one type")
            return _set_codec(kinds.pop(), frozenset).encode(value)
    raise TypeError(f"{type(value).__name__} has no form in DynamoDB")


def decode_any(stored: AttributeValue) -> Any:
    """Read a value by its stored type.

    A number becomes `int` where it is written as one, else `float` where that loses nothing, else
    `Decimal`.
    """
    ((kind, value),) = stored.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return _decode_number(value)
        case "B":
            return bytes(value)
        case "NULL":
            return None
        case "L":
            return [decode_any(inner) for inner in value]
        case "M":
            return {key: decode_any(inner) for key, inner in value.items()}
        case "SS":
            return frozenset(value)
        case "NS":
            return frozenset(map(_decode_number, value))
        case "BS":
            return frozenset(map(bytes, value))
    raise ValueError(f"unknown type {kind}")


def _decode_number(text: str) -> int | float | Decimal:
    try:
        return int(text)
    except ValueError:
        exact, near = Decimal(text), float(text)
        return near if math.isfinite(near) and Decimal(repr(near)) == exact else exact


_SIMPLE: dict[Any, Codec] = {
    str: Codec(_encode_str, lambda stored: stored["S"], kind="S"),
    int: Codec(_encode_int, _decode_int, kind="N"),
    float: Codec(_encode_float, lambda stored: float(stored["N"]), kind="N"),
    bool: Codec(_encode_bool, lambda stored: stored["BOOL"], kind="BOOL"),
    bytes: Codec(_encode_bytes, _decode_bytes, kind="B"),
    Decimal: Codec(_encode_decimal, lambda stored: Decimal(stored["N"]), kind="N"),
    Any: Codec(encode_any, decode_any),
    object: Codec(encode_any, decode_any),
}

_SET_KINDS = {"S": "SS", "N": "NS", "B": "BS"}


def _union_codec(annotation: Any, arguments: tuple[Any, ...]) -> Codec:
    """`T | None` is written as T; None itself is the attribute's absence, and NULL inside a list or map."""
    inner_types = [argument for argument in arguments if argument is not types.NoneType]
    if len(inner_types) != 1 or len(arguments) != 2:
        raise TypeError(f"{annotation}: a union is stored only as one type or None.")
    inner = codec_for(inner_types[0])

    def encode(value: Any) -> AttributeValue:
        return {"NULL": True} if value is None else inner.encode(value)

    def decode(stored: AttributeValue) -> Any:
        return None if "NULL" in stored else inner.decode(stored)

    return dataclasses.replace(inner, encode=encode, decode=decode, empty=None)


def _enum_codec(enum: type[Enum]) -> Codec:
    kinds = {type(member.value) for member in enum}
    if kinds not in ({str}, {int}):
        raise TypeError(f"{enum.__name__}: an enum is stored if its values are all strings or all integers.")
    kind = "S" if kinds == {str} else "N"
    plain = _SIMPLE[kinds.pop()]
    encoded = {member: plain.encode(member.value) for member in enum}
    members = {stored[kind]: member for member, stored in encoded.items()}

    def encode(value: Any) -> AttributeValue:
        if not isinstance(value, enum):
            raise TypeError(f"expected {enum.__name__}, not {type(value).__name__}")
        return dict(encoded[value])

    def decode(stored: AttributeValue) -> Any:
        return members[stored[kind]]

    return Codec(encode, decode, kind=kind)


def _set_codec(member_type: Any, container: Callable[[Any], Any]) -> Codec:
    probe = _set_member_kind(member_type)
    member = codec_for(member_type)
    kind = _SET_KINDS[probe]

    def encode(value: Any) -> AttributeValue:
        if not value:
            raise ValueError("DynamoDB has no empty set")
        return {kind: sorted(member.encode(inner)[probe] for inner in value)}

    def decode(stored: AttributeValue) -> Any:
        return container(member.decode({probe: inner}) for inner in stored[kind])

    return Codec(encode, decode, empty=container(()), kind=kind, member=member)


def _set_member_kind(member_type: Any) -> str:
    """Return `S`, `N` or `B`, what DynamoDB's sets are made of."""
    if isinstance(member_type, type) and member_type is not bool:
        for kind, bases in (("S", str), ("B", bytes), ("N", (int, float, Decimal))):
            if issubclass(member_type, bases):
                return kind
    raise TypeError(f"A set of {member_type} has no form in DynamoDB: strings, numbers or bytes have.")


def _mapping_key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a stored mapping has keys of type str, not {type(key).__name__}")
    return key


def _mapping_codec(inner: Codec) -> Codec:
    encode_one, decode_one = inner.encode, inner.decode

    def encode(value: Any) -> AttributeValue:
        return {"M": {_mapping_key(key): encode_one(item) for key, item in value.items()}}

    def decode(stored: AttributeValue) -> Any:
        return {key: decode_one(item) for key, item in stored["M"].items()}

    return Codec(encode, decode, kind="M", member=inner)


def _sequence_codec(inner: Codec, container: Callable[[Any], Any]) -> Codec:
    encode_one, decode_one = inner.encode, inner.decode

    def encode(value: Any) -> AttributeValue:
        if isinstance(value, (str, bytes)):
            raise TypeError("expected a list of values, not text")
        return {"L": [encode_one(item) for item in value]}

    def decode(stored: AttributeValue) -> Any:
        return container(decode_one(item) for item in stored["L"])

    return Codec(encode, decode, kind="L", member=inner)


def _dataclass_codec(struct: type[Any]) -> Codec:
    """A dataclass is a map; a field that is None is left out, and one that is left out has its default."""
    hints = typing.get_type_hints(struct)
    codecs = {field.name: codec_for(hints[field.name]) for field in dataclasses.fields(struct)}

    def encode(value: Any) -> AttributeValue:
        if not isinstance(value, struct):
            raise TypeError(f"expected {struct.__name__}, not {type(value).__name__}")
        pairs = ((name, codec, getattr(value, name)) for name, codec in codecs.items())
        return {"M": {name: codec.encode(inner) for name, codec, inner in pairs if inner is not None}}

    def decode(stored: AttributeValue) -> Any:
        fields = stored["M"]
        return struct(
            **{name: codec.decode(fields[name]) for name, codec in codecs.items() if name in fields}
        )

    return Codec(encode, decode, kind="M", fields={name: (name, codec) for name, codec in codecs.items()})
