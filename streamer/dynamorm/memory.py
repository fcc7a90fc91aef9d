"""DynamoDB in memory, for tests: the same seam, the same contract suite, no network.

Reads are always consistent, also those of an index. There is no stream and nothing expires by itself
(`Database` treats an expired item as absent, as it does everywhere).
"""

import threading
from copy import deepcopy
from typing import Any

from streamer.dynamorm.codec import Item
from streamer.dynamorm.engine import Page
from streamer.dynamorm.errors import ConditionFailed, InvalidRequest, Reason, TransactionCancelled
from streamer.dynamorm.evaluation import apply, comparable, holds
from streamer.dynamorm.queries import Query
from streamer.dynamorm.requests import Check, Delete, Get, Put, Update, Write
from streamer.dynamorm.schema import Table
from streamer.dynamorm.transactions import Transaction, TransactionAction

_Place = tuple[Any, ...]
"""Where an item is: the comparable values of its key."""


class MemoryDynamoDB:
    """Tables that live as long as this object; they are made at their first use. Thread-safe."""

    def __init__(self, *, page_size: int = 100) -> None:
        """Make an empty one.

        Args:
            page_size: items of a query's page at most, where DynamoDB counts 1 MB.
        """
        self._tables: dict[str, dict[_Place, Item]] = {}
        self._lock = threading.RLock()
        self._page_size = page_size

    def get(self, request: Get[Any]) -> Item | None:
        with self._lock:
            return deepcopy(self._table(request.table).get(_place(request.table, request.key.values)))

    def write(self, request: Write) -> None:
        with self._lock:
            place, old, new = self._outcome(request)
            _check(request, old)
            self._store(request.table, place, new)

    def update(self, request: Update[Any]) -> Item:
        with self._lock:
            place, old, new = self._outcome(request)
            _check(request, old)
            self._store(request.table, place, new)
            return deepcopy(new) or {}

    def query(self, request: Query[Any]) -> Page:
        table = request.table
        names = table.key_names(request.index)
        with self._lock:
            found = [
                item
                for item in self._table(table).values()
                if all(name in item for name in names) and holds(request.where, item)
            ]
            order = [*names[1:], *(name for name in table.key_names() if name not in names)]
            found.sort(key=lambda item: _rank(item, order), reverse=request.descending)
            if request.after is not None:
                after = _rank(request.after, order)
                found = [
                    item
                    for item in found
                    if (_rank(item, order) < after if request.descending else after < _rank(item, order))
                ]
            limit = self._page_size
            if request.limit is not None and request.filter is None:
                limit = min(limit, request.limit)
            page, rest = found[:limit], found[limit:]
            cursor_names = dict.fromkeys((*names, *table.key_names()))
            after_item = {name: page[-1][name] for name in cursor_names} if rest else None
            if request.filter is not None:
                page = [item for item in page if holds(request.filter, item)]
            return Page(deepcopy(page), deepcopy(after_item))

    def transact(self, request: Transaction) -> None:
        with self._lock:
            places = [(action.table.name, self._place_of(action)) for action in request.actions]
            if len(set(places)) != len(places):
                raise InvalidRequest("A transaction has two actions on one item; make them one.")
            outcomes, reasons = [], []
            for action in request.actions:
                place, old, new = self._outcome(action)
                outcomes.append((action.table, place, new))
                failed = action.condition is not None and not holds(action.condition, old or {})
                reasons.append(Reason("ConditionalCheckFailed", deepcopy(old)) if failed else Reason("None"))
            if any(reason.code != "None" for reason in reasons):
                failures = [position for position, reason in enumerate(reasons) if reason.code != "None"]
                raise TransactionCancelled(
                    "The transaction was cancelled and nothing written: the conditions of actions"
                    f" {', '.join(map(str, failures))} did not hold.",
                    reasons=reasons,
                )
            for action, (table, place, new) in zip(request.actions, outcomes, strict=True):
                if not isinstance(action, Check):
                    self._store(table, place, new)

    def _table(self, table: Table) -> dict[_Place, Item]:
        return self._tables.setdefault(table.name, {})

    def _place_of(self, action: TransactionAction) -> _Place:
        values = action.item.to_item() if isinstance(action, Put) else action.key.values
        return _place(action.table, values)

    def _outcome(self, action: TransactionAction) -> tuple[_Place, Item | None, Item | None]:
        """Return where the item is, what it is, and what it would be, if the condition holds."""
        place = self._place_of(action)
        old = self._table(action.table).get(place)
        match action:
            case Put(item):
                return place, old, deepcopy(item.to_item())
            case Update(key, actions, condition):
                if condition is not None and not holds(condition, old or {}):
                    return place, old, old  # an update that is refused need not be possible
                return place, old, apply(actions, old if old is not None else key.values)
            case Delete():
                return place, old, None
        return place, old, old

    def _store(self, table: Table, place: _Place, item: Item | None) -> None:
        if item is None:
            self._table(table).pop(place, None)
        else:
            self._table(table)[place] = item


def _check(request: Write, old: Item | None) -> None:
    if request.condition is not None and not holds(request.condition, old or {}):
        raise ConditionFailed(
            f"A condition on an item of {request.table.name} did not hold.", item=deepcopy(old)
        )


def _place(table: Table, values: Item) -> _Place:
    return tuple(comparable(values[name]) for name in table.key_names())


def _rank(item: Item, names: list[str]) -> Any:
    """Return what orders items: the key attributes, text by its UTF-8."""
    ranks = [comparable(item[name]) for name in names]
    return [(value.encode() if kind == "S" else value) for kind, value in ranks]
