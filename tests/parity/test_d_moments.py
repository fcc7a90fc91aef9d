"""Rows D13, D14 and D18: when a connection can be posted to, and from where."""

import asyncio
from typing import Any

import pytest
import pytest_asyncio

POST_FROM_A_FUNCTION = """
import boto3
from botocore.exceptions import ClientError

def main(event, context):
    client = boto3.client("apigatewaymanagementapi", endpoint_url=event["endpoint"])
    try:
        client.post_to_connection(ConnectionId=event["connection"], Data="from afar")
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "posted"
"""


@pytest_asyncio.fixture
async def held(parity: Any) -> Any:
    """A handshake whose `$connect` is at work: its task, the invocation, the connection's id."""
    parity.function("connect").holds()
    dialling = asyncio.create_task(parity.connect())
    one = await parity.function("connect").invocation()
    return dialling, one, one.event["requestContext"]["connectionId"]


@pytest.mark.row("D13")
async def test_post_during_connect_is_gone(parity: Any, held: Any) -> None:
    """As long as `$connect` runs its connection is 410, for every call."""
    dialling, one, connection_id = held
    client = parity.management()
    for call, more in (
        (client.post_to_connection, {"Data": b"too early"}),
        (client.get_connection, {}),
        (client.delete_connection, {}),
    ):
        with pytest.raises(client.exceptions.GoneException):
            await parity.call(call, ConnectionId=connection_id, **more)
    one.release()
    socket = await dialling
    await parity.call(client.post_to_connection, ConnectionId=connection_id, Data=b"in time")
    assert await socket.receive() == "in time"


@pytest.mark.row("D13")
async def test_refused_connection_is_gone(parity: Any) -> None:
    """A connection whose `$connect` refuses never becomes one that can be posted to."""
    parity.function("connect").returns({"statusCode": 403})
    await parity.refused()
    event = await parity.function("connect").event()
    connection_id = event["requestContext"]["connectionId"]
    client = parity.management()
    with pytest.raises(client.exceptions.GoneException):
        await parity.call(client.post_to_connection, ConnectionId=connection_id, Data=b"x")


@pytest.mark.row("D14")
async def test_who_greets_asks_first(parity: Any, held: Any) -> None:
    """AWS's advice for a greeting works: ask with GET until the connection is there, then post."""
    dialling, one, connection_id = held
    client = parity.management()
    asked = asyncio.Event()

    async def greet() -> None:
        while True:
            try:
                await parity.call(client.get_connection, ConnectionId=connection_id)
            except client.exceptions.GoneException:
                asked.set()
            else:
                break
        await parity.call(client.post_to_connection, ConnectionId=connection_id, Data=b"welcome")

    async with asyncio.TaskGroup() as group, asyncio.timeout(10):
        group.create_task(greet())
        await asked.wait()
        one.release()
        socket = await dialling
        assert await socket.receive() == "welcome"


@pytest.mark.row("D14")
async def test_race_can_be_had(parity: Any, sandbox: Any) -> None:
    """That a post after `$connect` comes too early is rare here; a fault makes it happen."""
    socket = await parity.open()
    await sandbox.add_fault("refuse-post", code="410", connection_id=socket.connection_id)
    client = parity.management()
    with pytest.raises(client.exceptions.GoneException):
        await parity.call(client.post_to_connection, ConnectionId=socket.connection_id, Data=b"early")
    await parity.call(client.post_to_connection, ConnectionId=socket.connection_id, Data=b"again")
    assert await socket.receive() == "again"


@pytest.mark.row("D18", "D1")
async def test_function_of_no_api_can_post(parity: Any) -> None:
    """A function that is behind no route reaches a client by `https://{domainName}/{stage}`."""
    socket = await parity.open()
    context = socket.event["requestContext"]
    parity.function("invoked").runs(POST_FROM_A_FUNCTION)
    endpoint = f"https://{context['domainName']}/{context['stage']}"
    payload = f'{{"endpoint": "{endpoint}", "connection": "{socket.connection_id}"}}'
    answer = await parity.invoke("invoked", payload)
    assert answer["Payload"] == b'"posted"'
    assert await socket.receive() == "from afar"


@pytest.mark.row("D18")
async def test_function_of_another_api_can_post(parity: Any) -> None:
    """Whoever may can post: here the function behind one API to a client of another."""
    socket = await parity.open("main")
    other = await parity.open("undefaulted")
    context = socket.event["requestContext"]
    source = POST_FROM_A_FUNCTION.replace('event["endpoint"]', repr(f"https://{context['domainName']}/prod"))
    source = source.replace('event["connection"]', repr(socket.connection_id))
    source = source.replace('return "posted"', 'return {"statusCode": 200, "body": "posted"}')
    parity.function("reply").runs(source)
    assert await other.ask({"action": "reply"}) == "posted"
    assert await socket.receive() == "from afar"
