"""Open connections and who is behind them."""

from typing import TYPE_CHECKING

from streamer.dynamorm import Condition, Delete, Put, Query
from streamer.errors import NotFound
from streamer.store.limits import CONNECTION_TTL_S
from streamer.store.models import Connection
from streamer.store.tables import TableStore, translated

if TYPE_CHECKING:
    pass


class ConnectionStore(TableStore):
    """The connections table. Thread-safe.

    Every method raises `ServiceUnavailable` where the table does not answer for now.
    """

    @translated
    def put(self, connection: Connection) -> None:
        """Store a connection; what stood under its id is replaced."""
        if connection.expires_at is None:
            connection = connection.replace(expires_at=int(connection.connected_at) + CONNECTION_TTL_S)
        self._database.write(Put(connection))

    def get(self, connection_id: str) -> Connection:
        """Return a connection, read consistently.

        Raises:
            NotFound: there is none, or it is expired.
        """
        connection = self.find(connection_id)
        if connection is None:
            raise NotFound("This connection is not known; connect again.")
        return connection

    @translated
    def find(self, connection_id: str) -> Connection | None:
        """Return a connection, read consistently, or None."""
        return self._database.find(Connection.at(connection_id=connection_id), consistent=True)

    @translated
    def delete(self, connection_id: str) -> None:
        """Forget a connection. Idempotent; its subscriptions are another store's."""
        self._database.write(Delete(Connection.at(connection_id=connection_id)))

    def list_for_tenant(self, tenant_id: str) -> list[Connection]:
        """Return the open connections of a tenant whose tokens have not ended.

        The index follows the table after a moment. A row that cannot be read is passed over.

        Shape:
            index `tenant-index`.
        """
        return self._list(Connection.tenant_id == tenant_id)

    def list_for_user(self, tenant_id: str, user_id: str) -> list[Connection]:
        """Return the open connections of a user, as `list_for_tenant` does."""
        return self._list((Connection.tenant_id == tenant_id) & (Connection.user_id == user_id))

    @translated
    def _list(self, where: Condition) -> list[Connection]:
        query = Query(Connection, where, index="tenant-index")
        found = self._database.query(query, on_unreadable=lambda _item, _error: None)
        now = self._clock.now()
        return [connection for connection in found if connection.token_expires_at > now]
