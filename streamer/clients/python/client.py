"""The client on a real connection: carries frames between `Session` and the `websockets` library."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from streamer.clients.python.address import Address
from streamer.clients.python.exchange import Exchange, Phase
from streamer.clients.python.handle import RequestHandle
from streamer.clients.python.incoming import Incoming, Received
from streamer.clients.python.session import Session
from streamer.clock import Clock, SystemClock

FIRST_ANSWER_S = 30.0
"""Seconds until a request must have been answered: API Gateway answers for the function after 29."""

OUTCOME_S = 7_200.0
"""Seconds until long work must have ended here: API Gateway closes every connection after two hours."""

OnMessage = Callable[[Incoming, float], None]
"""Hears every message with its arrival time, epoch seconds, before anybody else; it must not block."""


class Client:
    """A connection to an application. Made by `connect`; belongs to the event loop that made it.

    Any number of requests can be under way. When the connection ends, each of them fails with
    `ConnectionLost` and the client is of no further use; resuming on a new one is a later addition.
    """

    def __init__(
        self,
        websocket: ClientConnection,
        address: Address,
        *,
        on_message: OnMessage | None = None,
        clock: Clock | None = None,
        new_id: Callable[[], str] = lambda: uuid4().hex,
    ) -> None:
        self._websocket = websocket
        self._address = address
        self._on_message = on_message
        self._clock = clock or SystemClock()
        self._new_id = new_id
        self._session = Session()
        self._handles: dict[str, tuple[RequestHandle, asyncio.TimerHandle]] = {}
        self._loop = asyncio.get_running_loop()
        self._outgoing: asyncio.Queue[tuple[Exchange, bytes]] = asyncio.Queue()
        self._writer = asyncio.create_task(self._write(), name="streamer-client-writer")
        self._reader = asyncio.create_task(self._read(), name="streamer-client-reader")

    @property
    def url(self) -> str:
        """Where this is connected to, without the query."""
        return self._address.shown

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the server chose."""
        return self._websocket.subprotocol

    @property
    def is_closed(self) -> bool:
        """Whether the connection has ended."""
        return self._session.lost is not None

    @property
    def close_code(self) -> int | None:
        """The close code of RFC 6455; 1006 if the connection broke; None while it is open."""
        return None if self._session.lost is None else self._session.lost.code

    @property
    def unmatched(self) -> list[Received]:
        """The last messages that belong to no request of this client, such as one that it gave up."""
        return list(self._session.unmatched)

    def request(
        self,
        action: str,
        payload: Mapping[str, Any] | None = None,
        *,
        id: str | None = None,  # noqa: A002  # the protocol's own word
        metadata: Mapping[str, str] | None = None,
        deadline_s: float = FIRST_ANSWER_S,
        outcome_deadline_s: float = OUTCOME_S,
    ) -> RequestHandle:
        """Send a request now; await what this returns for its data or result, iterate it for progress.

        Args:
            id: the request's id; made here if None. The same id and payload never run the work twice.
            deadline_s: seconds until the server must have answered, or acknowledged long work.
            outcome_deadline_s: seconds until acknowledged work must have ended.

        Raises:
            InvalidRequest: a value is not as the protocol has it, or the id is waiting already.
            MessageTooLarge: the message is over 32 KB. Nothing was sent.
            ConnectionLost: the connection has ended.
        """
        exchange, frame = self._session.ask(
            action,
            {} if payload is None else payload,
            request_id=self._new_id() if id is None else id,
            metadata=metadata or {},
            now=self._loop.time(),
            deadline_s=deadline_s,
            outcome_deadline_s=outcome_deadline_s,
        )
        handle = RequestHandle(exchange)
        self._handles[exchange.request_id] = (handle, self._watch(exchange))
        self._outgoing.put_nowait((exchange, frame))
        return handle

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection and fail what is under way here; long work goes on at the server."""
        self._wake(self._session.end(code, reason, closed_here=True))
        try:
            await self._websocket.close(code, reason)
        finally:
            if self._websocket.state is not State.CLOSED:
                self._websocket.transport.abort()
            self._reader.cancel()  # which takes the writer with it
            await asyncio.gather(self._writer, self._reader, return_exceptions=True)

    async def wait_closed(self) -> None:
        """Wait until the connection has ended, from whichever side."""
        await asyncio.wait([self._reader])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def _read(self) -> None:
        code, reason = 1006, ""
        try:
            while True:
                data = await self._websocket.recv(decode=False)
                received, moved = self._session.receive(data, at=self._clock.now())
                self._tell(received)
                if moved is not None:
                    self._wake([moved])
        except ConnectionClosed as closed:
            if frame := closed.rcvd or closed.sent:
                code, reason = int(frame.code), frame.reason
        finally:
            self._wake(self._session.end(code, reason))
            self._writer.cancel()

    async def _write(self) -> None:
        with suppress(ConnectionClosed):  # the reader hears of it too, and tells
            while True:
                exchange, frame = await self._outgoing.get()
                if exchange.phase is not Phase.DONE:
                    await self._websocket.send(frame, text=True)  # binary frames are refused with 1003

    def _tell(self, received: Received) -> None:
        if self._on_message is None:
            return
        try:
            self._on_message(received.message, received.at)
        except Exception as error:  # noqa: BLE001  # a listener's fault must not cut everybody's connection
            self._loop.call_exception_handler({"message": "on_message raised", "exception": error})

    def _wake(self, exchanges: list[Exchange]) -> None:
        for exchange in exchanges:
            handle, timer = self._handles[exchange.request_id]
            if exchange.phase is Phase.DONE:
                timer.cancel()
                del self._handles[exchange.request_id]
            handle.wake()

    def _watch(self, exchange: Exchange) -> asyncio.TimerHandle:
        return self._loop.call_at(exchange.due_at, self._look, exchange)

    def _look(self, exchange: Exchange) -> None:
        """At the deadline: give the request up, or look again at the deadline that its answer set."""
        if self._session.expire(exchange, now=self._loop.time()):
            self._wake([exchange])
        elif exchange.request_id in self._handles:
            handle, _ = self._handles[exchange.request_id]
            self._handles[exchange.request_id] = (handle, self._watch(exchange))

    def __repr__(self) -> str:
        state = "open" if self.close_code is None else f"closed {self.close_code}"
        return f"<Client {self.url} {state}, {len(self._handles)} waiting>"
