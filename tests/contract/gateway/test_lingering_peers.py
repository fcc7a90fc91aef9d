"""Peers that send nothing, do not read, or never go away: each is let go of, with one line that says so."""

import asyncio
import gc
import logging
import random

import pytest

from emulator.gateway import GatewaySettings, protocols
from emulator.gateway.connections import Connection
from emulator.gateway.throttling import AccountLimits

HANDSHAKE = (
    b"GET /local HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
SIGNED = (
    b"X-Amz-Date: 20240120T115457Z\r\n"
    b"Authorization: AWS4-HMAC-SHA256 Credential=x/20240120/us-east-1/execute-api/aws4_request,"
    b" SignedHeaders=host;x-amz-date, Signature=0f\r\n"
)
POST = b"POST /local/@connections/R1kmxc2VNjMCFIA= HTTP/1.1\r\nHost: x\r\n" + SIGNED
IMPATIENT = GatewaySettings(request_timeout_s=0.05)


def text(payload):
    """Return one masked text frame; the mask is zero."""
    size = len(payload)
    head = bytes([0x81, 0x80 | size]) if size < 126 else b"\x81\xfe" + size.to_bytes(2, "big")
    return head + b"\0\0\0\0" + payload


async def dial(world):
    return await asyncio.open_connection("127.0.0.1", world.server.port, limit=1024)


async def raw(world, soon):
    reader, writer = await dial(world)
    writer.write(HANDSHAKE + b"\r\n")
    assert b" 101 " in await soon(reader.readuntil(b"\r\n\r\n"))
    return reader, writer


@pytest.fixture
def hasty(monkeypatch):
    """Let sockets go at once after their close frame, for peers that do not go by themselves."""
    monkeypatch.setattr(protocols, "CLOSE_TIMEOUT_S", 0.05)


UNFINISHED = {
    "nothing": b"",
    "half a request line": b"GET /lo",
    "half a handshake": HANDSHAKE,
    "half a body": POST + b"Content-Length: 9\r\n\r\nhalf",
    "an endless body": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n",
    "a body that nobody waits for": POST + b"Content-Length: 200000\r\n\r\nx",
    "a second request's half": b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET / HT",
}


@pytest.mark.parametrize("data", UNFINISHED.values(), ids=UNFINISHED.keys())
async def test_a_socket_that_sends_no_whole_request_is_cut(make_world, soon, until, caplog, data):
    """A half-open socket, and one that stops in the middle of a request, do not stay."""
    caplog.set_level(logging.INFO, "emulator.gateway.protocols")
    async with make_world(settings=IMPATIENT) as world:
        reader, writer = await dial(world)
        writer.write(data)

        def is_gone():
            world.server.cut_overdue()
            return reader.at_eof() or reader.exception() is not None

        reading = asyncio.create_task(swallow(reader))
        await soon(until(lambda: is_gone() or reading.done()))
        await reading
        writer.transport.abort()
        lines = [record.message for record in caplog.records if "no whole request" in record.message]
        assert lines == ["a socket sent no whole request in time; cut"]
        await until(lambda: not world.server._state.connections)


async def swallow(reader):
    try:
        while await reader.read(65_536):
            pass
    except ConnectionError:
        pass


async def test_a_request_under_way_is_not_overdue(make_world, soon):
    """A whole request may be worked on for longer than it may take to arrive, and a WebSocket may idle."""
    async with make_world(settings=GatewaySettings(request_timeout_s=0)) as world:
        _, writer = await raw(world, soon)
        world.server.cut_overdue()
        writer.write(text(b'{"action": "echo"}'))
        await world.invoker.wait_for("echo")
        writer.transport.abort()


async def test_a_client_that_never_closes_is_cut(world, soon, hasty):
    """A client that does not answer a close frame loses its socket."""
    reader, writer = await raw(world, soon)
    world.clock.advance(600)
    world.gateway.sweep()
    assert (await soon(reader.readexactly(4)))[2:] == (1001).to_bytes(2, "big")
    await soon(swallow(reader))
    writer.transport.abort()


async def test_a_client_that_closes_and_does_not_read_is_cut(make_world, soon, until, hasty):
    """What a client does not read cannot keep its socket once it has sent a close frame."""
    async with make_world(settings=GatewaySettings(send_timeout_s=0.05)) as world:
        world.invoker.functions["echo"] = lambda event: {"body": "x" * 131_072}
        _, writer = await raw(world, soon)
        for _ in range(60):
            writer.write(text(b'{"action": "echo"}'))
        await world.invoker.wait_for("echo", 60)
        writer.write(b"\x88\x82\0\0\0\0\x03\xe8")
        await world.wait_for("gateway.close")
        await until(lambda: not world.server._state.connections)
        writer.transport.abort()


async def test_waiting_replies_do_not_pile_up_in_the_buffer(world, soon):
    """When a slow client reads again, the replies that wait go out one by one, not all at once."""
    reply = "x" * 131_072
    world.invoker.functions["echo"] = lambda event: {"body": reply}
    reader, writer = await raw(world, soon)
    (protocol,) = world.server._state.connections
    count = 150
    for _ in range(count):
        writer.write(text(b'{"action": "echo"}'))
    await world.invoker.wait_for("echo", count)
    most = 0
    for _ in range(100):
        await soon(reader.readexactly(len(reply)))
        most = max(most, protocol.transport.get_write_buffer_size())
    assert most < 4 * len(reply)
    writer.transport.abort()


HEADS = {
    "an old version": (HANDSHAKE.replace(b"Version: 13", b"Version: 12") + b"\r\n", b"400"),
    "a bad key": (HANDSHAKE.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"x") + b"\r\n", b"400"),
    "a post": (HANDSHAKE.replace(b"GET", b"POST") + b"\r\n", b"4"),
    "garbage": (b"\x00\xff\x13garbage\r\n\r\n", b"400"),
    "a long line": (HANDSHAKE + b"X: " + b"y" * 11_000 + b"\r\n\r\n", b"431"),
    "many headers": (HANDSHAKE + b"X: y\r\n" * 2_100 + b"\r\n", b"431"),
    "a body": (HANDSHAKE + b"Content-Length: 5\r\n\r\nhello", b"400"),
    "a body in chunks": (HANDSHAKE + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", b"400"),
    "long headers": (HANDSHAKE + (b"X: " + b"y" * 5_100 + b"\r\n") * 2 + b"\r\n", b"431"),
    "an endless head": (b"GET /local HTTP/1.1\r\n" + b"X: yy\r\n" * 30_000, b"431"),
    "a long url": (HANDSHAKE.replace(b"/local", b"/local?" + b"x" * 4_096) + b"\r\n", b"414"),
    "a url beyond a line": (HANDSHAKE.replace(b"/local", b"/local?" + b"x" * 12_000) + b"\r\n", b"414"),
    "another path": (HANDSHAKE.replace(b"/local", b"/local/more") + b"\r\n", b"403"),
    "another stage": (HANDSHAKE.replace(b"/local", b"/remote") + b"\r\n", b"403"),
}


@pytest.mark.parametrize(("head", "status"), HEADS.values(), ids=HEADS.keys())
async def test_a_refused_head_is_one_line(world, soon, caplog, head, status):
    """What is no handshake gets its status, and the log one line that says what happened (rows A2, A3)."""
    caplog.set_level(logging.INFO)
    caplog.clear()
    reader, writer = await dial(world)
    writer.write(head)
    try:
        answer = await soon(reader.readline())
    except ConnectionError:  # a reset overtook the answer: there was more to read
        answer = b""
    writer.transport.abort()
    await world.connect()
    ours = [record for record in caplog.records if record.name.startswith(("emulator", "uvicorn"))]
    (line,) = [record for record in ours if record.message != "connection opened"]
    assert line.exc_info is None
    assert "\n" not in line.message
    assert not answer or answer.startswith(b"HTTP/1.1 " + status)


TAKEN = {
    "two long lines": b"Cookie: " + b"y" * 8_000 + b"\r\nX: " + b"y" * 1_900 + b"\r\n",
    "one line of nine kilobytes": b"Cookie: " + b"y" * 9_216 + b"\r\n",
    "a thousand headers": b"X: y\r\n" * 1_000,
}


@pytest.mark.parametrize("headers", TAKEN.values(), ids=TAKEN.keys())
async def test_ten_kilobytes_of_headers_are_taken(world, soon, headers):
    """A handshake whose headers are below the bound is served, however they are cut into lines."""
    reader, writer = await dial(world)
    writer.write(HANDSHAKE + headers + b"\r\n")
    assert b" 101 " in await soon(reader.readline())
    writer.transport.abort()


@pytest.mark.parametrize("first", [0, 9, len(HANDSHAKE)], ids=["one segment", "two", "two, late"])
async def test_a_message_right_behind_the_handshake_arrives(world, soon, until, first):
    """A client that does not wait for 101 loses nothing: its frames wait for `$connect`."""
    hold = asyncio.Event()

    async def connect(event):
        await hold.wait()
        return {"statusCode": 200}

    world.invoker.functions["connect"] = connect
    reader, writer = await dial(world)
    sent = HANDSHAKE + b"\r\n" + b"\x89\x80\0\0\0\0" + text(b'{"action": "echo"}')
    writer.write(sent[:first])
    if first:
        await until(lambda: any(getattr(one, "_head_bytes", 0) for one in world.server._state.connections))
    writer.write(sent[first:])
    await world.invoker.wait_for("connect")
    writer.write(text(b'{"action": "echo", "second": 1}'))
    hold.set()
    assert b" 101 " in await soon(reader.readuntil(b"\r\n\r\n"))
    assert await soon(reader.readexactly(2)) == b"\x8a\0"
    events = await world.invoker.wait_for("echo", 2)
    assert [event["body"] for event in events] == ['{"action": "echo"}', '{"action": "echo", "second": 1}']
    writer.transport.abort()


async def test_a_close_frame_right_behind_the_handshake_closes(world, soon):
    """A close frame in the handshake's segment is answered after 101, and `$disconnect` is told of it."""
    reader, writer = await dial(world)
    writer.write(HANDSHAKE + b"\r\n\x88\x82\0\0\0\0\x03\xe8")
    assert b" 101 " in await soon(reader.readuntil(b"\r\n\r\n"))
    assert await soon(reader.read()) == b"\x88\x02\x03\xe8"
    (event,) = await world.invoker.wait_for("disconnect")
    assert event["requestContext"]["disconnectStatusCode"] == 1000
    writer.transport.abort()


async def test_much_behind_a_handshake_waits_in_the_socket(world, soon, until):
    """What a client sends while `$connect` runs is bounded in memory, and all of it arrives."""
    hold = asyncio.Event()

    async def connect(event):
        await hold.wait()
        return {"statusCode": 200}

    world.invoker.functions["connect"] = connect
    _, writer = await dial(world)
    message = text(b'{"action": "echo", "x": "' + b"x" * 30_000 + b'"}')
    writer.write(HANDSHAKE + b"\r\n" + message * 100)
    await world.invoker.wait_for("connect")
    (protocol,) = world.server._state.connections
    await until(lambda: protocol.read_paused)
    assert len(protocol._early) <= protocols.MAX_EARLY_BYTES + 2 * 262_144
    hold.set()
    await world.invoker.wait_for("echo", 100)
    writer.transport.abort()


async def test_text_that_is_not_utf8_is_one_line(world, soon, caplog):
    """A client that sends bytes which are not UTF-8 is closed with 1007 and leaves no traceback."""
    caplog.set_level(logging.INFO)
    reader, writer = await raw(world, soon)
    writer.write(b"\x81\x82\0\0\0\0\xff\xff")
    assert (await soon(reader.readexactly(4)))[2:] == (1007).to_bytes(2, "big")
    (event,) = await world.invoker.wait_for("disconnect")
    assert event["requestContext"]["disconnectStatusCode"] == 1007
    assert [record.message for record in caplog.records if record.levelno > logging.INFO] == []
    writer.transport.abort()


async def test_a_binary_message_is_refused_at_its_first_frame(world, soon):
    """Frames that follow a binary one are not waited for: 1003 goes out at once (row A50)."""
    reader, writer = await raw(world, soon)
    writer.write(b"\x02\x82\0\0\0\0ab")
    assert (await soon(reader.readexactly(4)))[2:] == (1003).to_bytes(2, "big")
    writer.write(b"\x80\x82\0\0\0\0cd")
    (event,) = await world.invoker.wait_for("disconnect")
    assert event["requestContext"]["disconnectStatusCode"] == 1003
    writer.transport.abort()


async def abandon(world, dice):
    """Open one connection, do one of the things that peers do, and drop it; tell whether it was open."""
    reader, writer = await dial(world)
    try:
        early = dice.choice([None, b"", b"\x16\x03\x01 not tls", b"GET /lo", HANDSHAKE, HANDSHAKE + b"\r\n"])
        if early is not None:
            writer.write(early)
            if dice.random() < 0.5:
                await asyncio.sleep(0)
            return early.endswith(b"\r\n\r\n")
        writer.write(HANDSHAKE + b"\r\n")
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        for _ in range(dice.randrange(4)):
            writer.write(
                dice.choice(
                    [
                        text(b'{"action": "echo"}'),
                        text(b'{"action": "silent"}'),
                        b"\x89\x80\0\0\0\0",
                        b"\x81\x02hi",
                        b"\x82\x80\0\0\0\0",
                        b"\x01\x82\0\0\0\0ab",
                        b"\x88\x80\0\0\0\0",
                        b"\x83\x80\0\0\0\0",
                        b"\x89\xfe\x00\x7e" + b"\0" * 130,
                    ]
                )
            )
        return True
    finally:
        if dice.random() < 0.5:
            writer.transport.abort()
        else:
            writer.close()


async def test_a_thousand_connections_dropped_at_random_leave_nothing(make_world, soon, until, caplog):
    """Whatever peers do before they drop, no task, socket or connection of theirs stays (seeded)."""
    caplog.set_level(logging.WARNING)
    dice = random.Random(1)
    limits = AccountLimits(connections_per_s=1e6, connection_burst=10**6, request_burst=10**6)
    async with make_world(limits=limits) as world:
        for _ in range(10):
            await asyncio.gather(*(abandon(world, random.Random(dice.random())) for _ in range(100)))
        await until(lambda: not world.server._state.connections and not world.server._state.tasks)
        await until(lambda: not world.gateway._tasks)
        opened = [entry for entry in world.timeline.entries() if entry.kind == "gateway.connect"]
        disconnects = await world.invoker.wait_for("disconnect", len(opened))
        assert len(disconnects) == len(opened) > 100
        assert len(world.gateway.connections) == 0
        gc.collect()
        assert [found for found in gc.get_objects() if isinstance(found, Connection)] == []
        assert [record for record in caplog.records if record.levelno > logging.WARNING] == []
        client = await world.connect()
        await client.send("x")
        assert await soon(client.recv()) == "default"
