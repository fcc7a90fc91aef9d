"""What operators look for: requests whoever's they are. It reads the whole table: nothing for a hot path."""

from heapq import nlargest

from streamer.dynamorm import Condition, Scan
from streamer.lifecycle import Status
from streamer.store.models import RequestState
from streamer.store.request_items import RequestItems
from streamer.store.tables import translated


class Survey(RequestItems):
    """The part of `RequestStore` that operators use."""

    @translated
    def list_all(self, *, limit: int, status: Status | None = None) -> list[RequestState]:
        """Return the requests of all tenants, those that changed last first.

        Shape:
            a scan of the table; every item of it is read.
        """
        found = self._scan(None if status is None else RequestState.status == status)
        return nlargest(limit, found, key=lambda state: state.updated_at)

    @translated
    def find_by_id(self, request_id: str) -> list[RequestState]:
        """Return the requests of all users that have this id.

        Shape:
            a scan of the table; every item of it is read.
        """
        return self._scan(RequestState.request_id == request_id)

    def _scan(self, condition: Condition | None) -> list[RequestState]:
        scan = Scan(RequestState, filter=condition, consistent=True)
        return [*self._database.scan(scan, on_unreadable=lambda _item, _error: None)]
