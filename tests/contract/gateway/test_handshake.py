"""The handshake: `$connect` decides it, and its event is AWS's."""

import asyncio
import json
import logging

import pytest
import websockets

from emulator.application import Route

ONLY_ECHO = [Route("echo", "echo", route_response=True)]


async def refused(world, path="", **options):
    with pytest.raises(websockets.InvalidStatus) as caught:
        await world.connect(path, **options)
    return caught.value.response


@pytest.mark.parametrize("status", [200, 201, "200"])
async def test_a_2xx_of_connect_opens_the_connection(world, soon, status):
    """Any 2xx of $connect's function is answered 101."""
    world.invoker.functions["connect"] = lambda event: {"statusCode": status}
    client = await world.connect()
    await client.send("x")
    assert await soon(client.recv()) == "default"


@pytest.mark.parametrize("status", [400, 401, 403, 429, 501])
async def test_another_status_of_connect_is_the_handshakes(world, status):
    """A status other than 2xx refuses the handshake with that status, and no $disconnect follows."""
    world.invoker.functions["connect"] = lambda event: {"statusCode": status, "body": "why"}
    response = await refused(world)
    assert response.status_code == status
    assert "message" in json.loads(response.body)
    assert [name for name, _ in world.invoker.events] == ["connect"]
    assert len(world.gateway.connections) == 0


@pytest.mark.parametrize(
    "function",
    [lambda event: 1 / 0, lambda event: None, lambda event: {"statusCode": 99}, lambda event: {"a": 1}],
)
async def test_a_failing_connect_is_502(world, function):
    """A function that fails, or answers what is no proxy response, refuses with 502."""
    world.invoker.functions["connect"] = function
    assert (await refused(world)).status_code == 502


async def test_a_connect_that_takes_too_long_is_504(make_world):
    """$connect's integration timeout refuses with 504."""
    async with make_world([Route("$connect", "stall", timeout_s=0.05)]) as world:
        assert (await refused(world)).status_code == 504


async def test_without_a_connect_route_the_handshake_is_accepted(make_world, soon):
    """A route for $connect is optional."""
    async with make_world(ONLY_ECHO) as world:
        client = await world.connect()
        await client.send('{"action": "echo"}')
        assert await soon(client.recv()) == '{"action": "echo"}'


async def test_the_handshake_waits_for_connect(world, soon):
    """101 is not sent before $connect's function is done."""
    gate = asyncio.Event()

    async def hold(event):
        await gate.wait()
        return {"statusCode": 200}

    world.invoker.functions["connect"] = hold
    connecting = asyncio.create_task(world.connect())
    await world.invoker.wait_for("connect")
    assert not connecting.done()
    gate.set()
    await soon(connecting)


async def test_a_subprotocol_comes_from_the_functions_header_only(world):
    """The gateway echoes no subprotocol by itself; the function's header is the answer's."""
    client = await world.connect(subprotocols=["streamer.v1", "other"])
    assert client.subprotocol is None
    answer = {"statusCode": 200, "headers": {"sec-websocket-protocol": "other"}}
    world.invoker.functions["connect"] = lambda event: answer
    client = await world.connect(subprotocols=["streamer.v1", "other"])
    assert client.subprotocol == "other"


async def test_a_subprotocol_that_was_not_offered_fails_at_the_client(world):
    """The function's header goes out as it is; the client refuses what it did not ask for (A13, A14)."""
    answer = {"statusCode": 200, "headers": {"Sec-WebSocket-Protocol": "a, b"}}
    world.invoker.functions["connect"] = lambda event: answer
    with pytest.raises(websockets.InvalidHandshake) as caught:
        await world.connect(subprotocols=["a", "b"])
    assert not isinstance(caught.value, websockets.InvalidStatus)
    (facts,) = await world.wait_for("gateway.connect")
    assert facts["connection_id"]


async def test_deflate_is_not_negotiated(world):
    """An offer of permessage-deflate is not taken up."""
    client = await world.connect(compression="deflate")
    assert "Sec-WebSocket-Extensions" not in client.response.headers


@pytest.mark.parametrize("path", ["/more", "x", "//", "/@connections"])
async def test_another_path_is_403(world, path):
    """Only the stage is a path."""
    assert (await refused(world, path)).status_code == 403


async def test_a_trailing_slash_is_the_stage_too(world):
    """AWS's own documents use one."""
    await world.connect("/?a=b")


async def test_a_url_over_4096_characters_is_refused(world):
    """The quota counts path and query."""
    path = "?token="
    room = 4096 - len("/local" + path)
    await world.connect(path + "x" * room)
    assert (await refused(world, path + "x" * (room + 1))).status_code == 414


async def test_the_connect_event(world):
    """The event carries the client's headers as it wrote them, AWS's own, and the query."""
    await world.connect(
        "?token=a%20b&x=1&x=2&empty=",
        additional_headers={
            "x-LoWer-Case": "kept",
            "authorization": "Bearer t",
            "x-forwarded-for": "9.9.9.9",
        },
        user_agent_header="me/1",
    )
    (event,) = await world.invoker.wait_for("connect")
    domain = f"localhost:{world.server.tls_port}"
    assert list(event) == [
        "headers",
        "multiValueHeaders",
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "requestContext",
        "isBase64Encoded",
    ]
    assert set(event["headers"]) == {
        "authorization",
        "Host",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Version",
        "User-Agent",
        "X-Amzn-Trace-Id",
        "X-Forwarded-For",
        "X-Forwarded-Port",
        "X-Forwarded-Proto",
        "x-LoWer-Case",
    }
    assert event["headers"]["Host"] == event["requestContext"]["domainName"] == domain
    assert event["headers"]["X-Forwarded-For"] == "9.9.9.9, 127.0.0.1"
    assert event["multiValueHeaders"]["authorization"] == ["Bearer t"]
    assert event["queryStringParameters"] == {"token": "a b", "x": "2", "empty": ""}
    assert event["multiValueQueryStringParameters"]["x"] == ["1", "2"]
    assert event["requestContext"]["identity"] == {"userAgent": "me/1", "sourceIp": "127.0.0.1"}


async def test_ids_agree_over_a_connections_events(world, soon):
    """connectionId, connectedAt and domainName are the same in CONNECT, MESSAGE and DISCONNECT."""
    client = await world.connect()
    await client.send("x")
    await soon(client.recv())
    await client.close()
    await world.invoker.wait_for("disconnect")
    contexts = [event["requestContext"] for _, event in world.invoker.events]
    assert [context["eventType"] for context in contexts] == ["CONNECT", "MESSAGE", "DISCONNECT"]
    for name in ("connectionId", "connectedAt", "domainName", "apiId", "stage", "identity"):
        assert len({json.dumps(context[name]) for context in contexts}) == 1, name
    assert len({context["requestId"] for context in contexts}) == 3


async def test_nothing_secret_is_recorded_or_logged(world, soon, caplog):
    """Query, headers and bodies appear neither in the timeline nor in any log, however verbose."""
    caplog.set_level(logging.DEBUG)
    client = await world.connect("?token=SECRET", additional_headers={"Authorization": "Bearer SECRET"})
    await client.send('{"action": "echo", "x": "SECRET"}')
    await soon(client.recv())
    await client.close()
    await world.wait_for("gateway.close")
    await refused(world, "/wrong?token=SECRET")
    assert "SECRET" not in repr(list(world.timeline.entries()))
    ours = [record for record in caplog.records if not record.name.startswith("websockets.client")]
    assert ours
    assert not [record for record in ours if "SECRET" in repr(record.__dict__)]
    kinds = [entry.kind for entry in world.timeline.entries()]
    assert kinds == [
        "gateway.connect",
        "gateway.message",
        "gateway.reply",
        "gateway.close",
        "gateway.refused",
    ]
