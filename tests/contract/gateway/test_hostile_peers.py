"""Peers that break the rules: the gateway goes on serving the others."""

import asyncio

import pytest

from emulator.gateway import GatewaySettings

HANDSHAKE = (
    b"GET /local HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
)
CASES = {
    "garbage": b"\x00\xff\x13garbage\r\n\r\n",
    "almost tls": b"\x16\x03\x01\x00\x05\x01\x00\x01\xfc\x03" + b"a" * 500,
    "endless header": b"GET /local HTTP/1.1\r\nX: " + b"a" * 200_000,
    "endless headers": b"GET /local HTTP/1.1\r\n" + b"X: y\r\n" * 30_000,
    "endless url": b"GET /" + b"a" * 200_000,
    "too many handshake headers": HANDSHAKE + b"X: y\r\n" * 2_100 + b"\r\n",
    "too long a handshake header": HANDSHAKE + b"X: " + b"y" * 11_000 + b"\r\n\r\n",
    "url not ascii": b"GET /local?\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
    "handshake url not ascii": HANDSHAKE.replace(b"/local", b"/local?\xc3\xa9") + b"\r\n",
    "no key": HANDSHAKE.replace(b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", b"") + b"\r\n",
    "bad key": HANDSHAKE.replace(b"dGhlIHNhbXBsZSBub25jZQ==", b"x") + b"\r\n",
    "old version": HANDSHAKE.replace(b"Version: 13", b"Version: 12") + b"\r\n",
    "post as a handshake": HANDSHAKE.replace(b"GET", b"POST") + b"\r\n",
    "http 1.0 handshake": HANDSHAKE.replace(b"HTTP/1.1", b"HTTP/1.0") + b"\r\n",
    "connect method": b"CONNECT example.com:443 HTTP/1.1\r\nHost: x\r\n\r\n",
    "absolute url": b"GET http://example.com/local HTTP/1.1\r\nHost: x\r\n\r\n",
    "another upgrade": b"GET /local HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
    "two lengths": b"POST /local HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    "huge length": b"POST /local/@connections/R1kmxc2VNjMCFIA= HTTP/1.1\r\nAuthorization: AWS4-x\r\n"
    b"Content-Length: 99999999999999\r\n\r\nab",
}


@pytest.mark.parametrize("data", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("port", ["port", "tls_port"])
async def test_what_is_not_a_handshake_is_refused(world, soon, caplog, data, port):
    """Whatever arrives before a handshake gets an error or a cut, and no exception reaches the event loop."""
    reader, writer = await asyncio.open_connection("127.0.0.1", getattr(world.server, port))
    try:
        writer.write(data)
        answer = await soon(reader.read(65_536))
    except ConnectionError:
        answer = b""
    finally:
        writer.transport.abort()
    if port == "port":
        assert answer == b"" or answer.startswith((b"HTTP/1.1 4", b"HTTP/1.1 505")), answer
    await still_serves(world, soon)
    assert [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")] == []


FRAMES = {
    "unmasked": b"\x81\x02hi",
    "reserved opcode": b"\x83\x80\0\0\0\0",
    "reserved bit": b"\xc1\x80\0\0\0\0",
    "continuation of nothing": b"\x80\x80\0\0\0\0",
    "not utf-8": b"\x81\x82\0\0\0\0\xff\xff",
    "fragmented ping": b"\x09\x80\0\0\0\0",
    "close code on the wire 1006": b"\x88\x82\0\0\0\0\x03\xee",
    "close of one byte": b"\x88\x81\0\0\0\0\x03",
    "length of 2**63": b"\x81\xff" + b"\xff" * 8 + b"\0\0\0\0",
    "text then garbage": b"\x81\x82\0\0\0\0hi" + b"\xff" * 1000,
}


@pytest.mark.parametrize("data", FRAMES.values(), ids=FRAMES.keys())
async def test_a_broken_frame_ends_only_its_connection(world, soon, data):
    """A peer that breaks the protocol is closed, its $disconnect runs, and others are served."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.server.port)
    writer.write(HANDSHAKE + b"\r\n")
    assert b" 101 " in await soon(reader.readuntil(b"\r\n\r\n"))
    writer.write(data)
    rest = await soon(reader.read())
    assert b"\x88" in rest
    (event,) = await world.invoker.wait_for("disconnect")
    assert event["requestContext"]["disconnectStatusCode"] in (1002, 1007, 1009)
    writer.transport.abort()
    await still_serves(world, soon)


async def test_endless_empty_frames_are_too_large(world, soon):
    """Frames without a payload cannot make one message grow for ever."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.server.port)
    writer.write(HANDSHAKE + b"\r\n")
    await soon(reader.readuntil(b"\r\n\r\n"))
    writer.write(b"\x01\x80\0\0\0\0" + b"\x00\x80\0\0\0\0" * 140_000)
    (event,) = await world.invoker.wait_for("disconnect")
    assert event["requestContext"]["disconnectStatusCode"] == 1009
    writer.transport.abort()


async def test_pings_of_a_client_that_does_not_read_do_not_pile_up(world, soon):
    """Pongs are dropped while the buffer towards the client is full."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.server.port, limit=1024)
    writer.write(HANDSHAKE + b"\r\n")
    await soon(reader.readuntil(b"\r\n\r\n"))
    (protocol,) = world.server._state.connections
    ping = b"\x89\xfd\0\0\0\0" + b"x" * 125
    for _ in range(200):
        writer.write(ping * 1000)
        await soon(writer.drain())
    assert protocol.transport.get_write_buffer_size() < 1_000_000
    writer.transport.abort()
    await still_serves(world, soon)


@pytest.mark.parametrize(
    "text", ["[" * 30_000, '{"a":' * 6_000, '{"action": ' + "9" * 30_000 + "}", '"\\ud800"']
)
async def test_hostile_json_is_only_text(world, soon, text):
    """JSON that is too deep, too large a number or half a surrogate takes $default like any other text."""
    client = await world.connect()
    await client.send(text)
    assert await soon(client.recv()) == "default"


async def handshake(world, soon):
    reader, writer = await asyncio.open_connection("127.0.0.1", world.server.port)
    writer.write(HANDSHAKE + b"\r\n")
    assert b" 101 " in await soon(reader.readuntil(b"\r\n\r\n"))
    return reader, writer


async def test_a_broken_text_right_after_a_binary_message(world, soon, caplog):
    """Two reasons to close at once are one close, whose code `$disconnect` is told."""
    reader, writer = await handshake(world, soon)
    writer.write(b"\x82\x80\0\0\0\0" + b"\x81\x82\0\0\0\0\xff\xff")
    (event,) = await world.invoker.wait_for("disconnect")
    assert (await soon(reader.readexactly(4)))[2:] == (1007).to_bytes(2, "big")
    assert event["requestContext"]["disconnectStatusCode"] == 1007
    assert [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")] == []
    writer.transport.abort()
    await still_serves(world, soon)


@pytest.mark.parametrize(
    "more", [b"\x89\x80\0\0\0\0", b"\x81\x80\0\0\0\0", b"\x82\x80\0\0\0\0", b"\x88\x80\0\0\0\0"]
)
async def test_what_follows_a_broken_text_counts_for_nothing(world, soon, caplog, more):
    """A ping, a message or a close frame right behind the text that ends a connection harms nobody."""
    reader, writer = await handshake(world, soon)
    writer.write(b"\x81\x82\0\0\0\0\xff\xff" + more)
    assert b"\x88" in await soon(reader.read())
    await world.invoker.wait_for("disconnect")
    await still_serves(world, soon)
    assert len(await world.invoker.wait_for("disconnect")) == 1
    assert [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")] == []
    writer.transport.abort()


async def test_a_reply_after_a_broken_frame_is_dropped(make_world, soon, until, caplog):
    """A reply that comes when a frame has closed the connection already is dropped like any late one."""
    gate = asyncio.Event()
    async with make_world(settings=GatewaySettings(max_in_flight=1)) as world:

        async def held(event):
            await gate.wait()
            return {"body": "late"}

        world.invoker.functions["echo"] = held
        _, writer = await handshake(world, soon)
        (protocol,) = world.server._state.connections
        message = b'{"action": "echo"}'
        frame = bytes([0x81, 0x80 | len(message)]) + b"\0\0\0\0" + message
        writer.write(frame)
        await world.invoker.wait_for("echo")
        protocol.data_received(frame)  # waits for the first one's place
        await until(lambda: protocol.queue.empty() and not protocol.read_paused)
        writer.write(b"\x81\x02hi")
        await until(lambda: protocol.close_sent)
        gate.set()
        (event,) = await world.invoker.wait_for("disconnect")
        assert event["requestContext"]["disconnectStatusCode"] == 1002
        assert [record for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")] == []
        writer.transport.abort()


async def still_serves(world, soon):
    client = await world.connect()
    await client.send("x")
    assert await soon(client.recv()) == "default"
