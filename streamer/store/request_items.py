"""What every reader of the requests table shares: its database, the reads, the guarded write."""

import logging
from typing import TYPE_CHECKING, Any

from streamer.clock import Clock
from streamer.dynamorm import (
    Condition,
    ConditionFailed,
    Engine,
    Item,
    Update,
    UpdateAction,
    is_expired,
)
from streamer.settings import Settings
from streamer.store import transitions
from streamer.store.claims import Checkpoint, Sent, not_found
from streamer.store.documents import read_document
from streamer.store.in_flight import InFlight
from streamer.store.models import (
    REQUESTS,
    RequestCheckpoint,
    RequestKey,
    RequestPayload,
    RequestResult,
    RequestState,
)
from streamer.store.tables import TableStore, translated

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


class RequestItems(TableStore):
    """Reads requests; what the other parts of `RequestStore` stand on."""

    def __init__(
        self,
        client: "DynamoDBClient | Engine",
        settings: Settings,
        clock: Clock,
        *,
        logger: logging.Logger | None = None,
    ) -> None:
        super().__init__(client, settings, clock)
        self._in_flight = InFlight(
            self._database,
            clock,
            per_user=settings.max_in_flight_per_user,
            per_tenant=settings.max_in_flight_per_tenant,
            logger=logger or logging.getLogger(__name__),
        )

    def close(self) -> None:
        """End the threads that count; only who makes many stores needs it."""
        self._in_flight.close()

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
    def get_sent(self, key: RequestKey) -> Sent:
        """Return what the client sent.

        Raises:
            NotFound: there is no such request.
        """
        found = self._database.find(RequestPayload.at(**key.components), consistent=True)
        if found is None:
            raise not_found(key)
        return Sent(read_document(found.data), read_document(found.metadata) if found.metadata else {})

    def get_payload(self, key: RequestKey) -> dict[str, Any]:
        """Return the payload that the client sent; raises as `get_sent`."""
        return self.get_sent(key).payload

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
    def find_checkpoint(self, key: RequestKey) -> Checkpoint | None:
        """Return where the next run of a request's action begins, or None for its beginning."""
        found = self._database.find(RequestCheckpoint.at(**key.components), consistent=True)
        if found is None:
            return None
        return Checkpoint(read_document(found.data), found.attempt)

    def _try(self, key: RequestKey, change: tuple[UpdateAction, ...], condition: Condition) -> bool:
        try:
            self._database.write(Update(RequestState.at(**key.components), change, condition))
        except ConditionFailed:
            return False
        return True

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
