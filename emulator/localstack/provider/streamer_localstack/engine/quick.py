"""Reads and updates without moto's detours, where the request is of the plain kind that most are."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from moto.dynamodb.exceptions import ConditionalCheckFailed
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import ProjectionExpressionParser

from .comparing import NotFlat
from .conditions import RESERVED
from .flat import NOTHING, compile_condition, compile_update
from .limits import check_updated
from .operands import Scope
from .operation import find, remember, store
from .schemas import place_of, schema_of
from .wire import wire_of

_GET = {"TableName", "Key", "ConsistentRead"}
_WRITE = {
    "TableName",
    "ConditionExpression",
    "ExpressionAttributeNames",
    "ExpressionAttributeValues",
    "ReturnValues",
    "ReturnValuesOnConditionCheckFailure",
}
_UPDATE = {*_WRITE, "Key", "UpdateExpression"}
_PUT = {*_WRITE, "Item"}


def answer(operation: str, request: Mapping[str, Any], find_table: Callable[[str], Table]) -> str | None:
    """Do the operation and return the body of its answer; None, and nothing done, where moto has to.

    To be called in an operation, with a request that `prepare` has let through.

    Args:
        find_table: returns a table by its name.

    Raises:
        ConditionalCheckFailed: the condition does not hold.
        Invalid: what the update makes is not an item.
    """
    if operation == "GetItem" and request.keys() <= _GET:
        return json.dumps(_got(request, find_table))
    if operation == "UpdateItem" and request.keys() <= _UPDATE:
        return update(request, find_table(request["TableName"]))
    if operation == "PutItem" and request.keys() <= _PUT:
        return put(request, find_table(request["TableName"]))
    if operation == "TransactGetItems" and request.keys() <= {"TransactItems"}:
        gets = [action["Get"] for action in request["TransactItems"]]
        return json.dumps({"Responses": [_got(get, find_table) for get in gets]})
    return None


def put(request: Mapping[str, Any], table: Table) -> str | None:
    """Put an item; see `answer`."""
    returned = request.get("ReturnValues", "NONE")
    if returned not in ("NONE", "ALL_OLD"):
        return None
    item: dict[str, Any] = request["Item"]
    hash_key, range_key = place_of(table, item)
    old = find(table, hash_key, range_key)
    before = {} if old is None else wire_of(old)
    _check_condition(request, before)
    _write(table, old, _item(hash_key, range_key, {}, item, None))
    return json.dumps({"Attributes": before}) if returned == "ALL_OLD" and before else "{}"


def update(request: Mapping[str, Any], table: Table) -> str | None:
    """Update an item; see `answer`."""
    text = request.get("UpdateExpression")
    compiled = NOTHING if text is None else compile_update(text, RESERVED)
    if not compiled.is_flat:
        return None
    returned = request.get("ReturnValues", "NONE")
    if returned not in _RETURNED:
        return None
    hash_key, range_key = place_of(table, request["Key"])
    old = find(table, hash_key, range_key)
    before = {} if old is None else wire_of(old)
    try:
        _check_condition(request, before)
        after, touched = compiled.apply(_scope(request, request["Key"] if old is None else before))
    except NotFlat:
        return None
    check_updated(after, schema_of(table))
    _write(table, old, _item(hash_key, range_key, before, after, old))
    shown = _RETURNED[returned](before, after, touched)
    return json.dumps({"Attributes": shown}) if shown else "{}"


def _scope(request: Mapping[str, Any], attributes: Mapping[str, Any]) -> Scope:
    names, values = request.get("ExpressionAttributeNames"), request.get("ExpressionAttributeValues")
    return Scope(attributes, names or {}, values or {})


def _check_condition(request: Mapping[str, Any], before: dict[str, Any]) -> None:
    text = request.get("ConditionExpression")
    if text is None or compile_condition(text, RESERVED).holds(_scope(request, before)):
        return
    wants_item = request.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"
    raise ConditionalCheckFailed(item=before if wants_item and before else None)


def _write(table: Table, old: Item | None, new: Item) -> None:
    remember(table, new.hash_key, new.range_key)
    store(table, new.hash_key, new.range_key, new)
    if table.stream_shard is not None:
        table.stream_shard.add(old, new)


def _got(get: Mapping[str, Any], find_table: Callable[[str], Table]) -> dict[str, Any]:
    table = find_table(get["TableName"])
    item = find(table, *place_of(table, get["Key"]))
    if item is not None and get.get("ProjectionExpression"):
        names = get.get("ExpressionAttributeNames")
        item = item.project(ProjectionExpressionParser(get["ProjectionExpression"], names).parse())
    return {} if item is None else {"Item": wire_of(item)}


_RETURNED: Mapping[str, Any] = {
    "NONE": lambda _before, _after, _touched: None,
    "ALL_OLD": lambda before, _after, _touched: before,
    "ALL_NEW": lambda _before, after, _touched: after,
    "UPDATED_OLD": lambda before, _after, touched: {name: before[name] for name in touched if name in before},
    "UPDATED_NEW": lambda _before, after, touched: {name: after[name] for name in touched if name in after},
}
"""`ReturnValues` -> what is shown of the attributes before and after. API reference, `UpdateItem`."""


def _item(
    hash_key: DynamoType,
    range_key: DynamoType | None,
    before: Mapping[str, Any],
    after: dict[str, Any],
    old: Item | None,
) -> Item:
    """Return the item, which shares with the one before what did not change: neither is ever altered."""
    item = Item.__new__(Item)
    item.hash_key = hash_key
    item.range_key = range_key
    item.attrs = LimitedSizeDict()
    for name, value in after.items():
        is_kept = old is not None and before.get(name) is value
        item.attrs[name] = old.attrs[name] if old is not None and is_kept else DynamoType(value)
    item.__dict__["_wire"] = after
    return item
