"""Runs one long request: claim, action, progress, outcome, delivery."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from logging import Logger
from typing import Any

from streamer.actions.context import ActionContext
from streamer.actions.registry import ActionRegistry
from streamer.actions.results import carried
from streamer.actions.running import ActionRunner
from streamer.clock import Clock
from streamer.delivery import OutcomeDelivery
from streamer.errors import AlreadyClaimed, NotFound, ProcessingFailed, StreamerError, Superseded
from streamer.identity import Identity
from streamer.processing.retries import TryLater, WaitHere, after_failure
from streamer.processing.work import Work
from streamer.progress.reporter import ProgressReporter
from streamer.store import LEASE_MARGIN_S, Claim, RequestStore

FINISHING_S = 5.0
"""Seconds of an invocation that are kept for storing and sending the outcome. Ours."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """The Lambda invocation that a request runs in.

    Attributes:
        owner: the invocation's request id; fences every write.
        remaining_s: returns the seconds that are left.
    """

    owner: str
    remaining_s: Callable[[], float]


class Executor:
    """Runs requests to their outcome, at most one attempt of each at a time."""

    def __init__(
        self,
        *,
        registry: ActionRegistry,
        requests: RequestStore,
        delivery: OutcomeDelivery,
        new_reporter: Callable[[Work, Claim], ProgressReporter],
        new_context: Callable[..., ActionContext],
        clock: Clock,
        sleep: Callable[[float], None],
        jitter: Callable[[], float],
        max_attempts: int,
        logger: Logger,
    ) -> None:
        self._registry = registry
        self._requests = requests
        self._delivery = delivery
        self._new_reporter = new_reporter
        self._new_context = new_context
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._max_attempts = max_attempts
        self._logger = logger
        self._runner = ActionRunner(logger)

    def execute(self, work: Work, invocation: Invocation) -> None:
        """Run the request unless somebody else does or did.

        Returns when the request is over, put back for later, or found taken. An exception that
        leaves here is a failure of ours: Lambda hands it to the sweeper, which puts the request back.
        """
        while True:
            lease_until = self._clock.now() + invocation.remaining_s() + LEASE_MARGIN_S
            try:
                claim = self._requests.claim(work.key, owner=invocation.owner, lease_until=lease_until)
            except (AlreadyClaimed, NotFound):
                self._logger.info("The request is taken, over or gone", extra={"action": "request.skipped"})
                return
            self._logger.info(
                "The request is claimed",
                extra={"action": "request.claimed", "attempt": claim.state.attempt},
            )
            try:
                delay_s = self._attempt(work, claim, invocation)
            except Superseded:
                self._logger.warning("Another attempt took over", extra={"action": "request.superseded"})
                return
            if delay_s is None:
                return
            self._sleep(delay_s)

    def _attempt(self, work: Work, claim: Claim, invocation: Invocation) -> float | None:
        """Run one attempt; returns the seconds after which to claim again, None when this is over."""
        reporter = self._new_reporter(work, claim)
        try:
            try:
                result = self._run(work, claim, invocation, reporter)
            finally:
                reporter.close()
            state = self._requests.complete(claim, result=result, sequence=reporter.next_sequence())
        except Superseded:
            raise
        except StreamerError as error:
            return self._failed(work, claim, invocation, reporter, error)
        self._logger.info("The request is complete", extra={"action": "request.completed"})
        self._delivery.deliver(work.key, state, result=result)
        return None

    def _run(self, work: Work, claim: Claim, invocation: Invocation, reporter: ProgressReporter) -> Any:
        if claim.state.attempt > self._max_attempts:
            raise ProcessingFailed(f"The request ended without an answer in {self._max_attempts} attempts.")
        action = self._registry.get(claim.state.action)
        payload = action.parse(self._requests.get_payload(work.key))
        context = self._new_context(
            action=action.name,
            identity=Identity(
                work.tenant_id, work.user_id, frozenset(claim.state.permissions or ()), math.inf
            ),
            request_id=work.request_id,
            correlation_id=work.correlation_id,
            attempt=claim.state.attempt,
            progress=reporter.progress,
            remaining_s=invocation.remaining_s,
        )
        limit_s = max(0.0, min(action.timeout_s, invocation.remaining_s() - FINISHING_S))
        return carried(self._runner.run(action, payload, context, limit_s=limit_s), context)

    def _failed(
        self,
        work: Work,
        claim: Claim,
        invocation: Invocation,
        reporter: ProgressReporter,
        error: StreamerError,
    ) -> float | None:
        decision = after_failure(
            claim.state.attempt,
            max_attempts=self._max_attempts,
            retryable=error.retryable,
            remaining_s=invocation.remaining_s(),
            jitter=self._jitter(),
        )
        if isinstance(decision, WaitHere | TryLater):
            self._requests.retry(
                claim, due_at=self._clock.now() + decision.delay_s, code=error.code, message=str(error)
            )
            self._logger.warning(
                "The request is tried again",
                extra={"action": "request.retrying", "code": error.code, "delay_s": decision.delay_s},
            )
            return decision.delay_s if isinstance(decision, WaitHere) else None
        state = self._requests.fail(
            claim,
            code=error.code,
            message=str(error),
            details=error.details or None,
            sequence=reporter.next_sequence(),
        )
        self._logger.warning("The request failed", extra={"action": "request.failed", "code": error.code})
        self._delivery.deliver(work.key, state)
        return None
