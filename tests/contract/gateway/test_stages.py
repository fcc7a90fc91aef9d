"""Several stages of one API, and how a refused handshake is answered."""

import json

import pytest
import websockets

from emulator.application import Authorizer, Route, Stage
from emulator.gateway import GatewaySettings

STAGES = [Stage("prod", {"colour": "blue"}), Stage("test")]


def at(world, path):
    return f"ws://127.0.0.1:{world.server.port}{path}"


async def refused(world, uri, **options):
    with pytest.raises(websockets.InvalidStatus) as caught:
        await world.connect(uri=uri, **options)
    return caught.value.response


async def test_the_path_picks_the_stage(make_world, soon):
    """Each stage has its path, with or without a slash; events of the connection name it (A1)."""
    async with make_world(stages=STAGES) as world:
        for path, stage in (("/prod", "prod"), ("/test", "test"), ("/test/", "test"), ("/prod/?a=b", "prod")):
            world.invoker.events.clear()
            client = await world.connect(uri=at(world, path))
            await client.send("x")
            await soon(client.recv())
            await client.close()
            await world.invoker.wait_for("disconnect")
            contexts = [event["requestContext"] for _, event in world.invoker.events]
            assert [context["stage"] for context in contexts] == [stage] * 3


@pytest.mark.parametrize(
    "path", ["", "/", "/local", "/prod/more", "/prod//", "//prod", "/Prod", "/prod/test"]
)
async def test_any_other_path_is_403(make_world, path):
    """The path carries the stage and nothing else (A2)."""
    async with make_world(stages=STAGES) as world:
        response = await refused(world, at(world, path))
        assert response.status_code == 403
        assert response.body == b'{"message":"Forbidden"}'
        assert response.headers["x-amzn-ErrorType"] == "ForbiddenException"
        assert world.invoker.events == []


async def test_stage_variables_are_the_stages(make_world):
    """CONNECT and the authorizer's event have them; a stage without any has no such member in CONNECT."""
    options = {
        "routes": [Route("$connect", "connect", authorizer="gate")],
        "authorizers": [Authorizer("gate", "gate", ["stageVariables.colour"])],
        "stages": STAGES,
    }
    async with make_world(**options) as world:
        world.invoker.functions["gate"] = lambda event: {
            "principalId": "me",
            "policyDocument": {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}},
        }
        await world.connect(uri=at(world, "/prod"))
        (_, asked), (_, connect) = world.invoker.events
        assert asked["stageVariables"] == connect["stageVariables"] == {"colour": "blue"}
        assert asked["methodArn"].endswith("/prod/$connect")
        # The other stage lacks the variable that is an identity source.
        assert (await refused(world, at(world, "/test"))).status_code == 401


@pytest.mark.parametrize("everywhere", [False, True])
async def test_stage_variables_in_other_events_are_a_setting(make_world, soon, everywhere):
    """Whether AWS puts them into MESSAGE and DISCONNECT events is unknown."""
    settings = GatewaySettings(stage_variables_in_every_event=everywhere)
    async with make_world(stages=STAGES, settings=settings) as world:
        client = await world.connect()
        await client.send("x")
        await soon(client.recv())
        await client.close()
        await world.invoker.wait_for("disconnect")
        found = ["stageVariables" in event for _, event in world.invoker.events]
        assert found == [True, everywhere, everywhere]


@pytest.mark.parametrize("passes", [False, True])
async def test_what_a_refusing_connect_says_is_a_setting(make_world, passes):
    """The status is the function's; its headers and body reach the client only where that is set (A7, A9)."""
    async with make_world(settings=GatewaySettings(pass_refusal_body=passes)) as world:
        world.invoker.functions["connect"] = lambda event: {
            "statusCode": 403,
            "headers": {"X-Why": "because", "Content-Type": "text/plain"},
            "body": "no",
        }
        response = await refused(world, None)
        assert response.status_code == 403
        if passes:
            assert response.body == b"no"
            assert response.headers["X-Why"] == "because"
            assert response.headers["Content-Type"] == "text/plain"
        else:
            assert json.loads(response.body) == {"message": "Forbidden"}
            assert "X-Why" not in response.headers


@pytest.mark.parametrize(
    ("route", "status", "message"),
    [
        (Route("$connect", "fails"), 502, "Internal server error"),
        (Route("$connect", "stall", timeout_s=0.05), 504, "Endpoint request timed out"),
    ],
)
async def test_a_failing_connect_has_rests_wording(make_world, route, status, message):
    """A8, A10: a failed and a slow $connect are answered as a REST API does."""
    async with make_world([route]) as world:
        world.invoker.functions["fails"] = lambda event: 1 / 0
        response = await refused(world, None)
        assert response.status_code == status
        assert json.loads(response.body) == {"message": message}
        assert response.headers["x-amzn-ErrorType"] == "InternalServerErrorException"
