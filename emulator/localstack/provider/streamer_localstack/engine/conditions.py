"""Conditions of every operation, evaluated by `flat`: moto compares without looking at types."""

from typing import Any

from moto.dynamodb.comparisons import ConditionExpressionParser
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

from .flat import Condition, compile_condition
from .operands import Scope
from .wire import wire_of

RESERVED = frozenset(ReservedKeywords.get_reserved_keywords())
"""Words that are no attribute names, in capitals."""

_parse = ConditionExpressionParser.parse


class Compiled:
    """What moto calls an operation: `expr` tells whether it holds of an item."""

    def __init__(self, parser: ConditionExpressionParser, condition: Condition) -> None:
        self._parser = parser
        self._condition = condition

    def expr(self, item: Item | None) -> bool:
        """Evaluate."""
        names = self._parser.expression_attribute_names or {}
        values = self._parser.expression_attribute_values or {}
        return self._condition.holds(Scope({} if item is None else wire_of(item), names, values))


def parse(self: ConditionExpressionParser) -> Any:
    """`ConditionExpressionParser.parse` by `flat`, of what `prepare` has let through."""
    if not self.condition_expression:
        return _parse(self)
    condition = compile_condition(self.condition_expression, RESERVED)
    # `prepare` has looked that each is used; moto looks again.
    self.expr_attr_names_found = list(self.expression_attribute_names or ())
    self.expr_attr_values_found = list(self.expression_attribute_values or ())
    return Compiled(self, condition)
