"""Rows B1 to B32: the events that functions receive, and the ids in them."""

import base64
import json
import re
import time
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest

from emulator.application import Route, Stage, WebSocketApi
from emulator.gateway import GatewaySettings

EVENTS = Path(__file__).resolve().parents[1] / "events"


class Story(NamedTuple):
    """The three events of one connection."""

    connect: dict[str, Any]
    message: dict[str, Any]
    disconnect: dict[str, Any]

    @property
    def contexts(self) -> list[dict[str, Any]]:
        return [event["requestContext"] for event in self]


@pytest.fixture
async def story(parity: Any) -> Story:
    """Connect, send a message to `$default`, close without a code."""
    socket = await parity.open("main", user_agent_header="Mozilla/5.0")

    def of_this(event: Any) -> bool:
        return bool(event["requestContext"]["connectionId"] == socket.connection_id)

    await socket.send("hello")
    message = await parity.function("default").event(of_this)
    await socket.close(1000, "done")
    return Story(socket.event, message, await parity.function("disconnect").event(of_this))


def shape(value: Any) -> Any:
    """Return an event's members in their order, with their types in the place of values."""
    if isinstance(value, dict):
        return [(name, shape(member)) for name, member in value.items()]
    if isinstance(value, list):
        return [shape(member) for member in value]
    return type(value).__name__


def recorded(name: str) -> Any:
    """Return an event of `tests/events`."""
    return json.loads((EVENTS / f"websocket_{name}.json").read_text())


@pytest.mark.row("B1.headers")
async def test_headers_of_connect(parity: Any) -> None:
    """CONNECT has the client's headers as it wrote them and what AWS adds, without Connection and Upgrade."""
    sent = {"x-lower-case": "1", "X-Mixed-Case": "2", "Authorization": "Bearer t"}
    event = (await parity.open("main", additional_headers=sent, user_agent_header=None)).event
    headers = event["headers"]
    assert {name: headers[name] for name in sent} == sent
    assert set(headers) - set(sent) == {
        "Host",
        "Sec-WebSocket-Key",
        "Sec-WebSocket-Version",
        "X-Amzn-Trace-Id",
        "X-Forwarded-For",
        "X-Forwarded-Port",
        "X-Forwarded-Proto",
    }
    assert (headers["X-Forwarded-Port"], headers["X-Forwarded-Proto"]) == ("443", "https")
    assert headers["Host"] == event["requestContext"]["domainName"]
    assert {name: [value] for name, value in headers.items()} == event["multiValueHeaders"]


@pytest.mark.row("B1.headers")
async def test_header_that_comes_twice(parity: Any) -> None:
    """Of a header that came several times the single map has the last value, the other one all."""
    async with parity.wire() as wire:
        await wire.handshake(headers="X-Twice: first\r\nX-Twice: second\r\n")
        event = await parity.function("connect").event()
    assert event["headers"]["X-Twice"] == "second"
    assert event["multiValueHeaders"]["X-Twice"] == ["first", "second"]


@pytest.mark.row("B1.headers")
async def test_headers_of_message_and_disconnect(story: Story) -> None:
    """MESSAGE has no headers, DISCONNECT has four of AWS's own."""
    assert not {"headers", "multiValueHeaders"} & story.message.keys()
    host = story.disconnect["requestContext"]["domainName"]
    expected = {"Host": host, "x-api-key": "", "X-Forwarded-For": "", "x-restapi": ""}
    assert story.disconnect["headers"] == expected
    assert story.disconnect["multiValueHeaders"] == {name: [value] for name, value in expected.items()}


@pytest.mark.row("B1.queryStringParameters")
async def test_query_is_there_only_if_the_url_has_one(parity: Any) -> None:
    """The query's keys are in the CONNECT event only where the URL has a query."""
    without = (await parity.open()).event
    assert "queryStringParameters" not in without
    assert "multiValueQueryStringParameters" not in without
    event = (await parity.open("main", "?a=1&a=2&b=%20&c=")).event
    assert event["queryStringParameters"] == {"a": "2", "b": " ", "c": ""}
    assert event["multiValueQueryStringParameters"] == {"a": ["1", "2"], "b": [" "], "c": [""]}


@pytest.mark.row("B1.queryStringParameters")
async def test_query_is_on_connect_alone(parity: Any) -> None:
    """MESSAGE and DISCONNECT have no query, whatever the URL had."""
    socket = await parity.open("main", "?a=1")
    await socket.send("hello")
    await socket.close()
    for name in ("default", "disconnect"):
        assert "ueryStringParameters" not in json.dumps(await parity.function(name).event())


@pytest.mark.row("B1.stageVariables")
async def test_stage_variables_are_on_connect(parity: Any) -> None:
    """CONNECT has the stage's own variables; a stage without any has no such member."""
    assert (await parity.open("main")).event["stageVariables"] == {"colour": "blue"}
    beta = (await parity.open("main", stage="beta")).event
    assert beta["stageVariables"] == {"colour": "green", "size": "2"}
    assert "stageVariables" not in (await parity.open("undefaulted")).event


@pytest.mark.row("B1.stageVariables", switch="GatewaySettings.stage_variables_in_every_event")
@pytest.mark.parametrize("everywhere", [False, True], ids=["default", "switched"])
async def test_stage_variables_on_other_events(
    start_gateway: Any, function: Any, *, everywhere: bool
) -> None:
    """MESSAGE and DISCONNECT have no stage variables unless a switch says so."""
    api = WebSocketApi(
        "own",
        [Route("$default", "default"), Route("$disconnect", "disconnect")],
        stages=[Stage("s", variables={"colour": "blue"})],
    )
    settings = GatewaySettings(stage_variables_in_every_event=True) if everywhere else GatewaySettings()
    own = await start_gateway(api, settings)
    socket = await own.connect()
    await socket.send("hello")
    events = [await function("default").event()]
    await socket.close()
    events.append(await function("disconnect").event())
    expected = {"colour": "blue"} if everywhere else None
    assert [event.get("stageVariables") for event in events] == [expected] * 2


@pytest.mark.row("B1.body")
@pytest.mark.parametrize("text", ["hello", "ä 🙂", '{"action": "nobody", "a": [1]}', ""])
async def test_body_is_the_text_as_it_came(parity: Any, text: str) -> None:
    """MESSAGE has the message's text as its body, unchanged."""
    socket = await parity.open()
    await socket.send(text)
    assert (await parity.function("default").event())["body"] == text


@pytest.mark.row("B1.body", "B1.isBase64Encoded")
async def test_only_a_message_has_a_body(story: Story) -> None:
    """CONNECT and DISCONNECT have no body; nothing is ever encoded."""
    assert "body" not in story.connect
    assert "body" not in story.disconnect
    assert [event["isBase64Encoded"] for event in story] == [False] * 3


@pytest.mark.row("B1.routeKey", "B1.eventType", "B1.messageDirection")
async def test_kinds_of_events(story: Story) -> None:
    """Each event names its route, its type and its direction."""
    assert [context["routeKey"] for context in story.contexts] == ["$connect", "$default", "$disconnect"]
    assert [context["eventType"] for context in story.contexts] == ["CONNECT", "MESSAGE", "DISCONNECT"]
    assert [context["messageDirection"] for context in story.contexts] == ["IN"] * 3


@pytest.mark.row("B1.messageId")
async def test_only_a_message_has_a_message_id(story: Story) -> None:
    """`messageId` is absent from CONNECT and DISCONNECT."""
    assert ["messageId" in context for context in story.contexts] == [False, True, False]


@pytest.mark.row("B1.requestId")
async def test_request_ids(story: Story) -> None:
    """The two request ids of an event are equal, and those of different events differ."""
    ids = [context["requestId"] for context in story.contexts]
    assert ids == [context["extendedRequestId"] for context in story.contexts]
    assert len(set(ids)) == 3


@pytest.mark.row("B1.requestTime", "B1.requestTimeEpoch")
async def test_times_of_a_request(story: Story) -> None:
    """The request's time is there in the Common Log Format and in whole milliseconds, and is now."""
    for context in story.contexts:
        epoch_ms = context["requestTimeEpoch"]
        assert type(epoch_ms) is int
        assert abs(epoch_ms / 1000 - time.time()) < 86_400  # the sandbox's clock may have been advanced
        text = time.strftime("%d/%b/%Y:%H:%M:%S +0000", time.gmtime(epoch_ms // 1000))
        assert context["requestTime"] == text


@pytest.mark.row("B1.connectedAt")
async def test_connected_at_stays(story: Story) -> None:
    """All events of a connection name the same time of its begin, no later than CONNECT's request."""
    (connected_at,) = {context["connectedAt"] for context in story.contexts}
    assert type(connected_at) is int
    assert 0 <= story.contexts[0]["requestTimeEpoch"] - connected_at < 5_000


@pytest.mark.row("B1.stage")
async def test_api_stage_and_connection_are_on_every_event(story: Story) -> None:
    """Stage, API, domain name and connection are the same on all events."""
    names = ("stage", "apiId", "domainName", "connectionId")
    facts = {tuple(context[name] for name in names) for context in story.contexts}
    assert len(facts) == 1
    assert facts.pop()[0] == "prod"


@pytest.mark.row("B1.identity")
@pytest.mark.parametrize("agent", ["Mozilla/5.0", None])
async def test_identity(parity: Any, agent: str | None) -> None:
    """The identity is the source address, with the user agent where the client sent one."""
    socket = await parity.open("main", user_agent_header=agent)
    await socket.send("hello")
    await socket.close()
    expected = {"sourceIp": "127.0.0.1"} if agent is None else {"userAgent": agent, "sourceIp": "127.0.0.1"}
    events = [socket.event, *[await parity.function(name).event() for name in ("default", "disconnect")]]
    assert [event["requestContext"]["identity"] for event in events] == [expected] * 3


@pytest.mark.row("B1.authorizer", "C12")
async def test_authorizer_context_is_on_every_event(parity: Any, steps: Any, policy: Any) -> None:
    """The context is on every event as text, with the principal; its latency, a number, on CONNECT alone."""
    context = {"text": "a", "number": 1, "truth": True}
    parity.function("authorizer").does(lambda one: steps.returns(policy(one.event, context=context)))
    socket = await parity.open("guarded")
    await socket.send("hello")
    await socket.close()
    expected = {"text": "a", "number": "1", "truth": "true", "principalId": "person"}
    first = dict(socket.event["requestContext"]["authorizer"])
    assert type(first.pop("integrationLatency")) is int
    assert first == expected
    for name in ("default", "disconnect"):
        assert (await parity.function(name).event())["requestContext"]["authorizer"] == expected


@pytest.mark.row("B1.authorizer")
async def test_no_authorizer_no_context(story: Story) -> None:
    """Without an authorizer there is no such member."""
    assert ["authorizer" in context for context in story.contexts] == [False] * 3


@pytest.mark.row("B1.disconnectStatusCode")
async def test_close_code_and_reason_are_on_disconnect(story: Story) -> None:
    """Code and reason of the close are on DISCONNECT alone."""
    names = {"disconnectStatusCode", "disconnectReason"}
    assert [names & context.keys() for context in story.contexts] == [set(), set(), names]
    context = story.contexts[2]
    assert (context["disconnectStatusCode"], context["disconnectReason"]) == (1000, "done")


@pytest.mark.row("B1.accountId")
async def test_members_that_are_not_there(story: Story) -> None:
    """No event has an account, a resource, a method, a path or an error."""
    for context in story.contexts:
        assert not {"accountId", "resourceId", "resourcePath", "httpMethod", "path", "error"} & context.keys()


@pytest.mark.row("B2.CONNECT")
async def test_whole_connect_event(parity: Any) -> None:
    """A CONNECT event has the members of the recorded one, in its order, of its types."""
    expected = recorded("connect_authorized")
    event = (await parity.open("guarded", "?token=x", user_agent_header=None, compression="deflate")).event
    assert list(event["headers"]) == list(expected["headers"])
    for one in (event, expected):
        one["requestContext"]["identity"].pop("userAgent", None)
        one["requestContext"]["authorizer"] = {"integrationLatency": 1}
        for name in ("headers", "multiValueHeaders"):
            one[name] = {}
    assert shape(event) == shape(expected)
    assert event["queryStringParameters"] == expected["queryStringParameters"]


@pytest.mark.row("B2.MESSAGE")
async def test_whole_message_event(story: Story) -> None:
    """A MESSAGE event has the members of the recorded one, in its order, of its types."""
    assert shape(story.message) == shape(recorded("message"))


@pytest.mark.row("B2.DISCONNECT")
async def test_whole_disconnect_event(story: Story) -> None:
    """A DISCONNECT event has the members of the recorded one, in its order, of its types."""
    expected = recorded("disconnect_idle")  # of a client that sent a user agent, as the story's did
    assert shape(story.disconnect) == shape(expected)


@pytest.mark.row("B30")
async def test_ids_are_eleven_bytes(parity: Any) -> None:
    """Ids of connections, requests and messages are 11 bytes in URL-safe base64."""
    socket = await parity.open()
    await socket.send("hello")
    message = (await parity.function("default").event())["requestContext"]
    ids = [socket.connection_id, socket.event["requestContext"]["requestId"], message["messageId"]]
    assert [len(base64.urlsafe_b64decode(one)) for one in ids] == [11, 11, 11]
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{15}=", one) for one in ids)


@pytest.mark.row("B31")
async def test_pattern_inside_the_ids(parity: Any) -> None:
    """A byte tells connections and messages from requests, a message ends like its connection, time rises."""
    socket = await parity.open()
    await socket.send("hello")
    message = (await parity.function("default").event())["requestContext"]
    connection, request, message_id = (
        base64.urlsafe_b64decode(one)
        for one in (socket.connection_id, socket.event["requestContext"]["requestId"], message["messageId"])
    )
    assert (connection[8], request[8], message_id[8]) == (2, 5, 2)
    assert message_id[8:] == connection[8:]
    assert connection[:4] <= request[:4] <= message_id[:4]


@pytest.mark.row("B32")
async def test_id_is_encoded_in_a_path(parity: Any) -> None:
    """An id with its `=` percent-encoded in the path reaches the connection, as boto3 writes it."""
    socket = await parity.open()
    assert quote(socket.connection_id, safe="").endswith("%3D")
    paths: list[str] = []
    client = parity.management()
    client.meta.events.register("before-send", lambda request, **_: paths.append(request.url))
    await parity.call(client.post_to_connection, ConnectionId=socket.connection_id, Data=b"found")
    assert await socket.receive() == "found"
    assert paths[0].endswith("%3D")
