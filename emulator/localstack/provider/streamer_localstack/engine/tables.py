"""What stands in for moto's own on tables: writes that can be undone, and streams."""

import copy
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from moto.dynamodb.exceptions import MockValidationException, ResourceNotFoundException
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import Table

from .clock import CLOCK
from .limits import check_index_key_sizes, check_key_sizes, check_nesting, check_updated
from .operands import Path
from .operation import Operation, changed, find, remember, store
from .schemas import place_of, schema_of
from .stream import Stream
from .wire import copy_item, forget_wire, wire_of

_put_item = Table.put_item
_update_item = DynamoDBBackend.update_item
_delete_table = DynamoDBBackend.delete_table

MAX_CLOSED_STREAMS = 20
"""Streams of deleted tables, and disabled ones, that can still be read. A laptop's memory is the source."""

_streams: dict[str, Stream] = {}


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
    now = CLOCK.now()
    _forget_closed_streams()
    while (arn := f"{self.table_arn}/stream/{_label(now)}") in _streams:
        now += 0.001  # disabled and enabled within one millisecond
    label = _label(now)
    stream = Stream(arn, streams["StreamViewType"], now, uuid4().hex[:8])
    _streams[stream.arn] = stream
    self.stream_specification = {**streams, "StreamEnabled": True}
    self.latest_stream_label = label
    self.stream_shard = StreamShard(self, stream)  # type: ignore[assignment]


def update_table_streams(self: DynamoDBBackend, table: Table, stream_specification: dict[str, Any]) -> None:
    """`DynamoDBBackend.update_table_streams`: neither enables nor disables twice.

    Source:
        Amazon DynamoDB API reference, `UpdateTable`, `StreamSpecification`; the second text is ours.
    """
    is_enabled = table.stream_shard is not None
    if is_enabled and stream_specification.get("StreamEnabled"):
        raise MockValidationException(f"Table already has an enabled stream: TableName: {table.name}")
    if not is_enabled and not stream_specification.get("StreamEnabled"):
        raise MockValidationException(f"Table has no stream to disable: TableName: {table.name}")
    table.set_stream_specification(stream_specification)


def _label(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]


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
    projection_expression: Sequence[Path] | None = None,
) -> Item | None:
    """`Table.get_item` that makes no empty partition for a key that does not exist."""
    if self.has_range_key and not range_key:
        raise MockValidationException("The provided key element does not match the schema")
    item: Item | None = find(self, hash_key, range_key)
    return item.project(projection_expression) if item is not None and projection_expression else item


def validate_key_sizes(self: Table, attributes: dict[str, Any]) -> None:
    """`Table._validate_key_sizes`, of bytes, where moto measures their base64 text."""
    schema = schema_of(self)
    check_key_sizes(attributes, schema)
    check_index_key_sizes(attributes, schema)


def update_item(
    self: DynamoDBBackend,
    table_name: str,
    key: dict[str, Any],
    *args: Any,
    attribute_updates: dict[str, Any] | None = None,
    **kwargs: Any,
) -> Item:
    """`DynamoDBBackend.update_item` on a copy, so that a failure leaves the item as it was.

    Items that are in a table are never altered in place: readers and records may hold them. An update of
    nothing makes the item, where there is none.
    """
    with Operation():
        table = self.get_table(table_name)
        place = _place(table, key)
        if place:
            old = remember(table, *place)
            if old is not None:
                store(table, *place, copy_item(old))
        item = _update_item(self, table_name, key, *args, attribute_updates=attribute_updates or {}, **kwargs)
        forget_wire(item)  # moto alters the copy after its condition has looked at it
        check_nesting(wire_of(item))
        check_updated(wire_of(item), schema_of(table))
        return item


def delete_table(self: DynamoDBBackend, name: str) -> Table:
    """`DynamoDBBackend.delete_table` that also closes the table's stream."""
    with Operation():
        table = _delete_table(self, name)
        close_stream(table)
        return table


def update_time_to_live(self: DynamoDBBackend, table_name: str, ttl_spec: dict[str, Any]) -> None:
    """`DynamoDBBackend.update_time_to_live`: neither enables nor disables twice, as on AWS."""
    ttl = describe_time_to_live(self, table_name)
    is_enabled, attribute = ttl["TimeToLiveStatus"] == "ENABLED", ttl_spec["AttributeName"]
    if ttl_spec["Enabled"] == is_enabled:
        raise MockValidationException(f"TimeToLive is already {'enabled' if is_enabled else 'disabled'}")
    if is_enabled and attribute != ttl["AttributeName"]:
        raise MockValidationException(
            "TimeToLive is active on a different AttributeName: "
            f"current AttributeName is {ttl['AttributeName']}"
        )
    ttl.clear()
    ttl["TimeToLiveStatus"] = "DISABLED" if is_enabled else "ENABLED"
    if not is_enabled:
        ttl["AttributeName"] = attribute


def describe_time_to_live(self: DynamoDBBackend, table_name: str) -> dict[str, Any]:
    """`DynamoDBBackend.describe_time_to_live` with AWS's error for a table that is not there."""
    try:
        ttl: dict[str, Any] = self.get_table(table_name).ttl
    except ResourceNotFoundException:
        raise ResourceNotFoundException(table_name=table_name) from None
    return ttl


def copy_table(self: Table, memo: dict[int, Any]) -> Table:
    """`copy.deepcopy` of a table, for a backup: one without stream."""
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
        place = place_of(table, attributes)
        hash(place)
    except (KeyError, TypeError, AttributeError, IndexError):
        return None
    return place
