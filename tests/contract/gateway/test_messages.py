"""Messages on real sockets: routes, replies, error frames, independence, limits."""

import asyncio
import contextlib
import json

import pytest
import websockets

from emulator.application import Route
from emulator.gateway import GatewaySettings


async def test_a_route_response_answers_with_the_body(world, soon):
    """The body of a route with a route response comes back as one text message."""
    client = await world.connect()
    await client.send('{"action": "echo", "n": 1}')
    assert await soon(client.recv()) == '{"action": "echo", "n": 1}'


async def test_without_a_route_response_nothing_comes_back(world, soon):
    """The body of a route without a route response is dropped."""
    client = await world.connect()
    await client.send('{"action": "silent"}')
    await world.invoker.wait_for("echo")
    await client.send('{"action": "echo"}')
    assert json.loads(await soon(client.recv())) == {"action": "echo"}


@pytest.mark.parametrize("text", ["not json", '{"action": "unknown"}', "[1]", '{"action": "$connect"}'])
async def test_what_matches_no_route_goes_to_default(world, soon, text):
    """Text that is not JSON, an unknown action and a reserved route key all take $default."""
    client = await world.connect()
    await client.send(text)
    assert await soon(client.recv()) == "default"


async def test_no_route_is_forbidden_and_the_connection_stays(make_world, soon):
    """Without a match and without $default the client gets the Forbidden frame and stays connected."""
    async with make_world([Route("echo", "echo", route_response=True)]) as world:
        client = await world.connect()
        for _ in range(2):
            await client.send("?")
            frame = await soon(client.recv())
            (facts, *_) = await world.wait_for("gateway.failed")
            assert frame.startswith('{"message": "Forbidden", "connectionId":"')
            assert json.loads(frame)["connectionId"] == facts["connection_id"]
        assert world.invoker.events == []


@pytest.mark.parametrize("result", [None, "text", [], {"statusCode": 200, "extra": 1}, {"body": {}}])
async def test_a_malformed_response_is_an_internal_server_error(world, soon, result):
    """A response that is not of the proxy form is answered with the Internal server error frame."""
    world.invoker.functions["echo"] = lambda event: result
    client = await world.connect()
    await client.send('{"action": "echo"}')
    assert (await soon(client.recv())).startswith('{"message": "Internal server error", "connectionId":"')


async def test_a_failing_integration_is_an_internal_server_error(world, soon):
    """An invoker that raises becomes an Internal server error frame; the connection stays open."""
    world.invoker.functions["echo"] = lambda event: 1 / 0
    client = await world.connect()
    for _ in range(2):
        await client.send('{"action": "echo"}')
        assert json.loads(await soon(client.recv()))["message"] == "Internal server error"


async def test_an_integration_timeout_is_told(world, soon):
    """A function that takes longer than its route's timeout is answered with the timeout frame."""
    client = await world.connect()
    await client.send('{"action": "impatient"}')
    frame = json.loads(await soon(client.recv()))
    assert list(frame) == ["message", "connectionId", "requestId"]
    assert frame["message"] == "Endpoint request timed out"


async def test_a_slow_message_delays_neither_others_nor_pongs_nor_the_end(world, soon):
    """While a function runs, other messages are answered, pings get pongs, and $disconnect runs."""
    client = await world.connect()
    await client.send('{"action": "stall"}')
    await world.invoker.wait_for("stall")
    await client.send('{"action": "echo"}')
    assert await soon(client.recv()) == '{"action": "echo"}'
    await soon(await client.ping())
    await client.close()
    await world.invoker.wait_for("disconnect")


async def test_messages_in_flight_are_bounded(make_world, soon):
    """Beyond the bound a connection is not read until a message is done; nothing is lost."""
    async with make_world(settings=GatewaySettings(max_in_flight=2)) as world:
        gate = asyncio.Event()

        async def hold(event):
            await gate.wait()
            return {"body": event["body"]}

        world.invoker.functions["echo"] = hold
        client = await world.connect()
        texts = [json.dumps({"action": "echo", "n": n}) for n in range(20)]
        for text in texts:
            await client.send(text)
        await world.invoker.wait_for("echo", 2)
        other = await world.connect()  # a whole handshake later there are still only two
        assert len(await world.invoker.wait_for("echo", 2)) == 2
        gate.set()
        assert sorted([await soon(client.recv()) for _ in texts]) == sorted(texts)
        await other.close()


async def test_a_binary_frame_closes_with_1003(world, soon):
    """Binary frames are not supported inbound."""
    client = await world.connect()
    await client.send(b"\x00")
    with pytest.raises(websockets.ConnectionClosed):
        await soon(client.recv())
    assert client.close_code == 1003
    (event,) = await world.invoker.wait_for("disconnect")
    assert event["requestContext"]["disconnectStatusCode"] == 1003


@pytest.mark.parametrize(
    "sizes", [[32_769], [32_768] * 4 + [1], [1_000_000]], ids=["frame", "message", "huge"]
)
@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_what_is_too_large_closes_with_1009(world, soon, sizes, secure):
    """A frame above 32 KB or a message above 128 KB closes the connection with 1009, seen by the client."""
    client = await connect(world, secure)
    with contextlib.suppress(websockets.ConnectionClosed):
        await client.send(["x" * size for size in sizes] if len(sizes) > 1 else "x" * sizes[0])
    with pytest.raises(websockets.ConnectionClosed):
        await soon(client.recv())
    assert client.close_code == 1009
    (event,) = await world.invoker.wait_for("disconnect")
    assert event["requestContext"]["disconnectStatusCode"] == 1009


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "tls"])
async def test_the_largest_message_passes_both_ways(world, soon, secure):
    """128 KB in frames of 32 KB are taken, and a reply of that size comes back in such frames."""
    client = await connect(world, secure)
    start = '{"action":"echo","x":"'
    text = start + "é" * ((131_072 - len(start) - 2) // 2) + '"}'
    assert len(text.encode()) == 131_072
    parts = [text[start : start + 16_000] for start in range(0, len(text), 16_000)]
    await client.send(parts)
    received = [part async for part in client.recv_streaming()]
    assert "".join(received) == text
    assert [len(part.encode()) <= 32_768 for part in received] == [True] * 4


async def connect(world, secure):
    if not secure:
        return await world.connect()
    client = await websockets.connect(
        world.server.https_url.replace("https:", "wss:"),
        proxy=None,
        compression=None,
        ping_interval=None,
        ssl=world.certificate.client_context(),
    )
    world.clients.append(client)
    return client
