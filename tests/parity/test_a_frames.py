"""Rows A50 to A62: frames, limits, closing, throttling."""

import asyncio
import json
from contextlib import suppress
from typing import Any

import pytest
import websockets

from emulator.application import Authorizer, Route, Stage, Throttling, WebSocketApi
from emulator.errors import InvalidApplication
from emulator.gateway import GatewaySettings
from emulator.gateway.throttling import AccountLimits

FRAME = 32_768
MESSAGE = 131_072

API = WebSocketApi(
    "own",
    [
        Route("$disconnect", "disconnect"),
        Route("$default", "default", route_response=True),
        Route("slow", "slow", route_response=True),
    ],
)


def going_away(closed: Any) -> bool:
    return (closed.code, closed.reason) == (1001, "Going away")


async def disconnect_facts(script: Any) -> tuple[int, str]:
    """Return close code and reason of the next DISCONNECT event."""
    context = (await script.event())["requestContext"]
    return context["disconnectStatusCode"], context["disconnectReason"]


@pytest.mark.row("A50")
async def test_binary_frame_closes_with_1003(parity: Any) -> None:
    """A binary frame is not delivered; the connection is closed with 1003."""
    socket = await parity.open()
    await socket.send(b"binary")
    assert (await socket.closed()).code == 1003
    assert parity.function("default").count == 0


@pytest.mark.row("A51")
async def test_largest_frame_and_message_arrive(parity: Any) -> None:
    """One frame of 32 KB, and a message of 128 KB in such frames, arrive whole."""
    socket = await parity.open()
    await socket.send("x" * FRAME)
    assert (await parity.function("default").event())["body"] == "x" * FRAME
    await socket.send(tuple("y" * FRAME for _ in range(MESSAGE // FRAME)))
    assert (await parity.function("default").event())["body"] == "y" * MESSAGE


@pytest.mark.row("A52", "A59.refused-frame")
@pytest.mark.parametrize(
    "message",
    ["x" * (FRAME + 1), (*("y" * FRAME for _ in range(MESSAGE // FRAME)), "y")],
    ids=["frame", "message"],
)
async def test_larger_frame_or_message_closes_with_1009(parity: Any, message: Any) -> None:
    """A frame over 32 KB and a message over 128 KB close the connection with 1009; no function runs."""
    socket = await parity.open()
    with suppress(websockets.ConnectionClosed):  # the close may come while the rest is sent
        await socket.send(message)
    assert (await socket.closed()).code == 1009
    assert parity.function("default").count == 0


@pytest.mark.row("A53")
async def test_posted_message_comes_in_frames_of_32_kb(parity: Any) -> None:
    """Data of 128 KB can be posted and arrive in frames of 32 KB at most; more is refused with 413."""
    async with parity.wire() as wire:
        status, _ = await wire.handshake()
        assert status == 101
        connection_id = (await parity.function("connect").event())["requestContext"]["connectionId"]
        client = parity.management()
        posting = asyncio.create_task(
            parity.call(client.post_to_connection, ConnectionId=connection_id, Data=b"x" * MESSAGE)
        )
        sizes, is_last = [], False
        while not is_last:
            first, second = await wire.read(2)
            size = second & 0x7F
            if size >= 126:
                size = int.from_bytes(await wire.read(2 if size == 126 else 8), "big")
            await wire.read(size)
            sizes.append(size)
            is_last = bool(first & 0x80)
        await posting
        assert sum(sizes) == MESSAGE
        assert max(sizes) <= FRAME
        with pytest.raises(client.exceptions.PayloadTooLargeException):
            await parity.call(
                client.post_to_connection, ConnectionId=connection_id, Data=b"x" * (MESSAGE + 1)
            )


@pytest.mark.row("A54", "A59.idle")
async def test_idle_connection_is_closed(start_gateway: Any, function: Any) -> None:
    """After ten minutes without data the connection is closed with 1001, and `$disconnect` is told so."""
    own = await start_gateway(API)
    socket = await own.connect()
    own.advance(599)
    await socket.ping()
    own.advance(2)
    assert going_away(await socket.closed())
    assert await disconnect_facts(function("disconnect")) == (1001, "Going away")


@pytest.mark.row("A54")
async def test_idle_connection_of_the_sandbox_is_closed(parity: Any) -> None:
    """The sandbox's own clock, advanced by ten minutes, ends an idle connection."""
    socket = await parity.open()
    await parity.advance(610)
    assert going_away(await socket.closed())


@pytest.mark.row("A54", "A55")
@pytest.mark.parametrize("direction", ["in", "out"])
async def test_data_in_either_direction_keep_a_connection(
    start_gateway: Any, function: Any, direction: str
) -> None:
    """A message of the client and a post to it each begin the ten minutes anew."""
    own = await start_gateway(WebSocketApi("own", [Route("$connect", "connect"), *API.routes]))
    socket = await own.connect()
    (connection,) = own.gateway.connections.list_open()
    for _ in range(3):
        own.advance(590)
        if direction == "in":
            await socket.send("data")
            await function("default").event()
        else:
            client = own.management()
            await asyncio.to_thread(client.post_to_connection, ConnectionId=connection.id, Data=b"data")
            assert await socket.receive() == "data"
    own.advance(601)
    assert going_away(await socket.closed())


@pytest.mark.row("A56")
async def test_server_sends_no_ping(start_gateway: Any) -> None:
    """Nothing comes from the server while a connection is idle, up to its close frame."""
    own = await start_gateway(API)
    async with own.wire() as wire:
        status, _ = await wire.handshake()
        assert status == 101
        for _ in range(6):
            own.advance(99)
        own.advance(10)
        first = (await wire.read(1))[0]
    assert first == 0x88  # the close frame is the first that comes


@pytest.mark.row("A57", switch="GatewaySettings.pings_reset_idle")
@pytest.mark.parametrize("resets", [False, True], ids=["default", "switched"])
async def test_ping_and_the_idle_timeout(start_gateway: Any, *, resets: bool) -> None:
    """A ping is answered; whether it counts as data is a switch, off by default."""
    settings = GatewaySettings(pings_reset_idle=True) if resets else GatewaySettings()
    own = await start_gateway(API, settings)
    socket = await own.connect()
    own.advance(599)
    await socket.ping()
    own.advance(599)
    if resets:
        await socket.ping()
    else:
        assert going_away(await socket.closed())


@pytest.mark.row("A58")
async def test_disconnect_runs_when_nothing_can_be_posted(parity: Any) -> None:
    """While `$disconnect` runs, a post is 410; what it returns or raises counts for nothing."""
    parity.function("disconnect").holds()
    socket = await parity.open()
    await socket.close()
    held = await parity.function("disconnect").invocation()
    client = parity.management()
    with pytest.raises(client.exceptions.GoneException):
        await parity.call(client.post_to_connection, ConnectionId=socket.connection_id, Data=b"late")
    held.release()
    parity.function("disconnect").raises("no")
    await (await parity.open()).close()
    await parity.function("disconnect").event()
    assert await (await parity.open()).ask({"action": "reply"}) == "reply"


@pytest.mark.row("A59.client-close")
async def test_close_without_a_code(parity: Any) -> None:
    """A close frame without a code is 1005, with AWS's sentence."""
    async with parity.wire() as wire:
        await wire.handshake()
        await wire.write(bytes([0x88, 0x80, 0, 0, 0, 0]))
        await wire.read_to_end()
    assert await disconnect_facts(parity.function("disconnect")) == (
        1005,
        "Client-side close frame status not set",
    )


@pytest.mark.row("A59.client-1001", "A59.client-code")
@pytest.mark.parametrize(("code", "reason"), [(1001, ""), (1000, "done"), (4321, "because ä")])
async def test_code_and_reason_of_the_client(parity: Any, code: int, reason: str) -> None:
    """The client's own code and reason are what `$disconnect` is told."""
    socket = await parity.open()
    await socket.close(code, reason)
    assert await disconnect_facts(parity.function("disconnect")) == (code, reason)


@pytest.mark.row("A59.two-hours")
async def test_two_hours_are_told_as_going_away(start_gateway: Any, function: Any) -> None:
    """`$disconnect` is told 1001, `Going away`, when the two hours are over."""
    own = await start_gateway(API)
    socket = await own.connect()
    for _ in range(15):
        own.advance(479)
        await socket.send("busy")
        await function("default").event()
    own.advance(60)
    assert going_away(await socket.closed())
    assert await disconnect_facts(function("disconnect")) == (1001, "Going away")


@pytest.mark.row("A59.delete", "D16")
async def test_connection_that_the_back_end_deletes(parity: Any) -> None:
    """DELETE closes with 1000, `Connection Closed Normally`, for the client and for `$disconnect`."""
    socket = await parity.open()
    await parity.call(parity.management().delete_connection, ConnectionId=socket.connection_id)
    closed = await socket.closed()
    assert (closed.code, closed.reason) == (1000, "Connection Closed Normally")
    assert await disconnect_facts(parity.function("disconnect")) == (1000, "Connection Closed Normally")


@pytest.mark.row("A59.lost", switch="GatewaySettings.lost_reason")
@pytest.mark.parametrize("reason", [None, "lost"], ids=["default", "switched"])
async def test_connection_that_is_lost(start_gateway: Any, function: Any, reason: str | None) -> None:
    """A connection that ends without a close frame is 1006; its reason is a setting, empty by default."""
    settings = GatewaySettings() if reason is None else GatewaySettings(lost_reason=reason)
    own = await start_gateway(API, settings)
    socket = await own.connect()
    socket.cut()
    assert await disconnect_facts(function("disconnect")) == (1006, reason or "")


@pytest.mark.row("A59.refused-frame")
async def test_disconnect_is_told_of_a_refused_frame(parity: Any) -> None:
    """`$disconnect` is told the code that the client saw: 1003 after a binary frame."""
    socket = await parity.open()
    await socket.send(b"binary")
    code, _ = await disconnect_facts(parity.function("disconnect"))
    assert code == (await socket.closed()).code == 1003


@pytest.mark.row("A16")
async def test_rate_of_new_connections(start_gateway: Any) -> None:
    """500 handshakes a second pass; one more at that moment is 429, and a second later there is room."""
    own = await start_gateway(API, limits=AccountLimits(connections_per_s=2, connection_burst=2))
    assert AccountLimits().connections_per_s == 500
    await own.connect()
    await own.connect()
    assert (await own.refused()).status == 429
    own.clock.advance(1)
    await own.connect()


@pytest.mark.row("A60")
async def test_account_throttles_messages_and_posts_together(start_gateway: Any, function: Any) -> None:
    """Handshakes, messages and posts take from one bucket of the account."""
    assert (AccountLimits().requests_per_s, AccountLimits().request_burst) == (10_000, 5_000)
    own = await start_gateway(API, limits=AccountLimits(requests_per_s=1, request_burst=2))
    function("default").returns({"statusCode": 200, "body": "served"})
    socket = await own.connect()
    (connection,) = own.gateway.connections.list_open()
    assert await socket.ask("second") == "served"
    client = own.management()
    with pytest.raises(client.exceptions.LimitExceededException):
        await asyncio.to_thread(client.post_to_connection, ConnectionId=connection.id, Data=b"third")
    own.clock.advance(1)
    assert await socket.ask("fourth") == "served"


@pytest.mark.row("A60", "A61")
async def test_route_with_a_limit_of_its_own(parity: Any) -> None:
    """A route's own limit throttles its messages and no other's; the client stays connected."""
    socket = await parity.open("throttled")
    parity.function("limited").returns({"statusCode": 200, "body": "served"})
    answers = [await socket.ask({"action": "limited"}) for _ in range(2)]
    assert await socket.ask({"action": "reply"}) == "reply"
    assert "Too Many Requests" in str(answers[1])
    assert parity.function("limited").count <= 1


@pytest.mark.row("A61", switch="GatewaySettings.tell_throttled")
@pytest.mark.parametrize("tells", [True, False], ids=["default", "switched"])
async def test_throttled_message(start_gateway: Any, function: Any, *, tells: bool) -> None:
    """A throttled message is answered by a frame; by a switch it is dropped without a word."""
    settings = GatewaySettings() if tells else GatewaySettings(tell_throttled=False)
    stage = Stage("s", throttling=Throttling(rate_limit=1, burst_limit=1))
    own = await start_gateway(WebSocketApi("own", API.routes, stages=[stage]), settings)
    function("default").returns({"statusCode": 200, "body": "served"})
    function("slow").returns({"statusCode": 200, "body": "slow"})
    socket = await own.connect()
    assert await socket.ask("first") == "served"
    await socket.send("second")
    if tells:
        frame = json.loads(str(await socket.receive()))
        assert frame["message"] == "Too Many Requests"
        assert list(frame) == ["message", "connectionId", "requestId"]
    assert await socket.ask({"action": "slow"}) == "slow"  # a bucket of its own
    assert function("default").count == 1


@pytest.mark.row("A62")
@pytest.mark.parametrize(
    "api",
    [
        WebSocketApi("own", [Route(f"r{number}", "default") for number in range(301)]),
        WebSocketApi("own", API.routes, stages=[Stage(f"s{number}") for number in range(11)]),
        WebSocketApi(
            "own",
            API.routes,
            authorizers=[Authorizer(f"a{number}", "authorizer") for number in range(11)],
        ),
    ],
    ids=["routes", "stages", "authorizers"],
)
async def test_quotas_of_an_api(start_gateway: Any, api: WebSocketApi) -> None:
    """More than 300 routes, 10 stages or 10 authorizers are refused when the API is declared."""
    with pytest.raises(InvalidApplication, match="limit"):
        await start_gateway(api)
