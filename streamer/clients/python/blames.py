"""Frames that name no request: whom they are about, and whom they were taken to be about. Pure."""

from collections import OrderedDict
from dataclasses import dataclass

from streamer.clients.python.incoming import GatewayMessage, Received
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
    """Which request each frame without an id was taken to be about, until that turns out wrong."""

    def __init__(self) -> None:
        self._blames: OrderedDict[str, Blame] = OrderedDict()

    def note(self, request_id: str, blame: Blame) -> None:
        """Remember that a request was blamed."""
        self._blames[request_id] = blame
        if len(self._blames) > MAX_REMEMBERED:
            self._blames.popitem(last=False)

    def forget(self, request_id: str) -> None:
        """Forget what a request was blamed for: its id is used again."""
        self._blames.pop(request_id, None)

    def lift(self, request_id: str, answer: Message) -> Blame | None:
        """Return what a request was blamed for and turns out not to be, since it is answered after all.

        API Gateway runs the messages of a connection side by side, so that the oldest request need not be
        the one that failed. Progress proves nothing: work can be accepted and its answer lost.
        """
        direct = isinstance(answer, Response | Acknowledgment | Error)
        if not direct or getattr(answer, "sequence", None) not in (None, 0):
            return None
        return self._blames.pop(request_id, None)
