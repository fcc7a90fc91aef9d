"""When and after which wait a call is made again. The decision is pure; `Retrier` waits.

One budget counts every request that is sent for a call. The engine says how many botocore sent by itself
(`TemporaryFailure.attempts`), so its retries and these add up and never multiply. With
`Config(retries={"total_max_attempts": 1})` all retries are these, and each of them is told to `on_retry`.
What is out of reach is tried again here only then: botocore's own attempts may take minutes each.
"""

from collections.abc import Callable
from typing import TypeVar

from streamer.dynamorm.errors import TemporaryFailure, TransactionConflict, Unavailable
from streamer.dynamorm.frozen import dataclass

A = TypeVar("A")
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Backoff:
    """How often a call is made, and the waits between.

    Attributes:
        attempts: requests at most, the first one counted.
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


CONFLICTS = Backoff()
"""Against other transactions at the same item: they are over in milliseconds."""

THROTTLING = Backoff(base_s=0.05, cap_s=5.0)
"""botocore's own for DynamoDB: 50 ms, doubled."""


@dataclass(frozen=True, slots=True)
class Retry:
    """What `on_retry` is told: a call failed and is made again.

    Attributes:
        operation: such as `Update` or `BatchWrite`.
        attempts: requests sent so far.
        delay_s: the wait before the next.
        error: what happened; for items that a batch left unprocessed, too.
    """

    operation: str
    attempts: int
    delay_s: float
    error: TemporaryFailure


@dataclass(frozen=True, slots=True)
class Retrier:
    """Makes calls again within bounds. Thread-safe, as its functions are.

    Attributes:
        conflicts: for `TransactionConflict`.
        throttling: for `Throttled`, `Unavailable`, and what a batch left unprocessed.
        sleep, random_unit: how to wait, and chance in [0, 1).
        on_retry: is told before each wait.
    """

    conflicts: Backoff
    throttling: Backoff
    sleep: Callable[[float], None]
    random_unit: Callable[[], float]
    on_retry: Callable[[Retry], None] | None = None

    def call(self, send: Callable[[A], R], request: A, *, repeatable: bool) -> R:
        """Send a request until it is answered or the attempts are used up.

        Args:
            repeatable: whether it may be sent again when nobody knows if it was carried out.

        Raises:
            TemporaryFailure: with `attempts` and `waited_s`.
        """
        attempts, waited_s = 0, 0.0
        while True:
            try:
                return send(request)
            except TemporaryFailure as error:
                tried = error.attempts
                attempts += tried
                error.attempts, error.waited_s = attempts, waited_s
                if isinstance(error, Unavailable) and (tried > 1 or not repeatable):
                    raise
                delay_s = self.pause(type(request).__name__, error, failures=attempts)
                if delay_s is None:
                    raise
                waited_s += delay_s

    def pause(self, operation: str, error: TemporaryFailure, *, failures: int) -> float | None:
        """Wait before another attempt and return the seconds; None: the attempts are used up.

        Args:
            failures: how many attempts have failed in a row.
        """
        backoff = self.conflicts if isinstance(error, TransactionConflict) else self.throttling
        delay_s = backoff.delay_s(failures, self.random_unit())
        if delay_s is None:
            return None
        if self.on_retry is not None:
            self.on_retry(Retry(operation, error.attempts, delay_s, error))
        self.sleep(delay_s)
        return delay_s
