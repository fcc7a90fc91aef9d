"""Reads of many items, as frozen values that encode themselves. Pure: no I/O."""

from copy import copy
from typing import Any, Generic, TypeVar

from streamer.dynamorm.errors import InvalidModel
from streamer.dynamorm.expressions.conditions import Condition, render_condition
from streamer.dynamorm.expressions.operands import Substitutions
from streamer.dynamorm.frozen import dataclass
from streamer.dynamorm.models.indexes import check_filter, check_kind, check_scan, resolve
from streamer.dynamorm.models.kinds import Kinds
from streamer.dynamorm.models.model import M, Model
from streamer.dynamorm.requests.explaining import Explanation, explain
from streamer.dynamorm.requests.items import Paths, paths_of, write_projection
from streamer.dynamorm.requests.mistakes import expect_model
from streamer.dynamorm.schema import Table
from streamer.dynamorm.values.codec import Item

P = TypeVar("P", bound=Model)

Read = TypeVar("Read", bound="Query[Any] | Scan[Any]")

MAX_SEGMENTS = 1_000_000
"""DynamoDB API reference, `Scan`, `TotalSegments`."""


@dataclass(frozen=True, slots=True)
class Query(Generic[M]):
    """Read the items of one partition of a table or an index, in the order of the sort key.

    Attributes:
        where: conditions on the attributes that make a key, or on the key itself, joined by `&`: all of
            its partition, and of its sort key as much as is known. Afterwards it is what DynamoDB is asked.
        index: name of the index to read; None: the table, or the one index whose key takes all conditions
            where the table's doesn't. Afterwards it is the one that is read.
        filter: what is left out after it was read (and paid for).
        limit: items to return at most, over all pages.
        descending: whether the highest sort key comes first.
        after: the key to go on behind, as a page gave it.
        projection: what to read of each item; None: all.
        page_size: items that DynamoDB reads for one page at most, before its filter; None: 1 MB of them.
        counting: whether to count only; a page has no items then.
    """

    model: type[M] | Kinds[M]
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
        expect_model(self.model)
        table = self.model.__schema__.table
        _check_read(table, self.index, self.consistent, self.limit, self.page_size)
        schema = self.model.__schema__
        access = resolve(schema, self.where, index=self.index, consistent=self.consistent)
        if self.filter is not None:
            check_filter(
                schema,
                self.where,
                self.filter,
                index=self.index,
                chosen=access.index,
                consistent=self.consistent,
            )
        check_kind(schema, access.index)
        object.__setattr__(self, "where", access.where)
        object.__setattr__(self, "index", access.index)

    @property
    def table(self) -> Table:
        return self.model.__schema__.table

    @property
    def whole_filter(self) -> Condition | None:
        """The filter, and that it is an item of this model where only a discriminator tells."""
        kind = self.model.__schema__.kind() if self.model.__schema__.discriminator is not None else None
        if kind is None or self.filter is None:
            return self.filter if kind is None else kind
        return kind & self.filter

    def projected(self, model: type[P]) -> "Query[P]":
        """Return the query that reads a smaller model of the same table, and no more than its attributes."""
        return varied(self, model=model, projection=paths_of(model, self.table, self.index))  # type: ignore[arg-type]

    def encode(self, table: str) -> dict[str, Any]:
        substitutions = Substitutions()
        request: dict[str, Any] = {
            "TableName": table,
            "KeyConditionExpression": render_condition(self.where, substitutions),
        }
        if self.descending:
            request["ScanIndexForward"] = False
        return _encode_read(self, request, self.whole_filter, substitutions)

    def explain(self) -> Explanation:
        """Return what DynamoDB will be asked, to read: `print(query.explain())`."""
        return explain(type(self).__name__, self.encode(self.table.name))


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

    model: type[M] | Kinds[M]
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
        expect_model(self.model)
        _check_read(self.table, self.index, self.consistent, self.limit, self.page_size)
        check_kind(self.model.__schema__, self.index)
        if self.filter is not None:
            check_scan(self.model.__schema__, self.filter)
        if not 0 <= self.segment < self.segments <= MAX_SEGMENTS:
            raise InvalidModel(f"A scan reads segment 0 to {self.segments - 1} of 1 to {MAX_SEGMENTS}.")

    @property
    def table(self) -> Table:
        return self.model.__schema__.table

    def projected(self, model: type[P]) -> "Scan[P]":
        """Return the scan that reads a smaller model of the same table, and no more than its attributes."""
        return varied(self, model=model, projection=paths_of(model, self.table, self.index))  # type: ignore[arg-type]

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

    def explain(self) -> Explanation:
        """Return what DynamoDB will be asked, to read: `print(query.explain())`."""
        return explain(type(self).__name__, self.encode(self.table.name))


def varied(request: Read, **changes: object) -> Read:
    """Return the request with changes that need no second look at its conditions."""
    made = copy(request)
    for name, value in changes.items():
        object.__setattr__(made, name, value)
    return made


def page_limit(request: Query[Any] | Scan[Any]) -> int | None:
    """Return how many items one page reads at most.

    Beside a filter DynamoDB would count what the filter drops, so the limit cuts only without one.
    """
    if request.limit is None or request.whole_filter is not None:
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
