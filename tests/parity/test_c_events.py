"""Rows C1 to C3, C11 and C12: when an authorizer is asked, what it receives, and where its answer goes."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

HEADERS_OF_ITS_OWN = {"Connection": "upgrade", "Upgrade": "websocket", "content-length": "0"}
"""What an authorizer sees of the handshake's headers beyond `$connect`."""


@pytest.mark.row("C1")
async def test_authorizer_is_asked_at_the_handshake_only(parity: Any) -> None:
    """One call for the connection; none for its messages, none for its end."""
    socket = await parity.open("guarded")
    assert await socket.ask({"action": "reply"}) == "reply"
    await socket.close()
    await parity.function("disconnect").event()
    assert parity.function("authorizer").count == 1


@pytest.mark.row("C1", "C4")
async def test_connect_waits_for_the_authorizer(parity: Any, steps: Any, policy: Any) -> None:
    """`$connect` runs after the authorizer has answered, not beside it."""

    def answer(one: Any) -> Any:
        assert parity.function("connect").count == 0
        return steps.returns(policy(one.event))

    parity.function("authorizer").does(answer)
    await parity.open("guarded")


@pytest.mark.row("C2")
async def test_event_of_an_authorizer(parity: Any) -> None:
    """It is of type REQUEST, names the method, and has the handshake's headers, query and context."""
    socket = await parity.open(
        "guarded", "?a=1&a=2&b=", additional_headers={"x-OWN": "kept", "Cookie": "c=1"}
    )
    connect = socket.event
    asked = await parity.function("authorizer").event()
    context = connect["requestContext"]
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
    assert asked["type"] == "REQUEST"
    method = rf"arn:aws:execute-api:us-east-1:\d{{12}}:{context['apiId']}/{context['stage']}/\$connect"
    assert re.fullmatch(method, asked["methodArn"])
    assert asked["headers"] == {**connect["headers"], **HEADERS_OF_ITS_OWN}
    assert (asked["headers"]["x-OWN"], asked["headers"]["Cookie"]) == ("kept", "c=1")
    assert asked["multiValueHeaders"] == {name: [value] for name, value in asked["headers"].items()}
    assert asked["queryStringParameters"] == {"a": "2", "b": ""}
    assert asked["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": [""]}
    assert asked["stageVariables"] == {}


@pytest.mark.row("C2")
async def test_context_of_an_authorizers_event(parity: Any) -> None:
    """Its context is CONNECT's, member for member, but for what the authorizer itself adds to that."""
    socket = await parity.open("guarded")
    asked = (await parity.function("authorizer").event())["requestContext"]
    expected = dict(socket.event["requestContext"])
    assert list(expected.pop("authorizer")) == ["principalId", "integrationLatency"]
    assert list(asked) == list(expected)
    assert asked == expected
    assert list(asked) == [
        "routeKey",
        "eventType",
        "extendedRequestId",
        "requestTime",
        "messageDirection",
        "stage",
        "connectedAt",
        "requestTimeEpoch",
        "identity",
        "requestId",
        "domainName",
        "connectionId",
        "apiId",
    ]
    assert (asked["routeKey"], asked["eventType"], asked["messageDirection"]) == ("$connect", "CONNECT", "IN")


@pytest.mark.row("C3")
async def test_authorizer_knows_the_connections_id(parity: Any) -> None:
    """The id in its event is the one that messages and the end of the connection name."""
    socket = await parity.open("guarded")
    asked = await parity.function("authorizer").event()
    await socket.send({"action": "reply"})
    await socket.close()
    events = [asked] + [await parity.function(name).event() for name in ("reply", "disconnect")]
    assert {event["requestContext"]["connectionId"] for event in events} == {socket.connection_id}


@pytest.mark.row("C11")
async def test_nothing_is_cached(parity: Any, steps: Any, policy: Callable[..., Any]) -> None:
    """A second handshake with the same credentials is asked for anew, and may be answered otherwise."""
    same = {"additional_headers": {"Auth": "token"}}
    gate = parity.function("authorizer")
    await parity.connect("guarded-by-header", **same)
    await parity.connect("guarded-by-header", **same)
    assert gate.count == 2
    gate.does(lambda one: steps.returns(policy(one.event, "Deny")))
    assert (await parity.refused("guarded-by-header", **same)).status == 403
    assert gate.count == 3
    gate.does(None)
    await parity.connect("guarded-by-header", **same)


@pytest.mark.row("C12")
async def test_context_is_on_every_event(parity: Any, steps: Any, policy: Callable[..., Any]) -> None:
    """Context and principal are on every event, values as text; CONNECT has the latency as a number, too."""
    context = {"text": "a b", "one": 1, "half": 1.5, "yes": True, "no": False, "empty": ""}
    parity.function("authorizer").does(lambda one: steps.returns(policy(one.event, context=context)))
    socket = await parity.open("guarded")
    assert await socket.ask({"action": "reply"}) == "reply"
    await socket.send("no JSON")
    default = await parity.function("default").event()
    await socket.close()
    reply, end = [await parity.function(name).event() for name in ("reply", "disconnect")]
    expected = {
        "text": "a b",
        "one": "1",
        "half": "1.5",
        "yes": "true",
        "no": "false",
        "empty": "",
        "principalId": "person",
    }
    at_connect = dict(socket.event["requestContext"]["authorizer"])
    latency = at_connect.pop("integrationLatency")
    assert type(latency) is int
    assert latency >= 0
    assert at_connect == expected
    for event in (reply, default, end):
        assert event["requestContext"]["authorizer"] == expected
    for event, place in ((socket.event, 1), (reply, 1), (end, 2)):
        assert list(event["requestContext"])[place] == "authorizer"


@pytest.mark.row("C12")
async def test_principal_alone_is_a_context(parity: Any) -> None:
    """Without a context of its own the authorizer leaves the principal on every event."""
    socket = await parity.open("guarded")
    await socket.ask({"action": "reply"})
    event = await parity.function("reply").event()
    assert event["requestContext"]["authorizer"] == {"principalId": "person"}


@pytest.mark.row("C12")
async def test_without_an_authorizer_there_is_no_context(parity: Any) -> None:
    """The member is absent, not null, on every event of a connection that no authorizer let in."""
    socket = await parity.open()
    await socket.send({"action": "reply"})
    await socket.close()
    events = [socket.event] + [await parity.function(name).event() for name in ("reply", "disconnect")]
    assert all("authorizer" not in json.dumps(event) for event in events)
