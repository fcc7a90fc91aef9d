"""Projection expressions: which parts of an item a read answers with.

moto splits their text at commas and dots, so that a placeholder with an index means nothing, and takes items
apart as plain values, of which binary ones cannot be put together again.

Source:
    DynamoDB Developer Guide, "Using projection expressions".
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models.dynamo_type import DynamoType, Item, LimitedSizeDict
from moto.dynamodb.responses import ProjectionExpressionParser

from .conditions import RESERVED
from .flat import MAX_COMPILED
from .operands import Mistake, Path, check_paths, resolved
from .parsing import Parser

Parts = dict[str | int, "Parts | None"]
"""Name or index -> which parts of what is there; None: all of it."""


@functools.lru_cache(MAX_COMPILED)
def _compile(text: str) -> Sequence[Path]:
    return Parser(text, RESERVED).projection()


def parse(self: ProjectionExpressionParser) -> list[Path]:
    """`ProjectionExpressionParser.parse`: the paths, their names resolved."""
    if not self.projection_expression:
        return []
    names = self.expression_attribute_names
    # `prepare` has looked that each is used; moto looks again.
    self.expr_attr_names_found = list(names)
    try:
        paths = [resolved(path, names) for path in _compile(self.projection_expression)]
        check_paths(paths)
    except Mistake as mistake:
        raise MockValidationException(f"Invalid ProjectionExpression: {mistake}") from None
    return paths


def project(self: Item, paths: Sequence[Path]) -> Item:
    """`Item.project`: an item of the parts at the paths, as far as they are there; elements stay in order."""
    parts: Parts = {}
    for path in paths:
        inside = parts
        for step in path[:-1]:
            inside = inside.setdefault(step, {})  # type: ignore[assignment]  # no path lies within another
        inside[path[-1]] = None
    projected = Item.__new__(Item)
    projected.hash_key, projected.range_key = self.hash_key, self.range_key
    projected.attrs = LimitedSizeDict()
    for name, value in _members(self.attrs, parts).items():
        dict.__setitem__(projected.attrs, name, value)
    return projected


def _members(members: Mapping[str, DynamoType], parts: Parts) -> dict[str, DynamoType]:
    found = {}
    for name, inside in parts.items():
        if isinstance(name, str) and name in members:
            value = _part(members[name], inside)
            if value is not None:
                found[name] = value
    return found


def _part(value: DynamoType, parts: Parts | None) -> DynamoType | None:
    """Return a value of the wanted parts of another; None where it has none of them."""
    if parts is None:
        return value
    content: Any = None
    if value.type == "M":
        content = _members(value.value, parts)
    elif value.type == "L":
        indexes = sorted(step for step in parts if isinstance(step, int) and step < len(value.value))
        elements = (_part(value.value[index], parts[index]) for index in indexes)
        content = [element for element in elements if element is not None]
    if not content:
        return None
    made = DynamoType.__new__(DynamoType)
    made.type, made.value = value.type, content
    return made
