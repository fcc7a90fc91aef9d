"""Text, numbers, bytes, times, ids and enums in DynamoDB's low-level form. Pure: no I/O."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

from streamer.dynamorm.values.low_level import AttributeValue, Codec


def encode_str(value: str) -> AttributeValue:
    if type(value) is not str and not isinstance(value, str):
        raise TypeError(f"expected str, not {type(value).__name__}")
    return {"S": value}


def encode_int(value: int) -> AttributeValue:
    if type(value) is not int and (not isinstance(value, int) or isinstance(value, bool)):
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


def encode_float(value: float) -> AttributeValue:
    if type(value) is not float:
        if not isinstance(value, (float, int)) or isinstance(value, bool):
            raise TypeError(f"expected float, not {type(value).__name__}")
        if isinstance(value, int):
            return encode_int(value)
    magnitude = abs(value)
    if not 1e-130 <= magnitude < 1e126 and magnitude != 0:
        raise ValueError(f"{value} is outside DynamoDB's numbers, 1E-130 to 9.9E+125")
    return {"N": float.__repr__(value)}


def encode_decimal(value: Decimal) -> AttributeValue:
    if not isinstance(value, Decimal):
        raise TypeError(f"expected Decimal, not {type(value).__name__}")
    text = str(value)
    if len(text) > 38 or not text.replace(".", "", 1).isdecimal():
        _check_number(value)
    return {"N": text}


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


def _encode_datetime(value: datetime) -> AttributeValue:
    if not isinstance(value, datetime):
        raise TypeError(f"expected datetime, not {type(value).__name__}")
    if value.tzinfo is None:
        raise ValueError("a time needs a time zone; give it tzinfo")
    return {"S": value.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"}


def _decode_datetime(stored: AttributeValue) -> datetime:
    moment = datetime.fromisoformat(stored["S"])
    if moment.tzinfo is None:
        raise ValueError("the stored time has no time zone")
    return moment.astimezone(UTC)


def _encode_date(value: date) -> AttributeValue:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise TypeError(f"expected date, not {type(value).__name__}")
    return {"S": value.isoformat()}


def _encode_uuid(value: UUID) -> AttributeValue:
    if not isinstance(value, UUID):
        raise TypeError(f"expected UUID, not {type(value).__name__}")
    return {"S": str(value)}


SCALARS: Mapping[Any, Codec] = {
    str: Codec(encode_str, lambda stored: stored["S"], kind="S"),
    int: Codec(encode_int, _decode_int, kind="N"),
    float: Codec(encode_float, lambda stored: float(stored["N"]), kind="N"),
    bool: Codec(_encode_bool, lambda stored: stored["BOOL"], kind="BOOL"),
    bytes: Codec(_encode_bytes, _decode_bytes, kind="B"),
    Decimal: Codec(encode_decimal, lambda stored: Decimal(stored["N"]), kind="N"),
    datetime: Codec(_encode_datetime, _decode_datetime, kind="S"),
    date: Codec(_encode_date, lambda stored: date.fromisoformat(stored["S"]), kind="S"),
    UUID: Codec(_encode_uuid, lambda stored: UUID(stored["S"]), kind="S"),
}
"""Times are written as ISO 8601 in UTC with microseconds, so that their text is in the order of time."""


def choice_codec(what: str, choices: Mapping[Any, str | int]) -> Codec:
    """Return the codec of a type that has these values and no others, each stored as text or integer.

    Raises:
        TypeError: they are stored neither all as text nor all as integers.
    """
    kinds = {type(value) for value in choices.values()}
    if kinds not in ({str}, {int}):
        raise TypeError(f"{what}: choices are stored if their values are all strings or all integers.")
    kind = "S" if kinds == {str} else "N"
    encoded = {choice: str(value) for choice, value in choices.items()}
    decoded = {text: choice for choice, text in encoded.items()}
    types = {type(choice) for choice in choices}

    def encode(value: Any) -> AttributeValue:
        if type(value) not in types or value not in encoded:
            raise TypeError(f"expected {what}, not {type(value).__name__}")
        return {kind: encoded[value]}

    def decode(stored: AttributeValue) -> Any:
        return decoded[stored[kind]]

    return Codec(encode, decode, kind=kind)


def enum_codec(enum: type[Enum]) -> Codec:
    """Return the codec of an enum by its members' values.

    Raises:
        TypeError: they are neither all strings nor all integers.
    """
    return choice_codec(enum.__name__, {member: member.value for member in enum})
