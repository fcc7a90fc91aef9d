"""What expressions are made of, and what is wrong with them whatever the item is.

Messages are those of AWS as far as they are known; the lists of types in them may be in another order.

Source:
    DynamoDB Developer Guide, "Comparison operator and function reference", "Update expressions".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .comparing import holds

Path = tuple[str | int, ...]
"""Of an attribute: its name or placeholder, then names, placeholders and indexes within it."""

ORDERED = frozenset({"S", "N", "B"})
"""Types that `<` and its like compare."""

TEXTS = frozenset({"S", "B"})
SIZED = frozenset({"S", "B", "SS", "NS", "BS", "L", "M"})
NUMBERS = frozenset({"N"})
LISTS = frozenset({"L"})
SETS = frozenset({"SS", "NS", "BS"})

_TYPES = {
    "B": "BINARY",
    "NULL": "NULL",
    "SS": "STRING_SET",
    "BOOL": "BOOLEAN",
    "L": "LIST",
    "BS": "BINARY_SET",
    "N": "NUMBER",
    "NS": "NUMBER_SET",
    "S": "STRING",
    "M": "MAP",
}
"""Type -> what messages about clauses call it."""


class Mistake(Exception):
    """An expression is wrong for every item; `str()` follows `Invalid …Expression: ` in the message."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression is evaluated with: attributes, names and values, all in wire form."""

    attributes: Mapping[str, Any]
    names: Mapping[str, str]
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Operand:
    """One side of an operator, or an argument of a function.

    Attributes:
        read: returns the value in a scope, None where there is none.
        value: placeholder, where it is a value of the request.
        path: where it is an attribute.
        kind: type, where it is what a function returns that always returns this type.
    """

    read: Callable[[Scope], Any]
    value: str = ""
    path: Path = ()
    kind: str = ""


Values = Mapping[str, Any]
Check = Callable[[Values], None]
"""Raises Mistake where the values of a request do not fit the expression."""


def resolve(token: str, names: Mapping[str, str]) -> str:
    """Return the attribute's name that a token of an expression means."""
    return names[token] if token[0] == "#" else token


def resolved(path: Path, names: Mapping[str, str]) -> Path:
    """Return the path that one of tokens means."""
    return tuple(step if isinstance(step, int) else resolve(step, names) for step in path)


def typed(function: str, operand: Operand, types: frozenset[str]) -> list[Check]:
    """Return what checks that an operand has one of the types; nothing where only the item can tell."""
    if not operand.value and operand.kind in (types | {""}):
        return []

    def check(values: Values) -> None:
        kind = next(iter(values[operand.value])) if operand.value else operand.kind
        if kind not in types:
            raise Mistake(
                "Incorrect operand type for operator or function; "
                f"operator or function: {function}, operand type: {kind}"
            )

    return [check]


def typed_in_clause(clause: str, operand: Operand, types: frozenset[str]) -> Check:
    """Return what checks the value of an `ADD` or `DELETE`."""

    def check(values: Values) -> None:
        kind = next(iter(values[operand.value]))
        if kind not in types:
            raise Mistake(
                f"Incorrect operand type for operator or function; operator: {clause}, "
                f"operand type: {_TYPES[kind]}, typeSet: ALLOWED_FOR_{clause}_OPERAND"
            )

    return check


def in_order(low: Operand, high: Operand) -> list[Check]:
    """Return what checks the bounds of a `BETWEEN`; nothing where only the item can tell."""
    if not low.value or not high.value:
        return []

    def check(values: Values) -> None:
        one, other = values[low.value], values[high.value]
        if one.keys() != other.keys():
            needed = "same data type for lower and upper bounds"
        elif not holds("<=", one, other):
            needed = "upper bound to be greater than or equal to lower bound"
        else:
            return
        raise Mistake(
            f"The BETWEEN operator requires {needed}; lower bound operand: AttributeValue: {_shown(one)}, "
            f"upper bound operand: AttributeValue: {_shown(other)}"
        )

    return [check]


def names_type(operand: Operand) -> list[Check]:
    """Return what checks the second argument of `attribute_type`."""

    def check(values: Values) -> None:
        named = values[operand.value].get("S")
        if named is not None and named not in _TYPES:
            types = ",".join(_TYPES)
            raise Mistake(f"Invalid attribute type name found; type: {named}, valid types: {{{types}}}")

    return [check] if operand.value else []


def check_paths(paths: Sequence[Path]) -> None:
    """Refuse an expression that is about one place twice.

    Args:
        paths: names, all resolved, and indexes.

    Raises:
        Mistake
    """
    if len(set(paths)) == len(paths) and all(len(path) == 1 for path in paths):
        return
    for at, one in enumerate(paths):
        for other in paths[at + 1 :]:
            differing = next((pair for pair in zip(one, other, strict=False) if pair[0] != pair[1]), None)
            if differing is None:
                how = "overlap"
            elif isinstance(differing[0], int) != isinstance(differing[1], int):
                how = "conflict"
            else:
                continue
            raise Mistake(
                f"Two document paths {how} with each other; must remove or rewrite one of these paths; "
                f"path one: {shown_path(one)}, path two: {shown_path(other)}"
            )


def shown_path(path: Path) -> str:
    """Return a path as messages show it: `[a, [0], b]`."""
    return f"[{', '.join(f'[{step}]' if isinstance(step, int) else step for step in path)}]"


def within(path: Path, scope: Scope) -> Any:
    """Return the value at a path, None where there is none."""
    value: Any = {"M": scope.attributes}
    for step in path:
        kind, key = ("L", step) if isinstance(step, int) else ("M", resolve(step, scope.names))
        if value is None or kind not in value:
            return None
        held = value[kind]
        if kind == "M":
            value = held.get(key)
            continue
        value = held[key] if key < len(held) else None
    return value


def _shown(value: Mapping[str, Any]) -> str:
    ((kind, content),) = value.items()
    return f"{{{kind}:{content}}}"
