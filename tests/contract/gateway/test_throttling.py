"""What a throttled client, message or post is answered (rows A16, A60, A61, D9)."""

import asyncio
import json

import boto3
import pytest
import websockets
from botocore.config import Config

from emulator.application import Route, Stage, Throttling
from emulator.gateway import GatewaySettings
from emulator.gateway.throttling import AccountLimits

ECHO = [Route("$connect", "connect"), Route("echo", "echo", route_response=True), Route("other", "echo")]
LIMITED = (Stage("local", route_throttling={"echo": Throttling(1, 1)}),)


async def refused(world):
    with pytest.raises(websockets.InvalidStatus) as caught:
        await world.connect()
    return caught.value.response


async def test_connections_above_the_rate_are_429(make_world):
    """A handshake above the account's rate is refused before `$connect` runs; a second later it is not."""
    async with make_world(limits=AccountLimits(connections_per_s=1, connection_burst=1)) as world:
        await world.connect()
        response = await refused(world)
        assert (response.status_code, json.loads(response.body)) == (429, {"message": "Too Many Requests"})
        assert len(await world.invoker.wait_for("connect")) == 1
        world.clock.advance(1)
        await world.connect()


async def test_a_throttled_connect_route_is_429(make_world):
    """The limits of the `$connect` route hold for handshakes."""
    stages = (Stage("local", route_throttling={"$connect": Throttling(1, 1)}),)
    async with make_world(ECHO, stages=stages) as world:
        await world.connect()
        assert (await refused(world)).status_code == 429


async def test_a_throttled_message_gets_a_frame_and_the_connection_stays(make_world, soon):
    """Above a route's rate no function runs; the client is told in the form of the gateway's errors."""
    async with make_world(ECHO, stages=LIMITED) as world:
        client = await world.connect()
        text = '{"action": "echo"}'
        await client.send(text)
        assert await soon(client.recv()) == text
        await client.send(text)
        frame = await soon(client.recv())
        (facts,) = await world.wait_for("gateway.failed")
        assert frame == (
            f'{{"message": "Too Many Requests", "connectionId":"{facts["connection_id"]}",'
            f' "requestId":"{facts["request_id"]}"}}'
        )
        assert len(await world.invoker.wait_for("echo")) == 1
        world.clock.advance(1)
        await client.send(text)
        assert await soon(client.recv()) == text


async def test_a_throttled_message_can_be_dropped_without_a_word(make_world, soon):
    """The frame is not documented, so it can be switched off; another route goes on."""
    routes = [*ECHO, Route("$default", "default", route_response=True)]
    async with make_world(routes, stages=LIMITED, settings=GatewaySettings(tell_throttled=False)) as world:
        client = await world.connect()
        await client.send('{"action": "echo"}')
        await soon(client.recv())
        await client.send('{"action": "echo"}')
        await world.wait_for("gateway.failed")
        await client.send("x")
        assert await soon(client.recv()) == "default"


async def test_messages_without_a_route_count_too(make_world, soon):
    """What finds no route uses up the account's requests as any other message does."""
    async with make_world(ECHO, limits=AccountLimits(requests_per_s=1, request_burst=2)) as world:
        client = await world.connect()
        for expected in ("Forbidden", "Too Many Requests"):
            await client.send("?")
            assert json.loads(await soon(client.recv()))["message"] == expected


async def test_calls_of_connections_share_the_accounts_requests(make_world):
    """Above the account's rate boto3 raises LimitExceededException for every call of `@connections`."""
    async with make_world(ECHO, limits=AccountLimits(requests_per_s=1, request_burst=2)) as world:
        await world.connect()
        (event,) = await world.invoker.wait_for("connect")
        connection_id = event["requestContext"]["connectionId"]
        management = boto3.client(
            "apigatewaymanagementapi",
            endpoint_url=world.server.management_url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(proxies={}, retries={"max_attempts": 0}),
        )
        await asyncio.to_thread(management.post_to_connection, ConnectionId=connection_id, Data=b"x")
        for call, more in (
            (management.post_to_connection, {"Data": b"x"}),
            (management.get_connection, {}),
            (management.delete_connection, {}),
        ):
            with pytest.raises(management.exceptions.LimitExceededException) as caught:
                await asyncio.to_thread(call, ConnectionId=connection_id, **more)
            assert caught.value.response["Error"]["Message"] == "Too Many Requests"
        world.clock.advance(1)
        await asyncio.to_thread(management.get_connection, ConnectionId=connection_id)
        management.close()
