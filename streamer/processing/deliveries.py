"""Outcomes on their way, several at once: one that hangs holds up no other."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from logging import Logger

from streamer.store import RequestKey, RequestState

MAX_DELIVERIES = 8
"""Outcomes that are sent at the same time. Ours: half of what the sender has threads for."""


class Deliveries:
    """Begins deliveries and waits for them. For one thread; the deliveries run in others."""

    def __init__(
        self,
        is_due: Callable[[RequestKey, RequestState], bool],
        deliver: Callable[[RequestKey, RequestState], bool],
        logger: Logger,
    ) -> None:
        """Take what delivers; what it raises is logged, and stops no other delivery.

        Args:
            is_due: asked right before an outcome is sent: it may have waited long for its turn.
        """
        self._is_due = is_due
        self._deliver = deliver
        self._logger = logger
        self._pool: ThreadPoolExecutor | None = None
        self._begun: dict[tuple[RequestKey, int | None], Future[None]] = {}

    def has(self, key: RequestKey, state: RequestState) -> bool:
        """Whether this outcome waits for its turn or is being sent."""
        begun = self._begun.get((key, state.outcome_sequence))
        return begun is not None and not begun.done()

    def begin(self, key: RequestKey, state: RequestState) -> None:
        """Let an outcome be sent, as soon as a thread is free."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(MAX_DELIVERIES, thread_name_prefix="deliver")
        run = copy_context().run
        self._begun[key, state.outcome_sequence] = self._pool.submit(run, self._work, key, state)

    def finish(self, within_s: float) -> int:
        """Wait for all, and so many seconds at most; what has not begun then is not begun.

        Returns:
            How many are not over. Their marks stay: another sweep finds them.
        """
        left = wait(self._begun.values(), max(0.0, within_s)).not_done
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        return len(left)

    def _work(self, key: RequestKey, state: RequestState) -> None:
        ids = {"tenant_id": key.tenant_id, "user_id": key.user_id, "request_id": key.request_id}
        try:
            if not self._is_due(key, state):
                self._logger.info(
                    "An outcome needs no delivery any more", extra={"action": "sweeper.superseded", **ids}
                )
            elif self._deliver(key, state):
                self._logger.info("Delivered", extra={"action": "sweeper.delivered", **ids})
            else:
                self._logger.warning(
                    "Somebody did not take the outcome yet", extra={"action": "sweeper.not_delivered", **ids}
                )
        except Exception:
            self._logger.exception(
                "An outcome could not be delivered", extra={"action": "sweeper.failed", **ids}
            )
