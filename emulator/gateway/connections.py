"""The live connections: their state, when they are due to be closed, and sending to them."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum

from emulator.asgi import Send
from emulator.clock import Clock
from emulator.gateway.events import Origin
from emulator.gateway.settings import GatewaySettings


class State(StrEnum):
    """Where a connection is in its life."""

    CONNECTING = "CONNECTING"
    OPEN = "OPEN"
    CLOSING = "CLOSING"
    CLOSED = "CLOSED"


class Event(StrEnum):
    """What moves a connection on."""

    ACCEPTED = "ACCEPTED"
    REFUSED = "REFUSED"
    CLOSE_SENT = "CLOSE_SENT"
    CUT = "CUT"
    ENDED = "ENDED"


TRANSITIONS: Mapping[tuple[State, Event], State] = {
    (State.CONNECTING, Event.ACCEPTED): State.OPEN,
    (State.CONNECTING, Event.REFUSED): State.CLOSED,
    (State.OPEN, Event.CLOSE_SENT): State.CLOSING,
    (State.OPEN, Event.CUT): State.CLOSING,
    (State.OPEN, Event.ENDED): State.CLOSED,
    (State.CLOSING, Event.ENDED): State.CLOSED,
}
"""Every way in which a connection's state changes."""


class ConnectionGone(Exception):
    """Nothing can be sent: the connection is not open (any more, or yet)."""


class ClientTooSlow(Exception):
    """The client does not read, and the buffers towards it stayed full for the whole send timeout."""


def deadline(*, opened: float, last_active: float, settings: GatewaySettings) -> float:
    """Return the monotonic time at which a connection is closed: idle too long, or open too long."""
    return min(opened + settings.max_duration_s, last_active + settings.idle_timeout_s)


def disconnect_facts(code: int, reason: str | None, *, lost_reason: str = "") -> tuple[int, str]:
    """Return the status code and reason that a DISCONNECT event gives for the end that the server saw.

    Args:
        reason: of the close frame; None if the TCP connection ended without one.
        lost_reason: what stands for that reason then. AWS's own is unknown.

    Source:
        Recorded: 1005 with `Client-side close frame status not set`.
    """
    if reason is None:
        return 1006, lost_reason
    if code == 1005:
        return 1005, "Client-side close frame status not set"
    return code, reason


class Connection:
    """One WebSocket connection, from its handshake to its end. Used from the event loop only."""

    def __init__(
        self, origin: Origin, send: Send, abort: Callable[[], None], clock: Clock, settings: GatewaySettings
    ) -> None:
        self.origin = origin
        self.id = origin.connection_id
        self.state = State.CONNECTING
        self.last_active_at = clock.now()
        self.cause: tuple[int, str] | None = None
        self._send = send
        self._abort = abort
        self._clock = clock
        self._settings = settings
        self._opened = self._last_active = clock.monotonic()
        self._in_flight = 0
        self._in_flight_bytes = 0
        self._slot_freed = asyncio.Event()

    @property
    def is_open(self) -> bool:
        """Whether messages can be sent and are taken."""
        return self.state is State.OPEN

    @property
    def deadline(self) -> float:
        """The monotonic time at which this connection is due to be closed by the gateway."""
        return deadline(opened=self._opened, last_active=self._last_active, settings=self._settings)

    def apply(self, event: Event) -> None:
        """Move the state on. Raises KeyError for a move that `TRANSITIONS` does not have."""
        self.state = TRANSITIONS[self.state, event]

    def touch(self) -> None:
        """Note that data went over the connection just now, in either direction."""
        self.last_active_at = self._clock.now()
        self._last_active = self._clock.monotonic()

    async def send(self, text: str) -> None:
        """Send one text message.

        Raises:
            ConnectionGone: it is not open, or ended meanwhile.
            ClientTooSlow: the client did not read for the whole send timeout; nothing of `text` was sent.
        """
        if self.state is not State.OPEN:
            raise ConnectionGone
        try:
            async with asyncio.timeout(self._settings.send_timeout_s):
                await self._send({"type": "websocket.send", "text": text})
        except TimeoutError as error:
            raise ClientTooSlow from error
        except OSError as error:
            raise ConnectionGone from error
        self.touch()

    async def close(self, code: int, reason: str) -> None:
        """Close the connection from this side; does nothing unless it is open.

        A client that does not read is cut off after the close timeout.
        """
        if self.state is not State.OPEN:
            return
        self.apply(Event.CLOSE_SENT)
        self.cause = (code, reason)
        self._slot_freed.set()
        try:
            async with asyncio.timeout(self._settings.close_timeout_s):
                await self._send({"type": "websocket.close", "code": code, "reason": reason})
        except TimeoutError:
            self._abort()
        except OSError:  # it ended by itself meanwhile, and its own code is what counts
            self.cause = None

    def cut(self) -> bool:
        """Cut the socket without a close frame; tell whether the connection was open."""
        if self.state is not State.OPEN:
            return False
        self.apply(Event.CUT)
        self.cause = disconnect_facts(1006, None, lost_reason=self._settings.lost_reason)
        self._slot_freed.set()
        self._abort()
        return True

    async def take_slot(self, size: int) -> bool:
        """Wait until a message of `size` bytes may be handled; `free_slot` gives the place back.

        Returns:
            False, and no place is taken, if the connection is no longer open.
        """
        while self.is_open and not self._has_room(size):
            self._slot_freed.clear()
            await self._slot_freed.wait()
        if not self.is_open:
            return False
        self._in_flight += 1
        self._in_flight_bytes += size
        return True

    def free_slot(self, size: int) -> None:
        """Give back what `take_slot(size)` took."""
        self._in_flight -= 1
        self._in_flight_bytes -= size
        self._slot_freed.set()

    def _has_room(self, size: int) -> bool:
        if self._in_flight == 0:
            return True
        return (
            self._in_flight < self._settings.max_in_flight
            and self._in_flight_bytes + size <= self._settings.max_in_flight_bytes
        )


class Connections:
    """The connections that are there now, by id, from the start of their handshake to their end."""

    def __init__(self) -> None:
        self._by_id: dict[str, Connection] = {}

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, connection: Connection) -> None:
        """Take a connection in."""
        self._by_id[connection.id] = connection

    def remove(self, connection: Connection) -> None:
        """Forget a connection. Idempotent."""
        self._by_id.pop(connection.id, None)

    def __contains__(self, connection_id: object) -> bool:
        return connection_id in self._by_id

    def find(self, connection_id: str) -> Connection | None:
        """Return the connection of that id, open or not, or None."""
        return self._by_id.get(connection_id)

    def list_open(self) -> Iterator[Connection]:
        """Iterate over the connections that are open now."""
        return (connection for connection in list(self._by_id.values()) if connection.is_open)

    def list_due(self, now: float) -> Iterator[Connection]:
        """Iterate over the open connections whose deadline has come by monotonic time `now`."""
        return (connection for connection in self.list_open() if connection.deadline <= now)
