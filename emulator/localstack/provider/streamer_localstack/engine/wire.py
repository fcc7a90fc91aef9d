"""moto's items as DynamoDB's wire form, and copies of them."""

import base64
from collections.abc import Mapping
from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict

_SETS = {"SS", "NS", "BS"}


def wire_of(item: Item) -> dict[str, Any]:
    """Return the attributes in wire form of an item that is in a table, where no item is ever altered.

    They are written once per item, and are not to be altered either.
    """
    attributes: dict[str, Any] | None = item.__dict__.get("_wire")
    if attributes is None:
        attributes = item.__dict__["_wire"] = {name: wire(value) for name, value in item.attrs.items()}
    return attributes


def forget_wire(item: Item) -> None:
    """Forget the wire form of an item that was altered since it was written."""
    item.__dict__.pop("_wire", None)


def keys_of(table: Any, attributes: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the key attributes of an item of `table` that is in wire form."""
    assert attributes is not None
    return {name: attributes[name] for name in table.table_key_attrs}


def copy_item(item: Item, _memo: object = None) -> Item:
    """Return a copy that shares nothing mutable with `item`."""
    copy = Item.__new__(Item)
    copy.hash_key = item.hash_key
    copy.range_key = item.range_key
    copy.attrs = LimitedSizeDict()
    for name, value in item.attrs.items():
        dict.__setitem__(copy.attrs, name, copy_value(value))
    return copy


def copy_value(value: DynamoType, _memo: object = None) -> DynamoType:
    """Return a copy that shares nothing mutable with `value`."""
    copy = DynamoType.__new__(DynamoType)
    copy.type = value.type
    content = value.value
    if value.type == "M":
        content = {name: copy_value(element) for name, element in content.items()}
    elif value.type == "L":
        content = [copy_value(element) for element in content]
    elif value.type in _SETS:
        content = list(content)
    copy.value = content
    return copy


def wire(value: DynamoType) -> dict[str, Any]:
    """Return a value in wire form, binary as base64 text."""
    kind, content = value.type, value.value
    if kind == "M":
        return {kind: {name: wire(element) for name, element in content.items()}}
    if kind == "L":
        return {kind: [wire(element) for element in content]}
    if kind in _SETS:
        return {kind: [_text(element) for element in content]}
    return {kind: _text(content)}


def _text(content: Any) -> Any:
    return base64.b64encode(content).decode() if isinstance(content, bytes) else content
