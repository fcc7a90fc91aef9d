"""uvicorn's two protocols, with what a gateway needs beyond them: raw headers, frame sizes, hostile peers.

What is handed to the application beside ASGI: `scope["extensions"]["gateway"]`, a `Peer`.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState
from websockets.frames import CloseCode, Frame
from websockets.http11 import Request

from emulator.gateway.settings import MAX_FRAME_BYTES

log = logging.getLogger(__name__)

MAX_HEAD_BYTES = 65_536
"""Request line and headers of one request. AWS allows 10 KB of headers; this only bounds memory."""

LINGER_S = 1.0
"""How long a failed connection is still read, so that the close frame is not lost to a TCP reset."""


MAX_FRAGMENTS = 131_072
"""Frames of one message: one byte each is the finest that 128 KB can be cut."""


@dataclass(frozen=True, slots=True)
class Peer:
    """What ASGI does not tell of a connection.

    Attributes:
        headers: the handshake's, names in the case in which the client wrote them.
        abort: cuts the socket at once, with what is still to be sent.
    """

    headers: Sequence[tuple[str, str]]
    abort: Callable[[], None]


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket connection."""

    _has_failed = False

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.handshake_complete:  # refused: not a valid handshake
            return
        extensions = cast(dict[str, Any], self.scope["extensions"])
        extensions["gateway"] = Peer(list(event.headers.raw_items()), self.transport.abort)

    def data_received(self, data: bytes) -> None:
        if self._has_failed:
            return
        try:
            super().data_received(data)
        except Exception:
            log.exception("a peer broke its connection's parser; cut")
            self.transport.abort()

    def handle_parser_exception(self) -> None:
        """Tell the application and the client, then read on for a moment and cut.

        Closing at once with unread data makes the kernel send a reset, which can overtake the close frame.
        """
        if self._has_failed:
            return
        self._has_failed = True
        close = self.conn.close_sent
        if close is None:  # before the handshake was answered
            self.transport.abort()
            return
        self.queue.put_nowait({"type": "websocket.disconnect", "code": close.code, "reason": close.reason})
        self.close_sent = True
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(LINGER_S, self.transport.abort)
        if self.transport.is_closing():
            return
        self.transport.write(b"".join(self.conn.data_to_send()))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()

    def handle_ping(self) -> None:
        """Answer a ping, unless the client does not read: its pongs would pile up."""
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def handle_cont(self, event: Frame) -> None:
        """Take a continuation frame; the size limit does not stop frames without a payload."""
        if len(self.frames) >= MAX_FRAGMENTS:
            self.conn.fail(CloseCode.MESSAGE_TOO_BIG, "too many frames in one message")
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    async def send(self, message: Any) -> None:
        """Send an ASGI message; a text above the frame limit goes out as several frames, as on AWS."""
        text = message.get("text") if message["type"] == "websocket.send" else None
        if text is not None and len(text) > MAX_FRAME_BYTES // 4:
            data = text.encode()
            if len(data) > MAX_FRAME_BYTES:
                await self._send_fragments(data)
                return
        await super().send(message)

    async def _send_fragments(self, data: bytes) -> None:
        await self.writable.wait()
        if self.disconnected or self.close_sent:
            raise ClientDisconnected
        try:
            for start in range(0, len(data), MAX_FRAME_BYTES):
                fragment = data[start : start + MAX_FRAME_BYTES]
                is_last = start + MAX_FRAME_BYTES >= len(data)
                if start == 0:
                    self.conn.send_text(fragment, fin=is_last)
                else:
                    self.conn.send_continuation(fragment, fin=is_last)
        except InvalidState as error:
            raise ClientDisconnected from error
        self.transport.write(b"".join(self.conn.data_to_send()))


class HttpProtocol(HttpToolsProtocol):
    """One HTTP connection, until it becomes a WebSocket."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._raw_names: list[bytes] = []
        self._head_bytes = 0
        self._is_in_head = True
        self._has_ended_request = False

    def data_received(self, data: bytes) -> None:
        self._has_ended_request = False
        super().data_received(data)
        if self._is_in_head and not self._has_ended_request:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
                self.send_400_response("Request header or cookie too large")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._raw_names = []

    def on_header(self, name: bytes, value: bytes) -> None:
        self._raw_names.append(name)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        self._head_bytes = 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._is_in_head = True
        self._has_ended_request = True
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection to a `WebSocketProtocol`, the headers in the case in which they came."""
        version = self.scope["http_version"].encode()
        head = [self.scope["method"].encode(), b" ", self.url, b" HTTP/", version, b"\r\n"]
        for name, (_, value) in zip(self._raw_names, self.headers, strict=True):
            head += [name, b": ", value, b"\r\n"]
        head.append(b"\r\n")
        protocol = WebSocketProtocol(self.config, self.server_state, self.app_state)
        self.connections.discard(self)
        protocol.connection_made(self.transport)
        protocol.data_received(b"".join(head))
        if protocol.handshake_initiated:
            self.transport.set_protocol(protocol)
            return
        # A line too long or too many headers: the WebSocket parser gave up without a word.
        self.connections.discard(protocol)
        self.connections.add(self)
        if not self.transport.is_closing():
            self.send_400_response("Invalid WebSocket handshake")
