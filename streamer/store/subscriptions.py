"""Who is told what happens to a request."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from streamer.dynamorm import ConditionFailed, Delete, Put, Query, Update
from streamer.store import transitions
from streamer.store.limits import CONNECTION_TTL_S
from streamer.store.models import RequestKey, RequestState, Subscription
from streamer.store.tables import TableStore, translated

if TYPE_CHECKING:
    pass


def followed_by(key: RequestKey, connection_id: str) -> Update[RequestState]:
    """Return what tells whoever ends a request to look for subscriptions. Pure.

    A subscriber writes its row, then this, and then reads the state: either the end knows of it, or it
    knows of the end. The connection that the request came from is known without; where it is that one,
    where it is no news, or where the request is over, the condition fails.
    """
    return Update(
        RequestState.at(**key.components),
        (RequestState.followed.set(True),),
        transitions.is_unfollowed()
        & transitions.is_under_way()
        & (RequestState.connection_id != connection_id),
    )


def subscription(key: RequestKey, *, connection_id: str, endpoint: str, now: float) -> Subscription:
    """Return the item that subscribes a connection to a request; it outlives the connection. Pure."""
    return Subscription(
        **key.components,
        connection_id=connection_id,
        endpoint=endpoint,
        expires_at=int(now) + CONNECTION_TTL_S,
    )


class SubscriptionStore(TableStore):
    """The subscriptions table. Thread-safe.

    Every method raises `ServiceUnavailable` where the table does not answer for now.
    """

    @translated
    def subscribe(self, key: RequestKey, connection_id: str, endpoint: str) -> None:
        """Tell a connection from now on. Read the request's state after it, and nothing is missed.

        Idempotent. The request need not exist.
        """
        now = self._clock.now()
        self._database.write(Put(subscription(key, connection_id=connection_id, endpoint=endpoint, now=now)))
        with suppress(ConditionFailed):
            self._database.write(followed_by(key, connection_id))

    @translated
    def list(self, key: RequestKey) -> list[Subscription]:
        """Return who is subscribed to a request, read consistently.

        A row that cannot be read is passed over, so that nobody else misses an outcome because of it.
        """
        where = Subscription.of_request(**key.components)
        query = Query(Subscription, where, consistent=True)
        return [*self._database.query(query, on_unreadable=lambda _item, _error: None)]

    @translated
    def delete(self, key: RequestKey, connection_id: str) -> None:
        """Tell a connection no more. Idempotent."""
        self._database.write(Delete(Subscription.at(**key.components, connection_id=connection_id)))

    @translated
    def list_requests(self, connection_id: str) -> Sequence[RequestKey]:
        """Return the requests that a connection is subscribed to.

        The index follows the table after a moment: a row that was written just now may be missing.

        Shape:
            index `connection-index`.
        """
        query = Query(Subscription, Subscription.connection_id == connection_id, index="connection-index")
        rows = self._database.query(query, include_expired=True, on_unreadable=lambda _item, _error: None)
        return [RequestKey(row.tenant_id, row.user_id, row.request_id) for row in rows]

    @translated
    def delete_many(self, keys: Iterable[RequestKey], connection_id: str) -> None:
        """Tell a connection of none of these requests any more; 25 rows a call. Idempotent."""
        self._database.batch_write(
            Delete(Subscription.at(**key.components, connection_id=connection_id)) for key in keys
        )
