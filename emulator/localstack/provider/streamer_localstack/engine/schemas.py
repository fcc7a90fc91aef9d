"""The keys of moto's tables: their schemas as the rules want them, and the keys of an item."""

from collections.abc import Mapping
from typing import Any

from moto.dynamodb.models.dynamo_type import DynamoType
from moto.dynamodb.models.table import Table

from .limits import Key, Schema


def schema_of(table: Table) -> Schema:
    """Return the table's keys, and those of its indexes; made anew where the table was updated."""
    attributes, indexes = table.attr, table.all_indexes()
    made_of, schema = table.__dict__.get("_schema", ((), None))
    if schema is None or made_of[0] is not attributes or made_of[1] != indexes:
        schema = _schema(table)
        table.__dict__["_schema"] = (attributes, list(indexes)), schema
    return schema


def _schema(table: Table) -> Schema:
    types = {each["AttributeName"]: each["AttributeType"] for each in table.attr}
    partition_key, sort_key = _keys(table.schema, types)
    assert partition_key is not None
    indexes = {
        index.name: tuple(key for key in _keys(index.schema, types) if key is not None)
        for index in table.all_indexes()
    }
    return Schema(partition_key, sort_key, indexes)


def place_of(table: Table, attributes: Mapping[str, Any]) -> tuple[DynamoType, DynamoType | None]:
    """Return the values of the table's keys in `attributes` (wire form). Raises KeyError if one lacks."""
    range_name = table.range_key_attr
    range_key = None if range_name is None else DynamoType(attributes[range_name])
    return DynamoType(attributes[table.hash_key_attr]), range_key


def key_names(schema: Any) -> tuple[str, str | None]:
    """Return the names of the partition key and the sort key of a `KeySchema`."""
    names: Mapping[str, str] = {each["KeyType"]: each["AttributeName"] for each in schema}
    return names["HASH"], names.get("RANGE")


def _keys(schema: Any, types: Mapping[str, str]) -> tuple[Key | None, Key | None]:
    found = [Key(name, types[name]) if name in types else None for name in key_names(schema) if name]
    return found[0], found[1] if len(found) > 1 else None
