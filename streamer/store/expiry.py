"""Deletes what has expired. DynamoDB does it too, in its own time: within days, and it promises none."""

from typing import TYPE_CHECKING, Any

from streamer.dynamorm import Attribute, ConditionFailed, Model, Scan, attribute
from streamer.store.models import CONNECTIONS, COUNTERS, REQUESTS, SUBSCRIPTIONS
from streamer.store.tables import TableStore, translated

if TYPE_CHECKING:
    pass


class _Expiring(Model, abstract=True):
    """What every item that can expire has."""

    pk: Attribute[str]
    expires_at: Attribute[int | None] = attribute(default=None)


class RequestsItem(_Expiring, table=REQUESTS):
    """Any item of the requests table."""

    sk: Attribute[str]


class SubscriptionsItem(_Expiring, table=SUBSCRIPTIONS):
    """Any item of the subscriptions table."""

    sk: Attribute[str]


class ConnectionsItem(_Expiring, table=CONNECTIONS):
    """Any item of the connections table."""


class CountersItem(_Expiring, table=COUNTERS):
    """Any item of the counters table."""


KINDS: tuple[Any, ...] = (RequestsItem, SubscriptionsItem, ConnectionsItem, CountersItem)


class ExpiryStore(TableStore):
    """Every table, by its `expires_at`. Thread-safe."""

    @translated
    def delete_expired(self, *, segment: int = 0, segments: int = 1, limit: int) -> int:
        """Delete expired items of one part of each table; returns how many.

        An item that was renewed since it was read stays.

        Args:
            segment: from 0; of so many `segments` the tables are divided into.
            limit: items of each table at most.

        Shape:
            a scan of that part of the tables; it is paid for as a whole.
        """
        now = int(self._clock.now())
        deleted = 0
        for kind in KINDS:
            expired = kind.expires_at <= now
            scan = Scan(kind, filter=expired, segment=segment, segments=segments, limit=limit)
            for item in [*self._database.scan(scan, include_expired=True)]:
                try:
                    self._database.delete(item, condition=expired)
                except ConditionFailed:
                    continue
                deleted += 1
        return deleted
