"""Long requests: created once, claimed by one at a time, ended once."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from streamer.dynamorm import (
    ConditionFailed,
    Delete,
    Item,
    Put,
    Query,
    Throttled,
    TransactionCancelled,
    TransactionConflict,
    Update,
)
from streamer.dynamorm.values.codec import codec_for
from streamer.errors import CannotReplay, DuplicateRequest, InvalidMessage, RateLimited, ServiceUnavailable
from streamer.lifecycle import TERMINAL, Event, Status, sources, target
from streamer.store import transitions
from streamer.store.attempts import Attempts
from streamer.store.claims import Created, RequestPage
from streamer.store.cursors import read_cursor, write_cursor
from streamer.store.documents import digest, write_document
from streamer.store.models import (
    RequestCheckpoint,
    RequestKey,
    RequestPayload,
    RequestState,
    Subscription,
    user_key,
)
from streamer.store.subscriptions import followed_by, subscription
from streamer.store.survey import Survey
from streamer.store.tables import translated
from streamer.store.upkeep import Upkeep

_ATTEMPTS = 3
"""How often `create` and `cancel` look again when the request changed meanwhile."""


class RequestStore(Attempts, Upkeep, Survey):
    """The requests table. Thread-safe; every change of a status is one conditional write.

    Every method raises `ServiceUnavailable` where the tables do not answer for now.
    """

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
        metadata: Mapping[str, str] | None = None,
        permissions: Iterable[str] = (),
        max_attempts: int | None = None,
        cancel_on_disconnect: bool = False,
    ) -> Created:
        """Store a request that waits, and subscribe the caller to it. Idempotent by key, action and payload.

        One transaction: of several concurrent callers exactly one makes it. For the others, the
        subscription is written before the state is read, so that no message falls between.

        Args:
            metadata: what the client sent beside the payload; no part of what makes requests the same.
            max_attempts: how often it is begun at most; None: as the settings say.
            cancel_on_disconnect: whether it shall end with the connection `connection_id`.

        Raises:
            DuplicateRequest: the id is taken by another action or payload of the same user.
            InvalidMessage: the payload is too large to be stored.
            RateLimited: the user or the tenant has as many requests in flight as it may.

        Shape:
            items `requests` STATE and PAYLOAD, one of `subscriptions`, and the user's counter.
        """
        data = write_document(payload, what="The payload", error=InvalidMessage)
        beside = write_document(metadata, what="The metadata", error=InvalidMessage) if metadata else None
        now = self._clock.now()
        state = transitions.created(
            key,
            action=action,
            payload_hash=digest(action, payload),
            permissions=permissions,
            correlation_id=correlation_id,
            now=now,
            max_attempts=max_attempts,
            connection_id=connection_id,
            endpoint=endpoint,
            cancel_on_disconnect=connection_id if cancel_on_disconnect else None,
        )
        follow = subscription(key, connection_id=connection_id, endpoint=endpoint, now=now)
        for _ in range(_ATTEMPTS):
            if self._is_new(state, data, beside, follow):
                return Created(state, new=True)
            held = self._join(state, follow)
            if held is not None:
                return Created(held, new=False)
        raise ServiceUnavailable("The request changes too fast to be joined; try again later.")

    @translated
    def cancel(self, key: RequestKey) -> RequestState:
        """End a request, or ask its action to. Idempotent.

        One that waits is CANCELLED at once, marked undelivered: deliver its outcome. One that runs
        learns of the wish when it next reports, and ends then. One that is over is left as it is.

        Returns:
            The request as it is afterwards.

        Raises:
            NotFound: no such request.
        """
        for _ in range(_ATTEMPTS):
            state = self.get(key)
            if state.status in TERMINAL or state.cancel_requested:
                return state
            if state.status is not target(Event.CLAIM):
                ended = self.call_off(key, state=state)
                if ended is not None:
                    return ended
                continue
            try:
                return self._database.update(
                    RequestState.at(**key.components),
                    RequestState.cancel_requested.set(True),
                    RequestState.updated_at.set(self._clock.now()),
                    condition=RequestState.status == target(Event.CLAIM),
                )
            except ConditionFailed:
                continue
        raise ServiceUnavailable("The request changes too fast to be cancelled; try again.")

    @translated
    def list_ending_with(self, connection_id: str, keys: Iterable[RequestKey]) -> list[RequestState]:
        """Return those of these requests that are to end with a connection and are not over."""
        wanted = [RequestState.at(**key.components) for key in keys]
        return [
            state
            for state in self._database.batch_get(wanted, consistent=True)
            if state is not None
            and state.cancel_on_disconnect == connection_id
            and state.status not in TERMINAL
        ]

    @translated
    def replay(self, key: RequestKey) -> RequestState:
        """Let a FAILED or CANCELLED request run again with the same payload, from its beginning.

        Attempts are counted from zero; sequence numbers go on, so that a consumer takes the new
        outcome for a new one. It is not held up by the limit of requests in flight.

        Returns:
            The request as it is afterwards.

        Raises:
            NotFound: no such request.
            CannotReplay: it is not over, or COMPLETED, or it changed at this moment.

        Shape:
            items `requests` STATE, PAYLOAD and CHECKPOINT, in one transaction.
        """
        state = self.get(key)
        if state.status not in sources(Event.REPLAY):
            allowed = " or ".join(sources(Event.REPLAY))
            raise CannotReplay(
                f"Request {key.request_id} is {state.status}; only one that is {allowed} can be replayed."
            )
        change = transitions.replay(state, self._clock.now())
        state_key = RequestState.at(**key.components)
        payload_key = RequestPayload.at(**key.components)
        try:
            self._database.transact(
                Update(state_key, change, transitions.unchanged(Event.REPLAY, state)),
                Update(payload_key, (RequestPayload.expires_at.remove(),), RequestPayload.data.exists()),
                Delete(RequestCheckpoint.at(**key.components)),
            )
        except TransactionCancelled:
            raise CannotReplay(
                f"Request {key.request_id} changed at this moment, or its payload is gone; look at it again."
            ) from None
        self._in_flight.add(key, 1)
        return self.get(key)

    @translated
    def list_for_user(
        self,
        tenant_id: str,
        user_id: str,
        *,
        limit: int,
        cursor: str | None = None,
        status: Status | None = None,
    ) -> RequestPage:
        """Return a page of a user's long requests, newest first.

        The index follows the table after a moment. A cursor holds no right: it names a place among
        the requests of whoever uses it.

        Args:
            limit: requests at most, at least 1.
            cursor: of the page before; None: the first page.
            status: None: all of them.

        Raises:
            InvalidMessage: the cursor is none of ours.

        Shape:
            index `user-index`, `user_key`, newest `created_at` first.
        """
        after = None
        if cursor is not None:
            created_at, request_id = read_cursor(cursor)
            after = _place(RequestKey(tenant_id, user_id, request_id), created_at)
        query = Query(
            RequestState,
            RequestState.user_key == user_key(tenant_id, user_id),
            index="user-index",
            filter=None if status is None else RequestState.status == status,
            limit=limit + 1,
            descending=True,
            after=after,
        )
        found = [*self._database.query(query, on_unreadable=lambda _item, _error: None)]
        page = tuple(found[:limit])
        more = len(found) > limit
        return RequestPage(page, write_cursor(page[-1].created_at, page[-1].request_id) if more else None)

    def _is_new(self, state: RequestState, data: str, metadata: str | None, follow: Subscription) -> bool:
        """Store a request, unless there is one of its key."""
        key = state.key
        counting = self._in_flight.entering(key)
        try:
            entered = self._in_flight.enter(key, is_user_counted=bool(counting))
        except RateLimited:
            if self.find(key) is not None:
                return False  # it is no further request
            raise
        try:
            self._database.transact(
                Put(state, transitions.absent(state.created_at)),
                Put(RequestPayload(**key.components, data=data, metadata=metadata, expires_at=None)),
                Put(follow),
                *counting,
            )
        except TransactionCancelled as error:
            self._in_flight.leave(entered)
            if not error.failures or error.reasons[0].failed:
                return False
            if counting and isinstance(error.reasons[-1].error, ConditionFailed):
                raise self._in_flight.refusal(of_user=True) from None
            raise
        except TransactionConflict:
            self._in_flight.leave(entered)
            if not counting:
                raise
            self._in_flight.note_conflict()
            return self._is_new(state, data, metadata, follow)
        except Throttled:
            self._in_flight.leave(entered)
            raise
        return True

    def _join(self, state: RequestState, follow: Subscription) -> RequestState | None:
        """Subscribe to the request that is there; None if it went away meanwhile."""
        held = self.find(state.key)
        if held is None:
            return None
        if held.payload_hash != state.payload_hash:
            raise DuplicateRequest(
                f"The id {state.request_id} is taken by another request; choose a new one."
            )
        self._database.write(Put(follow))
        with suppress(ConditionFailed):
            self._database.write(followed_by(state.key, follow.connection_id))
        held = self.find(state.key)
        return held if held is not None and held.payload_hash == state.payload_hash else None


def _place(key: RequestKey, created_at: float) -> Item:
    """Return the key of a request in `user-index`."""
    return {
        **RequestState.at(**key.components).values,
        "user_key": {"S": user_key(key.tenant_id, key.user_id)},
        "created_at": codec_for(float).encode(created_at),
    }
