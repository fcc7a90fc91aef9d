"""Reads of many items, as frozen values that encode themselves. Pure: no I/O."""

from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from streamer.dynamorm.codec import Item
from streamer.dynamorm.errors import InvalidModel
from streamer.dynamorm.expressions import And, BeginsWith, Between, Comparison, Condition, render_condition
from streamer.dynamorm.models import M, Model
from streamer.dynamorm.operands import Substitutions
from streamer.dynamorm.requests import Paths, paths_of, write_projection
from streamer.dynamorm.schema import Table

P = TypeVar("P", bound=Model)

MAX_SEGMENTS = 1_000_000
"""DynamoDB API reference, `Scan`, `TotalSegments`."""


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
        projection: what to read of each item; None: all.
        page_size: items that DynamoDB reads for one page at most, before its filter; None: 1 MB of them.
        counting: whether to count only; a page has no items then.
    """

    model: type[M]
    where: Condition
    index: str | None = None
    filter: Condition | None = None
    consistent: bool = False
    limit: int | None = None
    descending: bool = False
    after: Item | None = None
    projection: Paths | None = None
    page_size: int | None = None
    counting: bool = False

    def __post_init__(self) -> None:
        table = self.model.__schema__.table
        _check_read(table, self.index, self.consistent, self.limit, self.page_size)
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

    def projected(self, model: type[P]) -> "Query[P]":
        """Return the query that reads a smaller model of the same table, and no more than its attributes."""
        return replace(self, model=model, projection=paths_of(model, self.table, self.index))  # type: ignore[return-value,arg-type]

    def encode(self, table: str) -> dict[str, Any]:
        substitutions = Substitutions()
        request: dict[str, Any] = {
            "TableName": table,
            "KeyConditionExpression": render_condition(self.where, substitutions),
        }
        if self.descending:
            request["ScanIndexForward"] = False
        return _encode_read(self, request, self.filter, substitutions)


@dataclass(frozen=True, slots=True)
class Scan(Generic[M]):
    """Read all items of a model in a table or an index, in no order; every item of the table is paid for.

    Attributes:
        index: name of the index to read; None: the table.
        filter: what is left out after it was read (and paid for).
        limit: items to return at most, over all pages.
        after: the key to go on behind, as a page gave it.
        projection: what to read of each item; None: all.
        page_size: items that DynamoDB reads for one page at most, before its filter; None: 1 MB of them.
        segment, segments: read this of so many parts of the table, from 0.
        counting: whether to count only; a page has no items then.
    """

    model: type[M]
    index: str | None = None
    filter: Condition | None = None
    consistent: bool = False
    limit: int | None = None
    after: Item | None = None
    projection: Paths | None = None
    page_size: int | None = None
    segment: int = 0
    segments: int = 1
    counting: bool = False

    def __post_init__(self) -> None:
        _check_read(self.table, self.index, self.consistent, self.limit, self.page_size)
        if not 0 <= self.segment < self.segments <= MAX_SEGMENTS:
            raise InvalidModel(f"A scan reads segment 0 to {self.segments - 1} of 1 to {MAX_SEGMENTS}.")

    @property
    def table(self) -> Table:
        return self.model.__schema__.table

    def projected(self, model: type[P]) -> "Scan[P]":
        """Return the scan that reads a smaller model of the same table, and no more than its attributes."""
        return replace(self, model=model, projection=paths_of(model, self.table, self.index))  # type: ignore[return-value,arg-type]

    @property
    def whole_filter(self) -> Condition | None:
        """The filter, and that it is an item of this model where a table holds several kinds."""
        kind = self.model.__schema__.kind()
        if kind is None or self.filter is None:
            return self.filter if kind is None else kind
        return kind & self.filter

    def encode(self, table: str) -> dict[str, Any]:
        substitutions = Substitutions()
        request: dict[str, Any] = {"TableName": table}
        if self.segments > 1:
            request["Segment"], request["TotalSegments"] = self.segment, self.segments
        return _encode_read(self, request, self.whole_filter, substitutions)


def page_limit(request: Query[Any] | Scan[Any]) -> int | None:
    """Return how many items one page reads at most.

    Beside a filter DynamoDB would count what the filter drops, so the limit cuts only without one.
    """
    unfiltered = request.filter is None if isinstance(request, Query) else request.whole_filter is None
    if request.limit is None or not unfiltered:
        return request.page_size
    return request.limit if request.page_size is None else min(request.limit, request.page_size)


def _encode_read(
    read: Query[Any] | Scan[Any],
    request: dict[str, Any],
    kept: Condition | None,
    substitutions: Substitutions,
) -> dict[str, Any]:
    if read.index is not None:
        request["IndexName"] = read.index
    if kept is not None:
        request["FilterExpression"] = render_condition(kept, substitutions)
    limit = page_limit(read)
    if limit is not None:
        request["Limit"] = limit
    if read.consistent:
        request["ConsistentRead"] = True
    if read.after is not None:
        request["ExclusiveStartKey"] = read.after
    if read.counting:
        request["Select"] = "COUNT"
    elif read.projection is not None:
        write_projection(request, read.projection, substitutions)
    substitutions.write_to(request)
    return request


def _check_read(
    table: Table, index: str | None, consistent: bool, limit: int | None, page_size: int | None
) -> None:
    if index is not None:
        table.index(index)
        if consistent:
            raise InvalidModel(f"The index {index} cannot be read consistently; read the table by its key.")
    if limit is not None and limit < 1:
        raise InvalidModel("The limit of a query is at least 1.")
    if page_size is not None and page_size < 1:
        raise InvalidModel("The page size of a query is at least 1.")


def _place(part: Condition) -> object:
    match part:
        case Comparison(left=place) | Between(operand=place) | BeginsWith(path=place):
            return place
    return None


def _is_key_condition(part: Condition) -> bool:
    """Whether DynamoDB takes it as a key condition. Developer Guide, "Key condition expressions"."""
    return isinstance(part, (BeginsWith, Between)) or (isinstance(part, Comparison) and part.operator != "<>")
