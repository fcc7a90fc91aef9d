"""Which request is sent next, and on which connection. Pure."""

from collections import deque

from streamer.clients.python.exchange import Exchange, Phase


class Outbox:
    """Requests that wait to be sent.

    Attributes:
        connection: number of the connection that is sent on; None while there is none.
    """

    def __init__(self) -> None:
        self.connection: int | None = 0
        self._waiting: deque[Exchange] = deque()

    def put(self, exchange: Exchange) -> None:
        """Have a request sent, after those that wait already."""
        self._waiting.append(exchange)

    def take(self, connection: int) -> Exchange | None:
        """Return the next request to send on a connection; None: nothing now."""
        while connection == self.connection and self._waiting:
            exchange = self._waiting.popleft()
            if exchange.phase is Phase.SENT and exchange.connection is None:
                exchange.connection, exchange.was_sent = connection, True
                if exchange.target is not None:
                    exchange.target.connection = connection
                return exchange
        return None

    def __len__(self) -> int:
        return len(self._waiting)
