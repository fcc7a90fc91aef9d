"""Runs one long request: claim, action, progress, outcome, delivery."""

import math
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from logging import Logger
from typing import Any

from streamer.actions.context import ActionContext
from streamer.actions.registry import ActionRegistry
from streamer.actions.results import carried
from streamer.actions.retry_policy import DEFAULT_RETRY, RetryPolicy
from streamer.actions.running import ActionRunner
from streamer.clock import Clock, timestamp
from streamer.delivery import OutcomeDelivery
from streamer.dynamorm.frozen import dataclass
from streamer.errors import (
    AlreadyClaimed,
    CancelRequested,
    ContinueLater,
    InvalidAction,
    NotFound,
    ProcessingFailed,
    StreamerError,
    Superseded,
)
from streamer.identity import Identity
from streamer.lifecycle import Status
from streamer.processing.checkpoints import Checkpoints
from streamer.processing.deadlines import deadlines
from streamer.processing.retries import Decision, GiveUp, HandOver, WaitHere, after_failure, is_worth_waiting
from streamer.processing.work import Work
from streamer.progress import Pace, ProgressReporter
from streamer.store import LEASE_MARGIN_S, Checkpoint, Claim, RequestStore
from streamer.store.claims import Sent
from streamer.store.limits import MAX_CONTINUATIONS

MAX_READERS = 4
"""Payloads that are read at once. Ours: one, but where threads of one process share an executor."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """The Lambda invocation that a request runs in.

    Attributes:
        owner: begins with the invocation's request id, and no other invocation has it: Lambda may
            deliver an asynchronous event twice under one request id. Fences every write.
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
        new_reporter: Callable[[Work, Claim, Pace], ProgressReporter],
        new_context: Callable[..., ActionContext],
        clock: Clock,
        sleep: Callable[[float], None],
        jitter: Callable[[], float],
        max_attempts: int,
        logger: Logger,
        is_connected: Callable[[str], bool],
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
        self._is_connected = is_connected
        self._runner = ActionRunner(logger)
        self._readers = ThreadPoolExecutor(MAX_READERS, thread_name_prefix="payload")

    def execute(self, work: Work, invocation: Invocation) -> None:
        """Run the request unless somebody else does or did.

        Returns when the request is over, put back for later, or found taken. An exception that
        leaves here is a failure of ours: Lambda hands it to the sweeper, which puts the request back.
        """
        pace = Pace()
        while True:
            lease_until = self._clock.now() + invocation.remaining_s() + LEASE_MARGIN_S
            # Nothing changes a payload, so it need not wait for the claim.
            sent = self._readers.submit(self._requests.get_sent, work.key)
            try:
                claim = self._requests.claim(work.key, owner=invocation.owner, lease_until=lease_until)
            except (AlreadyClaimed, NotFound) as error:
                if self._waits(error, invocation):
                    continue
                self._logger.info("The request is taken, over or gone", extra={"action": "request.skipped"})
                return
            self._logger.info(
                "The request is claimed",
                extra={"action": "request.claimed", "attempt": claim.state.attempt},
            )
            try:
                decision = self._attempt(work, claim, invocation, sent, pace)
            except Superseded:
                self._logger.warning("Another attempt took over", extra={"action": "request.superseded"})
                return
            if not isinstance(decision, WaitHere):
                return
            self._sleep(decision.delay_s)

    def _waits(self, error: StreamerError, invocation: Invocation) -> bool:
        """Wait until a retry is due that was handed over to this invocation; False if it is none."""
        if not isinstance(error, AlreadyClaimed) or error.status != Status.RETRYING or error.until is None:
            return False
        delay_s = max(0.0, error.until - self._clock.now())
        if not is_worth_waiting(delay_s, remaining_s=invocation.remaining_s()):
            return False
        self._sleep(delay_s)
        return True

    def _attempt(
        self, work: Work, claim: Claim, invocation: Invocation, stored: "Future[Sent]", pace: Pace
    ) -> Decision | None:
        """Run one attempt; returns what follows a failure that may pass, None when this is over."""
        reporter = self._new_reporter(work, claim, pace)
        try:
            try:
                result = self._run(work, claim, invocation, reporter, stored)
            finally:
                reporter.close()
            state = self._requests.complete(claim, result=result, sequence=reporter.next_sequence())
        except Superseded:
            raise
        except CancelRequested:
            self._cancelled(work, claim, reporter)
            return None
        except ContinueLater as reached:
            self._continued(work, claim, reporter, reached.checkpoint)
            return None
        except StreamerError as error:
            return self._failed(work, claim, invocation, reporter, error)
        self._logger.info("The request is complete", extra={"action": "request.completed"})
        self._delivery.deliver(work.key, state, result=result)
        return None

    def _run(
        self,
        work: Work,
        claim: Claim,
        invocation: Invocation,
        reporter: ProgressReporter,
        stored: "Future[Sent]",
    ) -> Any:
        max_attempts = claim.state.max_attempts or self._max_attempts
        if claim.attempt > max_attempts:
            raise ProcessingFailed(f"The request ended without an answer in {max_attempts} attempts.")
        needed = claim.state.cancel_on_disconnect
        if needed is not None and not self._is_connected(needed):
            raise CancelRequested("The connection that the request was to end with is over.")
        action = self._registry.get(claim.state.action)
        sent = self._sent(claim, stored)
        payload = action.parse(sent.payload)
        ends = deadlines(invocation.remaining_s(), timeout_s=action.timeout_s)
        checkpoints = Checkpoints(
            save=lambda state: self._requests.save_checkpoint(claim, Checkpoint(state, claim.attempt)),
            check=reporter.check,
            must_end=lambda: invocation.remaining_s() <= ends.continue_s,
            monotonic=self._clock.now,
            logger=self._logger,
        )
        context = self._new_context(
            action=action.name,
            identity=Identity(
                work.tenant_id, work.user_id, frozenset(claim.state.permissions or ()), math.inf
            ),
            request_id=work.request_id,
            run_id=claim.run_id,
            correlation_id=work.correlation_id,
            attempt=claim.attempt,
            progress=reporter.progress,
            checkpoint=checkpoints.checkpoint,
            restored=self._restored(claim),
            metadata=sent.metadata,
            remaining_s=lambda: max(0.0, invocation.remaining_s() - ends.stop_s),
        )
        limit_s = max(0.0, invocation.remaining_s() - ends.stop_s)
        try:
            result = self._runner.run(action, payload, context, limit_s=limit_s)
        except (CancelRequested, Superseded) as error:
            self._requests.check(claim)  # raises the like, unless it was said of another request
            raise ProcessingFailed(
                "The action used the context of another request; use the one that it is given."
            ) from error
        return carried(result, context)

    def _sent(self, claim: Claim, stored: "Future[Sent]") -> Sent:
        """Return what came with the claimed request, which may have taken the place of an expired request."""
        try:
            return stored.result()
        except NotFound:
            return self._requests.get_sent(claim.key)

    def _restored(self, claim: Claim) -> Any:
        """Return where the action goes on; a first claim has nothing to read."""
        if claim.first_sequence == 1:
            return None
        found = self._requests.find_checkpoint(claim.key)
        return None if found is None else found.state

    def _continued(self, work: Work, claim: Claim, reporter: ProgressReporter, state: Any) -> None:
        """Put the request back for the invocation that goes on with the attempt."""
        if claim.state.continuations >= MAX_CONTINUATIONS:
            error = ProcessingFailed(f"The request went on {MAX_CONTINUATIONS} times; do less in one.")
            self._give_up(work, claim, reporter, error)
            return
        try:
            self._requests.continue_(
                claim, Checkpoint(state, claim.attempt), percentage=reporter.percentage or None
            )
        except CancelRequested:
            self._cancelled(work, claim, reporter)
            return
        except ProcessingFailed as error:
            self._give_up(work, claim, reporter, error)
            return
        self._logger.info(
            "The request goes on in another invocation",
            extra={"action": "request.continued", "continuations": claim.state.continuations + 1},
        )

    def _cancelled(self, work: Work, claim: Claim, reporter: ProgressReporter) -> None:
        state = self._requests.cancelled(claim, sequence=reporter.next_sequence())
        self._logger.info("The request is cancelled", extra={"action": "request.cancelled"})
        self._delivery.deliver(work.key, state)

    def _failed(
        self,
        work: Work,
        claim: Claim,
        invocation: Invocation,
        reporter: ProgressReporter,
        error: StreamerError,
    ) -> Decision | None:
        decision = after_failure(
            claim.attempt,
            policy=self._policy(claim),
            max_attempts=claim.state.max_attempts or self._max_attempts,
            retryable=error.retryable,
            remaining_s=invocation.remaining_s(),
            jitter=self._jitter(),
            at_least_s=max(error.retry_after_s or 0.0, reporter.room_in_s),
        )
        if isinstance(decision, GiveUp):
            self._give_up(work, claim, reporter, error)
            return None
        due_at = self._clock.now() + decision.delay_s
        try:
            self._requests.retry(
                claim,
                due_at=due_at,
                code=error.code,
                message=str(error),
                hand_over=isinstance(decision, HandOver),
            )
        except CancelRequested:
            self._cancelled(work, claim, reporter)
            return None
        self._logger.warning(
            "The request is tried again",
            extra={"action": "request.retrying", "code": error.code, "delay_s": decision.delay_s},
        )
        reporter.announce(
            f"Attempt {claim.attempt} failed; the next follows.",
            attempt=claim.attempt,
            next_attempt_at=timestamp(due_at),
            code=error.code,
        )
        return decision

    def _policy(self, claim: Claim) -> RetryPolicy:
        try:
            return self._registry.get(claim.state.action).retry
        except InvalidAction:
            return DEFAULT_RETRY

    def _give_up(self, work: Work, claim: Claim, reporter: ProgressReporter, error: StreamerError) -> None:
        state = self._requests.fail(
            claim,
            code=error.code,
            message=str(error),
            details=error.details or None,
            sequence=reporter.next_sequence(),
        )
        self._logger.warning("The request failed", extra={"action": "request.failed", "code": error.code})
        self._delivery.deliver(work.key, state)
