"""Lambda's event filter patterns, compiled once into a predicate over event records.

Source:
    Lambda Developer Guide, "Lambda event filtering"; behaviour of DynamoDB records as recorded on AWS.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from emulator.errors import InvalidApplication

Predicate = Callable[[Any], bool]

MAX_FILTERS = 5
"""Patterns of one mapping. Lambda Developer Guide, "Lambda event filtering"."""

MAX_PATTERN_CHARACTERS = 4096
"""Of one pattern as JSON. Lambda API reference, `Filter`."""

_SCALARS = (str, int, float, bool, type(None))
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "=": lambda value, bound: value == bound,
    "<": lambda value, bound: value < bound,
    "<=": lambda value, bound: value <= bound,
    ">": lambda value, bound: value > bound,
    ">=": lambda value, bound: value >= bound,
}
_NO_FIELDS: Mapping[str, Any] = {}


class Filter:
    """Decides which records a mapping lets through: those that match any pattern, all if there is none.

    Two results that surprise are AWS's: a numeric comparison never matches DynamoDB's `N`, because
    that is a string, and `exists` knows leaves only, so that `{"NewImage": [{"exists": false}]}`
    matches although the record has a `NewImage`.

    Raises:
        InvalidApplication: a pattern is not one, uses an operator that is not known here, or is too long;
            or there are too many.
    """

    def __init__(self, patterns: Sequence[Mapping[str, Any]]) -> None:
        if len(patterns) > MAX_FILTERS:
            raise InvalidApplication(
                f"A mapping has {len(patterns)} event filters; Lambda takes {MAX_FILTERS} at most."
            )
        for pattern in patterns:
            if (size := len(json.dumps(pattern, separators=(",", ":")))) > MAX_PATTERN_CHARACTERS:
                raise InvalidApplication(
                    f"An event filter has {size} characters; Lambda takes {MAX_PATTERN_CHARACTERS} at most."
                )
        self._predicates = [_object(pattern, "the pattern", may_be_empty=True) for pattern in patterns]

    def matches(self, record: Mapping[str, Any]) -> bool:
        """Tell whether `record`, as the function would receive it, passes."""
        return not self._predicates or any(predicate(record) for predicate in self._predicates)


def _object(pattern: Any, path: str, *, may_be_empty: bool = False) -> Predicate:
    if not isinstance(pattern, Mapping) or not (pattern or may_be_empty):
        raise InvalidApplication(
            f"In an event filter, {path} must be an object with fields, not {pattern!r}."
        )
    parts = [_field(key, value, f"{path}.{key}") for key, value in pattern.items()]
    return lambda fields: all(part(fields) for part in parts)


def _field(key: str, pattern: Any, path: str) -> Predicate:
    if key == "$or":
        return _alternatives(pattern, path)
    if isinstance(pattern, Mapping):
        return _nested(key, _object(pattern, path))
    if isinstance(pattern, list | tuple) and pattern:
        return _leaf(key, pattern, path)
    raise InvalidApplication(
        f"In an event filter, {path} must be a list of values or operators, not empty, not {pattern!r}."
    )


def _alternatives(patterns: Any, path: str) -> Predicate:
    if not isinstance(patterns, list | tuple) or len(patterns) < 2:
        raise InvalidApplication(f"In an event filter, {path} must be a list of two or more objects.")
    parts = [_object(pattern, f"{path}[{index}]") for index, pattern in enumerate(patterns)]
    return lambda fields: any(part(fields) for part in parts)


def _nested(key: str, inner: Predicate) -> Predicate:
    def matches(fields: Any) -> bool:
        value = fields.get(key)
        if isinstance(value, list):
            objects = [element for element in value if isinstance(element, Mapping)]
            return any(map(inner, objects)) if objects else inner(_NO_FIELDS)
        # A path through what is absent or no object leads to absent leaves, which `exists: false` matches.
        return inner(value if isinstance(value, Mapping) else _NO_FIELDS)

    return matches


def _leaf(key: str, rules: Sequence[Any], path: str) -> Predicate:
    present = [_presence(rule, path) for rule in rules if isinstance(rule, Mapping) and "exists" in rule]
    predicates = [_rule(rule, path) for rule in rules if not (isinstance(rule, Mapping) and "exists" in rule)]

    def matches(fields: Any) -> bool:
        values = _leaf_values(fields, key)
        return bool(values) in present or any(
            predicate(value) for value in values for predicate in predicates
        )

    return matches


def _presence(rule: Mapping[str, Any], path: str) -> bool:
    if list(rule) != ["exists"] or not isinstance(rule["exists"], bool):
        raise InvalidApplication(
            f'In an event filter, {path} must have {{"exists": true}} or {{"exists": false}}, not {rule!r}.'
        )
    return bool(rule["exists"])


def _leaf_values(fields: Mapping[str, Any], key: str) -> list[Any]:
    """Return the scalars at `key`: a list stands for its elements, an object is no leaf."""
    if key not in fields:
        return []
    value = fields[key]
    if isinstance(value, list):
        return [element for element in value if isinstance(element, _SCALARS)]
    return [value] if isinstance(value, _SCALARS) else []


def _rule(rule: Any, path: str) -> Predicate:
    if isinstance(rule, _SCALARS):
        return lambda value: _equal(value, rule)
    if isinstance(rule, Mapping) and len(rule) == 1:
        ((operator, operand),) = rule.items()
        if operator == "anything-but":
            return _anything_but(operand, path)
        if operator == "numeric":
            return _numeric(operand, path)
        if operator in _TEXT_OPERATORS:
            return _text(operator, operand, path)
    raise InvalidApplication(
        f"In an event filter, {path} has the rule {rule!r}, which is not known; use a value, prefix, suffix,"
        " equals-ignore-case, anything-but, numeric or exists."
    )


def _equal(value: Any, expected: Any) -> bool:
    """Compare as AWS does, by how a value is written: 300 is not 300.0 and true is not 1."""
    return type(value) is type(expected) and value == expected


def _anything_but(operand: Any, path: str) -> Predicate:
    if isinstance(operand, Mapping):
        if len(operand) == 1 and next(iter(operand)) in _TEXT_OPERATORS:
            ((operator, texts),) = operand.items()
            choices = texts if isinstance(texts, list | tuple) else [texts]
            parts = [_text(operator, text, path) for text in choices]
            return lambda value: not any(part(value) for part in parts)
        raise InvalidApplication(f"In an event filter, {path} has anything-but with {operand!r}, not known.")
    excluded = operand if isinstance(operand, list | tuple) else [operand]
    if not excluded or not all(isinstance(value, _SCALARS) for value in excluded):
        raise InvalidApplication(
            f"In an event filter, anything-but at {path} needs a value or a list of values."
        )
    return lambda value: not any(_equal(value, other) for other in excluded)


_TEXT_OPERATORS: dict[str, Callable[[str, str], bool]] = {
    "prefix": str.startswith,
    "suffix": str.endswith,
    "equals-ignore-case": lambda value, text: value.casefold() == text.casefold(),
}


def _text(operator: str, text: Any, path: str) -> Predicate:
    if not isinstance(text, str):
        raise InvalidApplication(f"In an event filter, {operator} at {path} needs a string, not {text!r}.")
    compare = _TEXT_OPERATORS[operator]
    return lambda value: isinstance(value, str) and compare(value, text)


def _numeric(operand: Any, path: str) -> Predicate:
    well_formed = (
        isinstance(operand, list | tuple)
        and len(operand) in (2, 4)
        and all(isinstance(sign, str) and sign in _COMPARISONS for sign in operand[::2])
        and all(_is_number(bound) for bound in operand[1::2])
    )
    if not well_formed:
        raise InvalidApplication(
            f'In an event filter, numeric at {path} needs [">", 0] or [">", 0, "<=", 5], not {operand!r}.'
        )
    parts = [(_COMPARISONS[sign], bound) for sign, bound in zip(operand[::2], operand[1::2], strict=True)]
    return lambda value: _is_number(value) and all(compare(value, bound) for compare, bound in parts)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
