"""Rows A1 to A17: the handshake."""

import asyncio
import json
from typing import Any

import pytest

from emulator.application import Route, WebSocketApi
from emulator.gateway import GatewaySettings

REFUSING = WebSocketApi("refusing", [Route("$connect", "connect")])


@pytest.mark.row("A1")
@pytest.mark.parametrize("path", ["", "/", "/?token=x", "?token=x"])
async def test_stage_is_the_path_with_or_without_a_slash(parity: Any, path: str) -> None:
    """A client connects to the stage's path; one trailing slash and a query are fine."""
    socket = await parity.open("main", path)
    assert socket.event["requestContext"]["stage"] == "prod"


@pytest.mark.row("A2")
@pytest.mark.parametrize("path", ["/more", "//", "/more/path?a=b"])
async def test_more_path_than_the_stage_is_forbidden(parity: Any, path: str) -> None:
    """What follows the stage in the path leads nowhere: 403, and no function runs."""
    refusal = await parity.refused("main", path)
    assert refusal.status == 403
    assert parity.function("connect").count == 0


@pytest.mark.row("A2")
async def test_another_stage_is_forbidden(parity: Any) -> None:
    """A stage that the API does not have is 403."""
    async with parity.wire("main") as wire:
        status, _ = await wire.handshake("/nobody")
    assert status == 403


@pytest.mark.row("A2")
async def test_each_stage_is_its_own(parity: Any) -> None:
    """The path chooses the stage, which its events name."""
    for stage in ("prod", "beta"):
        socket = await parity.open("main", stage=stage)
        assert socket.event["requestContext"]["stage"] == stage


@pytest.mark.row("A3")
async def test_url_of_4096_characters_is_the_longest(parity: Any) -> None:
    """A path and query of 4,096 characters connect; one character more does not."""
    room = 4096 - len("/prod?a=")
    if parity.target.name != "streamer":
        room -= 60  # its paths have more before the stage
    await parity.connect("main", "?a=" + "x" * room)
    refusal = await parity.refused("main", "?a=" + "x" * (4096 - len("?a=")))
    assert 400 <= refusal.status < 500


@pytest.mark.row("A4")
async def test_upgrade_waits_for_connect(parity: Any) -> None:
    """The handshake is answered only after `$connect` has returned."""
    parity.function("connect").holds()
    dialling = asyncio.create_task(parity.connect())
    held = await parity.function("connect").invocation()
    assert not dialling.done()
    held.release()
    await dialling


@pytest.mark.row("A4")
async def test_authorizer_comes_before_connect(parity: Any) -> None:
    """The authorizer decides first; `$connect` runs when it has allowed."""
    parity.function("authorizer").holds()
    dialling = asyncio.create_task(parity.connect("guarded"))
    held = await parity.function("authorizer").invocation()
    assert parity.function("connect").count == 0
    held.release()
    await dialling
    assert parity.function("connect").count == 1


@pytest.mark.row("A5")
async def test_connect_route_is_optional(parity: Any) -> None:
    """An API without `$connect` accepts every handshake."""
    socket = await parity.connect("unconnected")
    assert await socket.ask({"action": "reply"}) == "reply"


@pytest.mark.row("A6")
@pytest.mark.parametrize("status", [200, 201, 204, 299, "200"])
async def test_any_2xx_of_connect_opens(parity: Any, status: Any) -> None:
    """Whatever 2xx `$connect` returns, the connection opens."""
    parity.function("connect").returns({"statusCode": status})
    socket = await parity.connect()
    assert await socket.ask({"action": "reply"}) == "reply"


@pytest.mark.row("A7")
@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 500, 501])
async def test_status_of_connect_is_the_handshakes(parity: Any, status: int) -> None:
    """A status of `$connect` outside 2xx is the status with which the handshake fails."""
    parity.function("connect").returns({"statusCode": status})
    assert (await parity.refused()).status == status


@pytest.mark.row("A8")
async def test_connect_that_raises_is_bad_gateway(parity: Any) -> None:
    """A `$connect` that raises gives 502."""
    parity.function("connect").raises("no")
    assert (await parity.refused()).status == 502


@pytest.mark.row("A8")
@pytest.mark.parametrize("value", [None, "200", [200], {"status": 200}])
async def test_connect_without_a_proxy_response_is_bad_gateway(parity: Any, value: Any) -> None:
    """A `$connect` that returns what is no proxy response gives 502."""
    parity.function("connect").returns(value)
    assert (await parity.refused()).status == 502


@pytest.mark.row("A8")
async def test_connect_that_cannot_be_loaded_is_bad_gateway(parity: Any) -> None:
    """A `$connect` whose init fails gives 502."""
    assert (await parity.refused("broken")).status == 502


@pytest.mark.row("A9", switch="GatewaySettings.pass_refusal_body")
@pytest.mark.parametrize("passes", [False, True], ids=["default", "switched"])
async def test_body_of_a_refused_handshake(start_gateway: Any, function: Any, *, passes: bool) -> None:
    """The gateway words the refusal; by a switch the function's own body and headers reach the client."""
    settings = GatewaySettings(pass_refusal_body=True) if passes else GatewaySettings()
    own = await start_gateway(REFUSING, settings)
    function("connect").returns({"statusCode": 401, "body": "go away", "headers": {"X-Why": "because"}})
    refusal = await own.refused()
    assert refusal.status == 401
    if passes:
        assert (refusal.body, refusal.headers["x-why"]) == (b"go away", "because")
    else:
        assert "message" in json.loads(refusal.body)
        assert "x-why" not in refusal.headers


@pytest.mark.row("A10")
async def test_connect_that_takes_too_long_is_a_gateway_timeout(parity: Any) -> None:
    """A `$connect` beyond its integration's timeout gives 504."""
    parity.function("connect").holds()
    assert (await parity.refused("hurried")).status == 504


@pytest.mark.row("A11")
async def test_authorizer_refuses_with_401_or_403(parity: Any, steps: Any, policy: Any) -> None:
    """An authorizer that says Unauthorized gives 401, one that denies 403."""
    parity.function("authorizer").raises("Unauthorized")
    assert (await parity.refused("guarded")).status == 401
    parity.function("authorizer").does(lambda one: steps.returns(policy(one.event, "Deny")))
    assert (await parity.refused("guarded")).status == 403


@pytest.mark.row("A12")
async def test_refused_handshake_has_no_disconnect(parity: Any) -> None:
    """`$disconnect` is not invoked for a handshake that failed, only for the connection after it."""
    parity.function("connect").returns({"statusCode": 403}, once=True)
    await parity.refused()
    await parity.function("connect").event()
    socket = await parity.open()
    await socket.close()
    event = await parity.function("disconnect").event()
    assert event["requestContext"]["connectionId"] == socket.connection_id
    assert parity.function("disconnect").count == 1


@pytest.mark.row("A13")
async def test_subprotocol_is_the_one_that_connect_returns(parity: Any) -> None:
    """`$connect` sees the offered subprotocols as one header and chooses by returning one."""
    header = {"Sec-WebSocket-Protocol": "second"}
    parity.function("connect").returns({"statusCode": 200, "headers": header})
    socket = await parity.open(subprotocols=["first", "second"])
    assert socket.subprotocol == "second"
    offered = socket.event["headers"]["Sec-WebSocket-Protocol"]
    assert [name.strip() for name in offered.split(",")] == ["first", "second"]


@pytest.mark.row("A14")
async def test_subprotocol_is_not_echoed(parity: Any) -> None:
    """A subprotocol that `$connect` does not return is not in the answer."""
    async with parity.wire() as wire:
        status, head = await wire.handshake(headers="Sec-WebSocket-Protocol: first, second\r\n")
    assert status == 101
    assert b"sec-websocket-protocol" not in head.lower()
