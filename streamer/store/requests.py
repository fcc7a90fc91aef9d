"""Long requests: created once, claimed by one at a time, ended once."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from streamer.clock import Clock
from streamer.dynamorm import (
    ConditionFailed,
    Database,
    DecodingFailed,
    Engine,
    Item,
    Put,
    Query,
    TransactionCancelled,
    Update,
    UpdateAction,
    is_expired,
)
from streamer.errors import DuplicateRequest, InvalidMessage, ProcessingFailed, ServiceUnavailable
from streamer.lifecycle import Event, Status, sources, target
from streamer.settings import Settings
from streamer.store import transitions
from streamer.store.claims import Claim, Created, already_claimed, failure, not_found, superseded
from streamer.store.documents import digest, read_document, write_document
from streamer.store.limits import DELIVERY_GRACE_S, SEQUENCE_BLOCK
from streamer.store.models import (
    DUE,
    REQUESTS,
    RequestKey,
    RequestPayload,
    RequestResult,
    RequestState,
)
from streamer.store.subscriptions import subscription
from streamer.store.tables import open_database, translated

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_CREATE_ATTEMPTS = 3
"""How often `create` looks again when the request that stood in its way went away meanwhile."""


class RequestStore:
    """The requests table. Thread-safe; every change of a status is one conditional write.

    Every method raises `ServiceUnavailable` where the tables do not answer for now.
    """

    def __init__(self, client: "DynamoDBClient | Engine", settings: Settings, clock: Clock) -> None:
        """Take a client.

        Args:
            client: boto3's low-level client, or an engine in its place, such as `MemoryDynamoDB`.
        """
        self._database: Database = open_database(client, settings, clock)
        self._clock = clock

    @translated
    def create(
        self,
        key: RequestKey,
        *,
        action: str,
        payload: Mapping[str, Any],
        correlation_id: str,
        connection_id: str,
        endpoint: str,
        permissions: Iterable[str] = (),
    ) -> Created:
        """Store a request that waits, and subscribe the caller to it. Idempotent by key, action and payload.

        One transaction: of several concurrent callers exactly one makes it. For the others, the
        subscription is written before the state is read, so that no message falls between.

        Raises:
            DuplicateRequest: the id is taken by another action or payload of the same user.
            InvalidMessage: the payload is too large to be stored.

        Shape:
            items `requests` STATE and PAYLOAD, and one of `subscriptions`.
        """
        data = write_document(payload, what="The payload", error=InvalidMessage)
        payload_hash = digest(action, payload)
        for _ in range(_CREATE_ATTEMPTS):
            now = self._clock.now()
            state = transitions.created(
                key,
                action=action,
                payload_hash=payload_hash,
                permissions=permissions,
                correlation_id=correlation_id,
                now=now,
            )
            follow = Put(subscription(key, connection_id=connection_id, endpoint=endpoint, now=now))
            try:
                self._database.transact(
                    Put(state, transitions.absent(now)),
                    Put(RequestPayload(**key.components, data=data, expires_at=None)),
                    follow,
                )
            except TransactionCancelled:
                held = self.find(key)
                if held is None:
                    continue
                if held.payload_hash != payload_hash:
                    raise DuplicateRequest(
                        f"The id {key.request_id} is taken by another request; choose a new one."
                    ) from None
                self._database.write(follow)
                held = self.find(key)
                if held is not None and held.payload_hash == payload_hash:
                    return Created(held, new=False)
            else:
                return Created(state, new=True)
        raise ServiceUnavailable("The request changes too fast to be joined; try again later.")

    def get(self, key: RequestKey) -> RequestState:
        """Return a request, read consistently.

        Raises:
            NotFound: there is none, or it is expired.
        """
        state = self.find(key)
        if state is None:
            raise not_found(key)
        return state

    @translated
    def find(self, key: RequestKey) -> RequestState | None:
        """Return a request, read consistently, or None."""
        return self._database.find(RequestState.at(**key.components), consistent=True)

    @translated
    def get_payload(self, key: RequestKey) -> dict[str, Any]:
        """Return what the client sent, exactly.

        Raises:
            NotFound: there is no such request.
        """
        found = self._database.find(RequestPayload.at(**key.components), consistent=True)
        if found is None:
            raise not_found(key)
        payload: dict[str, Any] = read_document(found.data)
        return payload

    @translated
    def get_result(self, key: RequestKey) -> Any:
        """Return what the action returned, links unsigned.

        Raises:
            NotFound: there is no such request, or it is not COMPLETED.
        """
        found = self._database.find(RequestResult.at(**key.components), consistent=True)
        if found is None:
            raise not_found(key)
        return read_document(found.data)

    @translated
    def claim(self, key: RequestKey, *, owner: str, lease_until: float) -> Claim:
        """Take a request for execution, at most once per lease.

        One conditional write: of several concurrent callers exactly one wins, and calling again with
        the same `owner` within the lease returns the same claim.

        Args:
            owner: names the invocation; no two have the same.
            lease_until: epoch seconds from which somebody else may claim.

        Raises:
            NotFound: no such request.
            AlreadyClaimed: somebody else holds the lease, its retry is not due, or it is over;
                `.status` and `.until` say which.

        Shape:
            item `requests` STATE; sets `status`, `owner`, `lease_until`, `due_at`, `dispatches`; raises
            `attempt` and `sequence`.

        Source:
            DynamoDB Developer Guide, "Condition expressions".
        """
        now = self._clock.now()
        try:
            state = self._database.update(
                RequestState.at(**key.components),
                *transitions.claim(owner=owner, lease_until=lease_until, now=now),
                condition=transitions.claimable(now),
            )
        except ConditionFailed as error:
            state = self._held_state(key, error.item, now)
            is_ours = state.status is target(Event.CLAIM) and state.owner == owner
            if not is_ours or state.lease_until is None or state.lease_until <= now:
                raise already_claimed(state) from None
        return Claim(state, state.sequence - SEQUENCE_BLOCK + 1)

    @translated
    def save_progress(self, claim: Claim, percentage: float, message: str) -> None:
        """Store how far an attempt is.

        Raises:
            Superseded: the attempt no longer owns the request.
        """
        condition = transitions.working(owner=claim.owner, attempt=claim.attempt)
        self._write(
            claim,
            (
                RequestState.percentage.set(percentage),
                RequestState.message.set(message),
                RequestState.updated_at.set(self._clock.now()),
            ),
            condition,
        )

    @translated
    def complete(self, claim: Claim, *, result: Any, sequence: int) -> RequestState:
        """Store the result and end the request as COMPLETED, marked undelivered. Idempotent.

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
        error = failure(code, message, details)
        return self._finish(claim, Event.FAIL, sequence=sequence, error=error)

    @translated
    def retry(self, claim: Claim, *, due_at: float, code: str, message: str) -> None:
        """Put the request back until `due_at`, epoch seconds, because this attempt failed.

        Raises:
            Superseded: the attempt no longer owns the request; nothing was written.
        """
        change = transitions.retry(due_at=due_at, code=code, message=message, now=self._clock.now())
        condition = transitions.owned(Event.RETRY, owner=claim.owner, attempt=claim.attempt)
        self._write(claim, change, condition)

    @translated
    def delivered(self, key: RequestKey, *, sequence: int) -> None:
        """Say that the outcome with this sequence was sent. A no-op when it was said before."""
        self._try(
            key,
            (RequestState.undelivered.remove(), RequestState.due.remove(), RequestState.due_at.remove()),
            transitions.is_undelivered(sequence),
        )

    @translated
    def postpone_delivery(self, key: RequestKey, *, sequence: int) -> bool:
        """Let an undelivered outcome be due again later; whoever tries to send it says so before.

        So one that cannot be sent does not stand at the head of what is due for ever.

        Returns:
            False if it was delivered meanwhile.
        """
        due_at = self._clock.now() + DELIVERY_GRACE_S
        return self._try(key, (RequestState.due_at.set(due_at),), transitions.is_undelivered(sequence))

    @translated
    def release(self, key: RequestKey, *, owner: str, attempt: int) -> bool:
        """Let a request wait again whose attempt ended without an outcome; the stream dispatches it.

        Returns:
            False if that attempt no longer owns it; nothing was written then.
        """
        change = transitions.release(self._clock.now())
        condition = transitions.owned(Event.RELEASE, owner=owner, attempt=attempt)
        return self._try(key, change, condition)

    @translated
    def redispatch(self, state: RequestState) -> bool:
        """Put a request into the stream again that waits, or whose retry is due.

        Returns:
            False if it is neither, or something happened to it since it was read as `state`.
        """
        now = self._clock.now()
        is_due = state.due_at is not None and state.due_at <= now
        if state.status is not Status.PENDING and not (state.status is Status.RETRYING and is_due):
            return False
        condition = (RequestState.status == state.status) & (
            RequestState.due_at.does_not_exist()
            if state.due_at is None
            else RequestState.due_at == state.due_at
        )
        return self._try(state.key, transitions.redispatch(state.status, now), condition)

    @translated
    def give_up(
        self, key: RequestKey, *, state: RequestState, code: str, message: str
    ) -> RequestState | None:
        """End a request as FAILED that nobody will end otherwise, marked undelivered.

        Its outcome has the sequence number after the highest that was reserved.

        Returns:
            The request as it is afterwards; None if it is over, or something happened to it since it
            was read as `state`.
        """
        if state.status not in sources(Event.FAIL):
            return None
        now = self._clock.now()
        sequence = state.sequence + 1
        change = (
            *transitions.finish(Event.FAIL, sequence=sequence, error=failure(code, message, None), now=now),
            RequestState.sequence.set(sequence),
        )
        state_key = RequestState.at(**key.components)
        try:
            self._database.transact(
                Update(state_key, change, transitions.unchanged(Event.FAIL, state)),
                self._expire_payload(key, now),
            )
        except TransactionCancelled:
            return None
        return self._database.find(state_key, consistent=True)

    @translated
    def list_due(
        self, now: float, limit: int, *, on_unreadable: Callable[[str], None] | None = None
    ) -> list[RequestKey]:
        """Return up to `limit` requests that something must be done about, the longest due first.

        The index follows the table after a moment: read each consistently before anything is done.

        Args:
            on_unreadable: is told the partition key of an item that is no request as we know it; such
                an item is passed over in any case, so that it stops nobody else's recovery.

        Shape:
            index `due-index`, `due` = "DUE", `due_at` <= now.
        """
        where = (RequestState.due == DUE) & (RequestState.due_at <= now)

        def pass_over(item: Item, _error: DecodingFailed) -> None:
            if on_unreadable is not None:
                on_unreadable(item[REQUESTS.partition_key.name]["S"])

        query = Query(RequestState, where, index="due-index", limit=limit)
        return [state.key for state in self._database.query(query, on_unreadable=pass_over)]

    def _write(self, claim: Claim, change: tuple[UpdateAction, ...], condition: Any) -> None:
        if not self._try(claim.key, change, condition):
            raise superseded(claim)

    def _try(self, key: RequestKey, change: tuple[UpdateAction, ...], condition: Any) -> bool:
        try:
            self._database.write(Update(RequestState.at(**key.components), change, condition))
        except ConditionFailed:
            return False
        return True

    def _finish(
        self,
        claim: Claim,
        event: Event,
        *further: Put,
        sequence: int,
        error: Mapping[str, Any] | None,
    ) -> RequestState:
        now = self._clock.now()
        change = transitions.finish(event, sequence=sequence, error=error, now=now)
        condition = transitions.owned(event, owner=claim.owner, attempt=claim.attempt)
        try:
            self._database.transact(
                Update(RequestState.at(**claim.key.components), change, condition),
                self._expire_payload(claim.key, now),
                *further,
            )
        except TransactionCancelled:
            if not self._is_finished(claim, event, sequence):
                raise superseded(claim) from None
        return claim.state.replace(
            status=target(event), outcome_sequence=sequence, error=error, undelivered=True
        )

    def _is_finished(self, claim: Claim, event: Event, sequence: int) -> bool:
        """Whether this very outcome stands already: a write whose answer was lost is made twice."""
        held = self.find(claim.key)
        return (
            held is not None
            and (held.status, held.owner, held.attempt) == (target(event), claim.owner, claim.attempt)
            and held.outcome_sequence == sequence
        )

    def _expire_payload(self, key: RequestKey, now: float) -> Update[RequestPayload]:
        return Update(
            RequestPayload.at(**key.components), (RequestPayload.expires_at.set(transitions.expiry(now)),)
        )

    def _held_state(self, key: RequestKey, item: Item | None, now: float) -> RequestState:
        """Return the request that a condition was refused for; the item is missing with old engines."""
        if item is None:
            return self.get(key)
        if is_expired(REQUESTS, item, now):
            raise not_found(key)
        return RequestState.from_item(item)
