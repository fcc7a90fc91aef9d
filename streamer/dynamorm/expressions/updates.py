"""Changes of an update as values that write themselves. Pure: no I/O.

They are made from a model's attributes: `State.attempt.increment(1)`, `State.owner.remove()`.

Source: DynamoDB Developer Guide, "Update expressions".
"""

from collections.abc import Sequence
from typing import ClassVar, Literal

from streamer.dynamorm.errors import InvalidModel
from streamer.dynamorm.expressions.operands import Path, Source, Substitutions
from streamer.dynamorm.frozen import dataclass
from streamer.dynamorm.values.low_level import AttributeValue


class UpdateAction:
    """One change of an update. An item's paths may not be changed twice in one update."""

    __slots__ = ()
    clause: ClassVar[Literal["SET", "REMOVE", "ADD", "DELETE"]]
    path: Path

    def render(self, substitutions: Substitutions) -> str:
        """Write the change as it stands in its clause."""
        raise NotImplementedError


class _OfValue(UpdateAction):
    """A change by a value, with no operator between."""

    __slots__ = ()
    value: AttributeValue

    def render(self, substitutions: Substitutions) -> str:
        return substitutions.operator(f"{substitutions.name(self.path)} {substitutions.value(self.value)}")


@dataclass(frozen=True, slots=True)
class SetValue(UpdateAction):
    """The path has this value afterwards; a place behind a list's end is its new last place."""

    clause = "SET"
    path: Path
    value: Source

    def render(self, substitutions: Substitutions) -> str:
        name = substitutions.name(self.path)
        return substitutions.operator(f"{name} = {substitutions.source(self.value)}")


@dataclass(frozen=True, slots=True)
class Remove(UpdateAction):
    """The path is gone afterwards; what stood behind it in a list moves up."""

    clause = "REMOVE"
    path: Path

    def render(self, substitutions: Substitutions) -> str:
        return substitutions.operator(substitutions.name(self.path))


@dataclass(frozen=True, slots=True)
class Add(_OfValue):
    """A number is raised (an absent one counts as 0), or members are added to a set."""

    clause = "ADD"
    path: Path
    value: AttributeValue


@dataclass(frozen=True, slots=True)
class Discard(_OfValue):
    """Members are taken out of a set; a set without members is gone."""

    clause = "DELETE"
    path: Path
    value: AttributeValue


def check_changes(actions: Sequence[UpdateAction]) -> None:
    """Refuse what is no sequence of changes.

    Raises:
        InvalidModel: says how a change is written.
    """
    if isinstance(actions, UpdateAction):
        raise InvalidModel("The changes of an update are a tuple: write (change,) for one.")
    for action in actions:
        if not isinstance(action, UpdateAction):
            raise InvalidModel(
                f"{type(action).__name__} is no change of an item: write Order.total.set(3); == compares."
            )


def render_update(actions: Sequence[UpdateAction], substitutions: Substitutions) -> str:
    """Write an update expression, each clause once.

    Raises:
        InvalidModel: two changes overlap, which DynamoDB refuses; nothing is changed; or it is too long.
    """
    clauses: dict[str, list[str]] = {}
    seen: list[Path] = []
    for action in actions:
        for path in seen:
            shorter = min(len(path), len(action.path))
            if path[:shorter] == action.path[:shorter]:
                raise InvalidModel(f"The update changes {action.path[0]!r} twice; write one change of it.")
        seen.append(action.path)
        clauses.setdefault(action.clause, []).append(action.render(substitutions))
    if not clauses:
        raise InvalidModel("The update changes nothing; name at least one change.")
    return substitutions.finished(
        " ".join(f"{clause} {', '.join(texts)}" for clause, texts in clauses.items())
    )
