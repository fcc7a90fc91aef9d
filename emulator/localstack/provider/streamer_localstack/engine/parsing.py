"""The grammar of condition, update and projection expressions.

Source:
    DynamoDB Developer Guide, "Condition and filter expressions, operators, and functions",
    "Using update expressions", "Using projection expressions".
"""

import re
from collections.abc import Callable, Sequence

from .comparing import add, append, begins_with, contains, has_type, holds, present, size
from .operands import (
    LISTS,
    NUMBERS,
    ORDERED,
    SETS,
    SIZED,
    TEXTS,
    Check,
    Mistake,
    Operand,
    Path,
    Scope,
    in_order,
    names_type,
    resolve,
    shown_path,
    typed,
    typed_in_clause,
    within,
)

_SPACE = re.compile(r"\s*")
_TOKEN = re.compile(r"[A-Za-z_]\w*|[#:]\w+|\d+|<>|<=|>=|[=<>+\-(),.\[\]]", re.ASCII)
_COMPARISONS = {"=", "<>", "<", "<=", ">", ">="}
_TELLING = {"attribute_type": has_type, "begins_with": begins_with, "contains": contains}
_CONDITIONS = {"attribute_exists", "attribute_not_exists", *_TELLING}
_OF_UPDATES = {"if_not_exists", "list_append"}
_OF_PATHS = {"attribute_exists", "attribute_not_exists", "if_not_exists"}
_ONE_OPERAND = {"attribute_exists", "attribute_not_exists", "size"}
_FUNCTIONS = _CONDITIONS | _OF_UPDATES | {"size"}

Condition = Callable[[Scope], bool]

Clauses = dict[str, list[tuple[Path, Operand | None]]]
"""`SET`, `ADD`, `DELETE`, `REMOVE` -> where each action writes, and what."""


class Parser:
    """Reads one expression, once.

    Attributes:
        checks: of the values that requests give for the placeholders.
    """

    def __init__(self, text: str, reserved: frozenset[str]) -> None:
        """Split the text. Raises Mistake.

        Args:
            reserved: words, in capitals, that are no attribute names.
        """
        self.checks: list[Check] = []
        self._text = text
        self._reserved = reserved
        self._functions: frozenset[str] = frozenset()
        self._kind = "a condition expression"
        self._spans: list[tuple[int, int]] = []
        self._at = 0
        at = _space(text, 0)
        while at < len(text):
            match = _TOKEN.match(text, at)
            self._spans.append((at, at + 1) if match is None else match.span())
            if match is None:
                self._at = len(self._spans) - 1
                raise self._syntax_error()
            at = _space(text, match.end())

    def update(self) -> Clauses:
        """Return the actions of an update expression. Raises Mistake."""
        self._kind, self._functions = "an update expression", frozenset(_OF_UPDATES)
        found: Clauses = {}
        while True:
            clause = self._peek().upper()
            if clause not in ("SET", "ADD", "DELETE", "REMOVE"):
                raise self._syntax_error()
            if clause in found:
                raise Mistake(f'The "{clause}" section can only be used once in an update expression;')
            self._at += 1
            found[clause] = [self._action(clause)]
            while self._takes(","):
                found[clause].append(self._action(clause))
            if not self._peek():
                return found

    def condition(self) -> Condition:
        """Return what tells whether a condition expression holds. Raises Mistake."""
        self._functions = frozenset({"size"})
        found = self._either()
        if self._peek():
            raise self._syntax_error()
        return found

    def projection(self) -> list[Path]:
        """Return the paths of a projection expression. Raises Mistake."""
        found = [self._path()]
        while self._takes(","):
            found.append(self._path())
        if self._peek():
            raise self._syntax_error()
        return found

    # Updates

    def _action(self, clause: str) -> tuple[Path, Operand | None]:
        path = self._path()
        if clause == "REMOVE":
            return path, None
        if clause == "SET":
            self._expect("=")
            return path, self._sum()
        if not self._peek().startswith(":"):
            raise self._syntax_error()
        operand = self._operand()
        self.checks.append(typed_in_clause(clause, operand, SETS | NUMBERS if clause == "ADD" else SETS))
        return path, operand

    def _sum(self) -> Operand:
        left = self._term()
        word = self._peek()
        if word not in ("+", "-"):
            return left
        self._at += 1
        right = self._term()
        for operand in (left, right):
            self.checks += typed(word, operand, NUMBERS)
        one, other, sign = left.read, right.read, 1 if word == "+" else -1
        return Operand(lambda scope: add(present(one(scope)), present(other(scope)), sign), kind="N")

    def _term(self) -> Operand:
        if not self._takes("("):
            return self._operand()
        inner = self._sum()
        self._expect(")")
        return inner

    # Conditions

    def _either(self) -> Condition:
        parts = [self._both()]
        while self._takes("OR"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda scope: any(part(scope) for part in parts)

    def _both(self) -> Condition:
        parts = [self._one()]
        while self._takes("AND"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else lambda scope: all(part(scope) for part in parts)

    def _one(self) -> Condition:
        if self._takes("NOT"):
            negated = self._one()
            return lambda scope: not negated(scope)
        if self._takes("("):
            inner = self._either()
            self._expect(")")
            return inner
        if self._peek() in _CONDITIONS and self._peek(1) == "(":
            return self._function()
        operand = self._operand()
        left = operand.read
        if self._takes("BETWEEN"):
            return self._between(operand)
        if self._takes("IN"):
            among = [each.read for each in self._list()]
            return lambda scope: any(holds("=", left(scope), one(scope)) for one in among)
        comparison = self._peek()
        if comparison not in _COMPARISONS:
            raise self._syntax_error()
        self._at += 1
        other = self._operand()
        if operand.path and operand.path == other.path:
            raise Mistake(
                "The first operand must be distinct from the remaining operands for this operator or "
                f"function; operator: {comparison}, first operand: {shown_path(operand.path)}"
            )
        if comparison not in ("=", "<>"):
            self.checks += [*typed(comparison, operand, ORDERED), *typed(comparison, other, ORDERED)]
        right = other.read
        return lambda scope: holds(comparison, left(scope), right(scope))

    def _between(self, operand: Operand) -> Condition:
        low = self._operand()
        self._expect("AND")
        high = self._operand()
        for each in (operand, low, high):
            self.checks += typed("BETWEEN", each, ORDERED)
        self.checks += in_order(low, high)
        left, least, most = operand.read, low.read, high.read
        return lambda scope: holds(">=", left(scope), least(scope)) and holds("<=", left(scope), most(scope))

    def _function(self) -> Condition:
        name = self._peek()
        operands = self._arguments()
        subject = operands[0].read
        if name in _ONE_OPERAND:
            return lambda scope: (subject(scope) is not None) == (name == "attribute_exists")
        if name == "begins_with":
            self.checks += [check for each in operands for check in typed(name, each, TEXTS)]
        if name == "attribute_type":
            self.checks += [*typed(name, operands[1], frozenset({"S"})), *names_type(operands[1])]
        tell, operand = _TELLING[name], operands[1].read
        return lambda scope: tell(subject(scope), operand(scope))

    # Operands

    def _operand(self) -> Operand:
        word = self._peek()
        if word[:1] == ":":
            self._at += 1
            return Operand(lambda scope: scope.values[word], value=word)
        if self._peek(1) != "(" or not word[:1].isalpha():
            path = self._path()
            if len(path) > 1:
                return Operand(lambda scope: within(path, scope), path=path)
            return Operand(lambda scope: scope.attributes.get(resolve(word, scope.names)), path=path)
        if word not in _FUNCTIONS:
            raise Mistake(f"Invalid function name; function: {word}")
        if word not in self._functions:
            where = "to be used this way in an expression"
            if (word in _OF_UPDATES) == (self._kind == "a condition expression"):
                where = f"in {self._kind}"
            raise Mistake(f"The function is not allowed {where}; function: {word}")
        operands = self._arguments()
        first = operands[0].read
        if word == "size":
            self.checks += typed(word, operands[0], SIZED)
            return Operand(lambda scope: size(first(scope)), kind="N")
        if word == "list_append":
            self.checks += [check for each in operands for check in typed(word, each, LISTS)]
            second = operands[1].read
            return Operand(lambda scope: append(first(scope), second(scope)), kind="L")
        otherwise = operands[1].read
        return Operand(lambda scope: first(scope) or otherwise(scope))

    def _arguments(self) -> Sequence[Operand]:
        """Return the operands of the function that is next."""
        name = self._peek()
        self._at += 1
        operands = self._list()
        if len(operands) != (1 if name in _ONE_OPERAND else 2):
            raise Mistake(
                "Incorrect number of operands for operator or function; "
                f"operator or function: {name}, number of operands: {len(operands)}"
            )
        if name in _OF_PATHS and not operands[0].path:
            raise Mistake(f"Operator or function requires a document path; operator or function: {name}")
        return operands

    def _list(self) -> list[Operand]:
        self._expect("(")
        found = [self._operand()]
        while self._takes(","):
            found.append(self._operand())
        self._expect(")")
        return found

    def _path(self) -> Path:
        steps: list[str | int] = [self._name()]
        while self._peek() in (".", "["):
            if self._takes("."):
                steps.append(self._name())
                continue
            self._at += 1
            if not self._peek().isdigit():
                raise self._syntax_error()
            steps.append(int(self._peek()))
            self._at += 1
            self._expect("]")
        return tuple(steps)

    def _name(self) -> str:
        word = self._peek()
        if not word or (word[0] not in "#_" and not word[0].isalpha()):
            raise self._syntax_error()
        if word.upper() in self._reserved:
            raise Mistake(f"Attribute name is a reserved keyword; reserved keyword: {word}")
        self._at += 1
        return word

    # Tokens

    def _peek(self, ahead: int = 0) -> str:
        """Return a token, an empty one after the last."""
        at = self._at + ahead
        if at >= len(self._spans):
            return ""
        start, end = self._spans[at]
        return self._text[start:end]

    def _takes(self, wanted: str) -> bool:
        if self._peek().upper() != wanted:
            return False
        self._at += 1
        return True

    def _expect(self, wanted: str) -> None:
        if not self._takes(wanted):
            raise self._syntax_error()

    def _syntax_error(self) -> Mistake:
        """Return what is wrong with the next token, and what is around it."""
        start = self._spans[max(self._at - 1, 0)][0] if self._spans else 0
        following = self._spans[self._at + 1 : self._at + 2] or self._spans[self._at : self._at + 1]
        near = self._text[start : following[0][1] if following else None]
        return Mistake(f'Syntax error; token: "{self._peek() or "<EOF>"}", near: "{near}"')


def _space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return at if match is None else match.end()
