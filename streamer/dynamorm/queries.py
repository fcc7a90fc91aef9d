"""Reads of many items, as frozen values that encode themselves. Pure: no I/O."""

from dataclasses import dataclass
from typing import Any, Generic

from streamer.dynamorm.codec import Item
from streamer.dynamorm.errors import InvalidModel
from streamer.dynamorm.expressions import (
    And,
    BeginsWith,
    Between,
    Comparison,
    Condition,
    render_condition,
)
from streamer.dynamorm.models import M
from streamer.dynamorm.operands import Substitutions
from streamer.dynamorm.schema import Table


@dataclass(frozen=True, slots=True)
class Query(Generic[M]):
    """Read the items of one partition of a table or an index, in the order of the sort key.

    Attributes:
        where: `partition key = value`, and at most one condition on the sort key beside it.
        index: name of the index to read; None: the table.
        filter: what is left out after it was read (and paid for).
        limit: items to return at most, over all pages.
        descending: whether the highest sort key comes first.
        after: the key to go on behind, as a page gave it.
    """

    model: type[M]
    where: Condition
    index: str | None = None
    filter: Condition | None = None
    consistent: bool = False
    limit: int | None = None
    descending: bool = False
    after: Item | None = None

    def __post_init__(self) -> None:
        table = self.model.__schema__.table
        if self.consistent and self.index is not None:
            raise InvalidModel(
                f"The index {self.index} cannot be read consistently; read the table by its key."
            )
        if self.limit is not None and self.limit < 1:
            raise InvalidModel("The limit of a query is at least 1.")
        names = table.key_names(self.index)
        parts = self.where.parts if isinstance(self.where, And) else (self.where,)
        paths = [_place(part) for part in parts]
        first = parts[0]
        fits = isinstance(first, Comparison) and first.operator == "=" and paths[0] == names[:1]
        if not fits or paths[1:] not in ([], [names[1:]]) or not all(map(_is_key_condition, parts)):
            raise InvalidModel(
                f"A query of {self.index or table.name} is written as `{names[0]} == value`"
                + (f", & one condition on {names[1]}." if len(names) == 2 else ".")
            )

    @property
    def table(self) -> Table:
        return self.model.__schema__.table

    def encode(self, table: str) -> dict[str, Any]:
        substitutions = Substitutions()
        request: dict[str, Any] = {
            "TableName": table,
            "KeyConditionExpression": render_condition(self.where, substitutions),
        }
        if self.index is not None:
            request["IndexName"] = self.index
        if self.filter is not None:
            request["FilterExpression"] = render_condition(self.filter, substitutions)
        elif self.limit is not None:
            request["Limit"] = self.limit  # with a filter DynamoDB would count what the filter drops
        if self.consistent:
            request["ConsistentRead"] = True
        if self.descending:
            request["ScanIndexForward"] = False
        if self.after is not None:
            request["ExclusiveStartKey"] = self.after
        substitutions.write_to(request)
        return request


def _place(part: Condition) -> object:
    match part:
        case Comparison(left=place) | Between(operand=place) | BeginsWith(path=place):
            return place
    return None


def _is_key_condition(part: Condition) -> bool:
    """Whether DynamoDB takes it as a key condition. Developer Guide, "Key condition expressions"."""
    return isinstance(part, (BeginsWith, Between)) or (isinstance(part, Comparison) and part.operator != "<>")
