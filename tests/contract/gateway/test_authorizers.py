"""Authorizers and API keys on real sockets: who is let in, and what the events say of them."""

import asyncio
import json
import logging
import re

import pytest
import websockets

from emulator.application import Authorizer, Route, Stage, WebSocketApi
from emulator.clock import ManualClock
from emulator.errors import InvalidApplication, TooManyRequests
from emulator.gateway import Gateway, GatewaySettings
from emulator.invocation import InvocationResult
from emulator.telemetry.timeline import Timeline

SOURCES = ("route.request.header.Auth", "route.request.querystring.token")


def routes(**connect):
    return [
        Route("$connect", "connect", **connect),
        Route("$disconnect", "disconnect"),
        Route("$default", "default", route_response=True),
    ]


GUARDED = {"routes": routes(authorizer="gate"), "authorizers": [Authorizer("gate", "gate")]}


def allow(event, effect="Allow", **more):
    statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": event["methodArn"]}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {"principalId": "me", "policyDocument": policy, **more}


def error(message):
    return InvocationResult("r", json.dumps({"errorMessage": message}).encode(), "Unhandled")


async def refused(world, path="", **options):
    with pytest.raises(websockets.InvalidStatus) as caught:
        await world.connect(path, **options)
    return caught.value.response


def called(world):
    return [name for name, _ in world.invoker.events]


async def test_the_context_is_in_every_event(make_world, soon):
    """CONNECT, MESSAGE and DISCONNECT have context and principalId, CONNECT integrationLatency too (C12)."""
    async with make_world(**GUARDED) as world:
        world.invoker.functions["gate"] = lambda event: allow(event, context={"n": 1, "yes": True, "t": "x"})
        client = await world.connect()
        await client.send("hello")
        assert await soon(client.recv()) == "default"
        await client.close()
        await world.invoker.wait_for("disconnect")
        assert called(world) == ["gate", "connect", "default", "disconnect"]
        context = {"n": "1", "yes": "true", "t": "x", "principalId": "me"}
        (_, asked), (_, connect), (_, message), (_, end) = world.invoker.events
        assert list(connect["requestContext"])[:2] == ["routeKey", "authorizer"]
        assert list(message["requestContext"])[:2] == ["routeKey", "authorizer"]
        assert list(end["requestContext"])[:3] == ["routeKey", "disconnectStatusCode", "authorizer"]
        latency = connect["requestContext"]["authorizer"].pop("integrationLatency")
        assert type(latency) is int
        assert [e["requestContext"]["authorizer"] for e in (connect, message, end)] == [context] * 3
        assert "authorizer" not in asked["requestContext"]


async def test_the_authorizers_event(make_world):
    """It names the connection that follows, and has the client's headers in the client's case (C2, C3)."""
    async with make_world(**GUARDED) as world:
        world.invoker.functions["gate"] = allow
        await world.connect("?a=1&a=2", additional_headers={"x-OWN": "kept"})
        (_, asked), (_, connect) = world.invoker.events
        assert list(asked) == [
            "type",
            "methodArn",
            "headers",
            "multiValueHeaders",
            "queryStringParameters",
            "multiValueQueryStringParameters",
            "stageVariables",
            "requestContext",
        ]
        api_id = asked["requestContext"]["apiId"]
        assert asked["methodArn"] == f"arn:aws:execute-api:us-east-1:000000000000:{api_id}/local/$connect"
        extra = {"Connection": "upgrade", "Upgrade": "websocket", "content-length": "0"}
        assert asked["headers"] == {**connect["headers"], **extra}
        assert asked["headers"]["x-OWN"] == "kept"
        assert asked["multiValueQueryStringParameters"] == {"a": ["1", "2"]}
        assert asked["stageVariables"] == {}
        del connect["requestContext"]["authorizer"]
        assert asked["requestContext"] == connect["requestContext"]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("?token=t", {}),
        ("", {"Auth": "a"}),
        ("?token=", {"Auth": "a"}),
        ("?token=t", {"Auth": ""}),
        ("?Token=t", {"Auth": "a"}),
    ],
)
async def test_a_missing_identity_source_is_401_without_a_call(make_world, path, headers):
    """Every source must be there and not empty; the authorizer is not asked otherwise (C9)."""
    options = GUARDED | {"authorizers": [Authorizer("gate", "gate", SOURCES)]}
    async with make_world(**options) as world:
        response = await refused(world, path, additional_headers=headers)
        assert response.status_code == 401
        assert json.loads(response.body) == {"message": "Unauthorized"}
        assert world.invoker.events == []


async def test_identity_sources_that_are_there_let_the_authorizer_decide(make_world):
    """Header names match in any case."""
    options = GUARDED | {"authorizers": [Authorizer("gate", "gate", SOURCES)]}
    async with make_world(**options) as world:
        world.invoker.functions["gate"] = allow
        await world.connect("?token=t", additional_headers={"AUTH": "a"})
        assert called(world) == ["gate", "connect"]


@pytest.mark.parametrize(
    ("decide", "status", "body"),
    [
        (lambda event: error("Unauthorized"), 401, {"message": "Unauthorized"}),
        (
            lambda event: allow(event, "Deny"),
            403,
            {"Message": "User is not authorized to access this resource with an explicit deny"},
        ),
        (
            lambda event: allow({"methodArn": event["methodArn"].replace("$connect", "*/*")}),
            403,
            {"Message": "User is not authorized to access this resource"},
        ),
        (lambda event: error("other"), 500, {"message": "Internal server error"}),
        (lambda event: 1 / 0, 500, {"message": "Internal server error"}),
        (lambda event: {"statusCode": 401}, 500, {"message": "Internal server error"}),
        (lambda event: None, 500, {"message": "Internal server error"}),
        (lambda event: allow(event, context={"a": []}), 500, {"message": "Internal server error"}),
        (lambda event: allow(event, context={"a": "x" * 8192}), 500, {"message": "Internal server error"}),
    ],
    ids=["unauthorized", "deny", "rest", "error", "crash", "status", "null", "context", "size"],
)
async def test_who_is_not_let_in(make_world, decide, status, body):
    """The authorizer's outcome is the handshake's status; $connect is not run, nothing remains (C5 to C8)."""
    async with make_world(**GUARDED) as world:
        world.invoker.functions["gate"] = decide
        response = await refused(world)
        assert response.status_code == status
        assert json.loads(response.body) == body
        assert called(world) == ["gate"]
        assert len(world.gateway.connections) == 0


async def throttled(event):
    raise TooManyRequests("gate", "ReservedFunctionConcurrentInvocationLimitExceeded")


@pytest.mark.parametrize("decide", [lambda event: asyncio.Event().wait(), throttled], ids=["slow", "busy"])
async def test_an_authorizer_that_cannot_answer_is_500(make_world, decide):
    """Too long and throttled are no decision."""
    settings = GatewaySettings(authorizer_timeout_s=0.05)
    async with make_world(**GUARDED, settings=settings) as world:
        world.invoker.functions["gate"] = decide
        assert (await refused(world)).status_code == 500


async def test_the_authorizer_is_asked_for_each_connection(make_world, soon):
    """Once per connection, nothing is cached, and not for messages (C1, C11)."""
    async with make_world(**GUARDED) as world:
        world.invoker.functions["gate"] = allow
        for _ in range(2):
            client = await world.connect("?token=same")
            for _ in range(2):
                await client.send("x")
                await soon(client.recv())
        assert called(world).count("gate") == 2


async def test_connect_decides_after_the_authorizer(make_world):
    """An allowed client can still be refused by $connect."""
    async with make_world(**GUARDED) as world:
        world.invoker.functions |= {"gate": allow, "connect": lambda event: {"statusCode": 409}}
        assert (await refused(world)).status_code == 409
        assert called(world) == ["gate", "connect"]


@pytest.mark.parametrize(("key", "status"), [("good", None), ("bad", 403), ("", 403), (None, 403)])
async def test_an_api_key_in_the_header(make_world, key, status):
    """A missing or wrong key is 403, without a call of $connect (C15)."""
    async with make_world(routes(api_key_required=True), api_keys=["good"]) as world:
        headers = {} if key is None else {"X-Api-Key": key}
        if status is None:
            await world.connect(additional_headers=headers)
            assert called(world) == ["connect"]
        else:
            response = await refused(world, additional_headers=headers)
            assert response.status_code == status
            assert json.loads(response.body) == {"message": "Forbidden"}
            assert world.invoker.events == []


@pytest.mark.parametrize(("key", "status"), [("good", None), ("bad", 403), (None, 403)])
async def test_an_api_key_of_the_authorizer(make_world, key, status):
    """With the authorizer's expression its usageIdentifierKey counts, not the header (C15)."""
    options = {
        "routes": routes(authorizer="gate", api_key_required=True),
        "authorizers": [Authorizer("gate", "gate")],
        "api_keys": ["good"],
        "api_key_selection_expression": "$context.authorizer.usageIdentifierKey",
    }
    async with make_world(**options) as world:
        world.invoker.functions["gate"] = lambda event: allow(event, usageIdentifierKey=key)
        headers = {"x-api-key": "good"}
        if status is None:
            await world.connect(additional_headers=headers)
            assert called(world) == ["gate", "connect"]
        else:
            assert (await refused(world, additional_headers=headers)).status_code == status
            assert called(world) == ["gate"]


async def test_nothing_secret_is_recorded_or_logged(make_world, caplog):
    """Tokens, keys and contexts appear neither in the timeline nor in the log."""
    caplog.set_level(logging.DEBUG)
    options = {
        "routes": routes(authorizer="gate", api_key_required=True),
        "authorizers": [Authorizer("gate", "gate", ["route.request.querystring.token"])],
        "api_keys": ["SECRET-good"],
    }
    async with make_world(**options) as world:
        world.invoker.functions["gate"] = lambda event: allow(
            event, usageIdentifierKey="SECRET", context={"token": "SECRET"}
        )
        await world.connect("?token=SECRET", additional_headers={"x-api-key": "SECRET-good"})
        await refused(world, "?token=SECRET", additional_headers={"x-api-key": "SECRET-bad"})
        world.invoker.functions["gate"] = lambda event: error("SECRET")
        await refused(world, "?token=SECRET")
        assert "SECRET" not in repr(list(world.timeline.entries()))
        ours = [record for record in caplog.records if not record.name.startswith("websockets.client")]
        assert ours
        assert not [record for record in ours if "SECRET" in repr(record.__dict__)]


@pytest.mark.parametrize(
    "options",
    [
        {"authorizers": [Authorizer("gate", "gate", ["$request.header.Auth"])]},
        {"api_key_selection_expression": "$request.header.key"},
        {"models": {"m": {"type": "nothing"}}},
        {"stages": [Stage(f"s{number}") for number in range(11)]},
        {"routes": [Route("$mine", "f")]},
    ],
    ids=["identity source", "key", "model", "stages", "route"],
)
def test_a_wrong_declaration_stops_the_start(options):
    """What AWS would not create is refused before the first connection."""
    with pytest.raises(InvalidApplication, match=re.compile(r"\.$")):
        Gateway(
            WebSocketApi("a", **({"routes": routes()} | options)),
            None,
            clock=ManualClock(),
            timeline=Timeline(ManualClock()),
        )
