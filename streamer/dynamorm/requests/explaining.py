"""Requests as a person reads them: no placeholders. Pure: no I/O."""

import re
from collections.abc import Mapping
from typing import Any

from streamer.dynamorm.frozen import dataclass
from streamer.dynamorm.values.untyped import decode_any

_PLACEHOLDER = re.compile(r"[#:]\d+")


@dataclass(frozen=True, slots=True)
class Explanation:
    """What DynamoDB is asked.

    Attributes:
        operation: DynamoDB's, such as `Query`.
        table: the table, as the models call it.
        index: None: the table itself.
        expressions: by DynamoDB's names of them, such as `KeyConditionExpression`, with names and values
            in their places.
        request: the arguments of the low-level call.
    """

    operation: str
    table: str
    index: str | None
    expressions: Mapping[str, str]
    request: Mapping[str, object]

    def __str__(self) -> str:
        where = self.table if self.index is None else f"{self.table}, index {self.index}"
        lines = [f"{self.operation} of {where}"]
        lines += [f"  {name}: {text}" for name, text in self.expressions.items()]
        for name in ("Key", "Limit", "ConsistentRead", "ScanIndexForward", "ExclusiveStartKey", "Select"):
            if name in self.request:
                lines.append(f"  {name}: {self.request[name]}")
        return "\n".join(lines)


def explain(operation: str, request: Mapping[str, Any]) -> Explanation:
    """Return a low-level request in a form to read."""
    names = request.get("ExpressionAttributeNames", {})
    values = request.get("ExpressionAttributeValues", {})

    def shown(match: "re.Match[str]") -> str:
        placeholder = match.group()
        name: str | None = names.get(placeholder)
        return name if name is not None else repr(decode_any(values[placeholder]))

    expressions = {
        name: _PLACEHOLDER.sub(shown, text) for name, text in request.items() if name.endswith("Expression")
    }
    return Explanation(operation, request["TableName"], request.get("IndexName"), expressions, request)
