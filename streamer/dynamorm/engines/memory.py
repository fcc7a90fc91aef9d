"""DynamoDB in memory, for tests: the same seam, the same contract suite, no network.

Reads are always consistent, also those of an index. There is no stream and nothing expires by itself
(`Database` treats an expired item as absent, as it does everywhere).
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from typing import Any

from streamer.dynamorm.engines.engine import Page
from streamer.dynamorm.engines.memory_tables import MemoryTable, copied, projected
from streamer.dynamorm.errors import (
    ConditionFailed,
    DynamormError,
    InvalidRequest,
    Reason,
    TransactionCancelled,
)
from streamer.dynamorm.expressions.evaluation import apply, holds
from streamer.dynamorm.requests.batches import BatchAction, BatchGet, BatchGetAnswer, BatchWrite
from streamer.dynamorm.requests.items import (
    Check,
    Delete,
    Get,
    Put,
    Returns,
    Update,
    Write,
    place_of,
)
from streamer.dynamorm.requests.queries import Query, Scan
from streamer.dynamorm.requests.sizes import check_item, item_bytes
from streamer.dynamorm.requests.transactions import Transaction, TransactionAction, TransactionGet
from streamer.dynamorm.schema import Table
from streamer.dynamorm.values.codec import Item

BATCH_BYTES = 16 * 1024 * 1024
"""What a batch of reads returns at most. DynamoDB API reference, `BatchGetItem`."""

TOKEN_LIFETIME_S = 600
"""How long a transaction's token is remembered. DynamoDB API reference, `TransactWriteItems`."""


class MemoryDynamoDB:
    """Tables that live as long as this object; they are made at their first use. Thread-safe."""

    def __init__(self, *, page_size: int = 100, now: Callable[[], float] = time.monotonic) -> None:
        """Make an empty one.

        Args:
            page_size: items of a page at most; DynamoDB has no such limit beside 1 MB, which holds too.
            now: seconds, for the lifetime of a transaction's token.
        """
        self._tables: dict[str, MemoryTable] = {}
        self._tokens: dict[str, tuple[float, Any]] = {}
        self._failures: deque[DynamormError] = deque()
        self._batch_limits: deque[int] = deque()
        self._lock = threading.RLock()
        self._page_size = page_size
        self._now = now

    # What a test arranges.

    def fail_next(self, *errors: DynamormError) -> None:
        """Let the next requests fail, each with one of these, and carry out nothing of them."""
        with self._lock:
            self._failures.extend(errors)

    def process_at_most(self, *counts: int) -> None:
        """Let the next batches process no more than so many of their items each, and leave the others."""
        with self._lock:
            self._batch_limits.extend(counts)

    # The seam.

    def get(self, request: Get[Any]) -> Item | None:
        with self._lock:
            self._begin()
            request.encode(request.table.name)  # refuses what could not be sent either
            item = self._find(request.table, request.key.values)
            return None if item is None else projected(item, request.projection)

    def write(self, request: Write) -> Item | None:
        with self._lock:
            self._begin()
            place, old, new = self._outcome(request)
            if request.condition is not None and not holds(request.condition, old or {}):
                raise ConditionFailed(
                    f"A condition on an item of {request.table.name} did not hold.", item=copied(old)
                )
            self._table(request.table).store(place, new)
            if request.returns is Returns.OLD:
                return copied(old)  # type: ignore[no-any-return]
            return copied(new) if request.returns is Returns.NEW else None

    def query(self, request: Query[Any]) -> Page:
        with self._lock:
            self._begin()
            request.encode(request.table.name)
            return self._table(request.table).query(request, self._page_size)

    def scan(self, request: Scan[Any]) -> Page:
        with self._lock:
            self._begin()
            request.encode(request.table.name)
            return self._table(request.table).scan(request, self._page_size)

    def batch_get(self, request: BatchGet) -> BatchGetAnswer:
        with self._lock:
            count = self._begin_batch(len(request.keys))
            request.encode(lambda table: table.name)
            items = [copied(self._find(key.model.__schema__.table, key.values)) for key in request.keys]
            count = min(count, _fitting(items))
            left = len(request.keys) - count
            return BatchGetAnswer(items[:count] + [None] * left, request.keys[count:])

    def batch_write(self, request: BatchWrite) -> tuple[BatchAction, ...]:
        with self._lock:
            count = self._begin_batch(len(request.requests))
            outcomes = [(action.table, *self._outcome(action)) for action in request.requests]
            for table, place, _, new in outcomes[:count]:
                self._table(table).store(place, new)
            return request.requests[count:]

    def transact(self, request: Transaction) -> None:
        with self._lock:
            self._begin()
            content = request.encode(lambda table: table.name)["TransactItems"]
            if self._is_repeated(request, content):
                return
            outcomes, reasons = [], []
            for action in request.actions:
                place, old, new = self._outcome(action)
                outcomes.append((action, place, new))
                failed = action.condition is not None and not holds(action.condition, old or {})
                reasons.append(Reason("ConditionalCheckFailed", copied(old)) if failed else Reason("None"))
            failures = [str(position) for position, reason in enumerate(reasons) if reason.failed]
            if failures:
                raise TransactionCancelled(
                    "The transaction was cancelled and nothing written: the conditions of actions"
                    f" {', '.join(failures)} did not hold.",
                    reasons=reasons,
                )
            for action, place, new in outcomes:
                if not isinstance(action, Check):
                    self._table(action.table).store(place, new)
            if request.token is not None:
                self._tokens[request.token] = (self._now() + TOKEN_LIFETIME_S, content)

    def transact_get(self, request: TransactionGet) -> list[Item | None]:
        with self._lock:
            self._begin()
            request.encode(lambda table: table.name)
            return [copied(self._find(key.model.__schema__.table, key.values)) for key in request.keys]

    def _begin(self) -> None:
        if self._failures:
            raise self._failures.popleft()

    def _begin_batch(self, asked: int) -> int:
        self._begin()
        return min(asked, self._batch_limits.popleft()) if self._batch_limits else asked

    def _is_repeated(self, request: Transaction, content: Any) -> bool:
        until, first = self._tokens.get(request.token or "", (0.0, None))
        if first is None or until <= self._now():
            return False
        if content != first:
            raise InvalidRequest("A transaction's token was used for another one; give each its own.")
        return True

    def _table(self, table: Table) -> MemoryTable:
        held = self._tables.get(table.name)
        if held is None:
            held = self._tables[table.name] = MemoryTable(table)
        return held

    def _find(self, table: Table, values: Item) -> Item | None:
        return self._table(table).get(place_of(table, values))

    def _outcome(self, action: TransactionAction) -> tuple[Hashable, Item | None, Item | None]:
        """Return where the item is, what it is, and what it would be, if the condition holds."""
        table = self._table(action.table)
        encoded = action.encode(action.table.name)
        place = place_of(action.table, encoded.get("Item") or encoded["Key"])
        old = table.get(place)
        match action:
            case Put():
                new: Item | None = copied(encoded["Item"])
            case Update(key, actions, condition):
                if condition is not None and not holds(condition, old or {}):
                    return place, old, old  # an update that is refused need not be possible
                new = check_item(action.table, apply(actions, old if old is not None else copied(key.values)))
                if place_of(action.table, new) != place:
                    raise InvalidRequest(
                        f"An update of {action.table.name} changes the key; put another item."
                    )
            case Delete():
                return place, old, None
            case _:
                return place, old, old
        if new is not None:
            table.check(new)
        return place, old, new


def _fitting(items: list[Item | None]) -> int:
    """Return how many of the items fit into the answer of a batch."""
    size = 0
    for count, item in enumerate(items):
        size += 0 if item is None else item_bytes(item)
        if size > BATCH_BYTES:
            return count
    return len(items)
