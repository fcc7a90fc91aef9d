"""Conditions as values that write themselves. Pure: no I/O.

They are made from a model's attributes (`State.status == Status.PENDING`) and hold values that are
encoded already. Names and values are always substituted, so no attribute's name can be a reserved word
and no value can be read as syntax.

Source: DynamoDB Developer Guide, "Condition expressions".
"""

from typing import Literal, NoReturn

from streamer.dynamorm.errors import InvalidModel
from streamer.dynamorm.expressions.operands import Operand, Path, Substitutions
from streamer.dynamorm.frozen import dataclass

Operator = Literal["=", "<>", "<", "<=", ">", ">="]

TypeName = Literal["S", "N", "B", "SS", "NS", "BS", "M", "L", "BOOL", "NULL"]
"""DynamoDB's types, as `attribute_type` names them."""

MAX_CHOICES = 100
"""Values that `IN` takes at most. DynamoDB Developer Guide, "Service quotas"."""


class Condition:
    """Something that holds of an item or doesn't. Combine with `&`, `|` and `~`."""

    __slots__ = ()

    def __and__(self, other: "Condition") -> "Condition":
        return And((*_parts(self, And), *_parts(other, And)))

    def __or__(self, other: "Condition") -> "Condition":
        return Or((*_parts(self, Or), *_parts(other, Or)))

    def __invert__(self) -> "Condition":
        return Not(self)

    def __bool__(self) -> NoReturn:
        raise TypeError(
            "A condition is evaluated by DynamoDB; combine with & | ~, not with and, or, not, if."
        )

    def render(self, substitutions: Substitutions) -> str:
        """Write the condition as a DynamoDB expression."""
        raise NotImplementedError


def _parts(condition: Condition, kind: "type[And] | type[Or]") -> tuple[Condition, ...]:
    return condition.parts if isinstance(condition, kind) else (condition,)


@dataclass(frozen=True, slots=True)
class Comparison(Condition):
    """`left operator right`."""

    left: Operand
    operator: Operator
    right: Operand

    def render(self, substitutions: Substitutions) -> str:
        left, right = substitutions.operand(self.left), substitutions.operand(self.right)
        return substitutions.operator(f"{left} {self.operator} {right}")


@dataclass(frozen=True, slots=True)
class Between(Condition):
    """`low <= operand <= high`."""

    operand: Operand
    low: Operand
    high: Operand

    def render(self, substitutions: Substitutions) -> str:
        operand = substitutions.operand(self.operand)
        low, high = substitutions.operand(self.low), substitutions.operand(self.high)
        return substitutions.operator(f"{operand} BETWEEN {low} AND {high}")


@dataclass(frozen=True, slots=True)
class In(Condition):
    """The operand is one of 1 to 100."""

    operand: Operand
    values: tuple[Operand, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.values) <= MAX_CHOICES:
            raise InvalidModel(f"is_in takes 1 to {MAX_CHOICES} values, not {len(self.values)}.")

    def render(self, substitutions: Substitutions) -> str:
        operand = substitutions.operand(self.operand)
        values = ", ".join(map(substitutions.operand, self.values))
        return substitutions.operator(f"{operand} IN ({values})")


@dataclass(frozen=True, slots=True)
class BeginsWith(Condition):
    """The text or the bytes begin with a prefix."""

    path: Path
    prefix: Operand

    def render(self, substitutions: Substitutions) -> str:
        path, prefix = substitutions.name(self.path), substitutions.operand(self.prefix)
        return substitutions.operator(f"begins_with({path}, {prefix})")


@dataclass(frozen=True, slots=True)
class Contains(Condition):
    """The set or list has a member, or the text a part."""

    path: Path
    member: Operand

    def render(self, substitutions: Substitutions) -> str:
        path, member = substitutions.name(self.path), substitutions.operand(self.member)
        return substitutions.operator(f"contains({path}, {member})")


@dataclass(frozen=True, slots=True)
class HasType(Condition):
    """What stands at the path is of this type."""

    path: Path
    type: TypeName

    def render(self, substitutions: Substitutions) -> str:
        path, kind = substitutions.name(self.path), substitutions.value({"S": self.type})
        return substitutions.operator(f"attribute_type({path}, {kind})")


@dataclass(frozen=True, slots=True)
class Exists(Condition):
    """The attribute is there."""

    path: Path

    def render(self, substitutions: Substitutions) -> str:
        return substitutions.operator(f"attribute_exists({substitutions.name(self.path)})")


@dataclass(frozen=True, slots=True)
class DoesNotExist(Condition):
    """The attribute is not there; also so if there is no item."""

    path: Path

    def render(self, substitutions: Substitutions) -> str:
        return substitutions.operator(f"attribute_not_exists({substitutions.name(self.path)})")


@dataclass(frozen=True, slots=True)
class And(Condition):
    """All of them hold."""

    parts: tuple[Condition, ...]

    def render(self, substitutions: Substitutions) -> str:
        return _joined(self.parts, "AND", substitutions)


@dataclass(frozen=True, slots=True)
class Or(Condition):
    """At least one holds."""

    parts: tuple[Condition, ...]

    def render(self, substitutions: Substitutions) -> str:
        return _joined(self.parts, "OR", substitutions)


@dataclass(frozen=True, slots=True)
class Not(Condition):
    """It doesn't hold."""

    part: Condition

    def render(self, substitutions: Substitutions) -> str:
        return substitutions.operator(f"NOT ({self.part.render(substitutions)})")


def _joined(parts: tuple[Condition, ...], word: str, substitutions: Substitutions) -> str:
    texts = [_bracketed(part, substitutions) for part in parts]
    for _ in texts[1:]:
        substitutions.operator(word)
    return f" {word} ".join(texts)


def _bracketed(part: Condition, substitutions: Substitutions) -> str:
    """Write a part of a combination, in brackets where it is a combination itself."""
    text = part.render(substitutions)
    return f"({text})" if isinstance(part, (And, Or, Not)) else text


def render_condition(condition: Condition, substitutions: Substitutions) -> str:
    """Write a whole condition, filter or key condition.

    Raises:
        InvalidModel: it is longer, or has more operators, than DynamoDB takes.
    """
    if not isinstance(condition, Condition):
        raise InvalidModel(
            f"{condition!r} is no condition; perhaps a field of a struct is called like a method of"
            " attributes, then write it with path()."
        )
    return substitutions.finished(condition.render(substitutions))


def parts_of(condition: Condition | None) -> tuple[Condition, ...]:
    """Return the conditions that must all hold for this one to hold; none for None."""
    if condition is None:
        return ()
    return condition.parts if isinstance(condition, And) else (condition,)
