"""One WebSocket connection of a client: a task that reads, a task that writes, and how it ended."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from streamer.clients.python.exchange import Exchange


class Connection:
    """Carries frames until it ends, from whichever side.

    Attributes:
        number: of this connection among its client's.
        opened_at: in the loop's seconds.
        code, reason: how it ended; 1006 if it broke.
    """

    def __init__(
        self,
        number: int,
        websocket: ClientConnection,
        *,
        on_frame: Callable[[int, bytes], None],
        next_request: Callable[[int], Awaitable[Exchange]],
    ) -> None:
        """Begin to carry.

        Args:
            on_frame: takes in what arrives.
            next_request: returns the next request to send on this connection.
        """
        self.number = number
        self.opened_at = asyncio.get_running_loop().time()
        self.code, self.reason = 1006, ""
        self._websocket = websocket
        self._on_frame = on_frame
        self._next_request = next_request
        self._writer = asyncio.create_task(self._write(), name="streamer-client-writer")
        self._reader = asyncio.create_task(self._read(), name="streamer-client-reader")

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the server chose."""
        return self._websocket.subprotocol

    @property
    def is_open(self) -> bool:
        """Whether it still carries."""
        return not self._reader.done()

    async def wait_closed(self) -> None:
        """Wait until it has ended."""
        await asyncio.wait([self._reader])

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close it, politely as long as this is not cancelled."""
        try:
            await self._websocket.close(code, reason)
        finally:
            self.abort()
            self._reader.cancel()  # which takes the writer with it
            await asyncio.gather(self._writer, self._reader, return_exceptions=True)

    def abort(self) -> None:
        """Cut it off, as if the network had."""
        if self._websocket.state is not State.CLOSED:
            self._websocket.transport.abort()

    async def _read(self) -> None:
        try:
            while True:
                self._on_frame(self.number, await self._websocket.recv(decode=False))
        except ConnectionClosed as closed:
            if frame := closed.rcvd or closed.sent:
                self.code, self.reason = int(frame.code), frame.reason
        finally:
            self._writer.cancel()

    async def _write(self) -> None:
        with suppress(ConnectionClosed):  # the reader hears of it too, and tells
            while True:
                exchange = await self._next_request(self.number)
                await self._websocket.send(exchange.frame, text=True)  # binary is refused with 1003
