"""What `Database` does with many items: queries, scans and batches."""

from collections.abc import Callable, Iterable, Iterator

from streamer.dynamorm.engines.engine import Engine
from streamer.dynamorm.errors import InvalidRequest
from streamer.dynamorm.models.model import Key, M
from streamer.dynamorm.operations.batching import read_batch, write_batch
from streamer.dynamorm.operations.bookkeeping import settled_for_batch
from streamer.dynamorm.operations.items import read_found
from streamer.dynamorm.operations.reading import ModelPage, OnUnreadable, PageReader, Reading
from streamer.dynamorm.operations.retries import Retrier
from streamer.dynamorm.requests.batches import BatchAction
from streamer.dynamorm.requests.mistakes import expect_key, kind_of
from streamer.dynamorm.requests.queries import Query, Scan


class BulkOperations:
    """Reads and writes many items. A part of `Database`."""

    def __init__(self, engine: Engine, retrier: Retrier, now: Callable[[], float]) -> None:
        self._engine = engine
        self._retrier = retrier
        self._now = now
        self._pages = PageReader(engine, retrier)

    def query(
        self, request: Query[M], *, include_expired: bool = False, on_unreadable: OnUnreadable | None = None
    ) -> Iterator[M]:
        """Iterate the items of one partition, page by page as they are needed.

        Args:
            on_unreadable: is told of an item that does not fit the model, which is then passed over;
                None ends the iteration with the error.
        """
        reading = self._reading(request, include_expired, on_unreadable)
        return self._pages.iterate(request, reading)

    def scan(
        self,
        request: Scan[M],
        *,
        segments: int = 1,
        include_expired: bool = False,
        on_unreadable: OnUnreadable | None = None,
    ) -> Iterator[M]:
        """Iterate all items of a model, page by page as they are needed.

        The whole table or index is read, and paid for, whatever the filter keeps.

        Args:
            segments: parts of the table that are read side by side, each by a thread of its own; then
                the items come in any order.
            on_unreadable: as with `query`.
        """
        reading = self._reading(request, include_expired, on_unreadable)
        if segments > 1:
            return self._pages.iterate_segments(request, reading, segments)
        return self._pages.iterate(request, reading)

    def page(
        self,
        request: Query[M] | Scan[M],
        *,
        size: int,
        cursor: str | None = None,
        include_expired: bool = False,
        on_unreadable: OnUnreadable | None = None,
    ) -> ModelPage[M]:
        """Return the next `size` items, fewer only at the end, and a cursor for those behind them.

        Args:
            cursor: of the page before, made for the same query, maybe by another process; None: the
                first page.

        Raises:
            InvalidCursor: it is damaged or belongs to another query.
        """
        reading = self._reading(request, include_expired, on_unreadable)
        return self._pages.page(request, reading, size=size, cursor=cursor)

    def count(self, request: Query[M] | Scan[M], *, include_expired: bool = False) -> int:
        """Return how many items there are; reading them is paid for, but only the number is sent."""
        _expect_read(request)
        return self._pages.count(request, None if include_expired else self._now())

    def batch_get(
        self, keys: Iterable[Key[M]], *, consistent: bool = False, include_expired: bool = False
    ) -> list[M | None]:
        """Return any number of items in the order of their keys, None where absent.

        They are read a hundred at a time, each once, however often its key comes. It is no snapshot: see
        `transact_get`.

        Raises:
            BatchReadUnfinished: DynamoDB left some unread through all attempts; `.keys` names them.
        """
        asked = [*keys]
        for key in asked:
            expect_key(key)
        items = read_batch(self._engine, self._retrier, asked, consistent=consistent)
        now = None if include_expired else self._now()
        return [read_found(key.model, item, now) for key, item in zip(asked, items, strict=True)]

    def batch_write(self, actions: Iterable[BatchAction]) -> None:
        """Carry out any number of puts and deletes, each by itself and without condition.

        They are sent 25 at a time, in their order. Of several on one item the last wins. A put of an
        item that doesn't know when it was created is created now. It is no transaction: see `transact`.
        An error other than the one below leaves what was sent before it written.

        Raises:
            BatchWriteUnfinished: DynamoDB left some unwritten through all attempts; `.requests` names
                them.
        """
        now = self._now()
        write_batch(self._engine, self._retrier, (settled_for_batch(action, now) for action in actions))

    def _reading(
        self, request: Query[M] | Scan[M], include_expired: bool, on_unreadable: OnUnreadable | None
    ) -> Reading[M]:
        _expect_read(request)
        only = None if request.index is None else request.model.__schema__.loaded(request.index)
        return Reading(request.model, None if include_expired else self._now(), on_unreadable, only)


def _expect_read(request: object) -> None:
    if not isinstance(request, (Query, Scan)):
        raise InvalidRequest(
            f"A read is needed and this is {kind_of(request)}: give Query(Order, Order.of_customer(...)) or"
            " Scan(Order)."
        )
