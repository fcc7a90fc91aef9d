"""The typed face of DynamoDB: models in, models out, over any engine."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from streamer.dynamorm.codec import Item
from streamer.dynamorm.engine import Engine
from streamer.dynamorm.errors import DecodingFailed, ItemNotFound, TransactionConflict
from streamer.dynamorm.expressions import Condition
from streamer.dynamorm.models import Key, M
from streamer.dynamorm.queries import Query
from streamer.dynamorm.requests import Get, Update, Write
from streamer.dynamorm.schema import Table
from streamer.dynamorm.transactions import Transaction, TransactionAction
from streamer.dynamorm.updates import UpdateAction

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Backoff:
    """How often, and after which waits, a call that met another transaction is made again.

    botocore tries again where the service is throttled or out of reach; conflicts it leaves to us.

    Attributes:
        attempts: calls at most, the first one counted.
        base_s, cap_s: the wait before the n-th further call is random below `base_s * 2 ** (n - 1)`,
            and below `cap_s`. "Full jitter", AWS Architecture Blog, 2015.
    """

    attempts: int = 8
    base_s: float = 0.01
    cap_s: float = 0.3

    def delay_s(self, failures: int, random_unit: float) -> float | None:
        """Return how long to wait after so many failed calls, or None to give up. Pure.

        Args:
            failures: at least 1.
            random_unit: in [0, 1).
        """
        if failures >= self.attempts:
            return None
        ceiling: float = min(self.cap_s, self.base_s * 2.0 ** (failures - 1))
        return random_unit * ceiling


class Database:
    """Reads and writes models. Thread-safe, as its engine is.

    An item whose TTL attribute is not after `now()` counts as absent in every read, unless it is
    asked for: DynamoDB deletes it in days, not at that second. Writes see it; their conditions say
    what they mean.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        now: Callable[[], float] = time.time,
        backoff: Backoff | None = None,
        sleep: Callable[[float], None] = time.sleep,
        random_unit: Callable[[], float] = random.random,
    ) -> None:
        """Take an engine.

        Args:
            now: epoch seconds.
            sleep, random_unit: how to wait, and chance in [0, 1), between calls that conflict.
        """
        self._engine = engine
        self._now = now
        self._backoff = backoff or Backoff()
        self._sleep = sleep
        self._random_unit = random_unit

    def find(self, key: Key[M], *, consistent: bool = False, include_expired: bool = False) -> M | None:
        """Return the item, or None."""
        item = self._engine.get(Get(key, consistent=consistent))
        if item is None or (
            not include_expired and is_expired(key.model.__schema__.table, item, self._now())
        ):
            return None
        return key.model.from_item(item)

    def get(self, key: Key[M], *, consistent: bool = False, include_expired: bool = False) -> M:
        """Return the item.

        Raises:
            ItemNotFound: there is none, or it is expired.
        """
        found = self.find(key, consistent=consistent, include_expired=include_expired)
        if found is None:
            raise ItemNotFound(f"There is no such {key.model.__name__}; see whether its key is right.")
        return found

    def write(self, request: Write) -> None:
        """Carry out a put, update or delete.

        Raises:
            ConditionFailed: the condition did not hold; `.item` is the item as it was.
        """
        self._persist(self._engine.write, request)

    def update(self, key: Key[M], *actions: UpdateAction, condition: Condition | None = None) -> M:
        """Change attributes of one item and return it as it is afterwards.

        Raises:
            ConditionFailed: the condition did not hold; `.item` is the item as it was.
        """
        request = Update(key, actions, condition)
        return key.model.from_item(self._persist(self._engine.update, request))

    def transact(self, *actions: TransactionAction) -> None:
        """Carry out up to 100 actions on as many items: all, or none.

        Raises:
            TransactionCancelled: a condition did not hold; `.reasons` says which.
            TransactionConflict: others kept writing the same items through all attempts.
        """
        self._persist(self._engine.transact, Transaction(actions))

    def query(
        self,
        request: Query[M],
        *,
        include_expired: bool = False,
        on_unreadable: Callable[[Item, DecodingFailed], None] | None = None,
    ) -> Iterator[M]:
        """Iterate the items of one partition, page by page as they are needed.

        Args:
            on_unreadable: is told of an item that does not fit the model, which is then passed over;
                None ends the iteration with the error.
        """
        left = request.limit
        while True:
            page = self._engine.query(request)
            for item in page.items:
                if not include_expired and is_expired(request.table, item, self._now()):
                    continue
                try:
                    found = request.model.from_item(item)
                except DecodingFailed as error:
                    if on_unreadable is None:
                        raise
                    on_unreadable(item, error)
                    continue
                yield found
                if left is not None:
                    left -= 1
                    if left == 0:
                        return
            if page.after is None:
                return
            request = replace(request, after=page.after)

    def _persist(self, call: Callable[[Any], R], request: object) -> R:
        failures = 0
        while True:
            try:
                return call(request)
            except TransactionConflict:
                failures += 1
                delay_s = self._backoff.delay_s(failures, self._random_unit())
                if delay_s is None:
                    raise
                self._sleep(delay_s)


def is_expired(table: Table, item: Item, now: float) -> bool:
    """Whether an item counts as absent at `now`, epoch seconds. Pure."""
    if table.ttl_attribute is None:
        return False
    stored = item.get(table.ttl_attribute)
    return stored is not None and "N" in stored and float(stored["N"]) <= now
