"""One operation on the tables: alone, all or nothing, and its stream records only once it succeeded.

Every call to DynamoDB runs in one. Operations nest: an inner one that fails takes back what it did and
leaves the outer one as it was, which is what a transaction or a batch of statements needs.
"""

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Any

from .clock import CLOCK
from .records import TTL_IDENTITY, is_change, numbered, record
from .wire import keys_of, wire_of

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
    done: list[Callable[[], None]] = field(default_factory=list)


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


def when_done(then: Callable[[], None]) -> None:
    """Have `then` called once the outermost operation has succeeded and is told; to be called in that one."""
    _open[0].done.append(then)


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
        at = CLOCK.now()
        records = _records(work, at)
        _bring_up_to_date(work)
    except BaseException:
        tables = {id(write[0]): write[0] for write in work.before}
        _undo(work, 0)
        for table in tables.values():
            for listener in undone:
                listener(table)
        raise
    for table, made in records:
        table.stream_shard.stream.append(partial(numbered, made), at)
    for then in work.done:
        then()


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


def _records(work: _Work, at: float) -> list[tuple[Any, dict[str, Any]]]:
    """Return what streams show, with the tables: of each changed item, its first state and its last."""
    items: dict[Any, _Change] = {}
    for change in work.changes:
        item = change.old if change.old is not None else change.new
        key = id(change.table), item.hash_key, item.range_key
        if key in items:
            items[key].new = change.new
        else:
            items[key] = _Change(change.table, change.old, change.new)
    records = []
    for change in items.values():
        if change.table.stream_shard is None:
            continue
        old = None if change.old is None else wire_of(change.old)
        new = None if change.new is None else wire_of(change.new)
        if not is_change(old, new):
            continue
        made = record(
            event_id=uuid.uuid4().hex,
            region=change.table.region_name,
            view=change.table.stream_shard.stream.view,
            keys=keys_of(change.table, new if new is not None else old),
            old=old,
            new=new,
            created_at=at,
            identity=work.identity,
        )
        records.append((change.table, made))
    return records
