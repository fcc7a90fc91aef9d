"""A table's items as plain Python values."""

import asyncio
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from boto3.dynamodb.types import Binary, TypeDeserializer

MAX_ROWS = 1_000
"""Rows that one look returns at most, unless told otherwise. Ours: more is no look."""

_deserialize = TypeDeserializer().deserialize


def plain(value: Any) -> Any:
    """Return what boto3's deserializer made with numbers as int or float, and sets as sorted lists."""
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case Binary():
            binary: Any = value  # its stub lacks the conversion
            return bytes(binary)
        case dict():
            return {name: plain(part) for name, part in value.items()}
        case list():
            return [plain(part) for part in value]
        case set():
            return sorted(plain(part) for part in value)
        case _:
            return value


def row(item: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """Return a low-level item (`{"N": "12"}`) as a plain one, its key first, the rest by name."""
    first = [name for name in keys if name in item]
    names = [*first, *sorted(set(item) - set(first))]
    return {name: plain(_deserialize(item[name])) for name in names}


async def read(dynamodb: Any, table: str, *, limit: int = MAX_ROWS) -> list[dict[str, Any]]:
    """Read a table's items consistently, `limit` at most, in the order of their keys."""
    described = await asyncio.to_thread(dynamodb.describe_table, TableName=table)
    schema = sorted(described["Table"]["KeySchema"], key=lambda part: part["KeyType"])  # HASH before RANGE
    keys = [part["AttributeName"] for part in schema]
    items: list[dict[str, Any]] = []
    start: dict[str, Any] = {}
    while len(items) < limit:
        page = await asyncio.to_thread(
            dynamodb.scan, TableName=table, ConsistentRead=True, Limit=limit - len(items), **start
        )
        items += page["Items"]
        if "LastEvaluatedKey" not in page:
            break
        start = {"ExclusiveStartKey": page["LastEvaluatedKey"]}
    rows = [row(item, keys) for item in items]
    return sorted(rows, key=lambda found: [found[key] for key in keys])
