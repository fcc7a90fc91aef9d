"""The client without a socket: requests, frames, connections, time in; exchanges that moved out. Pure.

Frames are matched to requests by the request's id. What carries no id (API Gateway's own frames, an error
about a message that the server could not read) answers the oldest request of its connection that has no
answer yet (`blames`).

Connections are numbered. When one is lost, what the server had accepted is asked after on the next one
(`resumption`). A request that had no answer is sent again where that was allowed; otherwise it is asked after
too: long work is found by its id, short work is given up.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any

from streamer.clients.python.blames import Blame, Blames
from streamer.clients.python.book import Book
from streamer.clients.python.errors import ConnectionLost, InvalidRequest
from streamer.clients.python.exchange import Exchange, Phase, Role
from streamer.clients.python.failures import loss, overdue
from streamer.clients.python.framing import check_request, request_frame
from streamer.clients.python.incoming import GatewayMessage, Received, UnknownMessage, read
from streamer.clients.python.outbox import Outbox
from streamer.clients.python.resumption import Resumptions
from streamer.protocol import Acknowledgment, Error, Message, Pong

UNMATCHED_LENGTH = 100
"""Messages of unknown requests that are kept. Ours."""


class Session:
    """Everything that a client has asked and heard, over all its connections.

    It begins with connection 0 open.

    Attributes:
        unmatched: the last messages that belong to no waiting request.
        lost: why the client ended; None while it goes on.
    """

    def __init__(self) -> None:
        self.unmatched: deque[Received] = deque(maxlen=UNMATCHED_LENGTH)
        self.lost: ConnectionLost | None = None
        self._book = Book()
        self._outbox = Outbox()
        self._resumptions = Resumptions(self._book, self._outbox)
        self._blames = Blames(self._book, self._resumptions, self.unmatched)

    @property
    def pending(self) -> list[Exchange]:
        """The user's requests without an outcome, the oldest first."""
        return self._book.of_user()

    @property
    def due_at(self) -> float | None:
        """When `tick` has something to do, in monotonic seconds; perhaps too early, never too late."""
        return self._book.schedule.due_at

    @property
    def has_outgoing(self) -> bool:
        """Whether `take` may have something to give."""
        return bool(self._outbox)

    def ask(
        self,
        action: str,
        payload: Mapping[str, Any],
        *,
        request_id: str,
        metadata: Mapping[str, str],
        now: float,
        deadline_s: float,
        outcome_deadline_s: float,
        resends: bool = False,
    ) -> Exchange:
        """Begin a request; `take` gives it out to be sent.

        Args:
            now: monotonic seconds.
            deadline_s: seconds until the server must have answered or acknowledged.
            outcome_deadline_s: seconds until acknowledged work must have ended.
            resends: whether it is sent again where its answer was lost with a connection.

        Raises:
            ConnectionLost: the client has ended.
            InvalidRequest: a field is not as the protocol has it, or the id is waiting already.
            MessageTooLarge: the frame would be over 32 KB.
        """
        self._check_open()
        check_request(action, payload, request_id, metadata)
        frame = request_frame(action, payload, request_id, metadata)
        exchange = self._book.begin(
            action,
            request_id,
            now=now,
            deadline_s=deadline_s,
            outcome_deadline_s=outcome_deadline_s,
        )
        self._blames.forget(request_id)
        exchange.frame, exchange.resends = frame, resends
        self._outbox.put(exchange)
        return exchange

    def follow(
        self,
        request_id: str,
        *,
        after_sequence: int,
        now: float,
        deadline_s: float,
        outcome_deadline_s: float,
        user_id: str | None = None,
    ) -> Exchange:
        """Follow a request that was begun elsewhere, or earlier; of one that waits here, return that.

        Args:
            user_id: whose it is; None: the caller's own.
            after_sequence: the highest sequence that is known already.

        Raises:
            ConnectionLost, InvalidRequest: as `ask`; also where a request of another user waits that has
                this id.
        """
        self._check_open()
        if (waiting := self._book.find(request_id)) is not None and waiting.role is Role.USER:
            if waiting.user_id != user_id:
                raise InvalidRequest(
                    f"A request {request_id} of another user waits here already: use another connection."
                )
            return waiting
        check_request("subscribe", {}, request_id, {})
        exchange = self._book.begin(
            "subscribe",
            request_id,
            now=now,
            deadline_s=deadline_s,
            outcome_deadline_s=outcome_deadline_s,
        )
        self._blames.forget(request_id)
        exchange.user_id, exchange.sequence, exchange.must_resume = user_id, after_sequence, True
        self._resumptions.begin(now)
        return exchange

    def beat(self, *, now: float, deadline_s: float) -> None:
        """Ask whether anybody is there; whatever comes back is an answer."""
        request_id = f"_{Role.HEARTBEAT}-{self._book.order}"
        exchange = self._book.begin(
            "ping",
            request_id,
            now=now,
            deadline_s=deadline_s,
            outcome_deadline_s=deadline_s,
            role=Role.HEARTBEAT,
        )
        exchange.frame = request_frame("ping", {}, request_id, {})
        self._outbox.put(exchange)

    def take(self, connection: int) -> Exchange | None:
        """Return the next request to send on a connection; None: nothing now."""
        return self._outbox.take(connection)

    def receive(
        self, frame: bytes, *, at: float, now: float = 0.0, connection: int = 0
    ) -> tuple[Received, list[Exchange]]:
        """Take in a frame; return it as a message, with the requests of the user that it moved.

        A message that was seen before, or was overtaken, moves nothing.

        Args:
            at: epoch seconds.
            now: monotonic seconds.
        """
        received = Received(read(frame), at)
        message = received.message
        match message:
            case UnknownMessage():
                self.unmatched.append(received)
                return received, []
            case GatewayMessage() | Error(request_id=None):
                blame = Blame(received, message, connection, before=self._book.order)
                return received, self._blames.lay(blame, now)
            case Pong():
                return received, self._pong(received, message, connection)
            case _:
                assert message.request_id is not None
                exchange = self._book.find(message.request_id)
                if exchange is None:
                    self.unmatched.append(received)
                    return received, self._blames.lift(message.request_id, message, now)
                return received, self._answered(exchange, received, message, now)

    def tick(self, now: float) -> list[Exchange]:
        """Do what is due; return the user's requests that it failed."""
        moved: list[Exchange] = []
        for exchange in self._book.schedule.take_due(now):
            if exchange.phase is Phase.DONE:
                continue
            if exchange.resume_at is not None and exchange.resume_at <= now:
                exchange.resume_at, exchange.must_resume = None, True
            if now < exchange.due_at:  # its answer set a later deadline
                self._book.schedule.add(exchange.due_at, exchange)
                continue
            moved += self._expire(exchange, now)
        self._resumptions.begin(now)
        return moved

    def opened(self, connection: int, *, now: float) -> None:
        """Take in that another connection stands, from now on the one to send on.

        The one before may still bring answers until it is `cut`; see `is_idle`.
        """
        self._outbox.connection = connection
        for exchange in self.pending:
            if exchange.phase is Phase.ACCEPTED and exchange.resumption is None:
                exchange.must_resume = True
        self._resumptions.begin(now)

    def is_idle(self, connection: int) -> bool:
        """Whether no answer is expected on a connection any more."""
        return all(each.role is Role.HEARTBEAT for each in self._book.unanswered_on(connection))

    def cut(self, connection: int, code: int, reason: str = "", *, now: float) -> None:
        """Take in that a connection ended and that another will follow, or stands already."""
        self._resumptions.last_cut = ConnectionLost(code, reason)
        if self._outbox.connection == connection:
            self._outbox.connection = None
        for exchange in [each for each in self._book.all() if each.connection == connection]:
            exchange.connection = None
            match exchange.role:
                case Role.HEARTBEAT:
                    self._book.finish(exchange)
                case Role.RESUMPTION:
                    self._resumptions.put_off(exchange)
                case Role.USER if exchange.phase is Phase.SENT and exchange.resends:
                    self._outbox.put(exchange)
                case Role.USER:
                    exchange.must_resume = exchange.resumption is None
        self._resumptions.begin(now)

    def end(
        self, code: int, reason: str = "", *, closed_here: bool = False, cause: Exception | None = None
    ) -> list[Exchange]:
        """Take in that no connection will follow; return the requests that it failed.

        Acknowledged work goes on at the server.

        Args:
            cause: why no connection follows, where that was tried.
        """
        if self.lost is None:
            self.lost = ConnectionLost(code, reason, closed_here=closed_here)
            self.lost.__cause__ = cause
        failed = self.pending
        for exchange in failed:
            self._book.fail(exchange, loss(exchange, self.lost))
        for exchange in self._book.all():
            self._book.finish(exchange)
        return failed

    def _check_open(self) -> None:
        if self.lost is not None:
            raise ConnectionLost(self.lost.code, self.lost.reason, closed_here=self.lost.closed_here)

    def _pong(self, received: Received, message: Pong, connection: int) -> list[Exchange]:
        for exchange in self._book.unanswered_on(connection):
            if exchange.action == "ping":
                return self._answered(exchange, received, message, 0.0)
        self.unmatched.append(received)
        return []

    def _answered(
        self, exchange: Exchange, received: Received, message: Message, now: float
    ) -> list[Exchange]:
        if exchange.role is Role.HEARTBEAT:
            self._book.finish(exchange)
            return []
        if exchange.role is Role.RESUMPTION:
            return self._resumptions.answered(exchange, received, message, now)
        if exchange.resumption is not None and not isinstance(message, Acknowledgment):
            exchange.held.append(received)
            return []
        moved = self._book.apply(exchange, received, message)
        return moved or self._blames.lift(exchange.request_id, message, now)

    def _expire(self, exchange: Exchange, now: float) -> list[Exchange]:
        if exchange.role is Role.HEARTBEAT:
            self._book.finish(exchange)
            return []
        if exchange.role is Role.RESUMPTION:
            return self._resumptions.ask_later(exchange, now)
        self._book.fail(exchange, overdue(exchange))
        return [exchange]
