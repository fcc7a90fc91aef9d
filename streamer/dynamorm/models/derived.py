"""What an update of attributes means for the keys that are made of them. Pure: no I/O."""

from collections.abc import Mapping, Sequence
from typing import Any

from streamer.dynamorm.errors import InvalidModel
from streamer.dynamorm.expressions.operands import IfAbsent
from streamer.dynamorm.expressions.updates import Remove, SetValue, UpdateAction, check_changes
from streamer.dynamorm.keys.key_parts import KeyPart
from streamer.dynamorm.models.model_schema import Schema
from streamer.dynamorm.values.low_level import AttributeValue, Item


def derive(schema: Schema, key: Item, actions: Sequence[UpdateAction]) -> tuple[UpdateAction, ...]:
    """Return the changes of an update, and those of the index keys that follow from them.

    Idempotent.

    Args:
        key: of the item that is updated.

    Raises:
        InvalidModel: a change is none, or is of the item's own key; or the new key of an index cannot be
            known, because not all attributes that make it are set or in the item's key.
    """
    check_changes(actions)
    changes = {str(action.path[0]): action for action in actions}
    for part in schema.keys:
        for name, field in part.fields.items():
            action = changes.get(field.stored_name, changes.get(part.key.name))
            if action is not None and (part.template is None or not _keeps(action, part, name, key)):
                raise InvalidModel(
                    f"{schema.model}.{name} is part of the item's key {part.key.name} and does not change;"
                    " put a new item and delete this one."
                )
    derived = [
        _derived(schema, part, key, changes)
        for stored_name, part in schema.index_keys.items()
        if stored_name not in changes and any(f.stored_name in changes for f in part.fields.values())
    ]
    return (*actions, *derived)


def _keeps(action: UpdateAction, part: KeyPart, name: str, key: Item) -> bool:
    """Whether a change writes the value that the key has, as it must where an update makes an item."""
    value, _ = _constant(action)
    return bool(value) and part.fields[name].codec.decode(value or {}) == part.read(key[part.key.name])[name]


def _derived(schema: Schema, part: KeyPart, key: Item, changes: Mapping[str, UpdateAction]) -> UpdateAction:
    known = schema.key_values(key)
    values: dict[str, Any] = {}
    kept = False
    for name, field in part.fields.items():
        action = changes.get(field.stored_name)
        if action is None and name in known:
            values[name] = known[name]
            continue
        stored, if_absent = _constant(action)
        is_alone = len(part.fields.keys() - known.keys()) == 1
        if action is None or stored is _UNKNOWN or (if_absent and not is_alone):
            raise InvalidModel(
                f"{part.key.name}, a key of an index, is made of {schema.model}'s"
                f" {' and '.join(part.components)}; an update of one sets all of them to values, or put the"
                " item."
            )
        kept = kept or if_absent
        values[name] = None if stored is None else field.codec.decode(stored)
    written = part.write(values)
    path = (part.key.name,)
    if written is None:
        return Remove(path)
    return SetValue(path, IfAbsent(path, written) if kept else written)


_UNKNOWN: AttributeValue = {}


def _constant(action: UpdateAction | None) -> tuple[AttributeValue | None, bool]:
    """Return the value after a change, None if it is gone, and whether it is only set where there is none."""
    match action:
        case SetValue(path=(_,), value=dict(value)):
            return value, False
        case SetValue(path=(str() as name,), value=IfAbsent(path=(str() as held,), value=value)) if (
            name == held
        ):
            return value, True
        case Remove(path=(_,)):
            return None, False
    return _UNKNOWN, False
