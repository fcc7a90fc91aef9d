"""uvicorn's two protocols, with what a gateway needs beyond them: raw headers, frame sizes, hostile peers.

What is handed to the application beside ASGI: `scope["extensions"]["gateway"]`, a `Peer`.
"""

import contextlib
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from httptools import HttpParserUpgrade
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.protocols.utils import ClientDisconnected
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets import http11
from websockets.exceptions import InvalidMessage, InvalidState, RequestLineTooLong
from websockets.frames import CloseCode, Frame
from websockets.http11 import Request

from emulator.gateway import refusals
from emulator.gateway.responses import Refused
from emulator.gateway.settings import MAX_FRAME_BYTES, MAX_HEADERS_BYTES

# websockets' own limits, 8 KB a line and 128 lines, are narrower than the gateway's; it reads them at each
# handshake. The shortest header has five bytes, so that only the gateway's bound counts.
http11.MAX_LINE_LENGTH = max(http11.MAX_LINE_LENGTH, MAX_HEADERS_BYTES)
http11.MAX_NUM_HEADERS = max(http11.MAX_NUM_HEADERS, MAX_HEADERS_BYTES // 5)

log = logging.getLogger(__name__)

MAX_HEAD_BYTES = 65_536
"""Request line and headers of one request. AWS allows 10 KB of headers; this only bounds memory."""

MAX_EARLY_BYTES = 65_536
"""What is read of a client that does not wait for 101; the rest waits in its socket. Ours."""

LINGER_S = 1.0
"""How long a failed connection is still read, so that the close frame is not lost to a TCP reset."""

CLOSE_TIMEOUT_S = 10.0
"""How long a socket may take to go once a close frame went out; one that does not read is cut then. Ours."""

MAX_FRAGMENTS = 131_072
"""Frames of one message: one byte each is the finest that 128 KB can be cut."""


@dataclass(slots=True)
class Peer:
    """What ASGI does not tell of a connection.

    Attributes:
        headers: the handshake's, names in the case in which the client wrote them.
        abort: cuts the socket at once, with what is still to be sent.
        on_ping: called for each ping of the client; the application may set it.
        has_failed: whether a frame was too large or broke the protocol, so that the connection was closed.
    """

    headers: Sequence[tuple[str, str]]
    abort: Callable[[], None]
    on_ping: Callable[[], None] | None = None
    has_failed: bool = False


class WebSocketProtocol(WebSocketsSansIOProtocol):
    """One WebSocket connection."""

    _has_failed = False
    _peer: Peer | None = None
    _early = b""

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.handshake_complete:  # refused: not a valid handshake
            log.info(
                "what looked like a handshake is none; refused",
                extra={
                    "action": "gateway.no_handshake",
                    "status": self.response.status_code,
                    "cause": type(self.conn.handshake_exc).__name__,
                },
            )
            return
        self._peer = Peer(list(event.headers.raw_items()), self.transport.abort)
        cast(dict[str, Any], self.scope["extensions"])["gateway"] = self._peer

    def data_received(self, data: bytes) -> None:
        if self._has_failed:
            return
        if self.handshake_initiated and not self.handshake_complete:
            self._keep_early(data)
            return
        try:
            super().data_received(data)
        except Exception:
            log.exception(
                "a peer broke its connection's parser; cut", extra={"action": "gateway.parser_failed"}
            )
            self.transport.abort()

    def _keep_early(self, data: bytes) -> None:
        """Keep what a client sends before 101: a frame taken now would be answered ahead of it."""
        self._early += data
        if len(self._early) > MAX_EARLY_BYTES and not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    def _take_early(self) -> None:
        early, self._early = self._early, b""
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        if early:
            self.data_received(early)

    def handle_parser_exception(self) -> None:
        """Tell the application and the client, then read on for a moment and cut.

        Closing at once with unread data makes the kernel send a reset, which can overtake the close frame.
        """
        if self._has_failed:
            return
        self._has_failed = True
        close = self.conn.close_sent
        if close is None:
            log.info(
                "a peer broke the protocol of a connection that was not open; cut",
                extra={"action": "gateway.protocol_broken"},
            )
            self.transport.abort()
            return
        if self._peer is not None:
            self._peer.has_failed = True
        self.queue.put_nowait({"type": "websocket.disconnect", "code": close.code, "reason": close.reason})
        self.close_sent = True
        self._cut_later(LINGER_S)
        if self.transport.is_closing():
            return
        self.transport.write(b"".join(self.conn.data_to_send()))
        with contextlib.suppress(OSError):  # the peer is gone already
            if self.transport.can_write_eof():
                self.transport.write_eof()
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()

    def handle_ping(self) -> None:
        """Answer a ping, unless the client does not read: its pongs would pile up."""
        if self._has_failed:
            return
        if self._peer is not None and self._peer.on_ping is not None:
            self._peer.on_ping()
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()

    def handle_bytes(self, event: Frame) -> None:
        """Tell of a binary message at its first frame: what it carries is of no use."""
        self.curr_msg_data_type = "bytes"
        self.frames = [b""]
        self.send_receive_event_to_app()

    def handle_close(self, event: Frame) -> None:
        super().handle_close(event)
        if self.transport.is_closing():
            self._cut_later(CLOSE_TIMEOUT_S)

    def send_receive_event_to_app(self) -> None:
        """Hand a message over, and read no further until the application has taken it."""
        data = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
        self.frames = []
        if self.close_sent:
            return
        if self.curr_msg_data_type == "bytes":
            self.queue.put_nowait({"type": "websocket.receive", "bytes": data})
        else:
            try:
                self.queue.put_nowait({"type": "websocket.receive", "text": data.decode()})
            except UnicodeDecodeError:
                self.conn.fail(CloseCode.INVALID_DATA, "text that is not UTF-8")
                self.handle_parser_exception()
                return
        if not self.read_paused:
            self.read_paused = True
            self.transport.pause_reading()

    def _cut_later(self, delay_s: float) -> None:
        """Cut the socket if it is still there after `delay_s`, whatever is still to be sent."""
        if self.close_timer is not None:
            self.close_timer.cancel()
        self.close_timer = self.loop.call_later(delay_s, self.transport.abort)

    def handle_cont(self, event: Frame) -> None:
        """Take a continuation frame; the size limit does not stop frames without a payload."""
        if len(self.frames) >= MAX_FRAGMENTS:
            self.conn.fail(CloseCode.MESSAGE_TOO_BIG, "too many frames in one message")
            self.handle_parser_exception()
            return
        super().handle_cont(event)

    async def send(self, message: Any) -> None:
        """Send an ASGI message; a text above the frame limit goes out as several frames, as on AWS.

        Of several that wait for a client to read, one at a time goes on: together they would fill memory.
        """
        while not self.writable.is_set():
            await self.writable.wait()
        if self.close_sent and message["type"] in ("websocket.send", "websocket.close"):
            raise ClientDisconnected  # a close frame went out meanwhile
        text = message.get("text") if message["type"] == "websocket.send" else None
        if text is not None and len(text) > MAX_FRAME_BYTES // 4:
            data = text.encode()
            if len(data) > MAX_FRAME_BYTES:
                await self._send_fragments(data)
                return
        await super().send(message)
        if message["type"] == "websocket.accept" and self.handshake_complete:
            self._take_early()
        elif message["type"] == "websocket.http.response.body":
            self.handshake_complete = True  # answered, if not with 101; else uvicorn reports an error
        elif message["type"] == "websocket.close" and self.close_timer is not None:
            self._cut_later(CLOSE_TIMEOUT_S)

    async def _send_fragments(self, data: bytes) -> None:
        if self.disconnected:
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
        self._request_began: float | None = self.loop.time()
        self._raw_names: list[bytes] = []
        self._head_bytes = 0
        self._is_in_head = True
        self._has_ended_request = False
        self._data = b""

    def data_received(self, data: bytes) -> None:
        self._has_ended_request = False
        self._data = data
        super().data_received(data)
        self._data = b""
        if self._is_in_head and not self._has_ended_request:
            self._head_bytes += len(data)
            if self._head_bytes > MAX_HEAD_BYTES:
                self._refuse_head(431, "too large")

    def cut_if_overdue(self, now: float, *, timeout_s: float) -> None:
        """Cut a socket that has not sent a whole request within `timeout_s`; `now` is the loop's time."""
        if self._request_began is not None and now - self._request_began > timeout_s:
            self._request_began = now
            log.info(
                "a socket sent no whole request in time; cut",
                extra={"action": "gateway.overdue", "timeout_s": timeout_s},
            )
            self.transport.abort()

    def _refuse_head(self, status: int, cause: str) -> None:
        if self.transport.is_closing():
            return
        log.info(
            "a request's head cannot be taken; refused",
            extra={"action": "gateway.head_refused", "status": status, "cause": cause},
        )
        answer = refusals.answer(Refused(status, cause), pass_body=False)
        headers = b"".join(b"%s: %s\r\n" % header for header in answer.encoded_headers())
        self.transport.write(STATUS_LINE[status] + b"connection: close\r\n" + headers + b"\r\n" + answer.body)
        self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._raw_names = []
        if self._request_began is None:
            self._request_began = self.loop.time()

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
        self._request_began = None
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection to a `WebSocketProtocol`, the headers in the case in which they came.

        What the client sent behind the head goes with it. Runs while uvicorn handles `HttpParserUpgrade`,
        which tells where the head ends; a request that also has a body is none that WebSockets know.
        """
        upgrade = sys.exception()
        rest = self._data[upgrade.args[0] :] if isinstance(upgrade, HttpParserUpgrade) else b""
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
            if rest and not protocol.handshake_complete:
                protocol.data_received(rest)
            return
        # The WebSocket parser gave up without a word.
        self.connections.discard(protocol)
        self.connections.add(self)
        failure = protocol.conn.handshake_exc
        if isinstance(failure, InvalidMessage):
            self._refuse_head(400, "a body, or what a handshake cannot have")
        elif isinstance(failure, RequestLineTooLong):
            self._refuse_head(414, "URL too long")
        else:
            self._refuse_head(431, "too large")
