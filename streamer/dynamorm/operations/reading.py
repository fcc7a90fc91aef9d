"""Pages of an engine as iterators and pages of models."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Generic, TypeVar

from streamer.dynamorm.engines.engine import Engine, Page
from streamer.dynamorm.errors import DecodingFailed, InvalidRequest
from streamer.dynamorm.expressions.conditions import Comparison, Condition
from streamer.dynamorm.frozen import dataclass
from streamer.dynamorm.models.kinds import Kinds
from streamer.dynamorm.models.model import M
from streamer.dynamorm.operations.retries import Retrier
from streamer.dynamorm.requests.cursors import decode_cursor, encode_cursor
from streamer.dynamorm.requests.items import cursor_names
from streamer.dynamorm.requests.queries import Query, Scan, varied
from streamer.dynamorm.schema import Table
from streamer.dynamorm.values.codec import Item

R = TypeVar("R")

OnUnreadable = Callable[[Item, DecodingFailed], None]
"""Is told of an item that does not fit the model, which is then passed over."""


@dataclass(frozen=True, slots=True)
class ModelPage(Generic[M]):
    """Some of the items of a query or a scan.

    Attributes:
        cursor: where the next page begins, for the same query in any process; None: this was the last.
    """

    items: list[M]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Reading(Generic[M]):
    """How what is read becomes models.

    Attributes:
        model: of the items, or the smaller one that they are projected to.
        now: epoch second at which an expired item counts as absent; None: it doesn't.
        on_unreadable: None: an item that doesn't fit is an error.
        only: the attributes that the index read from holds; None: all.
    """

    model: type[M] | Kinds[M]
    now: float | None
    on_unreadable: OnUnreadable | None = None
    only: frozenset[str] | None = None

    def read(self, item: Item) -> M | None:
        """Return the model of an item; None if it is passed over."""
        if self.now is not None and is_expired(self.model.__schema__.table, item, self.now):
            return None
        try:
            return self.model.from_item(item, only=self.only)
        except DecodingFailed as error:
            if self.on_unreadable is None:
                raise
            self.on_unreadable(item, error)
            return None


class PageReader:
    """Follows the pages of queries and scans."""

    __slots__ = ("_engine", "_retrier")

    def __init__(self, engine: Engine, retrier: Retrier) -> None:
        self._engine = engine
        self._retrier = retrier

    def read_page(self, request: Query[Any] | Scan[Any]) -> Page:
        """Return one page as DynamoDB cuts it."""
        send: Callable[[Any], Page] = self._engine.query if isinstance(request, Query) else self._engine.scan
        return self._retrier.call(send, request, repeatable=True)

    def pages(self, request: Query[Any] | Scan[Any]) -> Iterator[Page]:
        """Iterate the pages, each read when it is needed."""
        while True:
            page = self.read_page(request)
            yield page
            if page.after is None:
                return
            request = varied(request, after=page.after)

    def iterate(self, request: Query[Any] | Scan[Any], reading: Reading[M]) -> Iterator[M]:
        """Iterate the models, up to the request's limit."""
        read = reading.read
        found = (
            model for page in self.pages(request) for model in map(read, page.items) if model is not None
        )
        return found if request.limit is None else islice(found, request.limit)

    def page(
        self, request: Query[Any] | Scan[Any], reading: Reading[M], *, size: int, cursor: str | None
    ) -> ModelPage[M]:
        """Return the next `size` models, fewer only at the end."""
        if request.limit is not None or request.after is not None:
            raise InvalidRequest("A page has a size and a cursor; leave limit and after out of its query.")
        if size < 1:
            raise InvalidRequest("A page has at least 1 item.")
        after = None if cursor is None else decode_cursor(request, cursor)
        names = cursor_names(request.table, request.index)
        found: list[M] = []
        for page in self.pages(varied(request, limit=size, after=after)):
            for position, item in enumerate(page.items, start=1):
                model = reading.read(item)
                if model is None:
                    continue
                found.append(model)
                if len(found) == size:
                    if position == len(page.items) and page.after is None:
                        break
                    last = {name: item[name] for name in names}
                    return ModelPage(found, encode_cursor(request, last))
        return ModelPage(found, None)

    def count(self, request: Query[Any] | Scan[Any], now: float | None) -> int:
        """Return how many items there are, without reading them over the network."""
        ttl = request.table.ttl_attribute
        if now is not None and ttl is not None:
            if ttl in request.table.key_names(request.index):  # no filter may name a key of what is queried
                pages = (page.items for page in self.pages(request))
                counted = sum(not is_expired(request.table, item, now) for page in pages for item in page)
                return counted if request.limit is None else min(counted, request.limit)
            alive = not_expired(ttl, now)
            request = varied(request, filter=alive if request.filter is None else request.filter & alive)
        counted = 0
        for page in self.pages(varied(request, counting=True)):
            counted += page.count
            if request.limit is not None and counted >= request.limit:
                return request.limit
        return counted

    def iterate_segments(self, request: Scan[Any], reading: Reading[M], segments: int) -> Iterator[M]:
        """Iterate the models of a scan whose segments are read side by side, a page of each at most ahead."""
        from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

        parts = [varied(request, segment=number, segments=segments) for number in range(segments)]
        pool = ThreadPoolExecutor(segments, thread_name_prefix="dynamorm-scan")
        left = request.limit
        try:
            reads: dict[Future[Page], Scan[Any]] = {pool.submit(self.read_page, part): part for part in parts}
            while reads:
                for done in wait(reads, return_when=FIRST_COMPLETED).done:
                    part = reads.pop(done)
                    page = done.result()
                    if page.after is not None:
                        further = varied(part, after=page.after)
                        reads[pool.submit(self.read_page, further)] = further
                    for model in map(reading.read, page.items):
                        if model is None:
                            continue
                        yield model
                        if left is not None:
                            left -= 1
                            if left == 0:
                                return
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def not_expired(ttl_attribute: str, now: float) -> Condition:
    """Return what holds of an item that counts as present at `now`."""
    return ~Comparison((ttl_attribute,), "<=", {"N": f"{now:.6f}"})


def is_expired(table: Table, item: Item, now: float) -> bool:
    """Whether an item counts as absent at `now`, epoch seconds. Pure."""
    if table.ttl_attribute is None:
        return False
    stored = item.get(table.ttl_attribute)
    return stored is not None and "N" in stored and float(stored["N"]) <= now
