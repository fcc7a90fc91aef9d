"""Who is behind a connection: what `$connect` stored, kept in memory until the token ends."""

from collections import OrderedDict

from streamer.clock import Clock
from streamer.errors import NotFound, Unauthorized
from streamer.store import Connection, ConnectionStore

MAX_KEPT = 10_000
"""Connections that one environment remembers. About 1 KB each."""


class Callers:
    """Finds the stored connection of a message, with one consistent read per connection and environment."""

    def __init__(self, connections: ConnectionStore, clock: Clock) -> None:
        self._connections = connections
        self._clock = clock
        self._kept: OrderedDict[str, Connection] = OrderedDict()

    def get(self, connection_id: str) -> Connection:
        """Return the connection, whose token is still good.

        Raises:
            Unauthorized: no such connection, or its token has ended.
        """
        connection = self._kept.get(connection_id)
        if connection is None:
            try:
                connection = self._connections.get(connection_id)
            except NotFound as error:
                raise Unauthorized("This connection is not known; connect again.") from error
            self._kept[connection_id] = connection
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        if connection.token_expires_at <= self._clock.now():
            del self._kept[connection_id]
            raise Unauthorized("The token of this connection has ended; connect again with a new one.")
        return connection
