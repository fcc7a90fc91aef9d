"""One kept-alive connection to a server: a socket that never blocks, with or without TLS.

Whoever drives it waits until it is ready and calls `advance`; so one thread has as many answers under way as
it has connections.
"""

import errno
import select
import socket
import ssl
from collections.abc import Callable
from typing import NoReturn

from streamer.connections.http import Answer, AnswerReader, NotHttp
from streamer.connections.names import Address
from streamer.connections.origin import Origin
from streamer.connections.retries import Failure

READABLE, WRITABLE = select.POLLIN, select.POLLOUT

_RECEIVE_BYTES = 65_536
_PENDING = (errno.EINPROGRESS, errno.EWOULDBLOCK)


class WireFailed(Exception):
    """No answer comes over this connection; it is closed."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure)
        self.failure = failure


class Wire:
    """A connection, and the request that is on its way over it. One thread at a time.

    Attributes:
        wants: what must come to pass before `advance` does anything, `READABLE` or `WRITABLE`.
        deadline: monotonic seconds after which there is no use in waiting.
        is_reused: whether the request that is under way is not the first one.
        idle_since: epoch seconds, of a connection that is idle.
    """

    def __init__(
        self, origin: Origin, address: Address, tls: ssl.SSLContext | None, *, monotonic: Callable[[], float],
        connect_timeout_s: float, read_timeout_s: float,
    ) -> None:  # fmt: skip
        """Begin to connect.

        Raises:
            WireFailed: that is refused at once.
        """
        self.origin = origin
        self.wants = WRITABLE
        self.deadline = monotonic() + connect_timeout_s
        self.is_reused = False
        self.idle_since = 0.0
        self._monotonic = monotonic
        self._read_timeout_s = read_timeout_s
        self._tls = tls
        self._is_connected = self._is_open = False
        self._out = memoryview(b"")
        self._reader = AnswerReader()
        family, where = address
        try:
            self._socket: socket.socket | ssl.SSLSocket = socket.socket(family, socket.SOCK_STREAM)
        except OSError:  # no such family here, or no descriptor left
            raise WireFailed(Failure.NOT_CONNECTED) from None
        self._socket.setblocking(False)
        if self._socket.connect_ex(where) not in (0, *_PENDING):
            self._fail(Failure.NOT_CONNECTED)

    @property
    def is_open(self) -> bool:
        """Whether it is connected, with TLS where that is wanted."""
        return self._is_open

    @property
    def has_heard(self) -> bool:
        """Whether any byte of the answer has come."""
        return self._reader.has_begun

    def fileno(self) -> int:
        return self._socket.fileno()

    def is_quiet(self) -> bool:
        """Whether an idle connection can be used: nothing came meanwhile, also not its end."""
        poll = select.poll()
        poll.register(self._socket, READABLE)
        return not poll.poll(0)

    def begin(self, request: bytes) -> None:
        """Send a request, as soon as there is a connection; whatever was asked for before is answered."""
        self._out = memoryview(request)
        self._reader = AnswerReader()
        if self._is_open:
            self.is_reused = True
            self.deadline = self._monotonic() + self._read_timeout_s
            self.wants = WRITABLE

    def advance(self) -> Answer | None:
        """Do what can be done without waiting; return the answer once it is whole.

        Raises:
            WireFailed: there will be none.
        """
        try:
            if not self._is_open:
                self._open()
            if self._out:
                self._send()
            elif self._is_open:
                return self._receive()
        except (BlockingIOError, ssl.SSLWantReadError):
            self.wants = READABLE
        except ssl.SSLWantWriteError:
            self.wants = WRITABLE
        return None

    def give_up(self) -> Answer:
        """Return the answer of which only the end is missing, after the deadline.

        Raises:
            WireFailed: there is none.
        """
        return self._cut(Failure.TIMED_OUT if self._is_open else Failure.NOT_CONNECTED)

    def close(self) -> None:
        self._socket.close()

    def _open(self) -> None:
        if not self._is_connected:
            if self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                self._fail(Failure.NOT_CONNECTED)
            try:
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            except OSError:  # macOS: EINVAL where the server has closed by RST meanwhile
                self._fail(Failure.NOT_CONNECTED)
            self._is_connected = True
        if self._tls is not None:
            self._shake_hands(self._tls)
        self._is_open = True
        self.deadline = self._monotonic() + self._read_timeout_s

    def _shake_hands(self, tls: ssl.SSLContext) -> None:
        try:
            if not isinstance(self._socket, ssl.SSLSocket):
                self._socket = tls.wrap_socket(
                    self._socket, do_handshake_on_connect=False, server_hostname=self.origin.host
                )
            self._socket.do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except (OSError, ValueError):  # ValueError: the name can be in no certificate
            self._fail(Failure.NO_TLS)

    def _send(self) -> None:
        try:
            while self._out:
                self._out = self._out[self._socket.send(self._out) :]
        except (BlockingIOError, ssl.SSLWantWriteError):
            self.wants = WRITABLE
        except ssl.SSLWantReadError:
            raise
        except OSError:  # it may have answered before it closed
            self._out = memoryview(b"")
            self.wants = READABLE
        else:
            self.wants = READABLE

    def _receive(self) -> Answer | None:
        try:
            data = self._socket.recv(_RECEIVE_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            raise
        except OSError:
            data = b""
        if not data:
            return self._cut(Failure.BROKEN)
        try:
            return self._reader.feed(data)
        except NotHttp:
            self._fail(Failure.NOT_HTTP)

    def _cut(self, failure: Failure) -> Answer:
        return self._reader.cut() or self._fail(failure)

    def _fail(self, failure: Failure) -> NoReturn:
        self.close()
        raise WireFailed(failure)
