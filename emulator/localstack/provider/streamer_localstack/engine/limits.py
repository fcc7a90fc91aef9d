"""DynamoDB's limits on values, items and keys. Values in, values out; nothing of moto.

Messages are AWS's where a recorded one is known, and say so where they are ours.
"""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from .records import Attributes, attributes_bytes

MAX_ITEM_BYTES = 400 * 1024
MAX_NESTING = 32
MAX_PARTITION_KEY_BYTES = 2048
MAX_SORT_KEY_BYTES = 1024
MAX_NUMBER_DIGITS = 38
"""All of DynamoDB Developer Guide, "Service, account, and table quotas"."""

_LARGEST = Decimal("9.9999999999999999999999999999999999999E+125")
_SMALLEST = Decimal("1E-130")
"""Magnitudes of numbers. DynamoDB Developer Guide, "Supported data types"."""

OVERFLOW = "Number overflow. Attempting to store a number with magnitude larger than supported range"
UNDERFLOW = "Number underflow. Attempting to store a number with magnitude smaller than supported range"

_INVALID = "One or more parameter values were invalid: "
_NOT_VALID = "One or more parameter values are not valid. "
_PLAIN_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,37}").fullmatch


class Invalid(Exception):
    """A request breaks a rule; `str()` is the message of the ValidationException."""


@dataclass(frozen=True, slots=True)
class Key:
    """A key attribute: its name and type, `S`, `N` or `B`."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Schema:
    """The keys of a table.

    Attributes:
        sort_key: None where the table has none.
        indexes: name of an index -> its keys.
    """

    partition_key: Key
    sort_key: Key | None
    indexes: Mapping[str, Sequence[Key]]

    @property
    def keys(self) -> tuple[Key, ...]:
        """The table's own keys."""
        return (self.partition_key,) if self.sort_key is None else (self.partition_key, self.sort_key)


def number(text: Any) -> str:
    """Return a number as DynamoDB stores it: without exponent and needless zeros.

    Raises:
        Invalid: it is none, has more than 38 digits, or is too large or too small.
    """
    if isinstance(text, str) and _PLAIN_INTEGER(text):
        return text
    if text == "":
        raise Invalid("The parameter cannot be converted to a numeric value")
    try:
        value = Decimal(text)
    except (InvalidOperation, TypeError, ValueError):
        value = Decimal("NaN")
    if not value.is_finite() or "_" in text or text != text.strip():
        raise Invalid(f"The parameter cannot be converted to a numeric value: {text}")
    if not value:
        return "0"
    digits = "".join(map(str, value.as_tuple().digits)).strip("0")
    if len(digits) > MAX_NUMBER_DIGITS:
        raise Invalid("Attempting to store more than 38 significant digits in a Number")
    if value.copy_abs() > _LARGEST:  # `abs` would round to 28 digits
        raise Invalid(OVERFLOW)
    if value.copy_abs() < _SMALLEST:
        raise Invalid(UNDERFLOW)
    plain = format(value, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def value_of(value: Any, depth: int = 0) -> dict[str, Any]:
    """Return an attribute value as DynamoDB stores it, numbers normalised.

    Raises:
        Invalid: it is none, is nested too deep, or has an empty set or one with duplicates.
    """
    if not isinstance(value, dict) or not value:
        raise Invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
    if len(value) > 1:
        raise Invalid(
            "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the "
            "supported datatypes"
        )
    ((kind, content),) = value.items()
    if content is None:
        raise Invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
    match kind:
        case "S" | "BOOL" | "B":
            return value
        case "N":
            return {"N": number(content)}
        case "NULL":
            if content is not True:
                raise Invalid(f"{_INVALID}Null attribute value types must have the value of true")
            return value
        case "SS" | "NS" | "BS":
            return {kind: _set(kind, content)}
    if depth >= MAX_NESTING:
        raise Invalid(
            "Nesting Levels have exceeded supported limits: "
            "Attributes in the item have nested levels beyond supported limit"
        )
    match kind:
        case "L":
            return {kind: [value_of(element, depth + 1) for element in content]}
        case "M":
            return {kind: {name: value_of(element, depth + 1) for name, element in content.items()}}
    raise Invalid("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")


def attributes_of(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes as DynamoDB stores them. Raises Invalid."""
    return {name: value_of(value) for name, value in attributes.items()}


def substitutions(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `ExpressionAttributeValues` as DynamoDB takes them. Raises Invalid."""
    found = {}
    for name, value in values.items():
        try:
            found[name] = value_of(value)
        except Invalid as error:
            raise Invalid(
                f"ExpressionAttributeValues contains invalid value: {error} for key {name}"
            ) from None
    return found


def check_key(key: Mapping[str, Any], schema: Schema) -> None:
    """Refuse a key that is not one of the table's. Raises Invalid."""
    if len(key) != len(schema.keys) or any(
        one.name not in key or one.type not in key[one.name] for one in schema.keys
    ):
        raise Invalid("The provided key element does not match the schema")
    check_key_sizes(key, schema)


def check_key_sizes(item: Mapping[str, Any], schema: Schema) -> None:
    """Refuse key attributes that are empty or too long. Raises Invalid."""
    for key in schema.keys:
        size = _key_bytes(item[key.name])
        if size == 0:
            raise Invalid(
                f"{_NOT_VALID}The AttributeValue for a key attribute cannot contain an empty "
                f"{_word(key.type)} value. Key: {key.name}"
            )
        _check_length(size, is_partition_key=key is schema.partition_key)


def check_index_key_sizes(item: Attributes, schema: Schema) -> None:
    """Refuse keys of indexes that are too long. Raises Invalid."""
    for keys in schema.indexes.values():
        for number, key in enumerate(keys):
            if key.name in item:
                _check_length(_key_bytes(item[key.name]), is_partition_key=number == 0)


def check_item(item: Attributes, schema: Schema) -> None:
    """Refuse an item that is to be put. Raises Invalid."""
    for key in schema.keys:
        if key.name not in item:
            raise Invalid(f"{_INVALID}Missing the key {key.name} in the item")
        actual = next(iter(item[key.name]))
        if actual != key.type:
            raise Invalid(_mismatch(key, actual))
    check_key_sizes(item, schema)
    for index, key, actual in _wrong_index_keys(item, schema):
        if actual == key.type:
            raise Invalid(
                f"{_NOT_VALID}A value specified for a secondary index key is not supported. The "
                f"AttributeValue for a key attribute cannot contain an empty {_word(key.type)} value. "
                f"IndexName: {index}, IndexKey: {key.name}"
            )
        raise Invalid(
            f"{_INVALID}Type mismatch for Index Key {key.name} Expected: {key.type} Actual: {actual} "
            f"IndexName: {index}"
        )
    check_index_key_sizes(item, schema)
    if attributes_bytes(item) > MAX_ITEM_BYTES:
        raise Invalid("Item size has exceeded the maximum allowed size")


def check_not_keys(written: Iterable[str], schema: Schema) -> None:
    """Refuse an update of a key attribute. Raises Invalid.

    Args:
        written: names of the attributes that it writes.
    """
    for key in schema.keys:
        if key.name in written:
            raise Invalid(f"{_INVALID}Cannot update attribute {key.name}. This attribute is part of the key")


def check_nesting(item: Attributes) -> None:
    """Refuse attributes that an update nested too deep. Raises Invalid."""
    for value in item.values():
        value_of(value)


def check_updated(item: Attributes, schema: Schema) -> None:
    """Refuse what an update made of an item. Raises Invalid."""
    for _, key, actual in _wrong_index_keys(item, schema):
        if actual == key.type:
            raise Invalid(
                f"{_NOT_VALID}The update expression attempted to update a secondary index key to a value "
                "that is not supported. The AttributeValue for a key attribute cannot contain an empty "
                f"{_word(key.type)} value."
            )
        raise Invalid(_mismatch(key, actual))
    check_index_key_sizes(item, schema)
    if attributes_bytes(item) > MAX_ITEM_BYTES:
        raise Invalid("Item size to update has exceeded the maximum allowed size")


def canonical_key(key: Mapping[str, Any], schema: Schema) -> tuple[Any, ...]:
    """Return what is equal for equal keys."""
    return tuple(next(iter(key[one.name].values())) for one in schema.keys)


def _check_length(size: int, *, is_partition_key: bool) -> None:
    if is_partition_key and size > MAX_PARTITION_KEY_BYTES:
        raise Invalid(f"{_INVALID}Size of hashkey has exceeded the maximum size limit of2048 bytes")
    if not is_partition_key and size > MAX_SORT_KEY_BYTES:
        raise Invalid(f"{_INVALID}Aggregated size of all range keys has exceeded the size limit of1024 bytes")


def _wrong_index_keys(item: Attributes, schema: Schema) -> Iterable[tuple[str, Key, str]]:
    for index, keys in schema.indexes.items():
        for key in keys:
            value = item.get(key.name)
            if value is None:
                continue
            actual = next(iter(value))
            if actual != key.type or _key_bytes(value) == 0:
                yield index, key, actual


def _key_bytes(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "B":
            return len(base64.b64decode(content))
    return 1


def _mismatch(key: Key, actual: str) -> str:
    return f"{_INVALID}Type mismatch for key {key.name} expected: {key.type} actual: {actual}"


def _word(kind: str) -> str:
    return "binary" if kind == "B" else "string"


def _set(kind: str, content: Sequence[Any]) -> list[Any]:
    if not content:
        kinds = {
            "SS": "An string set  may not",
            "NS": "An number set  may not",
            "BS": "Binary sets should not",
        }
        raise Invalid(f"{_INVALID}{kinds[kind]} be empty")
    elements = [number(element) for element in content] if kind == "NS" else list(content)
    if len(set(elements)) < len(elements):
        if kind == "NS":
            raise Invalid("Input collection contains duplicates")
        of = "of type BS " if kind == "BS" else " "
        raise Invalid(f"{_INVALID}Input collection [{', '.join(content)}]{of}contains duplicates.")
    return elements
