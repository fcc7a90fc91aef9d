"""Conditions, and updates of top-level attributes, compiled once and evaluated quickly.

moto validates an update expression anew for each item it is applied to, which takes milliseconds where an
expression has a dozen actions, and compares without looking at types. `NotFlat` leaves to moto what is not
done here: updates of nested attributes, of lists and of sets, and what is wrong only with this item, so that
moto words it.

Source:
    DynamoDB Developer Guide, "Update expressions".
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .comparing import NotFlat, add, present
from .operands import Check, Operand, Path, Scope, check_paths, resolve, resolved
from .parsing import Condition as Holds
from .parsing import Parser

MAX_COMPILED = 512
"""Expressions that are kept compiled; an application has a few dozen."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A compiled condition expression.

    Attributes:
        holds: tells whether it holds in a scope.
    """

    holds: Holds
    checks: Sequence[Check]

    def check(self, _names: Mapping[str, str], values: Mapping[str, Any]) -> None:
        """Refuse values that do not fit the expression, whatever the item is. Raises Mistake."""
        for check in self.checks:
            check(values)


@dataclass(frozen=True, slots=True)
class Update:
    """A compiled update expression.

    Attributes:
        sets: path of an attribute -> what it becomes.
        adds: likewise -> the number that is added.
        removes: likewise.
        paths: of everything that it writes.
        is_flat: it writes top-level attributes only, and no parts of sets.
    """

    sets: Sequence[tuple[str, Operand]]
    adds: Sequence[tuple[str, Operand]]
    removes: Sequence[str]
    paths: Sequence[Path]
    is_flat: bool
    checks: Sequence[Check]

    def check(self, names: Mapping[str, str], values: Mapping[str, Any]) -> None:
        """Refuse names and values that do not fit the expression, whatever the item is. Raises Mistake."""
        for check in self.checks:
            check(values)
        check_paths([resolved(path, names) for path in self.paths])

    def written(self, names: Mapping[str, str]) -> list[str]:
        """Return the names of the top-level attributes that it writes, or writes into."""
        return [resolve(str(path[0]), names) for path in self.paths]

    def apply(self, scope: Scope) -> tuple[dict[str, Any], list[str]]:
        """Return the attributes afterwards, and the names of those that the expression is about.

        To be called where `check` found nothing wrong.

        Raises:
            NotFlat: the expression is not flat, or wrong for these attributes.
        """
        if not self.is_flat:
            raise NotFlat
        after, names = dict(scope.attributes), scope.names
        for token, operand in self.sets:
            after[resolve(token, names)] = present(operand.read(scope))
        for token, operand in self.adds:
            name = resolve(token, names)
            after[name] = add(scope.attributes.get(name, {"N": "0"}), operand.read(scope), 1)
        for token in self.removes:
            after.pop(resolve(token, names), None)
        return after, self.written(names)


NOTHING = Update((), (), (), (), is_flat=True, checks=())
"""What a request without update expression does: it makes the item, where there is none."""


@functools.lru_cache(MAX_COMPILED)
def compile_update(text: str, reserved: frozenset[str]) -> Update:
    """Return the compiled update expression.

    Args:
        reserved: words, in capitals, that are no attribute names.

    Raises:
        Mistake: it is wrong for every item.
    """
    parser = Parser(text, reserved)
    clauses = parser.update()
    paths = [path for actions in clauses.values() for path, _ in actions]

    def actions(clause: str) -> list[tuple[str, Operand]]:
        return [(str(path[0]), operand) for path, operand in clauses.get(clause, ()) if operand is not None]

    return Update(
        sets=actions("SET"),
        adds=actions("ADD"),
        removes=[str(path[0]) for path, _ in clauses.get("REMOVE", ())],
        paths=paths,
        is_flat="DELETE" not in clauses and all(len(path) == 1 for path in paths),
        checks=parser.checks,
    )


@functools.lru_cache(MAX_COMPILED)
def compile_condition(text: str, reserved: frozenset[str]) -> Condition:
    """Return the compiled condition expression; see `compile_update`."""
    parser = Parser(text, reserved)
    return Condition(parser.condition(), parser.checks)
