"""What an executor does with a request: claim it, report, put it back, end it. All of it fenced."""

from collections.abc import Mapping
from typing import Any

from streamer.dynamorm import (
    Check,
    Condition,
    ConditionFailed,
    Key,
    Put,
    TransactionCancelled,
    Update,
    UpdateAction,
)
from streamer.errors import CancelRequested, ProcessingFailed, Superseded
from streamer.lifecycle import Event, target
from streamer.store import transitions
from streamer.store.claims import (
    Checkpoint,
    Claim,
    already_claimed,
    cancellation,
    cancelling,
    failure,
    superseded,
)
from streamer.store.documents import write_document
from streamer.store.limits import REQUEST_TTL_S, SEQUENCE_BLOCK
from streamer.store.models import RequestCheckpoint, RequestKey, RequestResult, RequestState, Standing
from streamer.store.request_items import RequestItems
from streamer.store.tables import translated


class Attempts(RequestItems):
    """The part of `RequestStore` that executors use: every write depends on the claim."""

    @translated
    def claim(self, key: RequestKey, *, owner: str, lease_until: float) -> Claim:
        """Take a request for execution, at most once per lease.

        One conditional write: of several concurrent callers exactly one wins, and calling again with
        the same `owner` within the lease returns the same claim. Over a lease it is a second one, which
        notes that the attempt before failed: what was read of that stands in its condition.

        Args:
            owner: names the invocation; no two have the same.
            lease_until: epoch seconds from which somebody else may claim.

        Raises:
            NotFound: no such request.
            AlreadyClaimed: somebody else holds the lease, its retry is not due, or it is over;
                `.status` and `.until` say which.

        Shape:
            item `requests` STATE; sets `status`, `owner`, `lease_until`, `due_at`, `dispatches`; raises
            `attempt` and `sequence`; over a lease adds to `failures`.

        Source:
            DynamoDB Developer Guide, "Condition expressions".
        """
        now = self._clock.now()
        change = transitions.claim(owner=owner, lease_until=lease_until, now=now)
        state, is_new = self._claim(key, change, transitions.claimable(now), now)
        if not is_new and _is_lease_over(state, now):
            change = transitions.take_over(state, owner=owner, lease_until=lease_until, now=now)
            state, is_new = self._claim(key, change, transitions.is_overdue(state, now), now)
        is_ours = state.status is target(Event.CLAIM) and state.owner == owner
        if not is_new and (not is_ours or _is_lease_over(state, now)):
            raise already_claimed(state)
        return Claim(state, state.sequence - SEQUENCE_BLOCK + 1)

    @translated
    def save_progress(self, claim: Claim, percentage: float, message: str) -> None:
        """Store how far an attempt is.

        Raises:
            Superseded: the attempt no longer owns the request.
            CancelRequested: its user asked to end it; nothing was written.
        """
        change = (
            RequestState.percentage.set(percentage),
            RequestState.message.set(message),
            RequestState.updated_at.set(self._clock.now()),
        )
        self._write(claim, change, _working(claim))

    @translated
    def check(self, claim: Claim) -> None:
        """Look whether an attempt is to go on; writes nothing.

        Raises:
            Superseded: the attempt no longer owns the request.
            CancelRequested: its user asked to end it.

        Shape:
            item `requests` STATE, four attributes of it, read consistently.
        """
        held = self._database.find(_key(claim), consistent=True, projection=Standing)
        if held is None or not held.is_at_work(claim.owner, claim.attempt):
            raise superseded(claim)
        if held.cancel_requested:
            raise cancelling(claim)

    @translated
    def save_checkpoint(self, claim: Claim, checkpoint: Checkpoint) -> None:
        """Store how far the action came, so that a later attempt can begin there.

        Raises:
            Superseded: the attempt no longer owns the request; nothing was written.
            CancelRequested: its user asked to end it; nothing was written.
            ProcessingFailed: the state is no JSON or too large; nothing was written.

        Shape:
            item `requests` CHECKPOINT, on condition of STATE, in one transaction.
        """
        stored = self._checkpoint(claim, checkpoint)
        try:
            self._database.transact(Check(_key(claim), _working(claim)), Put(stored))
        except TransactionCancelled:
            raise self._refusal(claim) from None

    @translated
    def continue_(self, claim: Claim, checkpoint: Checkpoint, *, percentage: float | None = None) -> None:
        """Store the checkpoint and let the request wait for the executor that goes on. No new attempt.

        Idempotent.

        Args:
            percentage: what was reported last; None: what is stored.

        Raises:
            Superseded: the attempt no longer owns the request; nothing was written.
            CancelRequested: its user asked to end it; nothing was written.
            ProcessingFailed: the state is no JSON or too large; nothing was written.

        Shape:
            items `requests` STATE and CHECKPOINT, in one transaction.
        """
        stored = self._checkpoint(claim, checkpoint)
        change = transitions.proceed(claim.state, percentage=percentage, now=self._clock.now())
        condition = _owned(claim, Event.CONTINUE) & transitions.not_cancelling()
        try:
            self._database.transact(Update(_key(claim), change, condition), Put(stored))
        except TransactionCancelled:
            held = self.find(claim.key)
            if held is None or held.continuations != claim.state.continuations + 1:
                raise self._refusal(claim) from None

    @translated
    def complete(self, claim: Claim, *, result: Any, sequence: int) -> RequestState:
        """Store the result and end the request as COMPLETED, marked undelivered. Idempotent.

        A wish to cancel that the action did not hear of comes too late.

        Args:
            sequence: of the outcome's message.

        Returns:
            The request as claimed, with its outcome: what a delivery needs to know.

        Raises:
            Superseded: the attempt no longer owns the request; nothing was written.
            ProcessingFailed: the result is no JSON or too large; nothing was written.

        Shape:
            items `requests` STATE, RESULT and PAYLOAD, in one transaction; all expire together.
        """
        data = write_document(result, what="The result", error=ProcessingFailed)
        stored = RequestResult(
            **claim.key.components, data=data, expires_at=transitions.expiry(self._clock.now())
        )
        return self._finish(claim, Event.COMPLETE, Put(stored), sequence=sequence, error=None)

    @translated
    def fail(
        self, claim: Claim, *, code: str, message: str, details: Mapping[str, Any] | None, sequence: int
    ) -> RequestState:
        """End the request as FAILED, marked undelivered. Idempotent.

        Returns:
            The request as claimed, with its outcome.

        Raises:
            Superseded: the attempt no longer owns the request; nothing was written.
        """
        return self._finish(claim, Event.FAIL, sequence=sequence, error=failure(code, message, details))

    @translated
    def cancelled(self, claim: Claim, *, sequence: int) -> RequestState:
        """End the request as CANCELLED because its action heard of the wish, marked undelivered. Idempotent.

        Returns:
            The request as claimed, with its outcome.

        Raises:
            Superseded: the attempt no longer owns the request; nothing was written.
        """
        return self._finish(claim, Event.CANCEL, sequence=sequence, error=cancellation())

    @translated
    def retry(self, claim: Claim, *, due_at: float, code: str, message: str, hand_over: bool = False) -> None:
        """Put the request back until `due_at`, epoch seconds, because this attempt failed.

        Args:
            hand_over: let the stream bring it to another executor now, which waits until it is due.

        Raises:
            Superseded: the attempt no longer owns the request; nothing was written.
            CancelRequested: its user asked to end it; nothing was written.
        """
        change = transitions.retry(
            claim.state,
            due_at=due_at,
            code=code,
            message=message,
            hand_over=hand_over,
            now=self._clock.now(),
        )
        self._write(claim, change, _owned(claim, Event.RETRY) & transitions.not_cancelling())

    def _claim(
        self, key: RequestKey, change: tuple[UpdateAction, ...], condition: Condition, now: float
    ) -> tuple[RequestState, bool]:
        """Claim a request on a condition; returns it as it is then, and whether it was claimed."""
        try:
            state = self._database.update(RequestState.at(**key.components), *change, condition=condition)
        except ConditionFailed as error:
            return self._held_state(key, error.item, now), False
        return state, True

    def _checkpoint(self, claim: Claim, checkpoint: Checkpoint) -> RequestCheckpoint:
        now = self._clock.now()
        return RequestCheckpoint(
            **claim.key.components,
            data=write_document(checkpoint.state, what="The checkpoint", error=ProcessingFailed),
            attempt=checkpoint.attempt,
            saved_at=now,
            expires_at=int(now) + REQUEST_TTL_S,
        )

    def _write(self, claim: Claim, change: tuple[UpdateAction, ...], condition: Condition) -> None:
        if not self._try(claim.key, change, condition):
            raise self._refusal(claim)

    def _refusal(self, claim: Claim) -> Superseded | CancelRequested:
        """Return why a write of an attempt was refused."""
        held = self.find(claim.key)
        ours = held is not None and (held.owner, held.attempt) == (claim.owner, claim.attempt)
        if held is not None and ours and held.status is claim.state.status and held.cancel_requested:
            return cancelling(claim)
        return superseded(claim)

    def _finish(
        self,
        claim: Claim,
        event: Event,
        *further: Put,
        sequence: int,
        error: Mapping[str, Any] | None,
    ) -> RequestState:
        """Write an outcome. Its answer says as of that moment whether anybody else follows."""
        now, known = self._clock.now(), claim.state
        change = transitions.finish(event, known, sequence=sequence, error=error, now=now)
        while True:
            condition = _owned(claim, event)
            if not known.followed:
                condition &= transitions.is_unfollowed()
            try:
                with self._in_flight.leaving(claim.key):
                    self._database.transact(
                        Update(_key(claim), change, condition),
                        self._expire_payload(claim.key, now),
                        *further,
                    )
            except TransactionCancelled:
                held = self.find(claim.key)
                is_finished = held is not None and _is_finished(held, claim, event, sequence)
                if held is None or not (is_finished or (held.followed and not known.followed)):
                    raise superseded(claim) from None
                known = known.replace(followed=held.followed)
                if not is_finished:
                    continue
            return transitions.finished(event, known, sequence=sequence, error=error, now=now)


def _is_lease_over(state: RequestState, now: float) -> bool:
    return state.status is target(Event.CLAIM) and state.lease_until is not None and state.lease_until <= now


def _key(claim: Claim) -> Key[RequestState]:
    return RequestState.at(**claim.key.components)


def _owned(claim: Claim, event: Event) -> Condition:
    return transitions.owned(event, owner=claim.owner, attempt=claim.attempt)


def _is_finished(held: RequestState, claim: Claim, event: Event, sequence: int) -> bool:
    """Whether this very outcome stands already: a write whose answer was lost is made twice."""
    return (held.status, held.owner, held.attempt, held.outcome_sequence) == (
        target(event),
        claim.owner,
        claim.attempt,
        sequence,
    )


def _working(claim: Claim) -> Condition:
    working = transitions.working(owner=claim.owner, attempt=claim.attempt)
    return working & transitions.not_cancelling()
