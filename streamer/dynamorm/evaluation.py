"""Conditions and updates applied to items in memory, as DynamoDB does it. Pure: no I/O."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from decimal import Decimal
from typing import Any

from streamer.dynamorm.codec import AttributeValue, Item
from streamer.dynamorm.errors import InvalidRequest
from streamer.dynamorm.expressions import (
    Add,
    And,
    BeginsWith,
    Between,
    Comparison,
    Condition,
    Contains,
    Discard,
    DoesNotExist,
    Exists,
    In,
    Not,
    Or,
    Path,
    Remove,
    SetIfAbsent,
    SetValue,
    UpdateAction,
)

_ORDERED = ("S", "N", "B")
_SETS = ("SS", "NS", "BS")


def comparable(value: AttributeValue) -> tuple[str, Any]:
    """Return a value that is equal, and ordered, as DynamoDB compares: numbers by value, sets by members."""
    ((kind, held),) = value.items()
    match kind:
        case "N":
            return kind, Decimal(held)
        case "NS":
            return kind, frozenset(map(Decimal, held))
        case "SS" | "BS":
            return kind, frozenset(held)
        case "L":
            return kind, [comparable(inner) for inner in held]
        case "M":
            return kind, {name: comparable(inner) for name, inner in held.items()}
    return kind, held


def find(item: Mapping[str, Any], path: Path) -> AttributeValue | None:
    """Return what stands at a path, or None."""
    held: Any = {"M": item}
    for part in path:
        inside = held.get("L" if isinstance(part, int) else "M")
        if isinstance(inside, list) and isinstance(part, int):
            held = inside[part] if part < len(inside) else None
        else:
            held = None if inside is None else inside.get(part)
        if held is None:
            return None
    found: AttributeValue = held
    return found


def holds(condition: Condition, item: Item) -> bool:
    """Whether a condition holds of an item; of an absent one, `{}`."""
    match condition:
        case And(parts):
            return all(holds(part, item) for part in parts)
        case Or(parts):
            return any(holds(part, item) for part in parts)
        case Not(part):
            return not holds(part, item)
        case Exists(path):
            return find(item, path) is not None
        case DoesNotExist(path):
            return find(item, path) is None
        case Comparison(path, operator, value):
            return _compare(find(item, path), operator, value)
        case Between(path, low, high):
            held = find(item, path)
            return _compare(held, ">=", low) and _compare(held, "<=", high)
        case In(path, values):
            held = find(item, path)
            return any(_compare(held, "=", value) for value in values)
        case BeginsWith(path, prefix):
            return _begins_with(find(item, path), prefix)
        case Contains(path, member):
            return _contains(find(item, path), member)
    raise InvalidRequest(f"{type(condition).__name__} is no condition that can be evaluated.")


def _compare(held: AttributeValue | None, operator: str, value: AttributeValue) -> bool:
    if held is None:
        return operator == "<>"
    (left_kind, left), (right_kind, right) = comparable(held), comparable(value)
    if operator == "=":
        return left_kind == right_kind and bool(left == right)
    if operator == "<>":
        return left_kind != right_kind or bool(left != right)
    if left_kind != right_kind or left_kind not in _ORDERED:
        return False
    if left_kind == "S":  # DynamoDB orders text by its UTF-8
        left, right = left.encode(), right.encode()
    match operator:
        case "<":
            return bool(left < right)
        case "<=":
            return bool(left <= right)
        case ">":
            return bool(left > right)
    return bool(left >= right)


def _begins_with(held: AttributeValue | None, prefix: AttributeValue) -> bool:
    if held is None or held.keys() != prefix.keys():
        return False
    ((_, text),), ((_, start),) = held.items(), prefix.items()
    return bool(text.startswith(start))


def _contains(held: AttributeValue | None, member: AttributeValue) -> bool:
    if held is None:
        return False
    ((kind, inside),), ((member_kind, wanted),) = held.items(), member.items()
    if kind == "L":
        return any(comparable(inner) == comparable(member) for inner in inside)
    if kind in _SETS:
        return kind[0] == member_kind and comparable(member)[1] in comparable(held)[1]
    return kind == member_kind and wanted in inside


def apply(actions: Sequence[UpdateAction], item: Item) -> Item:
    """Return the item after an update; the one given stays as it is.

    Every action sees the item as it was before the update.

    Raises:
        InvalidRequest: a value is of a type that the action cannot change.
    """
    updated = deepcopy(item)
    for action in actions:
        match action:
            case SetValue(path, value):
                _assign(updated, path, value)
            case SetIfAbsent(path, value):
                if find(item, path) is None:
                    _assign(updated, path, value)
            case Remove(path):
                _assign(updated, path, None)
            case Add(path, value):
                _assign(updated, path, _sum(find(item, path), value))
            case Discard(path, value):
                _assign(updated, path, _difference(find(item, path), value))
            case _:
                raise InvalidRequest(f"{type(action).__name__} is no change that can be applied.")
    return updated


def _assign(item: Item, path: Path, value: AttributeValue | None) -> None:
    *parents, last = path
    holder: Any = item if not parents else next(iter((find(item, tuple(parents)) or {"M": {}}).values()))
    if isinstance(last, int):
        raise InvalidRequest("A position of a list cannot be changed in memory yet; change the whole list.")
    if value is None:
        holder.pop(last, None)
    else:
        holder[last] = value


def _sum(held: AttributeValue | None, value: AttributeValue) -> AttributeValue:
    ((kind, added),) = value.items()
    if held is None:
        return value
    if held.keys() != value.keys() or kind not in ("N", *_SETS):
        raise InvalidRequest("ADD changes a number by a number, or a set by a set of the same type.")
    if kind == "N":
        return {"N": str(Decimal(held["N"]) + Decimal(added))}
    return {kind: sorted({*held[kind], *added})}


def _difference(held: AttributeValue | None, value: AttributeValue) -> AttributeValue | None:
    ((kind, taken),) = value.items()
    if kind not in _SETS or (held is not None and held.keys() != value.keys()):
        raise InvalidRequest("DELETE takes members out of a set of the same type.")
    left = sorted(set(held[kind]) - set(taken)) if held is not None else []
    return {kind: left} if left else None
