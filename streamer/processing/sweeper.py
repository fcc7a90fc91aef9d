"""Puts right what a crash left behind: at once for a failed executor, every minute for the rest."""

from collections.abc import Mapping
from logging import Logger
from typing import Any

import msgspec

from streamer.clock import Clock
from streamer.delivery import OutcomeDelivery
from streamer.errors import ErrorCode
from streamer.lifecycle import Status
from streamer.processing.recovery import Remedy, Situation, remedy, unclaimed_remedy
from streamer.processing.work import Work
from streamer.store import RequestKey, RequestState, RequestStore

MAX_SWEPT = 200
"""Requests that one run looks at; the rest waits a minute. Ours."""


class Sweeper:
    """Frees, dispatches again, gives up or delivers requests. Safe to run twice and beside executors."""

    def __init__(
        self,
        *,
        requests: RequestStore,
        delivery: OutcomeDelivery,
        clock: Clock,
        max_attempts: int,
        logger: Logger,
    ) -> None:
        self._requests = requests
        self._delivery = delivery
        self._clock = clock
        self._max_attempts = max_attempts
        self._logger = logger

    def executor_failed(self, failure: Mapping[str, Any]) -> None:
        """Free the request of an executor invocation that crashed or timed out.

        The invocation's request id is the claim's owner: a request that somebody else has claimed
        since is left alone. One that nobody has claimed is dispatched again, a bounded number of times.

        Args:
            failure: the record that Lambda sends to an on-failure destination.
        """
        owner = failure["requestContext"]["requestId"]
        work = msgspec.convert(failure["requestPayload"], Work)
        state = self._requests.find(work.key)
        if state is not None and state.status is Status.PENDING:
            # It died before it could claim: without this the request would wait for the next sweep.
            self._apply(unclaimed_remedy(state.dispatches), work.key, state)
            return
        if state is None or state.status is not Status.PROCESSING or state.owner != owner:
            self._logger.info("Nothing to free", extra={"action": "sweeper.nothing", **_ids(work.key)})
            return
        self._put_back_or_give_up(work.key, state)

    def sweep(self) -> dict[str, int]:
        """Look after everything that is due; returns how many requests got which remedy."""
        counts: dict[str, int] = {}
        for key in self._requests.list_due(self._clock.now(), MAX_SWEPT, on_unreadable=self._note_unreadable):
            try:
                state = self._requests.find(key)
                if state is None:
                    continue
                chosen = self._remedy(state)
                self._apply(chosen, key, state)
            except Exception:
                self._logger.exception(
                    "A request could not be put right", extra={"action": "sweeper.failed", **_ids(key)}
                )
                chosen = Remedy.NOTHING
            counts[chosen] = counts.get(chosen, 0) + 1
        self._logger.info("Swept", extra={"action": "sweeper.swept", "counts": counts})
        return counts

    def _note_unreadable(self, key: str) -> None:
        self._logger.error(
            "A due item is no request as we know it; mend or delete it",
            extra={"action": "sweeper.unreadable", "item": key},
        )

    def _remedy(self, state: RequestState) -> Remedy:
        situation = Situation(
            status=state.status,
            attempt=state.attempt,
            dispatches=state.dispatches,
            due_at=state.due_at,
            lease_until=state.lease_until,
            undelivered=state.undelivered,
        )
        return remedy(situation, now=self._clock.now(), max_attempts=self._max_attempts)

    def _apply(self, chosen: Remedy, key: RequestKey, state: RequestState) -> None:
        if chosen is Remedy.RELEASE:
            self._put_back_or_give_up(key, state)
        elif chosen is Remedy.REDISPATCH:
            self._requests.redispatch(state)
            self._logger.info("Dispatched again", extra={"action": "sweeper.redispatched", **_ids(key)})
        elif chosen is Remedy.GIVE_UP:
            self._give_up(key, state)
        elif chosen is Remedy.DELIVER:
            self._deliver(key, state)

    def _deliver(self, key: RequestKey, state: RequestState) -> None:
        sequence = state.outcome_sequence
        if sequence is not None and self._requests.postpone_delivery(key, sequence=sequence):
            self._delivery.deliver(key, state)
            self._logger.info("Delivered again", extra={"action": "sweeper.delivered", **_ids(key)})

    def _put_back_or_give_up(self, key: RequestKey, state: RequestState) -> None:
        if state.attempt >= self._max_attempts:
            self._give_up(key, state)
        elif state.owner is not None:
            freed = self._requests.release(key, owner=state.owner, attempt=state.attempt)
            self._logger.warning(
                "The request of a dead executor is free again" if freed else "Somebody else was faster",
                extra={"action": "sweeper.released" if freed else "sweeper.superseded", **_ids(key)},
            )

    def _give_up(self, key: RequestKey, state: RequestState) -> None:
        message = f"The request ended without an answer in {max(state.attempt, 1)} attempts."
        failed = self._requests.give_up(key, state=state, code=ErrorCode.PROCESSING_FAILED, message=message)
        if failed is not None:
            self._logger.error("The request is given up", extra={"action": "sweeper.gave_up", **_ids(key)})
            self._delivery.deliver(key, failed)


def _ids(key: RequestKey) -> dict[str, str]:
    return {"tenant_id": key.tenant_id, "user_id": key.user_id, "request_id": key.request_id}
