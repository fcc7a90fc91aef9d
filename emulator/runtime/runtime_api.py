"""The Lambda Runtime API of one environment: HTTP on one loopback port.

This file knows HTTP and the API's paths; what a request means for the environment is behind `Runtime`.
"""

import asyncio
from collections.abc import Mapping
from typing import Protocol, cast

import httptools

from emulator.invocation import MAX_RESPONSE_BYTES
from emulator.runtime.lifecycle import IllegalTransition

_PREFIX = b"/2018-06-01/runtime/"
MAX_HEAD_BYTES = 2_097_152
"""Headers of a request at most; the X-Ray cause alone may have 1 MiB (row E5)."""


class Runtime(Protocol):
    """What the Runtime API reports. None of these may raise anything but IllegalTransition."""

    def asked(self) -> None:
        """The runtime asked for the next invocation, which `RuntimeApi.deliver` gives it."""

    def responded(self, request_id: str, body: bytes | None) -> None:
        """The runtime posted a response; None: larger than Lambda's limit."""

    def failed(self, request_id: str, body: bytes | None) -> None:
        """The runtime posted an error of the function; None: larger than Lambda's limit."""

    def init_failed(self, body: bytes) -> None:
        """The runtime could not load the function."""

    def abandoned(self) -> None:
        """The connection that waited for an invocation was closed."""

    def disconnected(self) -> None:
        """The last connection was closed: everything that the process sent has been seen."""


class RuntimeApi:
    """Serves the Runtime API of one environment."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.connections: set[_Connection] = set()
        self._waiting: _Connection | None = None
        self._server: asyncio.Server | None = None
        self._is_closed = False

    async def listen(self) -> int:
        """Open a free loopback port and return it."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    def close(self) -> None:
        """Close the port and every connection; idempotent."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self._waiting = None
        self._is_closed = True
        for connection in list(self.connections):
            connection.abort()

    def deliver(self, headers: Mapping[str, str], payload: bytes) -> None:
        """Answer the waiting request with an invocation."""
        connection, self._waiting = self._waiting, None
        assert connection is not None, "an idle environment has a waiting request"
        connection.answer(200, payload, headers)

    def handle(self, connection: "_Connection", method: bytes, path: bytes, body: bytes | None) -> None:
        """Act on one request; `body` is None where it is over the limit."""
        path = path.split(b"?", 1)[0]
        if not path.startswith(_PREFIX):
            connection.refuse(404, "NotFound", "The Runtime API has no such path.")
            return
        parts = path[len(_PREFIX) :].split(b"/")
        try:
            match (method, *parts):
                case (b"GET", b"invocation", b"next"):
                    self._next(connection)
                case (b"POST", b"invocation", request_id, b"response"):
                    self.runtime.responded(request_id.decode("ascii", "replace"), body)
                    if body is None:
                        connection.refuse(
                            413, "RequestEntityTooLarge", "The response is over Lambda's limit."
                        )
                    else:
                        connection.accept()
                case (b"POST", b"invocation", request_id, b"error"):
                    self.runtime.failed(request_id.decode("ascii", "replace"), b"{}" if body == b"" else body)
                    connection.accept()
                case (b"POST", b"init", b"error"):
                    self.runtime.init_failed(body or b"{}")
                    connection.accept()
                case _:
                    connection.refuse(404, "NotFound", "The Runtime API has no such path.")
        except IllegalTransition as error:
            connection.refuse(400, "InvalidStateTransition", str(error))

    def _next(self, connection: "_Connection") -> None:
        if self._waiting is not None:
            connection.refuse(400, "InvalidStateTransition", "Another request waits for the next invocation.")
            return
        self._waiting = connection
        try:
            self.runtime.asked()
        except IllegalTransition:
            self._waiting = None
            raise

    def greet(self, connection: "_Connection") -> None:
        """Note a new connection; one that was under way while the port closed ends at once."""
        self.connections.add(connection)
        if self._is_closed:
            connection.abort()

    def forget(self, connection: "_Connection") -> None:
        """Note that a connection was closed."""
        self.connections.discard(connection)
        if self._waiting is connection:
            self._waiting = None
            self.runtime.abandoned()
        if not self.connections:
            self.runtime.disconnected()


class _Connection(asyncio.Protocol):
    """One HTTP connection: bytes in, requests out; malformed bytes close it with a 400."""

    def __init__(self, api: RuntimeApi) -> None:
        self._api = api
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self._complete: list[tuple[bytes, bytes, bytes | None]] = []
        self._in_head = True
        self._head_bytes = 0
        self._begin()

    def _begin(self) -> None:
        self._path = b""
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._expects = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self._api.greet(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._api.forget(self)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self._break_off(400)
            return
        if self._in_head and self._head_bytes > MAX_HEAD_BYTES:
            self._break_off(431)
            return
        complete, self._complete = self._complete, []
        for method, path, body in complete:
            self._api.handle(self, method, path, body)

    # what httptools calls

    def on_message_begin(self) -> None:
        self._begin()

    def on_url(self, url: bytes) -> None:
        self._path += url

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"expect":
            self._expects = True

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._expects and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes <= MAX_RESPONSE_BYTES:
            self._body.append(body)
        else:
            self._body.clear()

    def on_message_complete(self) -> None:
        body = b"".join(self._body) if self._body_bytes <= MAX_RESPONSE_BYTES else None
        self._complete.append((self._parser.get_method(), self._path, body))
        self._in_head, self._head_bytes = True, 0

    # what the API calls

    def answer(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        """Write a response with a JSON body."""
        if self._transport is None:
            return
        lines = "".join(f"{name}: {_header_value(value)}\r\n" for name, value in headers.items())
        head = (
            f"HTTP/1.1 {status} {_REASONS[status]}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n{lines}\r\n"
        )
        self._transport.write(head.encode("latin-1", "replace") + body)

    def accept(self) -> None:
        self.answer(202, b'{"status":"OK"}\n', {})

    def refuse(self, status: int, error_type: str, message: str) -> None:
        self.answer(status, f'{{"errorMessage":"{message}","errorType":"{error_type}"}}\n'.encode(), {})

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _break_off(self, status: int) -> None:
        self.answer(status, b"", {"Connection": "close"})
        if self._transport is not None:
            self._transport.close()


_REASONS = {
    200: "OK",
    202: "Accepted",
    400: "Bad Request",
    404: "Not Found",
    413: "Payload Too Large",
    431: "Request Header Fields Too Large",
}


def _header_value(value: str) -> str:
    """Return `value` without what would end the header."""
    return value if value.isprintable() else "".join(c for c in value if c.isprintable())
