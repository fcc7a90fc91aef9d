"""What the operators and functions of expressions do with values in wire form.

Source:
    DynamoDB Developer Guide, "Comparison operator and function reference".
"""

import base64
from collections.abc import Mapping
from decimal import Context, Decimal, Inexact
from typing import Any

from .limits import MAX_NUMBER_DIGITS, OVERFLOW, Invalid, number
from .records import canonical

_ORDERED = {"S", "N", "B"}
_NUMBERS = Context(prec=MAX_NUMBER_DIGITS, traps=[Inexact])
_SHORT = 10**37


class NotFlat(Exception):
    """It is not for this module or for `flat`, but for moto."""


def present(value: Any) -> Any:
    """Return an operand that must be there. Raises NotFlat."""
    if value is None:
        raise NotFlat
    return value


def holds(comparison: str, left: Any, right: Any) -> bool:
    """Tell whether a comparison holds: values of different types only differ, as what is missing does."""
    if left is None or right is None:
        return comparison == "<>"
    ((kind, one),) = left.items()
    ((other_kind, other),) = right.items()
    if comparison in ("=", "<>"):
        return (kind == other_kind and (one == other or canonical(left) == canonical(right))) == (
            comparison == "="
        )
    if kind != other_kind or kind not in _ORDERED:
        return False
    if kind == "N":
        one, other = exact(one), exact(other)
    elif kind == "B":
        one, other = base64.b64decode(one), base64.b64decode(other)
    match comparison:
        case "<":
            return bool(one < other)
        case "<=":
            return bool(one <= other)
        case ">":
            return bool(one > other)
    return bool(one >= other)


def has_type(value: Any, kind: Any) -> bool:
    """`attribute_type`."""
    return value is not None and kind is not None and kind.get("S") in value


def begins_with(value: Any, prefix: Any) -> bool:
    """`begins_with`, of texts and of bytes."""
    if value is None or prefix is None:
        return False
    if "S" in value and "S" in prefix:
        return bool(value["S"].startswith(prefix["S"]))
    if "B" in value and "B" in prefix:
        return base64.b64decode(value["B"]).startswith(base64.b64decode(prefix["B"]))
    return False


def contains(value: Any, member: Any) -> bool:
    """`contains`: a part of a text, a member of a set or list."""
    if value is None or member is None:
        return False
    ((kind, held),) = value.items()
    ((member_kind, sought),) = member.items()
    if kind == "L":
        return any(holds("=", element, member) for element in held)
    if kind in ("SS", "NS", "BS"):
        return member_kind == kind[0] and sought in held
    if kind == member_kind == "S":
        return sought in held
    return kind == member_kind == "B" and base64.b64decode(sought) in base64.b64decode(held)


def size(value: Any) -> Any:
    """`size`, as a number in wire form; None of what has none."""
    if value is None:
        return None
    ((kind, held),) = value.items()
    match kind:
        case "S" | "SS" | "NS" | "BS" | "L" | "M":
            return {"N": str(len(held))}
        case "B":
            return {"N": str(len(base64.b64decode(held)))}
    return None


def add(left: Mapping[str, Any], right: Mapping[str, Any], sign: int) -> dict[str, str]:
    """Return `left` plus or minus `right`, exactly.

    Raises:
        NotFlat: one is no number.
        Invalid: the sum is out of range, or needs more than 38 digits, which DynamoDB calls an overflow too.
    """
    if "N" not in left or "N" not in right:
        raise NotFlat
    one, other = exact(left["N"]), exact(right["N"])
    if isinstance(one, int) and isinstance(other, int):
        total = one + sign * other
        if abs(total) < _SHORT:
            return {"N": str(total)}
    try:
        # In one step: to turn the sign first would round to the 28 digits of the thread's own context.
        combine = _NUMBERS.add if sign > 0 else _NUMBERS.subtract
        total = combine(Decimal(one), Decimal(other))
    except Inexact as error:
        raise Invalid(OVERFLOW) from error
    return {"N": number(format(total, "f"))}


def append(left: Any, right: Any) -> dict[str, list[Any]]:
    """Return the list `left` with the elements of `right` behind its own. Raises NotFlat: one is no list."""
    if left is None or right is None or "L" not in left or "L" not in right:
        raise NotFlat
    return {"L": [*left["L"], *right["L"]]}


def exact(text: str) -> int | Decimal:
    """Return a number as DynamoDB compares it; whole ones, which are most, as the quicker `int`."""
    try:
        return int(text)
    except ValueError:
        return Decimal(text)
