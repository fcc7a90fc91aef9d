"""Rows A16 and A60 to A62: what one account may do in a second, and how much one API may have."""

import asyncio
import json
from contextlib import AsyncExitStack
from typing import Any

import pytest

from emulator.application import Authorizer, Route, Stage, Throttling, WebSocketApi
from emulator.errors import InvalidApplication
from emulator.gateway import GatewaySettings
from emulator.gateway.throttling import AccountLimits
from scripts.parity_harness.sockets import frame

ROUTES = [
    Route("$default", "default", route_response=True),
    Route("other", "other", route_response=True),
]
API = WebSocketApi("own", ROUTES)
SERVED = {"statusCode": 200, "body": "served"}


@pytest.mark.row("A16")
async def test_rate_of_new_connections(start_gateway: Any) -> None:
    """500 handshakes pass in one moment and the next is 429; a second later there is room for 500 more."""
    own = await start_gateway(API)
    async with AsyncExitStack() as stack:

        async def connect() -> int:
            status, _ = await (await stack.enter_async_context(own.wire())).handshake()
            return int(status)

        assert [await connect() for _ in range(501)] == [101] * 500 + [429]
        own.clock.advance(0.002)
        assert [await connect() for _ in range(2)] == [101, 429]
        own.clock.advance(60)
        assert [await connect() for _ in range(501)] == [101] * 500 + [429]
        assert len(own.gateway.connections) == 1001  # there is no limit of open ones


@pytest.mark.row("A16")
async def test_throttled_handshake_runs_nothing(start_gateway: Any, function: Any) -> None:
    """A client above the rate is told Too Many Requests; neither `$connect` nor `$disconnect` runs."""
    api = WebSocketApi("own", [Route("$connect", "connect"), Route("$disconnect", "disconnect"), *ROUTES])
    own = await start_gateway(api, limits=AccountLimits(connections_per_s=1, connection_burst=1))
    first = await own.connect()
    refusal = await own.refused()
    assert (refusal.status, json.loads(refusal.body)) == (429, {"message": "Too Many Requests"})
    await first.close()
    await function("disconnect").event()
    assert (function("connect").count, function("disconnect").count) == (1, 1)


@pytest.mark.row("A60", "A61")
async def test_rate_of_requests(start_gateway: Any) -> None:
    """5,000 requests pass in one moment, the handshake among them; then 10,000 a second."""
    own = await start_gateway(WebSocketApi("own", [Route("known", "other")]))
    async with own.wire() as wire:
        await wire.handshake()

        async def ask(count: int) -> list[str]:
            answers = []
            for _ in range(count):
                await wire.write(frame(0x81, b'{"action": "unknown"}'))
                _, payload = await wire.read_frame()
                answers.append(json.loads(payload)["message"])
            return answers

        assert await ask(5000) == ["Forbidden"] * 4999 + ["Too Many Requests"]
        own.clock.advance(0.01)
        assert await ask(101) == ["Forbidden"] * 100 + ["Too Many Requests"]


@pytest.mark.row("A60")
async def test_account_throttles_messages_and_posts_together(start_gateway: Any, function: Any) -> None:
    """Handshakes, messages and posts take from one bucket of the account."""
    own = await start_gateway(API, limits=AccountLimits(requests_per_s=1, request_burst=2))
    function("default").returns(SERVED)
    socket = await own.connect()
    (connection,) = own.gateway.connections.list_open()
    assert await socket.ask("second") == "served"
    client = own.management()
    with pytest.raises(client.exceptions.LimitExceededException):
        await asyncio.to_thread(client.post_to_connection, ConnectionId=connection.id, Data=b"third")
    own.clock.advance(1)
    await asyncio.to_thread(client.post_to_connection, ConnectionId=connection.id, Data=b"fourth")
    assert await socket.receive() == "fourth"
    assert "Too Many Requests" in await socket.ask("fifth")
    own.clock.advance(1)
    assert await socket.ask("sixth") == "served"


@pytest.mark.row("A60", "A61")
async def test_route_with_a_limit_of_its_own(parity: Any) -> None:
    """A route's own limit throttles its messages and no other's; the client stays connected."""
    socket = await parity.open("throttled")
    parity.function("limited").returns(SERVED)
    answers = [await socket.ask({"action": "limited"}) for _ in range(2)]
    assert await socket.ask({"action": "reply"}) == "reply"
    assert "Too Many Requests" in str(answers[1])
    assert parity.function("limited").count <= 1  # a run before this one may have taken the only token


@pytest.mark.row("A60")
async def test_limits_of_stage_and_route(start_gateway: Any, function: Any) -> None:
    """A stage's limit holds for each of its routes alone; a route's own goes before it."""
    stage = Stage("s", throttling=Throttling(1, 1), route_throttling={"other": Throttling(1, 2)})
    own = await start_gateway(WebSocketApi("own", ROUTES, stages=[stage, Stage("free")]))
    for name in ("default", "other"):
        function(name).returns(SERVED)
    socket = await own.connect()
    answers = [await socket.ask(text) for text in ("x", "x", *['{"action": "other"}'] * 3)]
    assert [answer == "served" for answer in answers] == [True, False, True, True, False]
    unlimited = await own.connect(stage="free")
    assert [await unlimited.ask("x") for _ in range(3)] == ["served"] * 3


@pytest.mark.row("A61", switch="GatewaySettings.tell_throttled")
@pytest.mark.parametrize("tells", [True, False], ids=["default", "switched"])
async def test_throttled_message(start_gateway: Any, function: Any, *, tells: bool) -> None:
    """A throttled message is answered by a frame; by a switch it is dropped without a word."""
    settings = GatewaySettings() if tells else GatewaySettings(tell_throttled=False)
    stage = Stage("s", throttling=Throttling(rate_limit=1, burst_limit=1))
    own = await start_gateway(WebSocketApi("own", ROUTES, stages=[stage]), settings)
    for name in ("default", "other"):
        function(name).returns({"statusCode": 200, "body": name})
    socket = await own.connect()
    (connection,) = own.gateway.connections.list_open()
    assert await socket.ask("first") == "default"
    await socket.send("second")
    if tells:
        text = str(await socket.receive())
        found = json.loads(text)
        assert text == (
            f'{{"message": "Too Many Requests", "connectionId":"{connection.id}",'
            f' "requestId":"{found["requestId"]}"}}'
        )
    assert await socket.ask({"action": "other"}) == "other"
    assert function("default").count == 1


@pytest.mark.row("A62")
@pytest.mark.parametrize("what", ["routes", "stages", "authorizers"])
async def test_quotas_of_an_api(start_gateway: Any, what: str) -> None:
    """300 routes, 10 stages and 10 authorizers are served; one more is refused with the quota's name."""

    def api(more: int) -> WebSocketApi:
        count = (300 if what == "routes" else 10) + more
        if what == "routes":
            return WebSocketApi("own", [Route(f"r{number}", "default") for number in range(count)])
        if what == "stages":
            return WebSocketApi("own", ROUTES, stages=[Stage(f"s{number}") for number in range(count)])
        authorizers = [Authorizer(f"a{number}", "authorizer") for number in range(count)]
        return WebSocketApi("own", ROUTES, authorizers=authorizers)

    await (await start_gateway(api(0))).connect()
    with pytest.raises(InvalidApplication, match=f"{what}, and .* is AWS's limit"):
        await start_gateway(api(1))
