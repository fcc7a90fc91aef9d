"""The client's side of the WebSocket: what is sent is what is on the wire."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import websockets
from websockets.asyncio.client import ClientConnection

from scripts.parity_harness.deadline import DEADLINE_S

OPTIONS: Mapping[str, Any] = {
    "proxy": None,
    "compression": None,
    "ping_interval": None,
    "max_size": None,
    "open_timeout": DEADLINE_S,
    "close_timeout": 2,
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A handshake that was not answered with 101.

    Attributes:
        headers: names in lower case.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Closed:
    """How the server ended a connection, as the client saw it."""

    code: int | None
    reason: str | None


class Socket:
    """One open connection.

    Attributes:
        event: the CONNECT event that `$connect` received, where `Parity.open` opened it; else None.
    """

    def __init__(self, connection: ClientConnection, event: Any = None) -> None:
        self.connection = connection
        self.event = event

    @property
    def connection_id(self) -> str:
        """The id that the events name."""
        assert self.event is not None, "Only a socket that `open` returned knows its id."
        return str(self.event["requestContext"]["connectionId"])

    @property
    def subprotocol(self) -> str | None:
        """What the server chose."""
        return self.connection.subprotocol

    @property
    def response_headers(self) -> Mapping[str, str]:
        """Of the 101."""
        assert self.connection.response is not None
        return self.connection.response.headers

    async def send(self, message: Any) -> None:
        """Send a string as text, bytes as a binary frame, an iterable of strings as fragments, else JSON."""
        is_raw = isinstance(message, str | bytes | tuple)
        await self.connection.send(message if is_raw else json.dumps(message))

    async def receive(self) -> str | bytes:
        """Return the next message; text is `str`, binary is `bytes`."""
        async with asyncio.timeout(DEADLINE_S):
            return await self.connection.recv()

    async def receive_json(self) -> Any:
        """Return the next message, which must be JSON text."""
        message = await self.receive()
        assert isinstance(message, str), "A binary frame came where text was expected."
        return json.loads(message)

    async def ask(self, message: Any) -> str | bytes:
        """Send, and return what comes next."""
        await self.send(message)
        return await self.receive()

    async def ping(self) -> None:
        """Send a ping and wait for its pong."""
        async with asyncio.timeout(DEADLINE_S):
            await (await self.connection.ping())

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close by a close frame and wait for the answer to it."""
        await self.connection.close(code, reason)

    def cut(self) -> None:
        """Drop the TCP connection, without a close frame."""
        self.connection.transport.abort()

    async def closed(self) -> Closed:
        """Wait until the server has closed the connection; messages that come before are dropped."""
        async with asyncio.timeout(DEADLINE_S):
            with suppress(websockets.ConnectionClosed):
                while True:
                    await self.connection.recv()
        return Closed(self.connection.close_code, self.connection.close_reason)


async def dial(url: str, **options: Any) -> Socket | Refusal:
    """Open a connection; a handshake that fails is returned, not raised."""
    try:
        return Socket(await websockets.connect(url, **{**OPTIONS, **options}))
    except websockets.InvalidStatus as error:
        response = error.response
        headers = {name.lower(): value for name, value in response.headers.raw_items()}
        return Refusal(response.status_code, headers, bytes(response.body or b""))


HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n"
)
"""The key is RFC 6455's example."""


def frame(first: int, payload: bytes = b"") -> bytes:
    """Return a client's frame whose first byte is `first`; the mask is zero."""
    size = len(payload)
    if size < 126:
        head = bytes([first, 0x80 | size])
    elif size < 65_536:
        head = bytes([first, 0xFE]) + size.to_bytes(2)
    else:
        head = bytes([first, 0xFF]) + size.to_bytes(8)
    return head + b"\0\0\0\0" + payload


class Wire:
    """A TCP connection on which every byte is the test's.

    Attributes:
        is_upgraded: whether a handshake was answered with 101.
    """

    def __init__(self, url: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.url = url
        self.is_upgraded = False
        self.reader = reader
        self.writer = writer

    async def write(self, data: bytes) -> None:
        """Send bytes."""
        self.writer.write(data)
        await self.writer.drain()

    async def read_head(self) -> tuple[int, bytes]:
        """Read up to the end of an HTTP response's head; returns its status and the head."""
        async with asyncio.timeout(DEADLINE_S):
            head = await self.reader.readuntil(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]), head

    async def read(self, count: int) -> bytes:
        """Read exactly so many bytes."""
        async with asyncio.timeout(DEADLINE_S):
            return await self.reader.readexactly(count)

    async def write_frame(self, first: int, payload: bytes = b"") -> None:
        """Send one frame whose first byte is `first`, `0x81` for a whole text; masked by zeros."""
        await self.write(frame(first, payload))

    async def read_frame(self) -> tuple[int, bytes]:
        """Read one frame of the server: its first byte (final or not, and what it is) and its payload."""
        first, size = await self.read(2)
        if size >= 126:
            size = int.from_bytes(await self.read(2 if size == 126 else 8))
        return first, await self.read(size)

    async def handshake(self, path: str | None = None, headers: str = "") -> tuple[int, bytes]:
        """Send a handshake with these further header lines, each ending in CRLF; returns its answer."""
        parts = urlsplit(self.url)
        text = HANDSHAKE.format(path=path or parts.path, host=parts.netloc, headers=headers)
        await self.write(text.encode())
        status, head = await self.read_head()
        self.is_upgraded = self.is_upgraded or status == 101
        return status, head


@asynccontextmanager
async def wire(url: str) -> AsyncIterator[Wire]:
    """Open a TCP connection to where `url` leads; nothing is sent."""
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        yield Wire(url, reader, writer)
    finally:
        writer.transport.abort()
        with suppress(ConnectionError):
            await writer.wait_closed()
