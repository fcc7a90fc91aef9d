"""The exchanges of a session that go on: which have no answer yet, which is due when, every move. Pure."""

from collections.abc import Iterator

from streamer.clients.python.errors import ClientError, InvalidRequest
from streamer.clients.python.exchange import Exchange, Phase, Role
from streamer.clients.python.failures import refusal
from streamer.clients.python.incoming import Received
from streamer.clients.python.schedule import Schedule
from streamer.protocol import Error, Message


class Book:
    """Keeps the exchanges that are not over, by the id of their request, the oldest first.

    Attributes:
        order: what the next exchange has; rises with each.
        schedule: when each is to be looked at.
    """

    def __init__(self) -> None:
        self.order = 0
        self.schedule = Schedule()
        self._exchanges: dict[str, Exchange] = {}
        self._unanswered: dict[str, Exchange] = {}

    def begin(
        self,
        action: str,
        request_id: str,
        *,
        now: float,
        deadline_s: float,
        outcome_deadline_s: float,
        role: Role = Role.USER,
    ) -> Exchange:
        """Note a new exchange.

        Raises:
            InvalidRequest: a deadline is none, or the id is waiting already.
        """
        if not (deadline_s > 0 and outcome_deadline_s > 0):
            raise InvalidRequest("A deadline is a number of seconds over 0.")
        if request_id in self._exchanges:
            raise InvalidRequest(
                f"A request with the id {request_id} is waiting already: wait for it, or leave the id out."
            )
        exchange = Exchange(request_id, action, self.order, now, deadline_s, outcome_deadline_s, role=role)
        self.order += 1
        self._exchanges[request_id] = self._unanswered[request_id] = exchange
        self.schedule.add(exchange.due_at, exchange)
        return exchange

    def find(self, request_id: str) -> Exchange | None:
        """Return the exchange of a request, if it goes on."""
        return self._exchanges.get(request_id)

    def all(self) -> list[Exchange]:
        """Return what goes on, the oldest first."""
        return list(self._exchanges.values())

    def of_user(self) -> list[Exchange]:
        """Return what the user asked for and has no outcome, the oldest first."""
        return [exchange for exchange in self._exchanges.values() if exchange.role is Role.USER]

    def unanswered_on(self, connection: int) -> Iterator[Exchange]:
        """Iterate what an answer is expected for on a connection, the oldest first."""
        for exchange in self._unanswered.values():
            if exchange.connection == connection and exchange.resumption is None:
                yield exchange

    def apply(self, exchange: Exchange, received: Received, message: Message) -> list[Exchange]:
        """Take in a message of an exchange; return that if it moved, for old news move nothing."""
        if not exchange.is_news(message):
            return []
        exchange.apply(received, message)
        if isinstance(message, Error):
            exchange.fail(refusal(exchange, message))
        self._settle(exchange)
        return [exchange]

    def accept(self, exchange: Exchange, answer: Message, *, truncated: bool) -> None:
        """Take in that the server works on it, or did, as it said when it was asked."""
        exchange.accept(answer, truncated=truncated)
        self._settle(exchange)

    def fail(self, exchange: Exchange, error: ClientError) -> None:
        """End what the user asked for with an error."""
        exchange.fail(error)
        self._settle(exchange)

    def finish(self, exchange: Exchange) -> None:
        """Be done with an exchange of the client's own."""
        exchange.phase = Phase.DONE
        if exchange.target is not None:
            exchange.target.resumption = None
        self._settle(exchange)

    def _settle(self, exchange: Exchange) -> None:
        if exchange.phase is not Phase.SENT:
            self._unanswered.pop(exchange.request_id, None)
        if exchange.phase is Phase.DONE:
            self._exchanges.pop(exchange.request_id, None)
            if exchange.resumption is not None:
                self.finish(exchange.resumption)
