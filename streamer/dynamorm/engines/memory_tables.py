"""How items lie in memory and are read in order. Pure: no I/O."""

from collections.abc import Callable, Hashable, Iterable, Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zlib import crc32

from streamer.dynamorm.engines.engine import Page
from streamer.dynamorm.errors import InvalidRequest
from streamer.dynamorm.expressions.conditions import Condition
from streamer.dynamorm.expressions.evaluation import find, holds
from streamer.dynamorm.requests.items import Paths, cursor_names
from streamer.dynamorm.requests.queries import Query, Scan, page_limit
from streamer.dynamorm.requests.sizes import PAGE_BYTES, item_bytes
from streamer.dynamorm.schema import KeyType, Projection, Table
from streamer.dynamorm.values.codec import AttributeValue, Item


def copied(value: Any) -> Any:
    """Return a copy of an item or a value that shares nothing that can change."""
    if isinstance(value, dict):
        return {name: copied(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [copied(inner) for inner in value]
    return value


class MemoryTable:
    """The items of one table. What is given and returned is not copied."""

    __slots__ = ("_items", "_table")

    def __init__(self, table: Table) -> None:
        self._table = table
        self._items: dict[Hashable, Item] = {}

    def get(self, place: Hashable) -> Item | None:
        """Return the item at a place, see `place_of`, or None."""
        return self._items.get(place)

    def store(self, place: Hashable, item: Item | None) -> None:
        """Keep an item, or none."""
        if item is None:
            self._items.pop(place, None)
        else:
            self._items[place] = item

    def check(self, item: Item) -> None:
        """Refuse an item whose key or index key is of another type.

        Raises:
            InvalidRequest: as DynamoDB does.
        """
        for key in self._table.key_attributes():
            held = item.get(key.name)
            if held is not None and [*held] != [key.type.value]:
                raise InvalidRequest(f"The key {key.name} of {self._table.name} is of another type.")
            if held is not None and key.type is not KeyType.NUMBER and not held[key.type.value]:
                raise InvalidRequest(f"The key {key.name} of {self._table.name} is empty.")

    def query(self, request: Query[Any], page_size: int) -> Page:
        """Return one page of a query, in the order of the sort key."""
        names = self._table.key_names(request.index)
        found = [item for item in self._seen_by(request.index) if holds(request.where, item)]
        order = _order([*names[1:], *(name for name in self._table.key_names() if name not in names)])
        found.sort(key=order, reverse=request.descending)
        return self._page(
            request, found, order, page_size, request.whole_filter, descending=request.descending
        )

    def scan(self, request: Scan[Any], page_size: int) -> Page:
        """Return one page of a scan: by the hash of the partition key, as DynamoDB does."""
        partition = self._table.key_names(request.index)[0]
        found = [
            item
            for item in self._seen_by(request.index)
            if _hash(item[partition]) % request.segments == request.segment
        ]
        by_key = _order(cursor_names(self._table, request.index))

        def order(item: Item) -> Any:
            return _hash(item[partition]), by_key(item)

        found.sort(key=order)
        return self._page(request, found, order, page_size, request.whole_filter, descending=False)

    def _seen_by(self, index: str | None) -> Iterator[Item]:
        """Iterate the items that have the keys of an index, with what it holds of them."""
        if index is None:
            yield from self._items.values()
            return
        declared, names = self._table.index(index), self._table.key_names(index)
        kept: Iterable[str] | None = None
        if declared.projection is not Projection.ALL:
            further = () if declared.projection is Projection.KEYS_ONLY else declared.projection
            kept = {*cursor_names(self._table, index), *further}
        for item in self._items.values():
            if all(name in item for name in names):
                yield item if kept is None else {name: item[name] for name in item if name in kept}

    def _page(
        self,
        request: Query[Any] | Scan[Any],
        found: list[Item],
        order: Callable[[Item], Any],
        page_size: int,
        kept: Condition | None,
        *,
        descending: bool,
    ) -> Page:
        if request.after is not None:
            start = order(request.after)
            found = [item for item in found if (order(item) < start if descending else start < order(item))]
        limit = min(page_size, page_limit(request) or page_size)
        count, size = 0, 0
        while count < len(found) and count < limit and size < PAGE_BYTES:
            size += item_bytes(found[count])
            count += 1
        page = found[:count]
        cut = count < len(found) or (count == limit and count > 0)  # DynamoDB doesn't look ahead either
        names = cursor_names(self._table, request.index)
        after = {name: copied(page[-1][name]) for name in names} if cut else None
        if kept is not None:
            page = [item for item in page if holds(kept, item)]
        if request.counting:
            return Page([], after, len(page))
        return Page([projected(item, request.projection) for item in page], after, len(page))


def projected(item: Item, paths: Paths | None) -> Item:
    """Return a copy of an item with these paths only; None: with all."""
    if paths is None:
        whole: Item = copied(item)
        return whole
    part: Item = {}
    for path in sorted(paths, key=str):
        value = find(item, path)
        if value is not None:
            _graft(part, path, copied(value))
    return part


def _graft(part: Item, path: tuple[str | int, ...], value: AttributeValue) -> None:
    """Put a value at its path; a list keeps only the places that were asked for, closed up."""
    holder: Any = part
    for step, following in pairwise(path):
        inside: AttributeValue = {"L": []} if isinstance(following, int) else {"M": {}}
        if isinstance(step, int):
            holder.append(inside)
            held = inside
        else:
            held = holder.setdefault(step, inside)
        ((_, holder),) = held.items()
    if isinstance(path[-1], int):
        holder.append(value)
    else:
        holder[path[-1]] = value


def _order(names: Iterable[str]) -> Callable[[Item], Any]:
    """Return what orders items: key attributes, text by its UTF-8, numbers by value."""
    ordered = tuple(names)

    def order(item: Item) -> Any:
        return [_rank(item[name]) for name in ordered]

    return order


def _rank(value: AttributeValue) -> Any:
    ((kind, held),) = value.items()
    if kind == "S":
        return held.encode()
    return Decimal(held) if kind == "N" else held


def _hash(value: AttributeValue) -> int:
    """Return the same number for equal partition keys, in every run."""
    return crc32(repr(_rank(value)).encode())
