"""Frames that name no request: whom they are about, and whom they were taken to be about. Pure."""

from collections import OrderedDict, deque
from dataclasses import dataclass

from streamer.clients.python.book import Book
from streamer.clients.python.exchange import Exchange, Role
from streamer.clients.python.failures import refusal
from streamer.clients.python.incoming import GatewayMessage, Received
from streamer.clients.python.resumption import Resumptions
from streamer.protocol import Acknowledgment, Error, Message, Response

MAX_REMEMBERED = 100
"""Blames that are remembered. Ours."""


@dataclass(frozen=True, slots=True)
class Blame:
    """A frame without an id. It can be about requests of its connection, of an order below `before`."""

    received: Received
    message: GatewayMessage | Error
    connection: int
    before: int


class Blames:
    """Which request each frame without an id is taken to be about, until that turns out wrong."""

    def __init__(self, book: Book, resumptions: Resumptions, unmatched: deque[Received]) -> None:
        """Begin with none.

        Args:
            unmatched: where frames go that can be about no request.
        """
        self._book = book
        self._resumptions = resumptions
        self._unmatched = unmatched
        self._blames: OrderedDict[str, Blame] = OrderedDict()

    def lay(self, blame: Blame, now: float) -> list[Exchange]:
        """Fail the oldest unanswered request that the frame can be about; return the user's that it moved."""
        oldest = next(self._book.unanswered_on(blame.connection), None)
        if oldest is None or oldest.order >= blame.before:
            self._unmatched.append(blame.received)
            return []
        self._note(oldest.request_id, blame)
        if oldest.role is Role.HEARTBEAT:
            self._book.finish(oldest)
            return []
        if oldest.role is Role.RESUMPTION:
            return self._resumptions.ask_later(oldest, now)
        oldest.history.append(blame.received)
        self._book.fail(oldest, refusal(oldest, blame.message))
        return [oldest]

    def lift(self, request_id: str, answer: Message, now: float) -> list[Exchange]:
        """Pass a blame on to the next request where the blamed one is answered after all.

        API Gateway runs the messages of a connection side by side, so that the oldest request need not be
        the one that failed. Progress proves nothing: work can be accepted and its answer lost.
        """
        direct = isinstance(answer, Response | Acknowledgment | Error)
        if not direct or getattr(answer, "sequence", None) not in (None, 0):
            return []
        blame = self._blames.pop(request_id, None)
        return [] if blame is None else self.lay(blame, now)

    def forget(self, request_id: str) -> None:
        """Forget what a request was blamed for: its id is used again."""
        self._blames.pop(request_id, None)

    def _note(self, request_id: str, blame: Blame) -> None:
        self._blames[request_id] = blame
        if len(self._blames) > MAX_REMEMBERED:
            self._blames.popitem(last=False)
