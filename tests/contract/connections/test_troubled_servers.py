"""The signed transport against servers that send what they should not, or close when they should not."""

import errno
import gc
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from botocore.credentials import Credentials

from streamer.connections.http import MAX_HEAD_BYTES
from streamer.connections.retries import Failure, Reply
from streamer.connections.transport import SignedTransport
from streamer.connections.wires import MAX_IDLE_S

TAKEN = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
ID = "R1kmxc2VNjMCFIA="


def read_request(peer: socket.socket) -> bytes:
    """Return a request with its body, or b"" if the client closed."""
    came = b""
    while b"\r\n\r\n" not in came:
        piece = peer.recv(65_536)
        if not piece:
            return b""
        came += piece
    head, _, body = came.partition(b"\r\n\r\n")
    missing = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0) - len(body)
    while missing > 0 and (piece := peer.recv(65_536)):
        missing -= len(piece)
    return came


@dataclass
class Troubled:
    """A server that does with each connection what the next of `scripts` says, and afterwards answers 200."""

    family: socket.AddressFamily = socket.AF_INET
    tls: ssl.SSLContext | None = None
    scripts: list[Callable[[socket.socket], None]] = field(default_factory=list)
    connections: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(
            ("::1" if self.family is socket.AF_INET6 else "127.0.0.1", 0), family=self.family
        )
        self.port = self._listener.getsockname()[1]
        host = "[::1]" if self.family is socket.AF_INET6 else "127.0.0.1"
        self.endpoint = f"{'https' if self.tls else 'http'}://{host}:{self.port}/local"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            peer, _ = self._listener.accept()
            if self.over.is_set():
                peer.close()
                return
            self.connections += 1
            script = self.scripts.pop(0) if self.scripts else answering
            self._threads.append(threading.Thread(target=self._serve, args=(peer, script)))
            self._threads[-1].start()

    def _serve(self, peer: socket.socket, script: Callable[[socket.socket], None]) -> None:
        peer.settimeout(10)
        with suppress(OSError), peer:
            if self.tls is not None:
                peer = self.tls.wrap_socket(peer, server_side=True)
            with peer:
                script(peer)

    def end(self) -> None:
        self.over.set()
        socket.create_connection(self._listener.getsockname()[:2]).close()
        for thread in self._threads:
            thread.join(10)
        self._listener.close()


def answering(peer: socket.socket) -> None:
    while read_request(peer):
        peer.sendall(TAKEN)


def sending(*pieces: bytes) -> Callable[[socket.socket], None]:
    def script(peer: socket.socket) -> None:
        read_request(peer)
        for piece in pieces:
            peer.sendall(piece)

    return script


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path) -> tuple[ssl.SSLContext, str]:
    """What a server with TLS needs, and the CA bundle that trusts it."""
    bundle = str(tmp_path / "ca.pem")
    authority.cert_pem.write_to_path(bundle)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context, bundle


@pytest.fixture
def troubled() -> Iterator[Callable[..., Troubled]]:
    made: list[Troubled] = []

    def make(**options: Any) -> Troubled:
        made.append(Troubled(**options))
        return made[-1]

    yield make
    for each in made:
        each.end()


@pytest.mark.parametrize(
    ("pieces", "reply"),
    [
        ([], Reply(None, failure=Failure.BROKEN)),
        ([b"HTTP/1.1 200 OK\r\nConte"], Reply(None, failure=Failure.BROKEN)),
        ([b"HTTP/1.1 100 Continue\r\n\r\n"], Reply(None, failure=Failure.BROKEN)),
        ([b"220 mail.example ESMTP\r\n"], Reply(None, failure=Failure.NOT_HTTP)),
        ([b"\0" * 100_000], Reply(None, failure=Failure.NOT_HTTP)),
        ([b"HTTP/1.1 200 OK\r\n"] + [b"A: b\r\n" * 1_000] * 20, Reply(None, failure=Failure.NOT_HTTP)),
        ([b"HTTP/1.1 200 OK\r\nA: " + b"b" * MAX_HEAD_BYTES], Reply(None, failure=Failure.NOT_HTTP)),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: nine\r\n\r\n"], Reply(None, failure=Failure.NOT_HTTP)),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", b"cut"], Reply(200)),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", b"x" * 100_000], Reply(200)),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"zzz"], Reply(200)),
        ([TAKEN + b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"], Reply(200)),
        ([TAKEN[:9], TAKEN[9:20], TAKEN[20:]], Reply(200)),
    ],
    ids=[
        "nothing", "half a head", "only interim", "another one", "zeros", "endless headers", "long header",
        "no length", "half a body", "endless body", "broken chunks", "a second answer", "in pieces",
    ],
)  # fmt: skip
def test_troubled_answers(
    troubled: Callable[..., Troubled], new_transport: Callable[..., Any], pieces: list[bytes], reply: Reply
) -> None:
    """Whatever a server sends is a reply, and the next post has nothing of it."""
    server = troubled(scripts=[sending(*pieces)])
    transport = new_transport()
    assert transport.post(server.endpoint, ID, b"x") == reply
    assert transport.post(server.endpoint, ID, b"x") == Reply(200)
    assert server.connections == 2


def test_too_slow(troubled: Callable[..., Troubled], new_transport: Callable[..., Any]) -> None:
    """The time is for the whole answer: one that comes byte by byte does not hold anybody up."""
    server = troubled()

    def drip(peer: socket.socket) -> None:
        read_request(peer)
        peer.sendall(b"HTTP/1.1 200 OK\r\n")
        while not server.over.wait(0.01):
            peer.sendall(b"a")

    server.scripts.append(drip)
    reply = new_transport(read_timeout_s=0.1).post(server.endpoint, ID, b"x")
    assert reply == Reply(None, failure=Failure.TIMED_OUT)


def test_no_handshake(troubled: Callable[..., Troubled], new_transport: Callable[..., Any]) -> None:
    """A server that accepts and then says nothing, or something else than TLS, is not connected to."""
    server = troubled(
        scripts=[lambda peer: server.over.wait(10), lambda peer: peer.sendall(b"HTTP/1.1 400\r\n")]
    )
    endpoint = server.endpoint.replace("http:", "https:")
    reply = new_transport(connect_timeout_s=0.1).post(endpoint, ID, b"x")
    assert reply == Reply(None, failure=Failure.NOT_CONNECTED)
    assert new_transport().post(endpoint, ID, b"x") == Reply(None, failure=Failure.NO_TLS)


def test_answered_before_it_was_sent(
    troubled: Callable[..., Troubled], new_transport: Callable[..., Any]
) -> None:
    """An answer that comes before the request was read, with the connection closed, is the answer."""

    def refuse(peer: socket.socket) -> None:
        peer.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        while peer.recv(65_536):
            pass

    server = troubled(scripts=[refuse])
    assert new_transport().post(server.endpoint, ID, b"x" * 131_072) == Reply(413)


@pytest.mark.parametrize("is_secure", [False, True], ids=["plain", "TLS"])
def test_more_than_buffers_take(
    troubled: Callable[..., Troubled], new_transport: Callable[..., Any], trusted: Any, is_secure: bool
) -> None:
    """A request that is not taken at once is sent piece by piece; one that is cut off meanwhile is broken."""

    def cut(peer: socket.socket) -> None:
        peer.recv(1)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closes by RST

    context, bundle = trusted
    server = troubled(tls=context if is_secure else None, scripts=[answering, cut])
    data = b"x" * 20_000_000
    assert new_transport(ca_bundle=bundle).post(server.endpoint, ID, data) == Reply(200)
    assert new_transport(ca_bundle=bundle).post(server.endpoint, ID, data) == Reply(
        None, failure=Failure.BROKEN
    )


def test_an_unknown_name(new_transport: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the name has no address there is nobody to connect to."""

    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    reply = new_transport().post("http://nobody.example/local", ID, b"x")
    assert reply == Reply(None, failure=Failure.NOT_CONNECTED)


def closing_after_one(peer: socket.socket) -> None:
    """Answer one request; close when the next one comes, as a server whose idle time is just over."""
    read_request(peer)
    peer.sendall(TAKEN)
    read_request(peer)


@pytest.mark.parametrize("is_secure", [False, True], ids=["plain", "TLS"])
def test_closed_while_it_was_idle(
    troubled: Callable[..., Troubled],
    new_transport: Callable[..., Any],
    trusted: Any,
    is_secure: bool,
) -> None:
    """A kept-alive connection that is closed by the time it is used costs a new one, not the message."""
    context, bundle = trusted
    server = troubled(tls=context if is_secure else None, scripts=[closing_after_one, closing_after_one])
    transport = new_transport(ca_bundle=bundle)
    assert [transport.post(server.endpoint, ID, b"x").status for _ in range(3)] == [200] * 3
    assert server.connections == 3


def test_a_new_connection_that_breaks_is_no_answer(
    troubled: Callable[..., Troubled], new_transport: Callable[..., Any]
) -> None:
    """Sent again at once is only once: where the new connection breaks too, that is what is told."""
    server = troubled(scripts=[closing_after_one, sending()])
    transport = new_transport()
    assert transport.post(server.endpoint, ID, b"x") == Reply(200)
    assert transport.post(server.endpoint, ID, b"x") == Reply(None, failure=Failure.BROKEN)
    assert server.connections == 2


def test_a_word_on_an_idle_connection_is_no_answer(
    troubled: Callable[..., Troubled], new_transport: Callable[..., Any]
) -> None:
    """What a server says before it closes an idle connection, 408, is not taken for the next answer."""
    said = threading.Event()

    def complain(peer: socket.socket) -> None:
        read_request(peer)
        peer.sendall(TAKEN)
        assert asked.wait(10)
        peer.sendall(b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n")
        peer.shutdown(socket.SHUT_WR)
        said.set()
        peer.recv(1)

    asked = threading.Event()
    server = troubled(scripts=[complain])
    transport = new_transport()
    assert transport.post(server.endpoint, ID, b"x") == Reply(200)
    asked.set()
    assert said.wait(10)
    assert transport.post(server.endpoint, ID, b"x") == Reply(200)
    assert server.connections == 2


@pytest.mark.parametrize(("idle_s", "connections"), [(MAX_IDLE_S - 1, 1), (MAX_IDLE_S + 1, 2)])
def test_idle_for_long(
    troubled: Callable[..., Troubled], new_transport: Callable[..., Any], idle_s: float, connections: int
) -> None:
    """After a long time, such as a Lambda environment is frozen for, a connection is opened anew."""
    moment = datetime(2026, 11, 21, tzinfo=UTC)
    server = troubled()
    transport = new_transport(now=lambda: moment)
    assert transport.post(server.endpoint, ID, b"x") == Reply(200)
    moment += timedelta(seconds=idle_s)
    assert transport.post(server.endpoint, ID, b"x") == Reply(200)
    assert server.connections == connections


def test_many_with_troubles(troubled: Callable[..., Troubled], new_transport: Callable[..., Any]) -> None:
    """Of many posts each has its own reply: one server's trouble is nobody else's."""
    good, bad = troubled(), troubled(scripts=[sending(b"garbage\r\n")])
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{closed.getsockname()[1]}/local"
        targets = [(good.endpoint, "a"), (bad.endpoint, "b"), (nobody, "c"), ("mailto:x", "d")]
        targets += [(good.endpoint, str(number)) for number in range(50)]
        replies = dict(new_transport().post_many(iter(targets), b"x"))
    assert [replies[number].failure for number in range(4)] == [
        None, Failure.NOT_HTTP, Failure.NOT_CONNECTED, Failure.BAD_ENDPOINT,
    ]  # fmt: skip
    assert sorted(replies) == list(range(54))
    assert {replies[number].status for number in range(4, 54)} == {200}


def test_reset_as_it_is_connected(
    troubled: Callable[..., Troubled], new_transport: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a system lets no option be set on a connection that was just reset, nobody else is concerned."""
    server = troubled()
    resets = [OSError(errno.EINVAL, "Invalid argument")]

    def refuse_once(self: socket.socket, *_: Any) -> None:
        if resets:
            raise resets.pop()

    monkeypatch.setattr(socket.socket, "setsockopt", refuse_once, raising=False)
    replies = dict(new_transport().post_many([(server.endpoint, str(number)) for number in range(3)], b"x"))
    assert sorted(reply.status or 0 for reply in replies.values()) == [0, 200, 200]
    assert [reply.failure for reply in replies.values() if reply.status is None] == [Failure.NOT_CONNECTED]


def test_who_stops_leaves_nothing(
    troubled: Callable[..., Troubled], new_transport: Callable[..., Any]
) -> None:
    """Replies that nobody waits for any more hold nothing: others can have every connection."""
    server = troubled(scripts=[lambda peer: server.over.wait(10)] * 3)
    transport = new_transport(max_connections=4)
    replies = transport.post_many([(server.endpoint, str(number)) for number in range(9)], b"x")
    assert next(replies)[1] == Reply(200)
    replies.close()
    assert len(dict(transport.post_many([(server.endpoint, "x")] * 9, b"x"))) == 9


def test_nobody_closes_it(troubled: Callable[..., Troubled], trusted: Any) -> None:
    """A transport that is dropped closes its connections; a socket left open would fail this test run."""
    context, bundle = trusted
    closed = threading.Event()

    def until_closed(peer: socket.socket) -> None:
        answering(peer)
        closed.set()

    server = troubled(tls=context, scripts=[until_closed])
    credentials = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI")
    transport = SignedTransport(credentials.get_frozen_credentials, "us-east-1", ca_bundle=bundle)
    assert transport.post(server.endpoint, ID, b"x") == Reply(200)
    del transport
    gc.collect()
    assert closed.wait(10)


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_ipv6(troubled: Callable[..., Troubled], new_transport: Callable[..., Any]) -> None:
    """An endpoint may be an IPv6 address; `Host` has it in brackets."""
    hosts: list[bytes] = []

    def keep(peer: socket.socket) -> None:
        hosts.append(read_request(peer).split(b"\r\n")[1])
        peer.sendall(TAKEN)

    try:
        server = troubled(family=socket.AF_INET6, scripts=[keep])
    except OSError:
        pytest.skip("no IPv6 on loopback here")
    assert new_transport().post(server.endpoint, ID, b"x") == Reply(200)
    assert hosts == [f"Host: [::1]:{server.port}".encode()]


def test_a_name_with_two_addresses(
    troubled: Callable[..., Troubled], new_transport: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the first address of a name is not listened on, the next one is tried."""
    server = troubled()
    where = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        found = [(*where, closed.getsockname()), (*where, ("127.0.0.1", server.port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        assert new_transport().post("http://two.example/local", ID, b"x") == Reply(200)
