"""What stands in for moto's own on tables: writes that can be undone, streams, a quick query."""

import copy
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

from . import operation
from .operation import Operation, changed, find, remember, store
from .stream import Stream
from .wire import copy_item

_put_item = Table.put_item
_query = Table.query
_update_item = DynamoDBBackend.update_item
_delete_table = DynamoDBBackend.delete_table
_transact_write_items = DynamoDBBackend.transact_write_items

MAX_CLOSED_STREAMS = 20
"""Streams of deleted tables, and disabled ones, that can still be read. A laptop's memory is the source."""

_streams: dict[str, Stream] = {}
_transactions: list[DynamoDBBackend] = []  # open ones; guarded by the operation's lock


class StreamShard:
    """What moto calls a table's stream shard: it hands the changes to the operation."""

    def __init__(self, table: Table, stream: Stream) -> None:
        self.table = table
        self.stream = stream

    def add(self, old: Item | None, new: Item | None) -> None:
        changed(self.table, old, new)


def find_stream(arn: str) -> Stream | None:
    """Return the stream, also for a while after it was closed."""
    return _streams.get(arn)


def set_stream_specification(self: Table, streams: dict[str, Any] | None) -> None:
    """`Table.set_stream_specification`: every enabling makes a new stream, disabling closes it.

    Source:
        DynamoDB Developer Guide, "Change data capture for DynamoDB Streams".
    """
    close_stream(self)
    if not streams or not (streams.get("StreamEnabled") or streams.get("StreamViewType")):
        self.stream_specification = {"StreamEnabled": False}
        return
    now = operation.now()
    _forget_closed_streams()
    label = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    stream = Stream(f"{self.table_arn}/stream/{label}", streams["StreamViewType"], now, uuid4().hex[:8])
    _streams[stream.arn] = stream
    self.stream_specification = {**streams, "StreamEnabled": True}
    self.latest_stream_label = label
    self.stream_shard = StreamShard(self, stream)  # type: ignore[assignment]


def _forget_closed_streams() -> None:
    """Let go of all but the newest closed streams; AWS keeps them for a day."""
    closed = [arn for arn, stream in _streams.items() if stream.is_closed]
    for arn in closed[:-MAX_CLOSED_STREAMS]:
        del _streams[arn]


def close_stream(table: Table) -> None:
    """End the table's stream, if it has one; what it keeps can still be read."""
    if table.stream_shard is not None:
        table.stream_shard.stream.close()  # type: ignore[attr-defined]
    table.stream_shard = None
    table.latest_stream_label = None


def put_item(self: Table, item_attrs: dict[str, Any], *args: Any, **kwargs: Any) -> Item:
    """`Table.put_item` that can be undone."""
    with Operation():
        place = _place(self, item_attrs)
        if place:
            remember(self, *place)
        return _put_item(self, item_attrs, *args, **kwargs)


def delete_item(self: Table, hash_key: DynamoType, range_key: DynamoType | None) -> Item | None:
    """`Table.delete_item` that can be undone and leaves no empty partition."""
    with Operation():
        old: Item | None = remember(self, hash_key, range_key)
        if old is not None:
            store(self, hash_key, range_key, None)
            if self.stream_shard is not None:
                self.stream_shard.add(old, None)
        return old


def get_item(
    self: Table,
    hash_key: DynamoType,
    range_key: DynamoType | None = None,
    projection_expression: list[list[str]] | None = None,
) -> Item | None:
    """`Table.get_item` that makes no empty partition for a key that does not exist."""
    if self.has_range_key and not range_key:
        raise MockValidationException("The provided key element does not match the schema")
    item: Item | None = find(self, hash_key, range_key)
    return item.project(projection_expression) if item is not None and projection_expression else item


def query(self: Table, hash_key: DynamoType, *args: Any, index_name: str | None = None, **kwargs: Any) -> Any:
    """`Table.query` over the items of the one key only, where moto sorts the whole table."""
    index_name = args[6] if len(args) > 6 else index_name
    view = _untracked_copy(self)
    view.items = defaultdict(dict)
    if index_name is None:
        if hash_key in self.items:
            view.items[hash_key] = self.items[hash_key]
    else:
        attribute = _index_hash_attribute(self, index_name)
        for key, found in self.items.items():
            kept = _having(found, attribute, hash_key)
            if kept:
                view.items[key] = kept
    if len(args) <= 6:
        kwargs["index_name"] = index_name
    return _query(view, hash_key, *args, **kwargs)


def update_item(
    self: DynamoDBBackend, table_name: str, key: dict[str, Any], *args: Any, **kwargs: Any
) -> Item:
    """`DynamoDBBackend.update_item` on a copy, so that a failure leaves the item as it was.

    Items that are in a table are never altered in place: readers and records may hold them.
    """
    with Operation():
        table = self.get_table(table_name)
        place = _place(table, key)
        if place:
            old = remember(table, *place)
            if old is not None:
                store(table, *place, copy_item(old))
        return _update_item(self, table_name, key, *args, **kwargs)


def delete_table(self: DynamoDBBackend, name: str) -> Table:
    """`DynamoDBBackend.delete_table` that also closes the table's stream."""
    with Operation():
        table = _delete_table(self, name)
        close_stream(table)
        return table


def transact_write_items(self: DynamoDBBackend, transact_items: list[dict[str, Any]]) -> None:
    """`DynamoDBBackend.transact_write_items` without its copies of whole tables: the operation undoes."""
    with Operation():
        _transactions.append(self)
        try:
            _transact_write_items(self, transact_items)
        finally:
            _transactions.pop()


def copy_table(self: Table, memo: dict[int, Any]) -> Table:
    """`copy.deepcopy` of a table: in a transaction the table itself, else one without stream."""
    if _transactions:
        return self
    table = _untracked_copy(self)
    memo[id(self)] = table
    table.stream_shard = None
    table.__dict__ = copy.deepcopy(table.__dict__, memo)
    return table


def _untracked_copy(table: Table) -> Table:
    """Return a shallow copy that moto does not keep for ever, as it keeps every instance that it makes."""
    made: Table = object.__new__(type(table))
    made.__dict__.update(table.__dict__)
    return made


def _place(table: Table, attributes: dict[str, Any]) -> tuple[DynamoType, DynamoType | None] | None:
    """Return the key in `attributes`, None where it is not one of the table's (moto says so later)."""
    try:
        hash_key = DynamoType(attributes[table.hash_key_attr])
        range_key = DynamoType(attributes[table.range_key_attr]) if table.range_key_attr else None
        hash((hash_key, range_key))
    except (KeyError, TypeError, AttributeError, IndexError):
        return None
    return hash_key, range_key


def _index_hash_attribute(table: Table, index_name: str) -> str | None:
    for index in table.all_indexes():
        if index.name == index_name:
            return next((key["AttributeName"] for key in index.schema if key["KeyType"] == "HASH"), None)
    return None


def _having(found: Any, attribute: str | None, value: DynamoType) -> Any:
    """Return those of an item, or a partition of items, whose `attribute` has the value."""
    if attribute is None:
        return found
    if isinstance(found, Item):
        return found if _has(found, attribute, value) else None
    return {key: item for key, item in found.items() if _has(item, attribute, value)}


def _has(item: Item, attribute: str, value: DynamoType) -> bool:
    held = item.attrs.get(attribute)
    return held is not None and held.type == value.type and held.value == value.value
