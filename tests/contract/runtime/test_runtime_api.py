"""The Runtime API on a real socket, spoken to by a runtime that does not behave."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from emulator.invocation import MAX_RESPONSE_BYTES
from emulator.runtime.lifecycle import Event, IllegalTransition, Status
from emulator.runtime.runtime_api import MAX_HEAD_BYTES, RuntimeApi

DEADLINE_S = 30.0

Until = Callable[[Callable[[], Any]], Awaitable[Any]]


class Recorder:
    """A `Runtime` that writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[object, ...]] = []
        self.refuses = False
        self.over = asyncio.Event()

    def asked(self) -> None:
        if self.refuses:
            raise IllegalTransition(Status.BUSY, Event.ASKED)
        self.told.append(("asked",))

    def responded(self, request_id: str, body: bytes | None) -> None:
        self.told.append(("responded", request_id, body))

    def failed(self, request_id: str, body: bytes) -> None:
        self.told.append(("failed", request_id, body))

    def init_failed(self, body: bytes) -> None:
        self.told.append(("init_failed", body))

    def abandoned(self) -> None:
        self.told.append(("abandoned",))

    def disconnected(self) -> None:
        self.over.set()


class Peer:
    """A client that says bytes and reads answers."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    def say(self, data: bytes) -> None:
        self.writer.write(data)

    async def head(self) -> bytes:
        async with asyncio.timeout(DEADLINE_S):
            return await self._reader.readuntil(b"\r\n\r\n")

    async def answer(self) -> tuple[int, bytes]:
        """Return the next answer's status and body."""
        head = await self.head()
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        async with asyncio.timeout(DEADLINE_S):
            return int(head.split()[1]), await self._reader.readexactly(length)

    async def end(self) -> bytes:
        async with asyncio.timeout(DEADLINE_S):
            return await self._reader.read()


@pytest.fixture
async def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def api(recorder: Recorder) -> AsyncIterator[tuple[RuntimeApi, int]]:
    served = RuntimeApi(recorder)
    port = await served.listen()
    yield served, port
    served.close()


@pytest.fixture
async def peer(api: tuple[RuntimeApi, int]) -> AsyncIterator[Peer]:
    reader, writer = await asyncio.open_connection("127.0.0.1", api[1])
    yield Peer(reader, writer)
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


NEXT = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n"


def post(path: str, body: bytes, *headers: bytes) -> bytes:
    head = f"POST /2018-06-01/runtime/{path} HTTP/1.1\r\nContent-Length: {len(body)}\r\n".encode()
    return head + b"".join(header + b"\r\n" for header in headers) + b"\r\n" + body


@pytest.mark.row("E2", "E3")
async def test_next_carries_headers_and_payload(
    api: tuple[RuntimeApi, int], recorder: Recorder, peer: Peer, until: Until
) -> None:
    """The answer to `/next` has a JSON content type (row E3) and the headers given, each on one line."""
    peer.say(NEXT)
    await until(lambda: recorder.told)
    api[0].deliver({"Lambda-Runtime-Aws-Request-Id": "1", "Lambda-Runtime-Trace-Id": "a\r\nEvil: b"}, b"{}")
    head = await peer.head()
    assert head.startswith(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n")
    assert b"Lambda-Runtime-Aws-Request-Id: 1\r\n" in head
    assert b"\r\nEvil" not in head


@pytest.mark.row("E4", "E5", "E6")
async def test_results_are_reported(recorder: Recorder, peer: Peer) -> None:
    """Response, error and init error are accepted and passed on."""
    peer.say(post("invocation/7/response", b"1"))
    assert (await peer.answer())[0] == 202
    peer.say(post("invocation/7/error", b"{}", b"Lambda-Runtime-Function-XRay-Error-Cause: {}"))
    assert (await peer.answer())[0] == 202
    peer.say(post("init/error", b"{}", b"Lambda-Runtime-Function-Error-Type: X"))
    assert (await peer.answer())[0] == 202
    assert recorder.told == [("responded", "7", b"1"), ("failed", "7", b"{}"), ("init_failed", b"{}")]


async def test_bodies_in_pieces(recorder: Recorder, peer: Peer) -> None:
    """A chunked body, a body after `100 Continue` and a request byte by byte arrive whole."""
    peer.say(
        b"POST /2018-06-01/runtime/invocation/1/response HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
        b"2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    )
    assert (await peer.answer())[0] == 202
    head, body = post("invocation/2/response", b"later", b"Expect: 100-continue").split(b"\r\n\r\n")
    peer.say(head + b"\r\n\r\n")
    assert await peer.head() == b"HTTP/1.1 100 Continue\r\n\r\n"
    peer.say(body)
    assert (await peer.answer())[0] == 202
    for byte in post("invocation/3/response", b"xyz"):
        peer.say(bytes([byte]))
        await peer.writer.drain()
        await asyncio.sleep(0)
    assert (await peer.answer())[0] == 202
    assert recorder.told == [
        ("responded", "1", b"abc"),
        ("responded", "2", b"later"),
        ("responded", "3", b"xyz"),
    ]


async def test_a_body_over_the_limit(recorder: Recorder, peer: Peer) -> None:
    """A response over Lambda's limit is refused with 413, and the connection goes on."""
    peer.say(post("invocation/1/response", b"x" * (MAX_RESPONSE_BYTES + 1)))
    assert (await peer.answer())[0] == 413
    peer.say(post("invocation/1/response", b"x" * MAX_RESPONSE_BYTES))
    assert (await peer.answer())[0] == 202
    assert [told[1:] for told in recorder.told] == [("1", None), ("1", b"x" * MAX_RESPONSE_BYTES)]


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /2018-06-01/runtime/init/error HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
        b"POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=["binary", "version", "length", "chunk", "tls"],
)
async def test_malformed_bytes_close_the_connection(recorder: Recorder, peer: Peer, data: bytes) -> None:
    """What is no HTTP is answered with 400 and an end, and nobody is told of a request."""
    peer.say(data)
    assert (await peer.end()).startswith(b"HTTP/1.1 400 ")
    assert recorder.told == []


async def test_endless_headers_close_the_connection(recorder: Recorder, peer: Peer) -> None:
    """Headers are not collected without bound."""
    peer.say(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nX: " + b"x" * (MAX_HEAD_BYTES + 100_000))
    with contextlib.suppress(
        ConnectionResetError
    ):  # what was still on its way can make the answer unreadable
        assert (await peer.end()).startswith(b"HTTP/1.1 431 ")
    assert recorder.told == []


async def test_an_upgrade_is_no_way_out(recorder: Recorder, peer: Peer) -> None:
    """A WebSocket handshake is refused."""
    peer.say(b"GET / HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert (await peer.end()).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "request_line",
    [b"GET /", b"GET /2018-06-01/runtime/restore/next", b"DELETE /2018-06-01/runtime/invocation/next"],
)
async def test_unknown_paths(recorder: Recorder, peer: Peer, request_line: bytes) -> None:
    """A path or method that the API does not have is 404."""
    peer.say(request_line + b" HTTP/1.1\r\n\r\n")
    assert (await peer.answer())[0] == 404
    assert recorder.told == []


async def test_requests_out_of_turn(
    api: tuple[RuntimeApi, int], recorder: Recorder, peer: Peer, until: Until
) -> None:
    """A second `/next`, and one that the environment refuses, are 400."""
    recorder.refuses = True
    peer.say(NEXT)
    status, body = await peer.answer()
    assert (status, b"InvalidStateTransition" in body) == (400, True)
    recorder.refuses = False
    peer.say(NEXT)
    reader, writer = await asyncio.open_connection("127.0.0.1", api[1])
    await until(lambda: recorder.told == [("asked",)])
    writer.write(NEXT)
    assert (await Peer(reader, writer).answer())[0] == 400
    writer.close()
    await writer.wait_closed()


async def test_a_runtime_that_goes_away(recorder: Recorder, peer: Peer, until: Until) -> None:
    """A closed connection is reported, as abandoned if it waited for an invocation."""
    peer.say(NEXT)
    await until(lambda: recorder.told)
    peer.writer.close()
    async with asyncio.timeout(DEADLINE_S):
        await recorder.over.wait()
    assert recorder.told == [("asked",), ("abandoned",)]
