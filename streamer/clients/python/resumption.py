"""How requests stand at the server, asked for on the next connection when theirs was lost. Pure.

What the server had accepted is asked after (`subscribe`, with the last sequence). What comes for it
meanwhile is held until that is answered, so that a consumer sees each sequence once and in order.
"""

import msgspec

from streamer.clients.python.book import Book
from streamer.clients.python.errors import ConnectionLost
from streamer.clients.python.exchange import Exchange, Phase, Role
from streamer.clients.python.failures import loss, refusal
from streamer.clients.python.framing import request_frame
from streamer.clients.python.incoming import Received
from streamer.clients.python.outbox import Outbox
from streamer.errors import ErrorCode
from streamer.protocol import Error, Message, Response, Subscribed

RESUMPTION_DEADLINE_S = 30.0
"""Seconds until the server must have said how a request stands. API Gateway answers for it after 29."""

RESUMPTION_PAUSE_S = 2.0
"""Seconds until it is asked again, where it could not say. Ours."""


class Resumptions:
    """Asks after the requests that are marked `must_resume`, and takes in what the server says of them.

    Attributes:
        last_cut: how the last connection ended that did; what the server does not know is lost with it.
    """

    def __init__(self, book: Book, outbox: Outbox) -> None:
        self.last_cut = ConnectionLost(1006)
        self._book = book
        self._outbox = outbox

    def begin(self, now: float) -> None:
        """Ask after every request that has to be, if there is a connection."""
        if self._outbox.connection is None:
            return
        for exchange in [each for each in self._book.all() if each.must_resume]:
            exchange.must_resume, exchange.resume_at = False, None
            if exchange.resumption is None:
                self._ask(exchange, now)

    def answered(
        self, resumption: Exchange, received: Received, message: Message, now: float
    ) -> list[Exchange]:
        """Take in an answer; return the requests of the user that it moved."""
        target = _target_of(resumption)
        if isinstance(message, Response):
            try:
                subscribed = msgspec.convert(message.data, Subscribed)
            except msgspec.ValidationError:
                return self.ask_later(resumption, now)
            self._book.finish(resumption)
            if not target.frame:
                target.action = subscribed.request.action
            self._book.accept(target, message, truncated=subscribed.truncated)
            for each in subscribed.messages:
                self._book.apply(target, Received(each, received.at), each)
            self._release(target)
            return [target]
        if not isinstance(message, Error) or (message.error.retry and message.error.retry.retryable):
            return self.ask_later(resumption, now)
        self._book.finish(resumption)
        unknown = message.error.code == ErrorCode.NOT_FOUND and target.phase is Phase.SENT and target.frame
        self._book.fail(target, loss(target, self.last_cut) if unknown else refusal(target, message))
        return [target]

    def ask_later(self, resumption: Exchange, now: float) -> list[Exchange]:
        """Let what waited for the answer go, and ask again after a pause; return what that moved."""
        target = _target_of(resumption)
        self._book.finish(resumption)
        moved = self._release(target)
        if target.phase is not Phase.DONE:
            target.resume_at = now + RESUMPTION_PAUSE_S
            self._book.schedule.add(target.resume_at, target)
        return moved

    def put_off(self, resumption: Exchange) -> None:
        """Ask again on the next connection."""
        target = _target_of(resumption)
        self._book.finish(resumption)
        target.connection, target.must_resume = None, True

    def _ask(self, target: Exchange, now: float) -> None:
        request_id = f"_{Role.RESUMPTION}-{self._book.order}"
        resumption = self._book.begin(
            "subscribe",
            request_id,
            now=now,
            deadline_s=RESUMPTION_DEADLINE_S,
            outcome_deadline_s=RESUMPTION_DEADLINE_S,
            role=Role.RESUMPTION,
        )
        asked = {"request_id": target.request_id, "after_sequence": target.sequence}
        asked |= {} if target.user_id is None else {"user_id": target.user_id}
        resumption.frame = request_frame("subscribe", asked, request_id, {})
        resumption.target, target.resumption = target, resumption
        self._outbox.put(resumption)

    def _release(self, exchange: Exchange) -> list[Exchange]:
        held, exchange.held = exchange.held, []
        moved: list[Exchange] = []
        for received in held:
            moved = self._book.apply(exchange, received, received.message) or moved  # type: ignore[arg-type]
        return moved


def _target_of(resumption: Exchange) -> Exchange:
    assert resumption.target is not None
    return resumption.target
