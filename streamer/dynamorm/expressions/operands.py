"""What stands in an expression, and the names and values that stand for it. Pure: no I/O.

Source: DynamoDB Developer Guide, "Expression attribute names", "Expression attribute values".
"""

from typing import Any, Literal

from streamer.dynamorm.errors import InvalidModel
from streamer.dynamorm.frozen import dataclass
from streamer.dynamorm.values.low_level import AttributeValue

MAX_EXPRESSION_BYTES = 4096
"""Bytes of one expression. DynamoDB Developer Guide, "Service quotas"."""

MAX_OPERATORS = 300
"""Operators and functions in one expression. DynamoDB Developer Guide, "Service quotas"."""

Path = tuple[str | int, ...]
"""Where a value stands in an item: an attribute's name, then map keys and list positions."""


@dataclass(frozen=True, slots=True)
class SizeOf:
    """The size of what stands at a path: characters of a text, bytes, members of a set, list or map."""

    path: Path


Operand = Path | AttributeValue | SizeOf
"""What a condition compares: a place in the item (a tuple), a value (a dict), or a size."""


@dataclass(frozen=True, slots=True)
class IfAbsent:
    """What stands at the path; where nothing does, this value instead."""

    path: Path
    value: AttributeValue


@dataclass(frozen=True, slots=True)
class Sum:
    """Two numbers added, or the second taken from the first."""

    left: "Term"
    sign: "Sign"
    right: "Term"


@dataclass(frozen=True, slots=True)
class Concat:
    """Two lists, one after the other."""

    first: "Term"
    second: "Term"


Sign = Literal["+", "-"]

Term = Path | AttributeValue | IfAbsent
"""What an update computes with."""

Source = Term | Sum | Concat
"""What an update can set a path to."""


class Substitutions:
    """Collects the names and values of one request's expressions; equal ones are shared."""

    __slots__ = ("_held", "_names", "_operators", "_values")

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._values: dict[str, AttributeValue] = {}
        self._held: dict[tuple[str, object], str] = {}
        self._operators = 0

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
        ((kind, held),) = value.items()
        same = (kind, held if isinstance(held, (str, bytes, bool)) else repr(held))
        placeholder = self._held.get(same)
        if placeholder is None:
            placeholder = self._held[same] = f":{len(self._values)}"
            self._values[placeholder] = value
        return placeholder

    def operand(self, operand: Operand) -> str:
        """Write an operand of a condition."""
        if isinstance(operand, tuple):
            return self.name(operand)
        if isinstance(operand, dict):
            return self.value(operand)
        return self.operator(f"size({self.name(operand.path)})")

    def source(self, source: Source) -> str:
        """Write what an update sets a path to."""
        match source:
            case tuple():
                return self.name(source)
            case dict():
                return self.value(source)
            case IfAbsent(path, value):
                return self.operator(f"if_not_exists({self.name(path)}, {self.value(value)})")
            case Sum(left, sign, right):
                return self.operator(f"{self.source(left)} {sign} {self.source(right)}")
            case Concat(first, second):
                return self.operator(f"list_append({self.source(first)}, {self.source(second)})")

    def operator(self, text: str) -> str:
        """Count an operator or a function of the expression that is being written."""
        self._operators += 1
        return text

    def finished(self, text: str) -> str:
        """Return an expression that is complete.

        Raises:
            InvalidModel: it is longer, or has more operators, than DynamoDB takes.
        """
        operators, self._operators = self._operators, 0
        if len(text.encode()) > MAX_EXPRESSION_BYTES:
            raise InvalidModel(
                f"The expression has {len(text)} bytes, over {MAX_EXPRESSION_BYTES}; ask in several requests."
            )
        if operators > MAX_OPERATORS:
            raise InvalidModel(
                f"The expression has {operators} operators, over {MAX_OPERATORS}; ask in several requests."
            )
        return text

    def write_to(self, request: dict[str, Any]) -> None:
        """Add what was collected to a request; DynamoDB refuses empty substitutions."""
        if self._names:
            request["ExpressionAttributeNames"] = {held: name for name, held in self._names.items()}
        if self._values:
            request["ExpressionAttributeValues"] = self._values
