"""What DynamoDB looks at before it touches an item: the limits of each operation. Pure rules.

`prepare` also writes numbers as they are stored, so that equal keys and values are equal texts.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from .expression_limits import check_expressions
from .limits import (
    Invalid,
    Schema,
    attributes_of,
    canonical_key,
    check_item,
    check_key,
    check_not_keys,
    substitutions,
)
from .meanings import check_meanings
from .records import attributes_bytes

MAX_BATCH_WRITES = 25
MAX_BATCH_KEYS = 100
MAX_TRANSACTION_ITEMS = 100
MAX_TRANSACTION_BYTES = 4 * 1024 * 1024
"""DynamoDB Developer Guide, "Service quotas"; API reference, `BatchWriteItem`, `TransactWriteItems`.

The 16 MB of a batch of writes need no look: 25 items of 400 KB are under it.
"""

MAX_LISTED_TABLES = 100
"""API reference, `ListTables`."""

MAX_TOKEN_CHARACTERS = 36
"""Of a ClientRequestToken. API reference, `TransactWriteItems`."""

SchemaOf = Callable[[str], Schema]
"""Returns the keys of a table; raises what the caller answers with where there is none."""

_EXPRESSIONS = (
    "UpdateExpression",
    "ConditionExpression",
    "KeyConditionExpression",
    "FilterExpression",
    "ProjectionExpression",
)
_ACTIONS = {"Put", "Update", "Delete", "ConditionCheck"}


def prepare(
    operation: str, request: dict[str, Any], schema_of: SchemaOf, reserved: frozenset[str] = frozenset()
) -> None:
    """Refuse a request that breaks a limit; else normalise its values in place.

    Args:
        request: has every member that it must have.
        reserved: words, in capitals, that are no attribute names in expressions.

    Raises:
        Invalid: with AWS's message.
    """
    match operation:
        case "PutItem" | "UpdateItem" | "DeleteItem" | "GetItem" | "Query" | "Scan":
            _prepare_one(request, schema_of, reserved)
        case "ListTables":
            _check_limit(request, MAX_LISTED_TABLES)
        case "BatchWriteItem":
            _prepare_batch_write(request, schema_of)
        case "BatchGetItem":
            _prepare_batch_get(request, schema_of)
        case "TransactWriteItems":
            _prepare_transaction(request, schema_of, reserved)
        case "TransactGetItems":
            _check_transaction_length(request["TransactItems"])
            for action in request["TransactItems"]:
                _prepare_one(action["Get"], schema_of, reserved)
            _check_distinct([action["Get"] for action in request["TransactItems"]], schema_of)


def _prepare_one(request: dict[str, Any], schema_of: SchemaOf, reserved: frozenset[str]) -> None:
    expressions = {kind: request[kind] for kind in _EXPRESSIONS if request.get(kind) is not None}
    names, values = request.get("ExpressionAttributeNames"), request.get("ExpressionAttributeValues")
    if values:
        values = request["ExpressionAttributeValues"] = substitutions(values)
    item = request["Item"] = attributes_of(request["Item"]) if "Item" in request else None
    if item is None:
        del request["Item"]
    if "Key" in request:
        request["Key"] = attributes_of(request["Key"])
    check_expressions(expressions, names, values)
    written = check_meanings(expressions, names or {}, values or {}, reserved)
    _check_limit(request)
    schema = schema_of(request["TableName"])
    if item is not None:
        check_item(item, schema)
    if "Key" in request:
        check_key(request["Key"], schema)
    check_not_keys(written, schema)
    if request.get("ExclusiveStartKey"):
        request["ExclusiveStartKey"] = attributes_of(request["ExclusiveStartKey"])


def _check_limit(request: Mapping[str, Any], most: int | None = None) -> None:
    asked = request.get("Limit")
    if asked is None or 1 <= asked <= (most or asked):
        return
    bound = "greater than or equal to 1" if asked < 1 else f"less than or equal to {most}"
    raise Invalid(
        f"1 validation error detected: Value '{asked}' at 'limit' failed to satisfy constraint: "
        f"Member must have value {bound}"
    )


def _prepare_batch_write(request: dict[str, Any], schema_of: SchemaOf) -> None:
    tables = _tables(request)
    if not all(1 <= len(writes) <= MAX_BATCH_WRITES for writes in tables.values()):
        raise Invalid(
            "1 validation error detected: Value at 'requestItems' failed to satisfy constraint: Map value "
            f"must satisfy constraint: [Member must have length less than or equal to {MAX_BATCH_WRITES}, "
            "Member must have length greater than or equal to 1]"
        )
    if sum(map(len, tables.values())) > MAX_BATCH_WRITES:
        raise Invalid("Too many items requested for the BatchWriteItem call")
    for table, writes in tables.items():
        schema = schema_of(table)
        keys = []
        for write in writes:
            if write.keys() not in ({"PutRequest"}, {"DeleteRequest"}):  # the text is ours
                raise Invalid("A WriteRequest must have exactly one of PutRequest and DeleteRequest")
            if "PutRequest" in write:
                item = write["PutRequest"]["Item"] = attributes_of(write["PutRequest"]["Item"])
                check_item(item, schema)
                keys.append(item)
            else:
                key = write["DeleteRequest"]["Key"] = attributes_of(write["DeleteRequest"]["Key"])
                check_key(key, schema)
                keys.append(key)
        _check_no_duplicates(keys, schema)


def _prepare_batch_get(request: dict[str, Any], schema_of: SchemaOf) -> None:
    tables = _tables(request)
    for table, wanted in tables.items():
        if len(wanted["Keys"]) > MAX_BATCH_KEYS:
            raise Invalid(
                f"1 validation error detected: Value at 'requestItems.{table}.member.keys' failed to satisfy "
                f"constraint: Member must have length less than or equal to {MAX_BATCH_KEYS}"
            )
    if sum(len(wanted["Keys"]) for wanted in tables.values()) > MAX_BATCH_KEYS:
        raise Invalid("Too many items requested for the BatchGetItem call")
    for table, wanted in tables.items():
        schema = schema_of(table)
        projection = wanted.get("ProjectionExpression")
        check_expressions(
            {} if projection is None else {"ProjectionExpression": projection},
            wanted.get("ExpressionAttributeNames"),
            None,
        )
        wanted["Keys"] = [attributes_of(key) for key in wanted["Keys"]]
        for key in wanted["Keys"]:
            check_key(key, schema)
        _check_no_duplicates(wanted["Keys"], schema)


def _prepare_transaction(request: dict[str, Any], schema_of: SchemaOf, reserved: frozenset[str]) -> None:
    actions = request["TransactItems"]
    _check_transaction_length(actions)
    token = request.get("ClientRequestToken")
    if token is not None and not 1 <= len(token) <= MAX_TOKEN_CHARACTERS:
        raise Invalid(
            f"1 validation error detected: Value '{token}' at 'clientRequestToken' failed to satisfy "
            f"constraint: Member must have length less than or equal to {MAX_TOKEN_CHARACTERS}"
        )
    for action in actions:
        if len(action) != 1 or not _ACTIONS.issuperset(action):
            raise Invalid("TransactItems can only contain one of Check, Put, Update or Delete")
    each = [next(iter(action.values())) for action in actions]
    for one in each:
        _prepare_one(one, schema_of, reserved)
    _check_distinct(each, schema_of)
    size = sum(
        attributes_bytes(one.get("Item") or {**one["Key"], **(one.get("ExpressionAttributeValues") or {})})
        for one in each
    )
    if size > MAX_TRANSACTION_BYTES:  # the text is ours
        raise Invalid("The aggregate size of the items in the transaction cannot exceed 4 MB")


def _check_transaction_length(actions: Sequence[Any]) -> None:
    if len(actions) > MAX_TRANSACTION_ITEMS:
        raise Invalid(
            "1 validation error detected: Value at 'transactItems' failed to satisfy constraint: "
            f"Member must have length less than or equal to {MAX_TRANSACTION_ITEMS}"
        )
    if not actions:
        raise Invalid(
            "1 validation error detected: Value '[]' at 'transactItems' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1"
        )


def _check_distinct(actions: Sequence[Mapping[str, Any]], schema_of: SchemaOf) -> None:
    places = list(_places(actions, schema_of))
    if len(set(places)) < len(places):
        raise Invalid("Transaction request cannot include multiple operations on one item")


def _places(actions: Sequence[Mapping[str, Any]], schema_of: SchemaOf) -> Iterator[tuple[Any, ...]]:
    for action in actions:
        schema = schema_of(action["TableName"])
        key = action.get("Item") or action["Key"]
        yield action["TableName"].rpartition("/")[2], *canonical_key(key, schema)


def _check_no_duplicates(keys: Sequence[Mapping[str, Any]], schema: Schema) -> None:
    if len({canonical_key(key, schema) for key in keys}) < len(keys):
        raise Invalid("Provided list of item keys contains duplicates")


def _tables(request: Mapping[str, Any]) -> Mapping[str, Any]:
    tables: Mapping[str, Any] = request["RequestItems"]
    if not tables:
        raise Invalid(
            "1 validation error detected: Value '{}' at 'requestItems' failed to satisfy constraint: "
            "Member must have length greater than or equal to 1"
        )
    return tables
