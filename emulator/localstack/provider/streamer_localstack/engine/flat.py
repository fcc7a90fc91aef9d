"""Conditions, and updates of top-level attributes, compiled once and evaluated quickly.

moto validates an update expression anew for each item it is applied to, which takes milliseconds where an
expression has a dozen actions, and compares without looking at types. `NotFlat` leaves to moto what is not
done here: updates of nested attributes and of sets, and every mistake, so that moto words it.

Source:
    DynamoDB Developer Guide, "Update expressions", "Comparison operator and function reference".
"""

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .comparing import NotFlat, add, begins_with, contains, has_type, holds, present, size

MAX_COMPILED = 512
"""Expressions that are kept compiled; an application has a few dozen."""

_TOKEN = re.compile(r"\s*([A-Za-z_]\w*|[#:]\w+|\d+|<>|<=|>=|[=<>+\-(),.\[\]])", re.ASCII)
_CLAUSES = {"SET", "REMOVE", "ADD", "DELETE"}
_COMPARISONS = {"=", "<>", "<", "<=", ">", ">="}
_FUNCTIONS = {"attribute_exists", "attribute_not_exists", "attribute_type", "begins_with", "contains"}


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression is evaluated with: attributes, names and values, all in wire form."""

    attributes: Mapping[str, Any]
    names: Mapping[str, str]
    values: Mapping[str, Any]


Operand = Callable[[Scope], Any]
Condition = Callable[[Scope], bool]


@dataclass(frozen=True, slots=True)
class Update:
    """A compiled update expression.

    Attributes:
        sets: placeholder or name of an attribute -> what it becomes.
        adds: likewise -> the number that is added.
        removes: likewise.
    """

    sets: Sequence[tuple[str, Operand]]
    adds: Sequence[tuple[str, Operand]]
    removes: Sequence[str]

    def apply(self, scope: Scope, protected: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
        """Return the attributes afterwards, and the names of those that the expression is about.

        Args:
            protected: key attributes, which no update may touch.

        Raises:
            NotFlat: the expression is wrong, or not flat, for these attributes.
        """
        touched = [resolve(token, scope) for token in self._targets()]
        if len(set(touched)) < len(touched) or not set(touched).isdisjoint(protected):
            raise NotFlat
        after = dict(scope.attributes)
        for token, operand in self.sets:
            after[resolve(token, scope)] = present(operand(scope))
        for token, operand in self.adds:
            name = resolve(token, scope)
            after[name] = add(scope.attributes.get(name, {"N": "0"}), present(operand(scope)), 1)
        for token in self.removes:
            after.pop(resolve(token, scope), None)
        return after, touched

    def _targets(self) -> list[str]:
        return [*(token for token, _ in self.sets), *(token for token, _ in self.adds), *self.removes]


def resolve(token: str, scope: Scope) -> str:
    """Return the attribute's name that a token of an expression means."""
    if token[0] != "#":
        return token
    try:
        return scope.names[token]
    except KeyError:
        raise NotFlat from None


@functools.lru_cache(MAX_COMPILED)
def compile_update(text: str, reserved: frozenset[str]) -> Update | None:
    """Return the compiled update expression, None where it is not flat.

    Args:
        reserved: words, in capitals, that are no attribute names.
    """
    try:
        return _Parser(text, reserved).update()
    except NotFlat:
        return None


@functools.lru_cache(MAX_COMPILED)
def compile_condition(text: str, reserved: frozenset[str]) -> Condition | None:
    """Return the compiled condition expression, None where it is not flat."""
    try:
        return _Parser(text, reserved).condition()
    except NotFlat:
        return None


class _Parser:
    def __init__(self, text: str, reserved: frozenset[str]) -> None:
        self._tokens: list[str] = []
        self._reserved = reserved
        self._at = 0
        text = text.strip()
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise NotFlat
            self._tokens.append(match.group(1))
            at = match.end()

    def update(self) -> Update:
        sets: list[tuple[str, Operand]] = []
        adds: list[tuple[str, Operand]] = []
        removes: list[str] = []
        seen = set()
        while (clause := self._next().upper()) in _CLAUSES - seen - {"DELETE"}:
            seen.add(clause)
            while True:
                word = self._path()
                if clause == "SET":
                    self._expect("=")
                    sets.append((word, self._sum()))
                elif clause == "ADD":
                    adds.append((word, self._value()))
                else:
                    removes.append(word)
                if self._peek() != ",":
                    break
                self._next()
            if self._peek() == "":
                return Update(tuple(sets), tuple(adds), tuple(removes))
        raise NotFlat

    def condition(self) -> Condition:
        found = self._either()
        if self._peek() != "":
            raise NotFlat
        return found

    def _either(self) -> Condition:
        parts = [self._both()]
        while self._peek().upper() == "OR":
            self._next()
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda scope: any(_each(parts, scope))

    def _both(self) -> Condition:
        parts = [self._one()]
        while self._peek().upper() == "AND":
            self._next()
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda scope: all(_each(parts, scope))

    def _one(self) -> Condition:
        word = self._peek()
        if word.upper() == "NOT":
            self._next()
            negated = self._one()
            return lambda scope: not negated(scope)
        if word == "(":
            self._next()
            inner = self._either()
            self._expect(")")
            return inner
        if word in _FUNCTIONS:
            return self._function()
        left = self._operand()
        comparison = self._next()
        if comparison in _COMPARISONS:
            right = self._operand()
            return lambda scope: holds(comparison, left(scope), right(scope))
        if comparison.upper() == "BETWEEN":
            low = self._operand()
            self._expect("AND")
            high = self._operand()
            return lambda scope: (
                holds(">=", left(scope), low(scope)) and holds("<=", left(scope), high(scope))
            )
        if comparison.upper() == "IN":
            among = self._list()
            return lambda scope: any(holds("=", left(scope), one) for one in _each(among, scope))
        raise NotFlat

    def _function(self) -> Condition:
        name = self._next()
        self._expect("(")
        subject = self._attribute()
        if name in ("attribute_exists", "attribute_not_exists"):
            self._expect(")")
            return lambda scope: (subject(scope) is not None) == (name == "attribute_exists")
        self._expect(",")
        operand = self._operand()
        self._expect(")")
        tell = {"attribute_type": has_type, "begins_with": begins_with, "contains": contains}[name]
        return lambda scope: tell(subject(scope), operand(scope))

    def _list(self) -> list[Operand]:
        self._expect("(")
        found = [self._operand()]
        while (word := self._next()) == ",":
            found.append(self._operand())
        if word != ")":
            raise NotFlat
        return found

    def _sum(self) -> Operand:
        left = self._operand()
        sign = {"+": 1, "-": -1}.get(self._peek())
        if sign is None:
            return left
        self._next()
        right = self._operand()
        return lambda scope: add(present(left(scope)), present(right(scope)), sign)

    def _operand(self) -> Operand:
        word = self._peek()
        if word[:1] == ":":
            return self._value()
        if word == "if_not_exists":
            self._next()
            self._expect("(")
            path = self._attribute()
            self._expect(",")
            otherwise = self._operand()
            self._expect(")")
            return lambda scope: path(scope) or otherwise(scope)
        if word == "size":
            self._next()
            self._expect("(")
            subject = self._attribute()
            self._expect(")")
            return lambda scope: size(subject(scope))
        return self._attribute()

    def _attribute(self) -> Operand:
        """Return what reads an attribute, also one within maps and lists."""
        first = self._path()
        steps: list[str | int] = []
        while self._peek() in (".", "["):
            if self._next() == ".":
                steps.append(self._path())
            else:
                steps.append(int(self._next()))
                self._expect("]")
        if not steps:
            return lambda scope: scope.attributes.get(resolve(first, scope))
        return lambda scope: _within(scope.attributes.get(resolve(first, scope)), steps, scope)

    def _value(self) -> Operand:
        word = self._next()
        if word[:1] != ":":
            raise NotFlat
        return lambda scope: scope.values.get(word)

    def _path(self) -> str:
        word = self._next()
        is_name = word[:1].isalpha() and word.upper() not in self._reserved and self._peek() != "("
        if not is_name and word[:1] != "#":
            raise NotFlat
        return word

    def _expect(self, wanted: str) -> None:
        if self._next().upper() != wanted:
            raise NotFlat

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        word = self._peek()
        self._at += 1
        if word == "":
            raise NotFlat
        return word


def _each(parts: Sequence[Callable[[Scope], Any]], scope: Scope) -> list[Any]:
    """Evaluate every part, also where the first decides: what is not flat is not, whatever the others say."""
    return [part(scope) for part in parts]


def _within(value: Any, steps: Sequence[str | int], scope: Scope) -> Any:
    for step in steps:
        kind, key = ("L", step) if isinstance(step, int) else ("M", resolve(step, scope))
        if value is None or kind not in value:
            return None
        held = value[kind]
        if kind == "M":
            value = held.get(key)
            continue
        value = held[key] if key < len(held) else None
    return value
