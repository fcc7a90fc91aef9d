"""What can be compared in a condition, typed. Pure: no I/O."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from streamer.dynamorm.expressions.conditions import Between, Comparison, Condition, In, Operator
from streamer.dynamorm.expressions.operands import Operand
from streamer.dynamorm.values.low_level import AttributeValue

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Comparand(Generic[T_co]):
    """What a value of a type can be compared with: an attribute, or a size."""

    __slots__ = ()

    def _operand(self) -> Operand:
        raise NotImplementedError


class Comparable(Comparand[T], Generic[T]):
    """Writes comparisons: with values, and with what else has values of the type."""

    __slots__ = ()

    def _encode(self, value: T) -> AttributeValue:
        raise NotImplementedError

    def _operand_of(self, value: Any) -> Operand:
        return value._operand() if isinstance(value, Comparand) else self._encode(value)

    def _compare(self, operator: Operator, value: T | Comparand[T | None]) -> Condition:
        return Comparison(self._operand(), operator, self._operand_of(value))

    __hash__ = object.__hash__

    def __eq__(self, value: T | Comparand[T | None]) -> Condition:  # type: ignore[override]
        return self._compare("=", value)

    def __ne__(self, value: T | Comparand[T | None]) -> Condition:  # type: ignore[override]
        """Hold if the value is another one, also if the attribute is absent, as DynamoDB's `<>` does."""
        return self._compare("<>", value)

    def __lt__(self, value: T | Comparand[T | None]) -> Condition:
        return self._compare("<", value)

    def __le__(self, value: T | Comparand[T | None]) -> Condition:
        return self._compare("<=", value)

    def __gt__(self, value: T | Comparand[T | None]) -> Condition:
        return self._compare(">", value)

    def __ge__(self, value: T | Comparand[T | None]) -> Condition:
        return self._compare(">=", value)

    def between(self, low: T | Comparand[T | None], high: T | Comparand[T | None]) -> Condition:
        """Hold if the value is in [low, high]."""
        return Between(self._operand(), self._operand_of(low), self._operand_of(high))

    def is_in(self, values: Iterable[T | Comparand[T | None]]) -> Condition:
        """Hold if the value is one of 1 to 100."""
        return In(self._operand(), tuple(map(self._operand_of, values)))
