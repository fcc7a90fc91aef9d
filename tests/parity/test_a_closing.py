"""Rows A17 and A54 to A59: how connections end, and what `$disconnect` is told of it."""

import asyncio
from typing import Any

import pytest

from emulator.application import Route, WebSocketApi
from emulator.gateway import GatewaySettings

API = WebSocketApi("own", [Route("$disconnect", "disconnect"), Route("$default", "default")])

GOING_AWAY = (1001, "Going away")
CLOSED_NORMALLY = (1000, "Connection Closed Normally")


async def seen(socket: Any) -> tuple[int | None, str | None]:
    """Return code and reason of the server's close frame."""
    closed = await socket.closed()
    return closed.code, closed.reason


async def told(script: Any) -> tuple[int, str]:
    """Return code and reason of the next DISCONNECT event."""
    context = (await script.event())["requestContext"]
    assert context["eventType"] == "DISCONNECT"
    return context["disconnectStatusCode"], context["disconnectReason"]


@pytest.mark.row("A17", "A59.two-hours")
async def test_connection_ends_after_two_hours(start_gateway: Any, function: Any) -> None:
    """A connection that is never idle ends after two hours, not a second before, with 1001."""
    own = await start_gateway(API)
    socket = await own.connect()
    for _ in range(15):
        own.advance(479)
        await socket.send("busy")
        await function("default").event()
    own.advance(14)
    await socket.ping()  # still open
    own.advance(1)
    assert await seen(socket) == GOING_AWAY
    assert await told(function("disconnect")) == GOING_AWAY


@pytest.mark.row("A54", "A59.idle")
async def test_idle_connection_is_closed(start_gateway: Any, function: Any) -> None:
    """After ten minutes without data the connection is closed with 1001, and `$disconnect` is told so."""
    own = await start_gateway(API)
    socket = await own.connect()
    own.advance(599)
    await socket.ping()  # still open
    own.advance(1)
    assert await seen(socket) == GOING_AWAY
    assert await told(function("disconnect")) == GOING_AWAY


@pytest.mark.row("A54", "A59.idle")
async def test_idle_connection_of_a_running_application_is_closed(parity: Any) -> None:
    """The sandbox's own clock, advanced by ten minutes, ends an idle connection."""
    socket = await parity.open()
    await parity.advance(610)
    assert await seen(socket) == GOING_AWAY
    assert await told(parity.function("disconnect")) == GOING_AWAY


@pytest.mark.row("A54", "A55")
@pytest.mark.parametrize("direction", ["in", "out"])
async def test_data_in_either_direction_keep_a_connection(
    start_gateway: Any, function: Any, direction: str
) -> None:
    """A message of the client and a post to it each begin the ten minutes anew."""
    own = await start_gateway(API)
    socket = await own.connect()
    (connection,) = own.gateway.connections.list_open()
    client = own.management()
    for _ in range(3):
        own.advance(599)
        if direction == "in":
            await socket.send("data")
            await function("default").event()
        else:
            await asyncio.to_thread(client.post_to_connection, ConnectionId=connection.id, Data=b"data")
            assert await socket.receive() == "data"
    own.advance(600)
    assert await seen(socket) == GOING_AWAY


@pytest.mark.row("A54")
async def test_looking_at_a_connection_does_not_keep_it(start_gateway: Any) -> None:
    """`GetConnection` is no data: the ten minutes go on."""
    own = await start_gateway(API)
    socket = await own.connect()
    (connection,) = own.gateway.connections.list_open()
    own.advance(599)
    await asyncio.to_thread(own.management().get_connection, ConnectionId=connection.id)
    own.advance(1)
    assert await seen(socket) == GOING_AWAY


@pytest.mark.row("A56")
async def test_server_sends_no_ping(start_gateway: Any) -> None:
    """Nothing comes from the server while a connection is idle, up to its close frame."""
    own = await start_gateway(API)
    async with own.wire() as wire:
        await wire.handshake()
        for _ in range(6):
            own.advance(100)
        first, payload = await wire.read_frame()
    assert (first, payload) == (0x88, (1001).to_bytes(2) + b"Going away")


@pytest.mark.row("A57")
async def test_ping_is_answered_with_its_payload(parity: Any) -> None:
    """A client's ping gets a pong with the same payload, and reaches no function."""
    async with parity.wire() as wire:
        await wire.handshake()
        await wire.write_frame(0x89, b"are you there")
        assert await wire.read_frame() == (0x8A, b"are you there")
    assert parity.function("default").count == 0


@pytest.mark.row("A57", switch="GatewaySettings.pings_reset_idle")
@pytest.mark.parametrize("resets", [False, True], ids=["default", "switched"])
async def test_ping_and_the_idle_timeout(start_gateway: Any, *, resets: bool) -> None:
    """Whether a ping counts as data is a switch, off by default."""
    settings = GatewaySettings(pings_reset_idle=True) if resets else GatewaySettings()
    own = await start_gateway(API, settings)
    socket = await own.connect()
    own.advance(599)
    await socket.ping()
    own.advance(599)
    if resets:
        await socket.ping()
        own.advance(600)
    assert await seen(socket) == GOING_AWAY


@pytest.mark.row("A58")
async def test_disconnect_runs_when_nothing_can_be_posted(parity: Any) -> None:
    """The client's close is complete while `$disconnect` still runs, and a post is 410 then."""
    parity.function("disconnect").holds()
    socket = await parity.open()
    await socket.close()
    held = await parity.function("disconnect").invocation()
    assert (await socket.closed()).code == 1000
    client = parity.management()
    with pytest.raises(client.exceptions.GoneException):
        await parity.call(client.post_to_connection, ConnectionId=socket.connection_id, Data=b"late")
    held.release()


@pytest.mark.row("A58")
@pytest.mark.parametrize("way", ["raises", "refuses", "nonsense"])
async def test_result_of_disconnect_counts_for_nothing(parity: Any, way: str) -> None:
    """Whatever `$disconnect` does, it is invoked once and the next client is served."""
    disconnect = parity.function("disconnect")
    if way == "raises":
        disconnect.raises("no")
    else:
        disconnect.returns({"statusCode": 500} if way == "refuses" else ["nonsense"])
    await (await parity.open()).close()
    await disconnect.event()
    socket = await parity.open()
    assert await socket.ask({"action": "reply"}) == "reply"
    await socket.close()
    await disconnect.event(lambda event: event["requestContext"]["connectionId"] == socket.connection_id)
    assert disconnect.count == 2


@pytest.mark.row("A59.client-close")
async def test_close_without_a_code(parity: Any) -> None:
    """A close frame without a code is answered by one like it, and is 1005 with AWS's sentence."""
    async with parity.wire() as wire:
        await wire.handshake()
        await wire.write_frame(0x88)
        assert await wire.read_frame() == (0x88, b"")
    assert await told(parity.function("disconnect")) == (1005, "Client-side close frame status not set")


@pytest.mark.row("A59.client-1001", "A59.client-code")
@pytest.mark.parametrize(
    ("code", "reason"), [(1001, ""), (1001, "tab closed"), (1000, "done"), (4321, "because ä")]
)
async def test_code_and_reason_of_the_client(parity: Any, code: int, reason: str) -> None:
    """The client's own code and reason are what `$disconnect` is told."""
    socket = await parity.open()
    await socket.close(code, reason)
    assert await told(parity.function("disconnect")) == (code, reason)


@pytest.mark.row("A59.delete", "D16")
async def test_connection_that_the_back_end_deletes(parity: Any) -> None:
    """DELETE closes with 1000, `Connection Closed Normally`, for the client and for `$disconnect`."""
    socket = await parity.open()
    await parity.call(parity.management().delete_connection, ConnectionId=socket.connection_id)
    assert await seen(socket) == CLOSED_NORMALLY
    assert await told(parity.function("disconnect")) == CLOSED_NORMALLY


@pytest.mark.row("A59.lost")
async def test_lost_connection_is_1006(parity: Any) -> None:
    """A connection whose client is gone without a close frame ends with 1006."""
    socket = await parity.open()
    socket.cut()
    code, _ = await told(parity.function("disconnect"))
    assert code == 1006


@pytest.mark.row("A59.lost", switch="GatewaySettings.lost_reason")
@pytest.mark.parametrize("reason", [None, "lost"], ids=["default", "switched"])
async def test_reason_of_a_lost_connection(start_gateway: Any, function: Any, reason: str | None) -> None:
    """What `$disconnect` is told as the reason of a loss is a setting, empty by default."""
    settings = GatewaySettings() if reason is None else GatewaySettings(lost_reason=reason)
    own = await start_gateway(API, settings)
    (await own.connect()).cut()
    assert await told(function("disconnect")) == (1006, reason or "")
