"""Conditions and updates applied to items in memory, as DynamoDB does it. Pure: no I/O."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from decimal import Context, Decimal, Inexact, Overflow
from typing import Any

from streamer.dynamorm.errors import InvalidRequest
from streamer.dynamorm.expressions.conditions import (
    And,
    BeginsWith,
    Between,
    Comparison,
    Condition,
    Contains,
    DoesNotExist,
    Exists,
    HasType,
    In,
    Not,
    Or,
)
from streamer.dynamorm.expressions.operands import Concat, IfAbsent, Operand, Path, Source, Sum
from streamer.dynamorm.expressions.updates import Add, Discard, Remove, SetValue, UpdateAction
from streamer.dynamorm.values.codec import AttributeValue, Item

_ARITHMETIC = Context(prec=38, Emax=125, Emin=-130, traps=[Inexact, Overflow])
"""Numbers have 38 digits. DynamoDB API reference, "Number"."""

_ORDERED = ("S", "N", "B")
_SETS = ("SS", "NS", "BS")
_SIZED = ("S", "B", "L", "M", *_SETS)


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
        case Comparison(left, operator, right):
            return _compare(resolve(item, left), operator, resolve(item, right))
        case Between(operand, low, high):
            held = resolve(item, operand)
            return _compare(held, ">=", resolve(item, low)) and _compare(held, "<=", resolve(item, high))
        case In(operand, values):
            held = resolve(item, operand)
            return any(_compare(held, "=", resolve(item, value)) for value in values)
        case BeginsWith(path, prefix):
            return _begins_with(find(item, path), resolve(item, prefix))
        case Contains(path, member):
            return _contains(find(item, path), resolve(item, member))
        case HasType(path, kind):
            held = find(item, path)
            return held is not None and kind in held
    raise InvalidRequest(f"{type(condition).__name__} is no condition that can be evaluated.")


def resolve(item: Item, operand: Operand) -> AttributeValue | None:
    """Return the value that an operand stands for; None: the item has none."""
    if isinstance(operand, dict):
        return operand
    if isinstance(operand, tuple):
        return find(item, operand)
    held = find(item, operand.path)
    if held is None:
        return None
    ((kind, inside),) = held.items()
    return {"N": str(len(inside))} if kind in _SIZED else None


def _compare(held: AttributeValue | None, operator: str, value: AttributeValue | None) -> bool:
    if held is None or value is None:
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


def _begins_with(held: AttributeValue | None, prefix: AttributeValue | None) -> bool:
    if held is None or prefix is None or held.keys() != prefix.keys():
        return False
    ((_, text),), ((_, start),) = held.items(), prefix.items()
    return bool(text.startswith(start))


def _contains(held: AttributeValue | None, member: AttributeValue | None) -> bool:
    if held is None or member is None:
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
    values = [(action.path, _after(action, item)) for action in actions]
    for path, value in values:
        if value is not None:
            _place(updated, path, deepcopy(value))
    for path, value in sorted(values, key=lambda pair: _position(pair[0]), reverse=True):
        if value is None:  # the last places of a list go first, for all are counted as they were
            _take(updated, path)
    return updated


def _after(action: UpdateAction, item: Item) -> AttributeValue | None:
    """Return what stands at the action's path afterwards; None: nothing."""
    match action:
        case SetValue(_, source):
            return _computed(item, source)
        case Remove():
            return None
        case Add(path, value):
            return _sum(find(item, path), value)
        case Discard(path, value):
            return _difference(find(item, path), value)
    raise InvalidRequest(f"{type(action).__name__} is no change that can be applied.")


def _computed(item: Item, source: Source) -> AttributeValue:
    match source:
        case dict():
            return source
        case tuple():
            held = find(item, source)
            if held is None:
                raise InvalidRequest("The update refers to an attribute that the item does not have.")
            return held
        case IfAbsent(path, value):
            return find(item, path) or value
        case Sum(left, sign, right):
            first, second = _computed(item, left), _computed(item, right)
            if first.keys() != {"N"} or second.keys() != {"N"}:
                raise InvalidRequest("An update adds numbers only.")
            minus = sign == "-"
            return _sum(first, {"N": str(-Decimal(second["N"]))} if minus else second)
        case Concat(left, right):
            first, second = _computed(item, left), _computed(item, right)
            if first.keys() != {"L"} or second.keys() != {"L"}:
                raise InvalidRequest("An update joins lists only.")
            return {"L": [*first["L"], *second["L"]]}


def _position(path: Path) -> int:
    return path[-1] if isinstance(path[-1], int) else -1


def _holder(item: Item, path: Path) -> Any:
    """Return the list or the map in which a path ends."""
    *parents, last = path
    held = {"M": item} if not parents else find(item, tuple(parents))
    inside = None if held is None else held.get("L" if isinstance(last, int) else "M")
    if inside is None:
        raise InvalidRequest("The path of an update leads nowhere: what should hold it is not there.")
    return inside


def _place(item: Item, path: Path, value: AttributeValue) -> None:
    holder, last = _holder(item, path), path[-1]
    if isinstance(last, int) and last >= len(holder):
        holder.append(value)
    else:
        holder[last] = value


def _take(item: Item, path: Path) -> None:
    holder, last = _holder(item, path), path[-1]
    if not isinstance(last, int):
        holder.pop(last, None)
    elif last < len(holder):
        del holder[last]


def _sum(held: AttributeValue | None, value: AttributeValue) -> AttributeValue:
    ((kind, added),) = value.items()
    if held is None:
        return value
    if held.keys() != value.keys() or kind not in ("N", *_SETS):
        raise InvalidRequest("ADD changes a number by a number, or a set by a set of the same type.")
    if kind == "N":
        try:
            return {"N": str(_ARITHMETIC.add(Decimal(held["N"]), Decimal(added)))}
        except (Inexact, Overflow) as error:
            raise InvalidRequest("The sum has more than 38 digits or is too large for DynamoDB.") from error
    return {kind: sorted({*held[kind], *added})}


def _difference(held: AttributeValue | None, value: AttributeValue) -> AttributeValue | None:
    ((kind, taken),) = value.items()
    if kind not in _SETS or (held is not None and held.keys() != value.keys()):
        raise InvalidRequest("DELETE takes members out of a set of the same type.")
    left = sorted(set(held[kind]) - set(taken)) if held is not None else []
    return {kind: left} if left else None
