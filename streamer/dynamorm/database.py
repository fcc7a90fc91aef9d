"""The typed face of DynamoDB: models in, models out, over any engine."""

import random
import time
import uuid
from collections.abc import Callable

from streamer.dynamorm.engines.engine import Engine
from streamer.dynamorm.operations.bulk import BulkOperations
from streamer.dynamorm.operations.items import ItemOperations
from streamer.dynamorm.operations.retries import CONFLICTS, THROTTLING, Backoff, Retrier, Retry


class Database(ItemOperations, BulkOperations):
    """Reads and writes models. Thread-safe, as its engine is.

    An item whose TTL attribute is not after `now()` counts as absent in every read, unless it is
    asked for: DynamoDB deletes it in days, not at that second. `create` takes its place; other writes
    see it, and their conditions say what they mean.

    What can succeed later is tried again within bounds, see `streamer.dynamorm.operations.retries`. Every
    method may raise `Throttled`, `Unavailable` and `TransactionConflict` (with `attempts` and `waited_s`),
    `TableNotFound`, `AccessDenied`, `TooLarge` and `InvalidRequest`.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        now: Callable[[], float] = time.time,
        backoff: Backoff | None = None,
        throttling: Backoff | None = None,
        on_retry: Callable[[Retry], None] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        random_unit: Callable[[], float] = random.random,
        make_token: Callable[[], str] = lambda: uuid.uuid4().hex,
    ) -> None:
        """Take an engine.

        Args:
            now: epoch seconds.
            backoff: against conflicts with other transactions.
            throttling: against throttling, and batches that are left unprocessed.
            on_retry: is told before each wait.
            sleep, random_unit: how to wait, and chance in [0, 1).
            make_token: the idempotency token of a transaction that is given none.
        """
        retrier = Retrier(backoff or CONFLICTS, throttling or THROTTLING, sleep, random_unit, on_retry)
        ItemOperations.__init__(self, engine, retrier, now, make_token)
        BulkOperations.__init__(self, engine, retrier, now)
