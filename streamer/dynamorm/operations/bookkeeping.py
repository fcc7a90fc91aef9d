"""What the ORM adds to a write by itself: versions, stamps, and the condition of a create. Pure: no I/O."""

from dataclasses import replace
from typing import Any, TypeVar

from streamer.dynamorm.errors import InvalidRequest
from streamer.dynamorm.expressions.conditions import Comparison, Condition, DoesNotExist
from streamer.dynamorm.expressions.operands import IfAbsent
from streamer.dynamorm.expressions.updates import Add, Remove, SetValue, UpdateAction
from streamer.dynamorm.models.model import Model
from streamer.dynamorm.requests.batches import BatchAction
from streamer.dynamorm.requests.items import Check, Create, Delete, Put, Update
from streamer.dynamorm.requests.mistakes import expect_item, expect_key, kind_of
from streamer.dynamorm.requests.transactions import TransactionRequest

A = TypeVar("A", bound=Put | Update[Any] | Delete[Any] | Check[Any])


def settled(action: A | Create, now: float) -> A | Put | Update[Any]:
    """Return the write as it is sent.

    An update raises the version by one, and sets the stamps. A put of an item with a version holds only
    while that version is stored. A put of an item that doesn't know when it was created keeps what is
    stored of that: it is sent as an update that sets, or removes, every attribute of the model.

    Args:
        now: epoch seconds.

    Raises:
        InvalidRequest: it is no write, or one of no item.
    """
    _expect_write(action)
    schema = action.model.__schema__
    if isinstance(action, Create):
        return Put(written(action.item, now), _both(_absent(action, now), action.condition))
    if schema.version is None and schema.created_at is None and schema.updated_at is None:
        return action
    if isinstance(action, Put):
        condition = _both(_unchanged(action), action.condition)
        put = replace(action, item=written(action.item, now), condition=condition)
        if schema.created_at is None or action.item.__dict__.get(schema.created_at) is not None:
            return put
        return _as_update(put)
    condition = _both(_unchanged(action), action.condition)
    if isinstance(action, Update):
        return replace(action, actions=(*action.actions, *_marks(action, now)), condition=condition)
    return action if condition is None else replace(action, condition=condition)


def settled_for_batch(action: BatchAction, now: float) -> BatchAction:
    """Return a write of a batch as it is sent: a put with its stamps."""
    _expect_write(action)
    return replace(action, item=written(action.item, now)) if isinstance(action, Put) else action


def _expect_write(action: object) -> None:
    if isinstance(action, (Put, Create)):
        expect_item(action.item)
    elif isinstance(action, (Update, Delete, Check)):
        expect_key(action.key)
    else:
        raise InvalidRequest(
            f"A write is needed and this is {kind_of(action)}: give Put(item), Create(item),"
            " Update(key, changes), Delete(key) or Check(key, condition)."
        )


def expected_version(action: TransactionRequest) -> int | None:
    """Return the version that must be stored for a write to happen, 0 for none; None: any."""
    if isinstance(action, (Put, Create)):
        version = action.model.__schema__.version
        return None if version is None else int(action.item.__dict__.get(version, 0))
    return action.key.version


def written(item: Model, now: float) -> Model:
    """Return an item as it is when it has been written: its version raised, its stamps set."""
    schema = item.__schema__
    values: dict[str, Any] = {}
    if schema.version is not None:
        values[schema.version] = item.__dict__.get(schema.version, 0) + 1
    if schema.updated_at is not None:
        values[schema.updated_at] = schema.stamp(schema.updated_at, now)
    if schema.created_at is not None and item.__dict__.get(schema.created_at) is None:
        values[schema.created_at] = schema.stamp(schema.created_at, now)
    return item.replace(**values) if values else item


def _unchanged(action: TransactionRequest) -> Condition | None:
    expected, name = expected_version(action), action.model.__schema__.version
    if expected is None or name is None:
        return None
    field = action.model.__schema__.attributes[name]
    if expected == 0:
        return DoesNotExist((field.stored_name,))
    return Comparison((field.stored_name,), "=", field.encode(expected))


def _marks(action: Update[Any], now: float) -> list[UpdateAction]:
    schema = action.model.__schema__
    marks: list[UpdateAction] = []
    if schema.version is not None:
        marks.append(Add((schema.attributes[schema.version].stored_name,), {"N": "1"}))
    if schema.updated_at is not None:
        field = schema.attributes[schema.updated_at]
        stamp = field.encode(schema.stamp(schema.updated_at, now))
        marks.append(SetValue((field.stored_name,), stamp))
    if schema.created_at is not None:
        field = schema.attributes[schema.created_at]
        path = (field.stored_name,)
        stamp = field.encode(schema.stamp(schema.created_at, now))
        marks.append(SetValue(path, IfAbsent(path, stamp)))
    return marks


def _as_update(put: Put) -> Update[Any]:
    schema = put.item.__schema__
    key, item = put.key, put.values()
    created = schema.attributes[schema.created_at or ""].stored_name
    names = {field.stored_name for field in schema.attributes.values()}
    names |= {part.name for part in schema.table.key_attributes()}
    follows = {name for name, part in schema.index_keys.items() if schema.created_at in part.fields}
    names -= follows  # keys that are made of the time of creation are kept as it is
    actions: list[UpdateAction] = [Remove((name,)) for name in sorted(names - item.keys())]
    for name, value in item.items():
        part = schema.index_keys.get(name)
        if part is not None and schema.created_at in part.fields:
            continue  # the update derives it, so that it is kept too
        if name not in key.values and name not in follows:
            kept = IfAbsent((name,), value) if name == created else value
            actions.append(SetValue((name,), kept))
    return Update(key, tuple(actions), put.condition, put.returns)


def _absent(action: Create, now: float) -> Condition:
    table = action.table
    absent: Condition = DoesNotExist((table.partition_key.name,))
    if table.ttl_attribute is None:
        return absent
    return absent | Comparison((table.ttl_attribute,), "<=", {"N": f"{now:.6f}"})


def _both(first: Condition | None, second: Condition | None) -> Condition | None:
    if first is None or second is None:
        return second if first is None else first
    return first & second
