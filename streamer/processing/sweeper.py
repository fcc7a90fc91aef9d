"""Puts right what a crash left behind: at once for a failed executor, every minute for the rest."""

import math
import time
from collections.abc import Callable, Mapping
from logging import Logger
from typing import Any

import msgspec

from streamer.clock import Clock
from streamer.delivery import OutcomeDelivery
from streamer.errors import ErrorCode
from streamer.lifecycle import Status
from streamer.processing.deliveries import Deliveries
from streamer.processing.recovery import Remedy, Situation, after_loss, remedy, unclaimed_remedy
from streamer.processing.work import Work, is_of
from streamer.store import ExpiryStore, RequestKey, RequestState, RequestStore

MAX_SWEPT = 200
"""Requests that one run looks at; the rest waits a minute. Ours."""

MAX_COUNTED = 20_000
"""Requests in flight that are counted to compare the counters. Ours: about 20 MB of the index a minute."""

SEGMENTS = 60
"""Parts of the tables, one of which is looked through for expired items each minute. Ours."""

MAX_EXPIRED = 500
"""Expired items of a table that one run deletes; the rest waits an hour. Ours."""

LOOK_INTERVAL_S = 5.0
"""Seconds after which a sweeper that waits for a retry looks whether an earlier one came. Ours."""


PAUSE_S = 1.0
"""Seconds after which it tries again what it could not put right. Ours."""

MAX_WAIT_S = 60.0
"""Seconds for which deliveries are waited for at most, where an invocation has more. Ours."""

END_S = 2.0
"""Seconds before the end of its invocation from which no delivery is waited for. Ours."""


def _endless() -> float:
    return math.inf


class Sweeper:
    """Frees, dispatches again, gives up or delivers requests. Safe to run twice and beside executors."""

    def __init__(
        self,
        *,
        requests: RequestStore,
        expiry: ExpiryStore,
        delivery: OutcomeDelivery,
        clock: Clock,
        max_attempts: int,
        logger: Logger,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Take what it works with.

        Args:
            max_attempts: of requests that do not say it themselves.
        """
        self._requests = requests
        self._expiry = expiry
        self._delivery = delivery
        self._clock = clock
        self._max_attempts = max_attempts
        self._logger = logger
        self._sleep = sleep

    def executor_failed(
        self, failure: Mapping[str, Any], *, remaining_s: Callable[[], float] = _endless
    ) -> None:
        """Free the request of an executor invocation that crashed or timed out.

        The invocation's request id is the claim's owner: a request that somebody else has claimed
        since is left alone. One that nobody has claimed is dispatched again, a bounded number of times.

        Args:
            failure: the record that Lambda sends to an on-failure destination.
            remaining_s: returns the seconds that are left of the invocation.
        """
        deliveries = Deliveries(self._postpone, self._delivery.deliver, self._logger)
        invocation_id = failure["requestContext"]["requestId"]
        work = msgspec.convert(failure["requestPayload"], Work)
        state = self._requests.find(work.key)
        if state is not None and state.status is Status.PENDING:
            # It died before it could claim: without this the request would wait for the next sweep.
            self._apply(unclaimed_remedy(state.dispatches), work.key, state, deliveries)
        elif state is None or state.status is not Status.PROCESSING or not is_of(state.owner, invocation_id):
            self._logger.info("Nothing to free", extra={"action": "sweeper.nothing", **_ids(work.key)})
        else:
            lost = after_loss(_situation(state), max_attempts=self._attempts_of(state))
            self._apply(lost, work.key, state, deliveries)
        self._finish(deliveries, remaining_s)

    def sweep(self, *, until: float = 0.0, remaining_s: Callable[[], float] = _endless) -> dict[str, int]:
        """Look after everything that is due; returns how many requests got which remedy.

        Args:
            until: epoch seconds until which it stays for retries that become due meanwhile, so that
                they are dispatched when they are due and not with the next minute.
            remaining_s: returns the seconds that are left of the invocation: what is not delivered by
                its end is left for the next.
        """
        counts: dict[str, int] = {}
        deliveries = Deliveries(self._postpone, self._delivery.deliver, self._logger)
        try:
            self._put_right(counts, deliveries)
            self._reconcile()
            self._tidy()
            while (now := self._clock.now()) < until:
                retry_at = self._requests.find_next_retry(until)
                if retry_at is None:
                    break
                self._sleep(PAUSE_S if retry_at <= now else min(retry_at - now, LOOK_INTERVAL_S))
                self._put_right(counts, deliveries)
        finally:
            self._finish(deliveries, remaining_s)
        self._logger.info("Swept", extra={"action": "sweeper.swept", "counts": counts})
        return counts

    def _finish(self, deliveries: Deliveries, remaining_s: Callable[[], float]) -> None:
        left = deliveries.finish(min(remaining_s() - END_S, MAX_WAIT_S))
        if left:
            self._logger.warning(
                "Outcomes are left for the next sweep", extra={"action": "sweeper.left", "requests": left}
            )

    def _put_right(self, counts: dict[str, int], deliveries: Deliveries) -> None:
        for key in self._requests.list_due(self._clock.now(), MAX_SWEPT, on_unreadable=self._note_unreadable):
            try:
                state = self._requests.find(key)
                if state is None:
                    continue
                chosen = remedy(
                    _situation(state), now=self._clock.now(), max_attempts=self._attempts_of(state)
                )
                if not self._apply(chosen, key, state, deliveries):
                    chosen = Remedy.NOTHING
            except Exception:
                self._logger.exception(
                    "A request could not be put right", extra={"action": "sweeper.failed", **_ids(key)}
                )
                chosen = Remedy.NOTHING
            counts[chosen] = counts.get(chosen, 0) + 1

    def _reconcile(self) -> None:
        try:
            changes = self._requests.reconcile(limit=MAX_COUNTED)
        except Exception:
            self._logger.exception("The counters were not compared", extra={"action": "sweeper.not_counted"})
            return
        if changes is None:
            self._logger.warning(
                "There are too many requests to count", extra={"action": "sweeper.not_counted"}
            )
        elif changes:
            self._logger.warning(
                "Counters of requests in flight were wrong",
                extra={"action": "sweeper.counters_mended", "counters": len(changes)},
            )

    def _tidy(self) -> None:
        """Delete what has expired in this minute's part of the tables: in an hour each is looked at."""
        segment = int(self._clock.now() // 60) % SEGMENTS
        try:
            deleted = self._expiry.delete_expired(segment=segment, segments=SEGMENTS, limit=MAX_EXPIRED)
        except Exception:
            self._logger.exception("Expired items stay for now", extra={"action": "sweeper.not_tidied"})
            return
        if deleted:
            self._logger.info(
                "Expired items are deleted", extra={"action": "sweeper.tidied", "items": deleted}
            )

    def _note_unreadable(self, key: str) -> None:
        self._logger.error(
            "A due item is no request as we know it; mend or delete it",
            extra={"action": "sweeper.unreadable", "item": key},
        )

    def _attempts_of(self, state: RequestState) -> int:
        return state.max_attempts or self._max_attempts

    def _apply(self, chosen: Remedy, key: RequestKey, state: RequestState, deliveries: Deliveries) -> bool:
        """Carry a remedy out; returns whether anything was left to do."""
        outcome: RequestState | None = None
        if chosen is Remedy.RELEASE:
            return self._release(key, state)
        if chosen is Remedy.REDISPATCH:
            return self._redispatch(key, state)
        if chosen is Remedy.GIVE_UP:
            outcome = self._give_up(key, state)
        elif chosen is Remedy.CALL_OFF:
            outcome = self._call_off(key, state)
        elif chosen is Remedy.DELIVER:
            # postponed here, too, so that what waits for its turn does not stand at the head of what is due
            is_to_begin = not deliveries.has(key, state) and self._postpone(key, state)
            outcome = state if is_to_begin else None
        if outcome is None:
            return False
        deliveries.begin(key, outcome)
        return True

    def _postpone(self, key: RequestKey, state: RequestState) -> bool:
        sequence = state.outcome_sequence
        return sequence is not None and self._requests.postpone_delivery(key, sequence=sequence)

    def _redispatch(self, key: RequestKey, state: RequestState) -> bool:
        again = self._requests.redispatch(state)
        self._logger.info(
            "Dispatched again" if again else "Somebody else was faster",
            extra={"action": "sweeper.redispatched" if again else "sweeper.superseded", **_ids(key)},
        )
        return again

    def _release(self, key: RequestKey, state: RequestState) -> bool:
        freed = self._requests.release(state)
        self._logger.warning(
            "The request of a dead executor is free again" if freed else "Somebody else was faster",
            extra={"action": "sweeper.released" if freed else "sweeper.superseded", **_ids(key)},
        )
        return freed

    def _call_off(self, key: RequestKey, state: RequestState) -> RequestState | None:
        ended = self._requests.call_off(key, state=state)
        if ended is not None:
            self._logger.info(
                "The request of a dead executor is cancelled, as its user asked",
                extra={"action": "sweeper.called_off", **_ids(key)},
            )
        return ended

    def _give_up(self, key: RequestKey, state: RequestState) -> RequestState | None:
        message = f"The request ended without an answer in {max(state.attempt, 1)} attempts."
        failed = self._requests.give_up(key, state=state, code=ErrorCode.PROCESSING_FAILED, message=message)
        if failed is not None:
            self._logger.error("The request is given up", extra={"action": "sweeper.gave_up", **_ids(key)})
        return failed


def _situation(state: RequestState) -> Situation:
    return Situation(
        status=state.status,
        attempt=state.attempt,
        dispatches=state.dispatches,
        due_at=state.due_at,
        lease_until=state.lease_until,
        undelivered=state.undelivered,
        cancel_requested=state.cancel_requested,
    )


def _ids(key: RequestKey) -> dict[str, str]:
    return {"tenant_id": key.tenant_id, "user_id": key.user_id, "request_id": key.request_id}
