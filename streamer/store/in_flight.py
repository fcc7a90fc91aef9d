"""How many requests of a user and of a tenant are in flight: counters beside the requests.

A user's counter is raised in the transaction that makes a request, one call for both, as long as few do so
at once. A tenant's would make all of its requests conflict: it is written before, and so is a user's for a
while after conflicts. Both are lowered beside what ends a request. So a crash, or a table that does not
answer, can leave one that is wrong, and the sweeper compares. What has happened to a request is never undone
or held up because of its counters.
"""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from logging import Logger
from typing import Any

from streamer.clock import Clock
from streamer.dynamorm import (
    Condition,
    ConditionFailed,
    Database,
    DynamormError,
    Scan,
    Throttled,
    TransactionCancelled,
    TransactionConflict,
    Update,
    UpdateAction,
)
from streamer.errors import RateLimited
from streamer.store.limits import APART_S, COUNTER_TTL_S, RATE_LIMIT_RETRY_S
from streamer.store.models import Counter, RequestKey, tenant_key, user_key

MAX_THREADS = 4
"""Counters that are written at once. Ours: a request has two."""

NOTHING_WRITTEN = (TransactionCancelled, TransactionConflict, Throttled)
"""How a transaction fails that did not happen: what was counted for it is taken back."""

PATIENCE_S = 0.5
"""Seconds for which the end of a request waits for its counters. Ours: they are written beside it, so there
is seldom anything to wait for, and its outcome is not held up by a table that is throttled."""


def correction(stored: int, found: int, earlier: int) -> tuple[int, int]:
    """Return what to add to a counter, and the difference to remember. Pure.

    What differs now and differed before is wrong; what differs only now may be on its way.

    Args:
        stored: what the counter says.
        found: how many there are.
        earlier: the difference of the last time.
    """
    difference = found - stored
    if difference * earlier <= 0:
        return 0, difference
    change = min(difference, earlier, key=abs)
    return change, difference - change


class InFlight:
    """The counters. Thread-safe."""

    def __init__(
        self, database: Database, clock: Clock, *, per_user: int, per_tenant: int, logger: Logger
    ) -> None:
        """Take the limits; with 0 nothing is counted and nothing refused."""
        self._database = database
        self._clock = clock
        self._logger = logger
        self._per_user = per_user
        self._per_tenant = per_tenant
        self._apart_until = 0.0
        self._pool = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="in-flight")

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown()

    def limits(self, tenant_id: str, user_id: str) -> dict[str, int]:
        """Return the counters that a request is counted by, and how far each may go."""
        limits = {}
        if self._per_user > 0:
            limits[user_key(tenant_id, user_id)] = self._per_user
        if self._per_tenant > 0:
            limits[tenant_key(tenant_id)] = self._per_tenant
        return limits

    def entering(self, key: RequestKey) -> tuple[Update[Counter], ...]:
        """Return what counts one request more within the transaction that makes it.

        Its condition fails where the user has as many as allowed: `refusal` is the error then.
        """
        if self._per_user <= 0 or self._clock.now() < self._apart_until:
            return ()
        return (self._change(user_key(key.tenant_id, key.user_id), 1, self._per_user),)

    def note_conflict(self) -> None:
        """Keep the counters out of transactions for a while: too many count at once."""
        self._apart_until = self._clock.now() + APART_S

    def enter(self, key: RequestKey, *, is_user_counted: bool) -> list[str]:
        """Count one request more by the counters that no transaction writes, and return which these are.

        Args:
            is_user_counted: whether a transaction writes the user's.

        Raises:
            RateLimited: its user or its tenant has as many as it may; nothing was counted.
        """
        limits = self.limits(key.tenant_id, key.user_id)
        of_user = user_key(key.tenant_id, key.user_id)
        if is_user_counted:
            del limits[of_user]
        if len(limits) == 1:
            entered = {name: self._add(name, 1, limit) for name, limit in limits.items()}
        else:
            futures = {name: self._pool.submit(self._add, name, 1, limit) for name, limit in limits.items()}
            try:
                entered = {name: future.result() for name, future in futures.items()}
            except DynamormError:
                self.leave(
                    name for name, future in futures.items() if not future.exception() and future.result()
                )
                raise
        if not all(entered.values()):
            self.leave(name for name, done in entered.items() if done)
            raise self.refusal(of_user=not entered.get(of_user, True))
        return [*entered]

    def leave(self, names: Iterable[str]) -> None:
        """Take back what `enter` counted, if the table answers."""
        for name in names:
            self._try_add(name, -1)

    @staticmethod
    def refusal(*, of_user: bool) -> RateLimited:
        """Return the error of one request too many: of its user, or of its tenant."""
        return RateLimited(
            f"{'You have' if of_user else 'Your tenant has'} as many requests in flight as allowed;"
            " wait for one of them to end.",
            retry_after_s=RATE_LIMIT_RETRY_S,
        )

    def add(self, key: RequestKey, change: int) -> None:
        """Count so many requests more, whatever the limit, if the table answers."""
        for name in self.limits(key.tenant_id, key.user_id):
            self._try_add(name, change)

    @contextmanager
    def leaving(self, key: RequestKey) -> Iterator[None]:
        """Count one request less while the block writes its end, and take that back if it doesn't.

        A counter that takes longer than `PATIENCE_S` is not waited for; one that fails is the sweeper's.
        """
        left = {
            name: self._pool.submit(self._try_add, name, -1)
            for name in self.limits(key.tenant_id, key.user_id)
        }
        written: list[Future[Any]] = [*left.values()]
        try:
            yield
        except NOTHING_WRITTEN:
            written = [self._pool.submit(self._take_back, name, future) for name, future in left.items()]
            raise
        finally:
            wait(written, PATIENCE_S)

    def reconcile(self, found: Mapping[str, int]) -> dict[str, int]:
        """Mend the counters by what was found; returns what was added to which."""
        stored = {counter.name: counter for counter in self._database.scan(Scan(Counter))}
        changes = {}
        for name in {*stored, *found}:
            counter = stored.get(name) or Counter(name=name)
            change, difference = correction(counter.in_flight, found.get(name, 0), counter.difference)
            if change or difference != counter.difference:
                self._database.update(
                    Counter.at(name=name),
                    Counter.in_flight.increment(change),
                    Counter.difference.set(difference),
                    *self._kept(name),
                )
            if change:
                changes[name] = change
        return changes

    def _take_back(self, name: str, left: "Future[bool]") -> None:
        """Undo what a thread of the pool was given before this, so that it never waits for its own turn."""
        if left.result():
            self._try_add(name, 1)

    def _try_add(self, name: str, change: int) -> bool:
        """Count, whatever the limit; whether it is known to have been done."""
        try:
            return self._add(name, change)
        except DynamormError as error:
            self._logger.warning(
                "A counter waits for the sweeper",
                extra={
                    "action": "counter.waits",
                    "counter": name,
                    "error_type": type(error).__name__,
                    "error": str(error),
                },
            )
            return False

    def _add(self, name: str, change: int, limit: int | None = None) -> bool:
        try:
            self._database.write(self._change(name, change, limit))
        except ConditionFailed:
            return False
        return True

    def _change(self, name: str, change: int, limit: int | None = None) -> Update[Counter]:
        condition: Condition | None = None
        if limit is not None:
            condition = Counter.in_flight.does_not_exist() | (Counter.in_flight < limit)
        elif change < 0:
            condition = Counter.in_flight > 0
        return Update(
            Counter.at(name=name), (Counter.in_flight.increment(change), *self._kept(name)), condition
        )

    def _kept(self, name: str) -> tuple[UpdateAction, ...]:
        return (
            Counter.name.set(name),
            Counter.expires_at.set(int(self._clock.now()) + COUNTER_TTL_S),
        )
