"""Conditions and updates as values that write themselves. Pure: no I/O.

They are made from a model's attributes (`State.status == Status.PENDING`, `State.attempt.increment(1)`)
and hold values that are encoded already. Names and values are always substituted, so no attribute's
name can be a reserved word and no value can be read as syntax.

Source: DynamoDB Developer Guide, "Condition expressions", "Update expressions".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NoReturn

from streamer.dynamorm.codec import AttributeValue
from streamer.dynamorm.errors import InvalidModel

Path = tuple[str | int, ...]
"""Where a value stands in an item: an attribute's name, then map keys and list positions."""

Operator = Literal["=", "<>", "<", "<=", ">", ">="]


class Substitutions:
    """Collects the names and values of one request's expressions."""

    __slots__ = ("_names", "_values")

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, AttributeValue] = {}

    def name(self, path: Path) -> str:
        """Return the placeholder of a path, `#0.#1[2]`."""
        text = ""
        for part in path:
            if isinstance(part, int):
                text += f"[{part}]"
                continue
            placeholder = self._names.get(part)
            if placeholder is None:
                placeholder = self._names[part] = f"#{len(self._names)}"
            text = f"{text}.{placeholder}" if text else placeholder
        return text

    def value(self, value: AttributeValue) -> str:
        """Return the placeholder of a value, `:0`."""
        placeholder = f":{len(self._values)}"
        self._values[placeholder] = value
        return placeholder

    def write_to(self, request: dict[str, Any]) -> None:
        """Add what was collected to a request; DynamoDB refuses empty substitutions."""
        if self._names:
            request["ExpressionAttributeNames"] = {held: name for name, held in self._names.items()}
        if self._values:
            request["ExpressionAttributeValues"] = self._values


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
    """`path operator value`."""

    path: Path
    operator: Operator
    value: AttributeValue

    def render(self, substitutions: Substitutions) -> str:
        return f"{substitutions.name(self.path)} {self.operator} {substitutions.value(self.value)}"


@dataclass(frozen=True, slots=True)
class Between(Condition):
    """`low <= path <= high`."""

    path: Path
    low: AttributeValue
    high: AttributeValue

    def render(self, substitutions: Substitutions) -> str:
        low, high = substitutions.value(self.low), substitutions.value(self.high)
        return f"{substitutions.name(self.path)} BETWEEN {low} AND {high}"


@dataclass(frozen=True, slots=True)
class In(Condition):
    """The value is one of 1 to 100."""

    path: Path
    values: tuple[AttributeValue, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.values) <= 100:
            raise InvalidModel(f"is_in takes 1 to 100 values, not {len(self.values)}.")

    def render(self, substitutions: Substitutions) -> str:
        values = ", ".join(map(substitutions.value, self.values))
        return f"{substitutions.name(self.path)} IN ({values})"


@dataclass(frozen=True, slots=True)
class BeginsWith(Condition):
    """The text or the bytes begin with a prefix."""

    path: Path
    prefix: AttributeValue

    def render(self, substitutions: Substitutions) -> str:
        return f"begins_with({substitutions.name(self.path)}, {substitutions.value(self.prefix)})"


@dataclass(frozen=True, slots=True)
class Contains(Condition):
    """The set or list has a member, or the text a part."""

    path: Path
    member: AttributeValue

    def render(self, substitutions: Substitutions) -> str:
        return f"contains({substitutions.name(self.path)}, {substitutions.value(self.member)})"


@dataclass(frozen=True, slots=True)
class Exists(Condition):
    """The attribute is there."""

    path: Path

    def render(self, substitutions: Substitutions) -> str:
        return f"attribute_exists({substitutions.name(self.path)})"


@dataclass(frozen=True, slots=True)
class DoesNotExist(Condition):
    """The attribute is not there; also so if there is no item."""

    path: Path

    def render(self, substitutions: Substitutions) -> str:
        return f"attribute_not_exists({substitutions.name(self.path)})"


@dataclass(frozen=True, slots=True)
class And(Condition):
    """All of them hold."""

    parts: tuple[Condition, ...]

    def render(self, substitutions: Substitutions) -> str:
        return " AND ".join(_bracketed(part, substitutions) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Or(Condition):
    """At least one holds."""

    parts: tuple[Condition, ...]

    def render(self, substitutions: Substitutions) -> str:
        return " OR ".join(_bracketed(part, substitutions) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Not(Condition):
    """It doesn't hold."""

    part: Condition

    def render(self, substitutions: Substitutions) -> str:
        return f"NOT ({self.part.render(substitutions)})"


def _bracketed(part: Condition, substitutions: Substitutions) -> str:
    """Write a part of a combination, in brackets where it is a combination itself."""
    text = part.render(substitutions)
    return f"({text})" if isinstance(part, (And, Or, Not)) else text


class UpdateAction:
    """One change of an update. An item's paths may not be changed twice in one update."""

    __slots__ = ()
    clause: ClassVar[Literal["SET", "REMOVE", "ADD", "DELETE"]]
    path: Path

    def render(self, substitutions: Substitutions) -> str:
        """Write the change as it stands in its clause."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class SetValue(UpdateAction):
    """The path has this value afterwards."""

    clause = "SET"
    path: Path
    value: AttributeValue

    def render(self, substitutions: Substitutions) -> str:
        return f"{substitutions.name(self.path)} = {substitutions.value(self.value)}"


@dataclass(frozen=True, slots=True)
class SetIfAbsent(UpdateAction):
    """The path has this value afterwards if it had none."""

    clause = "SET"
    path: Path
    value: AttributeValue

    def render(self, substitutions: Substitutions) -> str:
        name = substitutions.name(self.path)
        return f"{name} = if_not_exists({name}, {substitutions.value(self.value)})"


@dataclass(frozen=True, slots=True)
class Remove(UpdateAction):
    """The path is gone afterwards."""

    clause = "REMOVE"
    path: Path

    def render(self, substitutions: Substitutions) -> str:
        return substitutions.name(self.path)


@dataclass(frozen=True, slots=True)
class Add(UpdateAction):
    """A number is raised (an absent one counts as 0), or members are added to a set."""

    clause = "ADD"
    path: Path
    value: AttributeValue

    def render(self, substitutions: Substitutions) -> str:
        return f"{substitutions.name(self.path)} {substitutions.value(self.value)}"


@dataclass(frozen=True, slots=True)
class Discard(UpdateAction):
    """Members are taken out of a set; a set without members is gone."""

    clause = "DELETE"
    path: Path
    value: AttributeValue

    def render(self, substitutions: Substitutions) -> str:
        return f"{substitutions.name(self.path)} {substitutions.value(self.value)}"


def render_update(actions: Sequence[UpdateAction], substitutions: Substitutions) -> str:
    """Write an update expression, each clause once.

    Raises:
        InvalidModel: a path is changed twice, which DynamoDB refuses; or nothing is changed.
    """
    clauses: dict[str, list[str]] = {}
    seen: set[Path] = set()
    for action in actions:
        if action.path in seen:
            raise InvalidModel(f"The update changes {action.path[0]!r} twice; write one change of it.")
        seen.add(action.path)
        clauses.setdefault(action.clause, []).append(action.render(substitutions))
    if not clauses:
        raise InvalidModel("The update changes nothing; name at least one change.")
    return " ".join(f"{clause} {', '.join(texts)}" for clause, texts in clauses.items())
