"""The client without a socket: requests and frames go in, exchanges that moved come out. Pure.

Frames are matched to requests by the request's id. What carries no id (API Gateway's own frames, an error
about a message that the server could not read) answers the oldest request that has no answer yet.
"""

from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from streamer.clients.python.errors import (
    ConnectionLost,
    DeadlineExceeded,
    GatewayFailed,
    InvalidRequest,
    MessageTooLarge,
    RequestFailed,
)
from streamer.clients.python.exchange import Exchange, Phase
from streamer.clients.python.incoming import GatewayMessage, Received, UnknownMessage, read
from streamer.protocol import Acknowledgment, Error, Message, Pong, Request, Response, encode
from streamer.protocol.codec import is_request_id
from streamer.protocol.limits import MAX_ACTION_LENGTH, MAX_FRAME_BYTES, MAX_ID_LENGTH

UNMATCHED_LENGTH = 100
"""Messages of unknown requests that are kept, and blames that are remembered. Ours."""

_WithoutId: TypeAlias = GatewayMessage | Error


@dataclass(frozen=True, slots=True)
class _Blame:
    """A frame without an id, and the requests that it can be about: those of an order below `before`."""

    received: Received
    message: _WithoutId
    before: int


class Session:
    """Everything that one connection has asked and heard.

    Attributes:
        unmatched: the last messages that belong to no waiting request.
        lost: why the connection ended; None while it is open.
    """

    def __init__(self) -> None:
        self.unmatched: deque[Received] = deque(maxlen=UNMATCHED_LENGTH)
        self.lost: ConnectionLost | None = None
        self._exchanges: dict[str, Exchange] = {}
        self._unanswered: dict[str, Exchange] = {}
        self._blames: OrderedDict[str, _Blame] = OrderedDict()
        self._order = 0

    @property
    def pending(self) -> list[Exchange]:
        """The requests without an outcome, the oldest first."""
        return list(self._exchanges.values())

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
    ) -> tuple[Exchange, bytes]:
        """Begin a request; return it with the frame to send.

        Args:
            now: monotonic seconds.
            deadline_s: seconds until the server must have answered or acknowledged.
            outcome_deadline_s: seconds until acknowledged work must have ended.

        Raises:
            ConnectionLost: the connection has ended.
            InvalidRequest: a field is not as the protocol has it, or the id is waiting already.
            MessageTooLarge: the frame would be over 32 KB.
        """
        if self.lost is not None:
            raise ConnectionLost(self.lost.code, self.lost.reason, closed_here=self.lost.closed_here)
        _check(action, payload, request_id, metadata, deadline_s, outcome_deadline_s)
        if request_id in self._exchanges:
            raise InvalidRequest(
                f"A request with the id {request_id} is waiting already: wait for it, or leave the id out."
            )
        try:
            frame = encode(
                Request(action=action, id=request_id, payload=dict(payload), metadata=dict(metadata))
            )
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidRequest(
                f"The payload of {action} cannot be written as JSON: give numbers, strings, lists, objects."
            ) from error
        if len(frame) > MAX_FRAME_BYTES:
            raise MessageTooLarge(action, size_bytes=len(frame), limit_bytes=MAX_FRAME_BYTES)
        exchange = Exchange(request_id, action, self._order, now, deadline_s, outcome_deadline_s)
        self._order += 1
        self._blames.pop(request_id, None)
        self._exchanges[request_id] = self._unanswered[request_id] = exchange
        return exchange, frame

    def receive(self, frame: bytes, *, at: float) -> tuple[Received, Exchange | None]:
        """Take in a frame; return it as a message, with the request that it moved, if any.

        A message that was seen before, or was overtaken, moves nothing.

        Args:
            at: epoch seconds.
        """
        received = Received(read(frame), at)
        message = received.message
        match message:
            case UnknownMessage():
                self.unmatched.append(received)
                return received, None
            case GatewayMessage() | Error(request_id=None):
                return received, self._blame(_Blame(received, message, self._order))
            case Pong():
                pinged = next((each for each in self._unanswered.values() if each.action == "ping"), None)
                return received, self._apply(received, message, pinged)
            case _:
                assert message.request_id is not None
                found = self._exchanges.get(message.request_id)
                moved = self._apply(received, message, found)
                return received, moved or self._absolve(message.request_id, message)

    def expire(self, exchange: Exchange, *, now: float) -> bool:
        """Fail the request if it is overdue; say whether it did."""
        if exchange.phase is Phase.DONE or now < exchange.due_at:
            return False
        exchange.fail(
            DeadlineExceeded(
                action=exchange.action,
                request_id=exchange.request_id,
                deadline_s=exchange.allowed_s,
                acknowledged=exchange.phase is Phase.ACCEPTED,
            )
        )
        self._settle(exchange)
        return True

    def end(self, code: int, reason: str = "", *, closed_here: bool = False) -> list[Exchange]:
        """Take in the end of the connection; return the requests that it failed.

        Acknowledged work goes on at the server; following it on a new connection is a later addition.
        """
        if self.lost is None:
            self.lost = ConnectionLost(code, reason, closed_here=closed_here)
        failed = self.pending
        for exchange in failed:
            exchange.fail(
                ConnectionLost(
                    self.lost.code,
                    self.lost.reason,
                    action=exchange.action,
                    request_id=exchange.request_id,
                    acknowledged=exchange.phase is Phase.ACCEPTED,
                    closed_here=self.lost.closed_here,
                )
            )
            self._settle(exchange)
        return failed

    def _apply(self, received: Received, message: Message, exchange: Exchange | None) -> Exchange | None:
        if exchange is None:
            self.unmatched.append(received)
            return None
        if not exchange.is_news(message):
            return None
        exchange.apply(received, message)
        if isinstance(message, Error):
            exchange.fail(_failure(exchange, message))
        self._settle(exchange)
        return exchange

    def _settle(self, exchange: Exchange) -> None:
        if exchange.phase is not Phase.SENT:
            self._unanswered.pop(exchange.request_id, None)
        if exchange.phase is Phase.DONE:
            self._exchanges.pop(exchange.request_id, None)

    def _blame(self, blame: _Blame) -> Exchange | None:
        """Fail the oldest unanswered request that the frame can be about."""
        oldest = next(iter(self._unanswered.values()), None)
        if oldest is None or oldest.order >= blame.before:
            self.unmatched.append(blame.received)
            return None
        oldest.history.append(blame.received)
        oldest.fail(_failure(oldest, blame.message))
        self._settle(oldest)
        self._blames[oldest.request_id] = blame
        if len(self._blames) > UNMATCHED_LENGTH:
            self._blames.popitem(last=False)
        return oldest

    def _absolve(self, request_id: str, message: Message) -> Exchange | None:
        """Pass a blame on to the next request when the blamed one is answered after all.

        API Gateway runs the messages of a connection side by side, so that the oldest request need not be
        the one that failed. Progress proves nothing: work can be accepted and its answer lost.
        """
        direct = isinstance(message, Response | Acknowledgment | Error)
        if not direct or getattr(message, "sequence", None) not in (None, 0):
            return None
        blame = self._blames.pop(request_id, None)
        return None if blame is None else self._blame(blame)


def _failure(exchange: Exchange, message: _WithoutId) -> RequestFailed:
    if isinstance(message, GatewayMessage):
        return GatewayFailed(
            action=exchange.action,
            request_id=exchange.request_id,
            message=message.message,
            gateway_request_id=message.request_id or message.message_id,
        )
    return RequestFailed(
        action=exchange.action,
        request_id=exchange.request_id,
        code=message.error.code,
        message=message.error.message,
        details=message.error.details,
        retry=message.error.retry,
    )


def _check(
    action: object,
    payload: object,
    request_id: str,
    metadata: Mapping[str, str],
    deadline_s: float,
    outcome_deadline_s: float,
) -> None:
    if not isinstance(action, str) or not 0 < len(action) <= MAX_ACTION_LENGTH:
        raise InvalidRequest(f"The action is a name of 1 to {MAX_ACTION_LENGTH} characters.")
    if not isinstance(payload, Mapping):
        raise InvalidRequest(f"The payload of {action} must be an object: give a dict.")
    if not isinstance(request_id, str) or not is_request_id(request_id):
        raise InvalidRequest(f"The id may have 1 to {MAX_ID_LENGTH} characters of A–Z a–z 0–9 . _ -.")
    if not all(isinstance(part, str) for item in metadata.items() for part in item):
        raise InvalidRequest(f"The metadata of {action} must be strings under strings.")
    if not (deadline_s > 0 and outcome_deadline_s > 0):
        raise InvalidRequest("A deadline is a number of seconds over 0.")
