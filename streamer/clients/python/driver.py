"""Drives a `Session` by an event loop: its handles, its timer, its listener, its time."""

import asyncio
from collections.abc import Callable, Iterable

from streamer.clients.python.exchange import Exchange, Phase
from streamer.clients.python.handle import Controls, RequestHandle
from streamer.clients.python.incoming import Incoming, Received
from streamer.clients.python.session import Session
from streamer.clock import Clock

OnMessage = Callable[[Incoming, float], None]
"""Hears every message with its arrival time, epoch seconds, before anybody else; it must not block."""


class Driver:
    """Has a session do what is due, and lets whoever waits for it look again.

    Attributes:
        session: what is driven; who changes it says so by `pump`.
        heard_at: when the last frame came, in the loop's seconds.
        waiting: how many requests have no outcome yet.
    """

    def __init__(self, *, clock: Clock, on_message: OnMessage | None) -> None:
        self.session = Session()
        self._clock = clock
        self._on_message = on_message
        self._loop = asyncio.get_running_loop()
        self.heard_at = self._loop.time()
        self._handles: dict[str, RequestHandle] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._outgoing = asyncio.Event()

    @property
    def now(self) -> float:
        """The loop's seconds, which a session's times are in."""
        return self._loop.time()

    @property
    def waiting(self) -> int:
        """How many requests have no outcome yet."""
        return len(self._handles)

    def handle(self, exchange: Exchange, controls: Controls) -> RequestHandle:
        """Return the handle on a request, the same as long as it goes on, and have the request sent."""
        handle = self._handles.get(exchange.request_id)
        if handle is None:
            handle = self._handles[exchange.request_id] = RequestHandle(exchange, controls)
        self.pump()
        return handle

    def pump(self) -> None:
        """Let the writer and the timer look whether there is something for them."""
        if self.session.has_outgoing:
            self._outgoing.set()
        due_at = self.session.due_at
        if due_at is not None and (self._timer is None or due_at < self._timer.when()):
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(due_at, self._tick)

    def take_in(self, connection: int, frame: bytes) -> None:
        """Take in what arrived on a connection."""
        now = self.heard_at = self.now
        received, moved = self.session.receive(frame, at=self._clock.now(), now=now, connection=connection)
        self._tell(received)
        self._wake(moved)
        self.pump()

    async def next_request(self, connection: int) -> Exchange:
        """Wait for the next request to send on a connection."""
        while True:
            exchange = self.session.take(connection)
            if exchange is not None:
                return exchange
            self._outgoing.clear()
            await self._outgoing.wait()

    def opened(self, connection: int) -> None:
        """Go on with another connection."""
        self.session.opened(connection, now=self.now)
        self.pump()

    def cut(self, connection: int, code: int, reason: str) -> None:
        """Go on without a connection that ended."""
        self.session.cut(connection, code, reason, now=self.now)
        self.pump()

    def end(
        self, code: int, reason: str, *, closed_here: bool = False, cause: Exception | None = None
    ) -> None:
        """Fail what is under way: no connection will follow."""
        self._wake(self.session.end(code, reason, closed_here=closed_here, cause=cause))
        if self._timer is not None:
            self._timer.cancel()

    def _tick(self) -> None:
        self._timer = None
        self._wake(self.session.tick(self.now))
        self.pump()

    def _wake(self, exchanges: Iterable[Exchange]) -> None:
        for exchange in exchanges:
            handle = self._handles[exchange.request_id]
            if exchange.phase is Phase.DONE:
                del self._handles[exchange.request_id]
            handle.wake()

    def _tell(self, received: Received) -> None:
        if self._on_message is None:
            return
        try:
            self._on_message(received.message, received.at)
        except Exception as error:  # noqa: BLE001  # a listener's fault must not cut everybody's connection
            self._loop.call_exception_handler({"message": "on_message raised", "exception": error})
