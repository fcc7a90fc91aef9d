"""What is done with a request that nobody works on as they should."""

from collections import Counter as Tally
from collections.abc import Callable, Mapping
from typing import Any

from streamer.dynamorm import DecodingFailed, Item, Query, TransactionCancelled, Update
from streamer.errors import ErrorCode
from streamer.lifecycle import TERMINAL, Event, Status, sources
from streamer.store import transitions
from streamer.store.claims import cancellation, failure
from streamer.store.history import LOST_ATTEMPT
from streamer.store.limits import DELIVERY_GRACE_S
from streamer.store.models import DUE, REQUESTS, RequestKey, RequestState
from streamer.store.request_items import RequestItems
from streamer.store.tables import translated


class Upkeep(RequestItems):
    """The part of `RequestStore` that the sweeper and the delivery of outcomes use."""

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
    def release(
        self,
        state: RequestState,
        *,
        code: str = ErrorCode.PROCESSING_FAILED,
        message: str = LOST_ATTEMPT,
    ) -> bool:
        """Let a request wait again whose attempt ended without an outcome; the stream dispatches it.

        Args:
            state: as it was read during that attempt.
            code, message: how the attempt failed, for the request's `failures`.

        Returns:
            False if nobody works on it, another attempt owns it now, or its user asked to end it; nothing
            was written then.
        """
        if state.owner is None:
            return False
        change = transitions.release(state, code=code, message=message, now=self._clock.now())
        condition = transitions.owned(Event.RELEASE, owner=state.owner, attempt=state.attempt)
        return self._try(state.key, change, condition & transitions.not_cancelling())

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
        due_at = RequestState.due_at
        is_as_due = due_at.does_not_exist() if state.due_at is None else due_at == state.due_at
        condition = transitions.unchanged(Event.RELEASE, state) & is_as_due
        return self._try(state.key, transitions.redispatch(state, now), condition)

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
        return self._end(key, Event.FAIL, state, failure(code, message, None))

    @translated
    def call_off(self, key: RequestKey, *, state: RequestState) -> RequestState | None:
        """End a request as CANCELLED that nobody works on, marked undelivered; else as `give_up`."""
        return self._end(key, Event.CANCEL, state, cancellation())

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

    @translated
    def find_next_retry(self, until: float) -> float | None:
        """Return when the next retry is due, epoch seconds, if it is by `until`; a late one counts too.

        Shape:
            index `due-index`, `due` = "DUE", `due_at` <= until, RETRYING only.
        """
        query = Query(
            RequestState,
            (RequestState.due == DUE) & (RequestState.due_at <= until),
            index="due-index",
            filter=RequestState.status == Status.RETRYING,
            limit=1,
        )
        for state in self._database.query(query, on_unreadable=lambda _item, _error: None):
            return state.due_at
        return None

    @translated
    def reconcile(self, *, limit: int) -> dict[str, int] | None:
        """Compare the counters of requests in flight with the requests, and mend what a crash left.

        A difference is mended when it was there the time before too: what is just changing is not.

        Args:
            limit: requests to count at most.

        Returns:
            What was added to which counter; None if there are more requests than `limit`, and nothing
            was compared.
        """
        found: Tally[str] = Tally()
        query = Query(RequestState, RequestState.due == DUE, index="due-index")
        rows = self._database.query(query, on_unreadable=lambda _item, _error: None)
        for number, state in enumerate(rows):
            if number == limit:
                return None
            if state.status not in TERMINAL:
                found.update(self._in_flight.limits(state.tenant_id, state.user_id).keys())
        return self._in_flight.reconcile(found)

    def _end(
        self, key: RequestKey, event: Event, state: RequestState, error: Mapping[str, Any]
    ) -> RequestState | None:
        if state.status not in sources(event):
            return None
        now = self._clock.now()
        sequence = state.sequence + 1
        change = (
            *transitions.finish(event, state, sequence=sequence, error=error, now=now),
            RequestState.sequence.set(sequence),
        )
        state_key = RequestState.at(**key.components)
        try:
            with self._in_flight.leaving(key):
                self._database.transact(
                    Update(state_key, change, transitions.unchanged(event, state)),
                    self._expire_payload(key, now),
                )
        except TransactionCancelled:
            return None
        return self._database.find(state_key, consistent=True)
