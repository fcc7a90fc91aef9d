"""How large DynamoDB finds an item, and the limits that are checked before anything is sent. Pure: no I/O.

Source: DynamoDB Developer Guide, "DynamoDB item sizes and formats", "Service quotas".
"""

from collections.abc import Iterable, Mapping
from typing import Any

from streamer.dynamorm.errors import InvalidRequest, TooLarge
from streamer.dynamorm.schema import Table
from streamer.dynamorm.values.codec import AttributeValue, Item

MAX_ITEM_BYTES = 400 * 1024
"""Names and values together."""

MAX_TRANSACTION_BYTES = 4 * 1024 * 1024

MAX_PARTITION_KEY_BYTES = 2048

MAX_SORT_KEY_BYTES = 1024

PAGE_BYTES = 1024 * 1024
"""What a query or a scan reads at most for one page."""

_NESTED_BYTES = 3
"""Of a list or a map, beside what is in it; each element has one byte more."""


def text_bytes(text: str) -> int:
    """Return the size of a text: its UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def number_bytes(text: str) -> int:
    """Return the size of a number: a byte for two significant digits, one more, and one for a minus."""
    mantissa = text.lstrip("-").upper().partition("E")[0].replace(".", "").strip("0")
    return (len(mantissa) + 1) // 2 + 1 + text.startswith("-")


def value_bytes(value: AttributeValue) -> int:
    """Return the size of one value."""
    ((kind, held),) = value.items()
    match kind:
        case "S":
            return text_bytes(held)
        case "N":
            return number_bytes(held)
        case "B":
            return len(held)
        case "M":
            inside = sum(text_bytes(name) + value_bytes(inner) + 1 for name, inner in held.items())
            return _NESTED_BYTES + inside
        case "L":
            return _NESTED_BYTES + sum(value_bytes(inner) + 1 for inner in held)
        case "SS":
            return sum(map(text_bytes, held))
        case "NS":
            return sum(map(number_bytes, held))
        case "BS":
            return sum(map(len, held))
    return 1


def item_bytes(item: Mapping[str, AttributeValue]) -> int:
    """Return the size of an item."""
    total = 0
    for name, value in item.items():
        text = value.get("S")
        total += len(name) if name.isascii() else len(name.encode())
        if text is None:
            total += value_bytes(value)
        else:
            total += len(text) if text.isascii() else len(text.encode())
    return total


def check_item(table: Table, item: Item) -> Item:
    """Return the item if it may be stored.

    Raises:
        TooLarge: the item or its key is over the limit.
        InvalidRequest: a key attribute is empty.
    """
    size = item_bytes(item)
    if size > MAX_ITEM_BYTES:
        raise TooLarge(
            f"An item of {table.name} has {size} bytes, more than DynamoDB's {MAX_ITEM_BYTES}; store less"
            " in it, or keep the large part elsewhere.",
            size_bytes=size,
            limit_bytes=MAX_ITEM_BYTES,
        )
    check_key(table, item)
    return item


def check_key(table: Table, values: Item) -> Item:
    """Return the key if DynamoDB takes it.

    Raises:
        TooLarge: a key attribute is over its limit.
        InvalidRequest: it is empty.
    """
    key = table.partition_key
    _check_key_attribute(table, key.name, values[key.name], MAX_PARTITION_KEY_BYTES)
    if table.sort_key is not None:
        name = table.sort_key.name
        _check_key_attribute(table, name, values[name], MAX_SORT_KEY_BYTES)
    return values


def _check_key_attribute(table: Table, name: str, value: AttributeValue, limit: int) -> None:
    text = value.get("S")
    if text is not None and 0 < len(text) <= 256:  # at most 4 bytes each: no need to count
        return
    size = value_bytes(value)
    if size == 0:
        raise InvalidRequest(f"The key {name} of {table.name} is empty; DynamoDB takes no empty key.")
    if size > limit:
        raise TooLarge(
            f"The key {name} of {table.name} has {size} bytes, more than DynamoDB's {limit}; shorten it.",
            size_bytes=size,
            limit_bytes=limit,
        )


def check_values(table: Table, values: Iterable[AttributeValue]) -> None:
    """Refuse an update that writes more than an item holds.

    Raises:
        TooLarge: the values alone are over the limit.
    """
    size = sum(map(value_bytes, values))
    if size > MAX_ITEM_BYTES:
        raise TooLarge(
            f"An update of {table.name} writes {size} bytes, more than an item holds ({MAX_ITEM_BYTES});"
            " write less, or keep the large part elsewhere.",
            size_bytes=size,
            limit_bytes=MAX_ITEM_BYTES,
        )


def check_transaction(actions: Iterable[Mapping[str, Any]]) -> None:
    """Refuse a transaction that is too large as a whole.

    Args:
        actions: the arguments of each, as they are sent.

    Raises:
        TooLarge: it is over 4 MB.
    """
    size = 0
    for action in actions:
        size += item_bytes(action.get("Item") or action["Key"])
        size += sum(map(value_bytes, action.get("ExpressionAttributeValues", {}).values()))
    if size > MAX_TRANSACTION_BYTES:
        raise TooLarge(
            f"The transaction has {size} bytes, more than DynamoDB's {MAX_TRANSACTION_BYTES}; write less"
            " at once.",
            size_bytes=size,
            limit_bytes=MAX_TRANSACTION_BYTES,
        )
