"""Every way in which a connection ends, and what its `$disconnect` is told."""

import asyncio
import json
import logging

import pytest
import websockets

from emulator.application import Route
from emulator.gateway import GatewaySettings

HANDSHAKE = (
    b"GET /local HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


async def ending(world):
    (event,) = await world.invoker.wait_for("disconnect")
    context = event["requestContext"]
    return context["disconnectStatusCode"], context["disconnectReason"]


async def raw(world):
    reader, writer = await asyncio.open_connection("127.0.0.1", world.server.port)
    writer.write(HANDSHAKE)
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    return reader, writer


@pytest.mark.parametrize(("code", "reason"), [(1000, "bye"), (1001, ""), (4321, "mine")])
async def test_a_clients_code_and_reason_are_passed_on(world, code, reason):
    """An explicit code and reason of the client are the event's."""
    client = await world.connect()
    await client.close(code, reason)
    assert await ending(world) == (code, reason)


async def test_a_token_in_a_clients_reason_is_not_recorded(world, caplog):
    """The function is told the client's own reason; the timeline and the log have it without the token."""
    caplog.set_level(logging.INFO, "emulator.gateway")
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJkZW1vIn0.c2lnbmF0dXJl"
    client = await world.connect()
    await client.close(4000, f"bye {token}")
    assert await ending(world) == (4000, f"bye {token}")
    (facts,) = await world.wait_for("gateway.close")
    (line,) = [record for record in caplog.records if record.message == "connection closed"]
    assert facts["reason"] == line.reason == "bye eyJhbGciOi…dXJl"


async def test_a_close_frame_without_a_code_is_1005(world, soon):
    """A close frame without a status has AWS's own reason."""
    reader, writer = await raw(world)
    writer.write(b"\x88\x80\0\0\0\0")
    assert await soon(reader.read(2)) == b"\x88\x00"
    assert await ending(world) == (1005, "Client-side close frame status not set")
    writer.close()


@pytest.mark.parametrize("how", ["close", "abort"])
async def test_a_lost_connection_is_1006(world, how):
    """A TCP connection that ends without a close frame is 1006."""
    _, writer = await raw(world)
    writer.close() if how == "close" else writer.transport.abort()
    assert await ending(world) == (1006, "")


async def test_idle_for_ten_minutes_is_1001(world, soon):
    """Ten minutes without data close the connection; pings do not count as data."""
    client = await world.connect()
    world.clock.advance(599)
    await soon(await client.ping())
    world.gateway.sweep()
    await client.send("x")
    assert await soon(client.recv()) == "default"
    world.clock.advance(599)
    world.gateway.sweep()
    await soon(await client.ping())
    world.clock.advance(1)
    world.gateway.sweep()
    await soon(client.wait_closed())
    assert (client.close_code, client.close_reason) == (1001, "Going away")
    assert await ending(world) == (1001, "Going away")


async def test_pings_can_count_as_data(make_world, soon):
    """Whether a ping keeps a connection from idling is not documented, so it is a setting (row A57)."""
    async with make_world(settings=GatewaySettings(pings_reset_idle=True)) as world:
        client = await world.connect()
        world.clock.advance(599)
        await soon(await client.ping())
        world.clock.advance(599)
        world.gateway.sweep()
        await soon(await client.ping())
        assert client.state is websockets.State.OPEN


async def test_the_gateway_never_pings(world, soon):
    """A silent connection hears nothing until it is closed for idling (row A56)."""
    reader, writer = await raw(world)
    world.clock.advance(600)
    world.gateway.sweep()
    assert (await soon(reader.readexactly(4)))[0] == 0x88
    writer.close()


async def test_the_server_sweeps_by_itself(make_world, soon):
    """Nobody needs to call `sweep`."""
    async with make_world(settings=GatewaySettings(idle_timeout_s=5)) as world:
        client = await world.connect()
        world.clock.advance(6)
        await soon(client.wait_closed())


async def test_two_hours_are_the_end_however_busy(world, soon):
    """The longest duration holds whatever goes over the connection."""
    client = await world.connect()
    for _ in range(14):
        world.clock.advance(500)
        await client.send("x")
        await soon(client.recv())
        world.gateway.sweep()
    assert client.state is websockets.State.OPEN
    world.clock.advance(200)
    world.gateway.sweep()
    await soon(client.wait_closed())
    assert await ending(world) == (1001, "Going away")


async def test_a_client_that_leaves_during_connect_never_was(world, until):
    """No $disconnect for a connection that did not complete."""
    gate = asyncio.Event()

    async def hold(event):
        await gate.wait()
        return {"statusCode": 200}

    world.invoker.functions["connect"] = hold
    _, writer = await asyncio.open_connection("127.0.0.1", world.server.port)
    writer.write(HANDSHAKE)
    await world.invoker.wait_for("connect")
    (gone,) = (protocol for protocol in world.server._state.connections)
    writer.transport.abort()
    await until(lambda: gone.disconnected)
    gate.set()
    await world.wait_for("gateway.abandoned")
    await until(lambda: len(world.gateway.connections) == 0)
    assert [name for name, _ in world.invoker.events] == ["connect"]


async def test_a_failing_disconnect_hurts_nobody(world, soon):
    """The result of $disconnect is ignored."""
    world.invoker.functions["disconnect"] = lambda event: 1 / 0
    client = await world.connect()
    await client.close()
    await world.invoker.wait_for("disconnect")
    other = await world.connect()
    await other.send("x")
    assert await soon(other.recv()) == "default"


async def test_stop_closes_with_1001_and_runs_disconnect(make_world, soon):
    """Stopping tells the clients, runs $disconnect, and does not wait for a stalled function for long."""
    async with make_world() as world:
        client, stalled = await world.connect(), await world.connect()
        await stalled.send('{"action": "stall"}')
        await world.invoker.wait_for("stall")
        await soon(world.server.stop(timeout_s=0.2))
        await soon(client.wait_closed())
        assert client.close_code == stalled.close_code == 1001
        await world.invoker.wait_for("disconnect", 2)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", world.server.port)


async def test_stop_during_a_handshake_answers_it(make_world, soon):
    """A handshake whose $connect does not come back is refused when the gateway stops."""
    async with make_world([Route("$connect", "stall")]) as world:
        connecting = asyncio.create_task(world.connect())
        await world.invoker.wait_for("stall")
        await soon(world.server.stop(timeout_s=0.1))
        with pytest.raises((websockets.InvalidStatus, websockets.InvalidMessage)):
            await soon(connecting)


async def test_a_client_that_does_not_read_cannot_hold_up_its_end(make_world, soon):
    """A client whose buffers are full is cut off when its connection is to be closed."""
    settings = GatewaySettings(send_timeout_s=0.1, close_timeout_s=0.1)
    async with make_world(settings=settings) as world:
        world.invoker.functions["echo"] = lambda event: {"body": "x" * 1_000_000}
        _, writer = await raw(world)
        text = json.dumps({"action": "echo"}).encode()
        for _ in range(40):
            writer.write(bytes([0x81, 0x80 | len(text)]) + b"\0\0\0\0" + text)
        await world.wait_for("gateway.message", 40)
        world.clock.advance(7200)
        world.gateway.sweep()
        assert await ending(world) == (1001, "Going away")
        writer.transport.abort()


async def test_a_full_connection_still_ends_at_once(make_world):
    """A connection that is not read because too much is under way still ends when it is closed."""
    async with make_world(settings=GatewaySettings(max_in_flight=1)) as world:
        client = await world.connect()
        for _ in range(3):
            await client.send('{"action": "stall"}')
        await world.invoker.wait_for("stall")
        world.clock.advance(600)
        world.gateway.sweep()
        assert await ending(world) == (1001, "Going away")
        assert len(await world.invoker.wait_for("stall")) == 1
