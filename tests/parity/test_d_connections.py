"""Rows D4 to D6, D15 to D17: what `@connections` does with a connection."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from emulator.application import Route, WebSocketApi
from emulator.gateway import GatewaySettings

API = WebSocketApi("own", [Route("$connect", "connect"), Route("$default", "default")])

NEVER_OPENED = "R1kmxc2VNjMCFIA="
"""A connection id of AWS's form."""

CALLS = {"post_to_connection": {"Data": b"x"}, "get_connection": {}, "delete_connection": {}}


@pytest.mark.row("D4")
async def test_post_reaches_the_client(parity: Any) -> None:
    """POST answers 200 with an empty body, and the data arrive as they are."""
    socket = await parity.open()
    answer = await parity.request("POST", f"/@connections/{socket.connection_id}", b'{"a": "\xc3\xa4"}')
    assert (answer.status, answer.body) == (200, b"")
    assert await socket.receive() == '{"a": "ä"}'


@pytest.mark.row("D4", "D5")
async def test_get_describes_the_connection(parity: Any) -> None:
    """GET answers 200 with JSON: two times in ISO 8601, and the client's address and agent."""
    socket = await parity.open(user_agent_header="parity/1")
    context = socket.event["requestContext"]
    answer = await parity.request("GET", f"/@connections/{socket.connection_id}")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    found = json.loads(answer.body)
    assert list(found) == ["connectedAt", "identity", "lastActiveAt"]
    assert found["identity"] == {"sourceIp": context["identity"]["sourceIp"], "userAgent": "parity/1"}
    opened = datetime.fromisoformat(found["connectedAt"])
    assert opened == datetime.fromtimestamp(context["connectedAt"] / 1000, tz=UTC)
    assert opened <= datetime.fromisoformat(found["lastActiveAt"])


@pytest.mark.row("D5")
async def test_identity_is_whole_without_an_agent(parity: Any) -> None:
    """The model requires both members of the identity, so they are there without a `User-Agent`, too."""
    socket = await parity.open(user_agent_header=None)
    answer = await parity.call(parity.management().get_connection, ConnectionId=socket.connection_id)
    source_ip = socket.event["requestContext"]["identity"]["sourceIp"]
    assert answer["Identity"] == {"SourceIp": source_ip, "UserAgent": ""}


@pytest.mark.row("D5")
async def test_last_active_is_the_last_data(start_gateway: Any, function: Any) -> None:
    """Data in either direction moves `lastActiveAt`; looking does not."""
    own = await start_gateway(API)
    socket = await own.connect()
    connection_id = (await function("connect").event())["requestContext"]["connectionId"]
    client = own.management()

    async def active_for() -> timedelta:
        answer = await asyncio.to_thread(client.get_connection, ConnectionId=connection_id)
        idle: timedelta = answer["LastActiveAt"] - answer["ConnectedAt"]
        return idle

    own.advance(5)
    await asyncio.to_thread(client.post_to_connection, ConnectionId=connection_id, Data=b"x")
    own.advance(7)
    assert await active_for() == timedelta(seconds=5)
    await socket.send("x")
    await function("default").event()
    own.advance(7)
    assert await active_for() == timedelta(seconds=12)


@pytest.mark.row("D6", "D11")
@pytest.mark.parametrize("operation", CALLS)
async def test_closed_connection_is_gone(parity: Any, operation: str) -> None:
    """A connection that is closed is 410, in the form that makes boto3 raise `GoneException`."""
    socket = await parity.open()
    await socket.close()
    await parity.function("disconnect").event()
    client = parity.management()
    with pytest.raises(client.exceptions.GoneException) as gone:
        await parity.call(getattr(client, operation), ConnectionId=socket.connection_id, **CALLS[operation])
    assert gone.value.response["ResponseMetadata"]["HTTPStatusCode"] == 410


@pytest.mark.row("D6", "D11")
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
async def test_unknown_connection_is_gone(parity: Any, method: str) -> None:
    """An id that no connection has is 410 with an empty body; only a header says what it is."""
    answer = await parity.request(method, f"/@connections/{NEVER_OPENED}")
    assert (answer.status, answer.body) == (410, b"")
    assert answer.headers["x-amzn-errortype"] == "GoneException"


@pytest.mark.row("D15", "D4")
async def test_post_is_a_text_frame(parity: Any) -> None:
    """What is posted arrives as text, not as a binary frame, whatever it holds."""
    socket = await parity.open()
    client = parity.management()
    for data in (b"{}", b"\x00\x01", "schön".encode(), b"x" * 40_000):
        await parity.call(client.post_to_connection, ConnectionId=socket.connection_id, Data=data)
        assert await socket.receive() == data.decode()


@pytest.mark.row("D15", switch="GatewaySettings.refuse_undecodable_posts")
@pytest.mark.parametrize("refuses", [False, True], ids=["default", "switched"])
async def test_post_that_is_not_utf8(start_gateway: Any, function: Any, *, refuses: bool) -> None:
    """What is not UTF-8 arrives with replacement characters; by a switch it is refused with 400."""
    settings = GatewaySettings(refuse_undecodable_posts=True) if refuses else GatewaySettings()
    own = await start_gateway(API, settings)
    socket = await own.connect()
    connection_id = (await function("connect").event())["requestContext"]["connectionId"]
    client = own.management()

    async def post(data: bytes) -> None:
        await asyncio.to_thread(client.post_to_connection, ConnectionId=connection_id, Data=data)

    if refuses:
        with pytest.raises(client.exceptions.ClientError) as refused:
            await post(b"\xffa")
        assert refused.value.response["Error"]["Code"] == "BadRequestException"
    else:
        await post(b"\xffa")
        assert await socket.receive() == "\ufffda"
    await post(b"next")
    assert await socket.receive() == "next"


@pytest.mark.row("D16", "D4")
async def test_delete_closes_the_connection(parity: Any) -> None:
    """DELETE answers 204; client and `$disconnect` see 1000 and AWS's reason, and then it is gone."""
    socket = await parity.open()
    path = f"/@connections/{socket.connection_id}"
    answer = await parity.request("DELETE", path)
    assert (answer.status, answer.body) == (204, b"")
    closed = await socket.closed()
    assert (closed.code, closed.reason) == (1000, "Connection Closed Normally")
    end = (await parity.function("disconnect").event())["requestContext"]
    assert end["disconnectStatusCode"] == 1000
    assert end["disconnectReason"] == "Connection Closed Normally"
    assert end["connectionId"] == socket.connection_id
    assert (await parity.request("DELETE", path)).status == 410


@pytest.mark.row("D17")
async def test_posts_arrive_in_their_order(parity: Any) -> None:
    """Posts that wait for one another arrive in the order in which they were sent."""
    socket = await parity.open()
    client = parity.management()
    sent = [f"{number}" * (1 + 40_000 * (number % 2)) for number in range(10)]

    def post_all() -> None:
        for text in sent:
            client.post_to_connection(ConnectionId=socket.connection_id, Data=text)

    await parity.call(post_all)
    assert [await socket.receive() for _ in sent] == sent
