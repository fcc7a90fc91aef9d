"""Query and Scan over items that are kept in order, in pages as AWS makes them."""

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

from moto.dynamodb.exceptions import MockValidationException
from moto.dynamodb.models.dynamo_type import DynamoType, Item
from moto.dynamodb.models.table import SecondaryIndex, Table

from .comparing import exact
from .operands import Path
from .operation import items_of
from .ordered import COMPARISONS, Ordered, Position
from .records import attributes_bytes
from .schemas import key_names
from .wire import wire_of


class Shown(NamedTuple):
    """What moto's answers take of an item.

    Attributes:
        attrs: in wire form, which needs none of moto's detours to become text; not to be altered.
    """

    attrs: dict[str, Any]


MAX_PAGE_BYTES = 1024 * 1024
"""Of the items that one Query or Scan looks at. DynamoDB Developer Guide, "Paginating query results"."""


class View:
    """A table, or one of its indexes, in order.

    Attributes:
        hash_name, range_name: of the view's own keys.
        table_names: the table's keys, which make an index's positions distinct.
        types: of the table's key attributes and those of its indexes.
    """

    def __init__(self, table: Table, index: SecondaryIndex | None) -> None:
        self.index = index
        self.hash_name, self.range_name = key_names(table.schema if index is None else index.schema)
        self.table_names: tuple[str, ...] = tuple(table.table_key_attrs) if index is not None else ()
        self.types = {each["AttributeName"]: each["AttributeType"] for each in table.attr}
        self.ordered: Ordered[Item] = Ordered()
        for item in items_of(table):
            self.change(None, item)

    def change(self, old: Item | None, new: Item | None) -> None:
        """Take note of a write."""
        before = None if old is None else self.place(old.attrs)
        after = None if new is None else self.place(new.attrs)
        if before is not None and before != after:
            self.ordered.remove(*before)
        if after is not None and new is not None:
            self.ordered.put(*after, new)

    def place(self, attributes: Mapping[str, DynamoType]) -> tuple[Any, Position] | None:
        """Return partition and position of an item, None where it lacks a key and so is not in the view."""
        if self.hash_name not in attributes:
            return None
        position = []
        if self.range_name is not None:
            if self.range_name not in attributes:
                return None
            position.append(comparable(attributes[self.range_name]))
        position += [comparable(attributes[name]) for name in self.table_names]
        return comparable(attributes[self.hash_name]), tuple(position)

    def key(self, item: Item) -> dict[str, DynamoType]:
        """Return the key from which a later page goes on."""
        names = dict.fromkeys((self.hash_name, self.range_name, *self.table_names))
        return {name: item.attrs[name] for name in names if name is not None}

    def start(self, key: Mapping[str, Any] | None) -> tuple[Any, Position] | None:
        """Return the place that an ExclusiveStartKey names."""
        if key is None:
            return None
        names = {self.hash_name, self.range_name, *self.table_names} - {None}
        if names != set(key):
            raise MockValidationException("The provided starting key is invalid")
        found = {name: DynamoType(value) for name, value in key.items()}
        if any(value.type != self.types.get(name) for name, value in found.items()):
            raise MockValidationException(
                "The provided starting key is invalid: The provided key element does not match the schema"
            )
        return self.place(found)

    def check_types(self, hash_key: DynamoType, range_keys: Iterable[DynamoType]) -> None:
        """Refuse values of a key condition that are of other types than the view's keys."""
        range_type = None if self.range_name is None else self.types[self.range_name]
        if hash_key.type != self.types[self.hash_name] or any(key.type != range_type for key in range_keys):
            raise MockValidationException(
                "One or more parameter values were invalid: "
                "Condition parameter type does not match schema type"
            )


_views: "WeakKeyDictionary[Table, dict[Any, View]]" = WeakKeyDictionary()


def comparable(value: DynamoType) -> Any:
    """Return what a key value is compared by: text, number or bytes."""
    if value.type == "N":
        return exact(value.value)
    if value.type == "B":
        return value.value if isinstance(value.value, bytes) else base64.b64decode(value.value)
    return value.value


def changed(table: Table, old: Item | None, new: Item | None) -> None:
    """Bring the views of a table up to date with a write that is done."""
    for view in _views.get(table, {}).values():
        view.change(old, new)


def forget(table: Table) -> None:
    """Let go of a table's views, which may have what the table has not; they are made again when needed."""
    _views.pop(table, None)


def query(
    self: Table,
    hash_key: DynamoType,
    range_comparison: str | None,
    range_objs: list[DynamoType],
    limit: int | None,
    exclusive_start_key: Mapping[str, Any] | None,
    scan_index_forward: bool,
    projection_expressions: Sequence[Path] | None,
    index_name: str | None = None,
    consistent_read: bool = False,
    filter_expression: Any = None,
    **filters: Any,
) -> tuple[list[Shown], int, dict[str, Any] | None]:
    """`Table.query` that looks at the items of the one key only, where moto sorts the whole table."""
    view = _view(self, index_name, consistent_read)
    start = view.start(exclusive_start_key)
    view.check_types(hash_key, range_objs)
    partition = comparable(hash_key)
    if start is not None and start[0] != partition:
        raise MockValidationException(
            "The provided starting key is outside query boundaries based on provided conditions"
        )
    found = view.ordered.query(
        partition,
        after=None if start is None else start[1],
        is_forward=scan_index_forward is not False,
        comparison=COMPARISONS.get(range_comparison or "", range_comparison),
        operands=[comparable(each) for each in range_objs],
    )
    page, following = _page(found, limit, view)
    return (
        _shown(page, view, _matching(filter_expression, filters), projection_expressions),
        len(page),
        following,
    )


def scan(
    self: Table,
    filters: Mapping[str, Any],
    limit: int | None,
    exclusive_start_key: Mapping[str, Any] | None,
    filter_expression: Any = None,
    index_name: str | None = None,
    consistent_read: bool = False,
    projection_expression: Sequence[Path] | None = None,
    segments: tuple[int | None, int | None] = (None, None),
) -> tuple[list[Shown], int, dict[str, Any] | None]:
    """`Table.scan` that neither sorts nor copies the table."""
    view = _view(self, index_name, consistent_read)
    found: Iterator[Item] = view.ordered.scan(view.start(exclusive_start_key))
    if segments != (None, None):
        found = (item for item in found if item.is_within_segment(segments))
    page, following = _page(found, limit, view)
    operators = {
        name: {"ComparisonOperator": operator, "AttributeValueList": operands}
        for name, (operator, operands) in filters.items()
    }
    return (
        _shown(page, view, _matching(filter_expression, operators), projection_expression),
        len(page),
        following,
    )


def item_bytes(item: Item) -> int:
    """Return an item's size; it is counted once, because items in a table are not altered."""
    size: int | None = item.__dict__.get("_bytes")
    if size is None:
        size = item.__dict__["_bytes"] = attributes_bytes(wire_of(item))
    return size


def _view(table: Table, index_name: str | None, is_consistent: bool) -> View:
    index = None
    if index_name is not None:
        index = next((each for each in table.all_indexes() if each.name == index_name), None)
        if index is None:
            raise MockValidationException(f"The table does not have the specified index: {index_name}")
        if is_consistent and index in table.global_indexes:
            raise MockValidationException("Consistent reads are not supported on global secondary indexes")
    views = _views.setdefault(table, {})
    name = None if index is None else (index_name, *key_names(index.schema))
    view = views.get(name)
    if view is None:
        view = views[name] = View(table, index)
    view.index = index  # an update of the table makes another
    return view


def _page(found: Iterable[Item], limit: int | None, view: View) -> tuple[list[Item], dict[str, Any] | None]:
    """Return the items of one page and, where it is full, the key of its last one.

    As on AWS a page that its limit has filled names a key also where nothing follows.
    """
    page: list[Item] = []
    size = 0
    for item in found:
        size += item_bytes(item)
        if page and size > MAX_PAGE_BYTES:
            return page, view.key(page[-1])
        page.append(item)
        if len(page) == limit:
            return page, view.key(item)
    return page, None


def _shown(page: list[Item], view: View, matches: Any, projections: Sequence[Path] | None) -> list[Shown]:
    if view.index is not None:
        page = [view.index.project(item) for item in page]
    shown = [item for item in page if matches(item)]
    if projections:
        shown = [item.project(projections) for item in shown]
    return [Shown(wire_of(item)) for item in shown]


def _matching(filter_expression: Any, filters: Mapping[str, Any]) -> Any:
    def matches(item: Item) -> bool:
        if filter_expression is not None and not filter_expression.expr(item):
            return False
        return all(_passes(item.attrs.get(name), condition) for name, condition in filters.items())

    return matches


def _passes(value: DynamoType | None, condition: Mapping[str, Any]) -> bool:
    if value is None:
        return bool(condition["ComparisonOperator"] == "NULL")
    given = condition.get("AttributeValueList", ())
    operands = [each if isinstance(each, DynamoType) else DynamoType(each) for each in given]
    return bool(value.compare(condition["ComparisonOperator"], operands))
