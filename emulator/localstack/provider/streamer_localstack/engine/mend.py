"""Puts the operation, the streams and the quick query under moto's DynamoDB, all in one place.

Written for moto-ext 5.1.25, which the lock of LocalStack's environment pins.
"""

import functools
import logging
import os
import threading
from typing import Any

from moto.dynamodb import responses
from moto.dynamodb.comparisons import AttributeValue, ConditionExpressionParser
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.models.table import Table
from moto.dynamodb.parsing.expressions import UpdateExpressionParser

from . import comparing, conditions, operation, projections, reads, statements, tables, transactions
from .clock import CLOCK
from .expiry import is_expired
from .operation import Operation, items_of
from .requests import MAX_TRANSACTION_ITEMS
from .wire import copy_item, copy_value, wire

TTL_INTERVAL_S = 5.0
"""Seconds between two looks for expired items; `EMULATOR_TTL_INTERVAL_S` sets another. AWS takes hours."""

MAX_PARSED_EXPRESSIONS = 512
"""Update expressions whose syntax trees are kept; an application has a few dozen."""

log = logging.getLogger(__name__)

_installed = threading.Lock()
_add = DynamoType.__add__
_cast_value = DynamoType.cast_value.fget
_expr = AttributeValue.expr


def install() -> None:
    """Mend moto in this process and start to delete expired items. Calling it again changes nothing."""
    if not _installed.acquire(blocking=False):
        return
    operation.written.append(reads.changed)
    operation.undone.append(reads.forget)
    Item.__new__ = staticmethod(lambda cls, *_args, **_kwargs: object.__new__(cls))
    Item.__deepcopy__ = copy_item
    DynamoType.__deepcopy__ = copy_value
    DynamoType.__add__ = add
    DynamoType.__sub__ = subtract
    DynamoType.cast_value = property(cast_value)
    AttributeValue.expr = expr
    ConditionExpressionParser.parse = conditions.parse
    responses.ProjectionExpressionParser.parse = projections.parse
    Item.project = projections.project
    Table.put_item = tables.put_item
    Table._validate_key_sizes = tables.validate_key_sizes
    Table.delete_item = tables.delete_item
    Table.get_item = tables.get_item
    Table.query = reads.query
    Table.scan = reads.scan
    Table.set_stream_specification = tables.set_stream_specification
    Table.__deepcopy__ = tables.copy_table
    DynamoDBBackend.update_item = tables.update_item
    DynamoDBBackend.update_table_streams = tables.update_table_streams
    DynamoDBBackend.update_time_to_live = tables.update_time_to_live
    DynamoDBBackend.describe_time_to_live = tables.describe_time_to_live
    DynamoDBBackend.delete_table = tables.delete_table
    DynamoDBBackend.transact_write_items = transactions.transact_write_items
    DynamoDBBackend.execute_statement = statements.execute_statement
    DynamoDBBackend.batch_execute_statement = statements.batch_execute_statement
    # Parsed twice per update; what comes out is copied before it is altered.
    UpdateExpressionParser.make = functools.lru_cache(MAX_PARSED_EXPRESSIONS)(UpdateExpressionParser.make)
    # `prepare` has looked, within each table; moto looks again, without looking at the tables.
    responses.DynamoHandler._contains_duplicates = lambda _self, _keys: False
    responses.TRANSACTION_MAX_ITEMS = MAX_TRANSACTION_ITEMS
    LimitedSizeDict.__setitem__ = dict.__setitem__  # sizes are checked once, when the item is whole
    interval_s = float(os.environ.get("EMULATOR_TTL_INTERVAL_S") or TTL_INTERVAL_S)
    threading.Thread(
        target=_delete_expired_for_ever, args=(interval_s,), name="time-to-live", daemon=True
    ).start()


def add(self: DynamoType, other: DynamoType) -> DynamoType:
    """`DynamoType.__add__` with DynamoDB's 38 digits."""
    if self.type != "N" or other.type != "N":
        return _add(self, other)
    return DynamoType(comparing.add({"N": self.value}, {"N": other.value}, 1))


def cast_value(self: DynamoType) -> Any:
    """`DynamoType.cast_value`, what is compared, with decimals where moto has floats."""
    return comparing.exact(self.value) if self.type == "N" else _cast_value(self)


def expr(self: AttributeValue, item: Item | None) -> Any:
    """`AttributeValue.expr`, the other side of a comparison, with decimals likewise."""
    return comparing.exact(self.value) if self.type == "N" else _expr(self, item)


def subtract(self: DynamoType, other: DynamoType) -> DynamoType:
    """`DynamoType.__sub__` in decimals, where moto computes with floats."""
    if self.type != "N" or other.type != "N":
        raise TypeError("Sum only supported for Numbers.")
    return DynamoType(comparing.add({"N": self.value}, {"N": other.value}, -1))


def delete_expired(now: float) -> int:
    """Delete every item that is due at `now` (epoch seconds) and return how many."""
    deleted = 0
    for table in _tables_with_ttl():
        with Operation(by_time_to_live=True):
            name = table.ttl["AttributeName"]
            due = [
                item
                for item in items_of(table)
                if name in item.attrs and is_expired(wire(item.attrs[name]), now)
            ]
            for item in due:
                table.delete_item(item.hash_key, item.range_key)
            deleted += len(due)
    return deleted


def _tables_with_ttl() -> list[Table]:
    return [
        table
        for regions in list(dynamodb_backends.values())
        for backend in list(regions.values())
        for table in list(backend.tables.values())
        if table.ttl["TimeToLiveStatus"] == "ENABLED"
    ]


def _delete_expired_for_ever(interval_s: float) -> None:
    pause = threading.Event()
    while not pause.wait(interval_s):
        try:
            delete_expired(CLOCK.now())
        except Exception:  # the next round must come, whatever one table is like
            log.exception("Expired items could not be deleted; trying again in %s s", interval_s)
