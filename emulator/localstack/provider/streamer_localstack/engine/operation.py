"""One operation on the tables: alone, all or nothing, and its stream records only once it succeeded.

Every call to DynamoDB runs in one. Operations nest: an inner one that fails takes back what it did and
leaves the outer one as it was, which is what a transaction or a batch of statements needs.
"""

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from .clock import CLOCK
from .records import TTL_IDENTITY, is_change, record
from .stream import Stream
from .wire import keys_of, wire_of

_Wire = Mapping[str, Any] | None  # an item's attributes, None where there is no item

_LOCK = threading.RLock()
_open: "list[_Work]" = []  # the outermost operation's work, none or one; guarded by _LOCK

written: list[Callable[[Any, Any, Any], None]] = []
"""Are told of each item that an operation wrote: the table, the item before, the item after."""

undone: list[Callable[[Any], None]] = []
"""Are told of each table of which `written` may have been told what was undone in the end."""


class Busy(Exception):
    """Another thread has the tables."""


@dataclass(slots=True)
class _Change:
    table: Any
    old: Any
    new: Any


@dataclass(slots=True)
class _Work:
    """What the outermost operation has done so far."""

    identity: Mapping[str, str] | None = None
    before: list[tuple[Any, Any, Any, Any]] = field(default_factory=list)
    changes: list[_Change] = field(default_factory=list)


class Operation:
    """A context manager: holds the lock; undoes its writes on any exception; else publishes their records."""

    def __init__(self, *, by_time_to_live: bool = False, waits: bool = True) -> None:
        """Make an operation, which begins with the block.

        Args:
            waits: for the operation of another thread; else entering raises Busy while there is one.
        """
        self._waits = waits
        self._identity = TTL_IDENTITY if by_time_to_live else None
        self._marks: tuple[int, int] | None = None

    def __enter__(self) -> "Operation":
        if not _LOCK.acquire(blocking=self._waits):
            raise Busy
        if _open:
            self._marks = len(_open[0].before), len(_open[0].changes)
        else:
            _open.append(_Work(self._identity))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        work = _open[0]
        writes, changes = self._marks or (0, 0)
        try:
            if error is not None:
                _undo(work, writes)
                del work.changes[changes:]
            elif self._marks is None:
                _finish(work)
        finally:
            if self._marks is None:
                _open.clear()
            _LOCK.release()


def remember(table: Any, hash_key: Any, range_key: Any) -> Any:
    """Note the item that is about to be written, and return it (None if there is none)."""
    item = find(table, hash_key, range_key)
    _open[0].before.append((table, hash_key, range_key, item))
    return item


def changed(table: Any, old: Any, new: Any) -> None:
    """Note a change for the table's stream. The items are not altered once the operation has ended."""
    _open[0].changes.append(_Change(table, old, new))


def find(table: Any, hash_key: Any, range_key: Any) -> Any:
    """Return the item under the key, or None, without making an empty partition as moto does."""
    found = table.items.get(hash_key)
    if found is None or table.range_key_attr is None:
        return found
    return found.get(range_key)


def items_of(table: Any) -> Iterator[Any]:
    """Iterate over every item of a table, in no order."""
    for held in table.items.values():
        if table.range_key_attr is None:
            yield held
        else:
            yield from held.values()


def store(table: Any, hash_key: Any, range_key: Any, item: Any) -> None:
    """Put `item` under the key, or nothing where it is None."""
    if table.range_key_attr is None:
        if item is None:
            table.items.pop(hash_key, None)
        else:
            table.items[hash_key] = item
    elif item is not None:
        table.items[hash_key][range_key] = item
    else:
        partition = table.items.get(hash_key, {})
        partition.pop(range_key, None)
        if not partition:
            table.items.pop(hash_key, None)


def _finish(work: _Work) -> None:
    """Tell of the work whoever is to know; undo it where that fails, as the caller is told of a failure."""
    try:
        changes = _published(work)
        _bring_up_to_date(work)
    except BaseException:
        tables = {id(write[0]): write[0] for write in work.before}
        _undo(work, 0)
        for table in tables.values():
            for listener in undone:
                listener(table)
        raise
    at = CLOCK.now()
    for change, old, new in changes:
        _append(change.table.stream_shard.stream, change, old, new, at, work.identity)


def _bring_up_to_date(work: _Work) -> None:
    """Tell who listens about each item that was written, once, from its first state to its last."""
    first: dict[Any, tuple[Any, Any, Any, Any]] = {}
    for write in work.before:
        table, hash_key, range_key, _ = write
        first.setdefault((id(table), hash_key, range_key), write)
    for table, hash_key, range_key, old in first.values():
        for listener in written:
            listener(table, old, find(table, hash_key, range_key))


def _undo(work: _Work, mark: int) -> None:
    while len(work.before) > mark:
        store(*work.before.pop())


def _published(work: _Work) -> list[tuple[_Change, _Wire, _Wire]]:
    """Return what streams show: per item that the operation changed, its first state and its last."""
    items: dict[Any, _Change] = {}
    for change in work.changes:
        item = change.old if change.old is not None else change.new
        key = id(change.table), item.hash_key, item.range_key
        if key in items:
            items[key].new = change.new
        else:
            items[key] = _Change(change.table, change.old, change.new)
    published = []
    for change in items.values():
        if change.table.stream_shard is None:
            continue
        old = None if change.old is None else wire_of(change.old)
        new = None if change.new is None else wire_of(change.new)
        if is_change(old, new):
            published.append((change, old, new))
    return published


def _append(
    stream: Stream,
    change: _Change,
    old: _Wire,
    new: _Wire,
    at: float,
    identity: Mapping[str, str] | None,
) -> None:
    def make(sequence_number: int) -> dict[str, Any]:
        return record(
            event_id=uuid.uuid4().hex,
            region=change.table.region_name,
            view=stream.view,
            keys=keys_of(change.table, new if new is not None else old),
            old=old,
            new=new,
            sequence_number=sequence_number,
            created_at=at,
            identity=identity,
        )

    stream.append(make, at)
