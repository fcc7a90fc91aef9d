"""Values without a declared type, written by the type that they have. Pure: no I/O."""

import math
from collections.abc import Mapping, Set
from decimal import Decimal
from typing import Any

from streamer.dynamorm.values.containers import mapping_key, set_codec
from streamer.dynamorm.values.low_level import AttributeValue, Codec
from streamer.dynamorm.values.scalars import SCALARS, encode_decimal, encode_float, encode_int

_MEMBERS = {kind: SCALARS[kind] for kind in (str, int, float, Decimal, bytes)}


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
            return encode_int(value)
        case float():
            return encode_float(value)
        case Decimal():
            return encode_decimal(value)
        case bytes():
            return {"B": value}
        case Mapping():
            return {"M": {mapping_key(key): encode_any(inner) for key, inner in value.items()}}
        case list() | tuple():
            return {"L": [encode_any(inner) for inner in value]}
        case Set():
            kinds = {type(member) for member in value}
            member = _MEMBERS.get(kinds.pop()) if len(kinds) == 1 else None
            if member is None:
                raise TypeError("a stored set is not empty and its members are all texts, numbers or bytes")
            return set_codec(member, frozenset).encode(value)
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


ANY = Codec(encode_any, decode_any)
