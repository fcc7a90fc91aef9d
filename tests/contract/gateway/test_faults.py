"""Faults on purpose: posts that are refused or late, connections that are cut."""

import asyncio

import pytest

from emulator.faults import Fault, FaultKind
from emulator.gateway import GatewaySettings

SIGNED = (
    b"\r\nX-Amz-Date: 20240120T115457Z"
    b"\r\nAuthorization: AWS4-HMAC-SHA256 Credential=x/20240120/us-east-1/execute-api/aws4_request,"
    b" SignedHeaders=host;x-amz-date, Signature=0f"
)


async def connection(world):
    client = await world.connect()
    return client, (await world.invoker.wait_for("connect"))[-1]["requestContext"]["connectionId"]


async def post(world, connection_id, method=b"POST"):
    """Return the status of one call and the exception that it names."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.server.port)
    path = b"/local/@connections/" + connection_id.encode()
    writer.write(method + b" " + path + b" HTTP/1.1\r\nHost: x" + SIGNED + b"\r\nContent-Length: 2\r\n\r\nhi")
    lines = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode().lower().split("\r\n")
    writer.close()
    error = [line.split(": ")[1] for line in lines if line.startswith("x-amzn-errortype")]
    return int(lines[0].split()[1]), *error


async def disconnected(world):
    (event,) = await world.invoker.wait_for("disconnect")
    context = event["requestContext"]
    return context["disconnectStatusCode"], context["disconnectReason"]


@pytest.mark.parametrize(
    ("code", "answer"),
    [("410", (410, "goneexception")), ("429", (429, "limitexceededexception")), ("", (410, "goneexception"))],
)
async def test_a_post_is_refused(world, soon, code, answer):
    """A declared refusal answers a post as AWS would, as often as it says; nothing reaches the client."""
    client, connection_id = await connection(world)
    world.faults.add(Fault(FaultKind.REFUSE_POST, {"connection_id": connection_id}, code=code))
    assert await post(world, connection_id) == answer
    assert await post(world, connection_id) == (200,)
    assert await soon(client.recv()) == "hi"


async def test_other_calls_are_not_refused(world):
    """The fault is for posts: GetConnection is answered."""
    _, connection_id = await connection(world)
    world.faults.add(Fault(FaultKind.REFUSE_POST))
    assert await post(world, connection_id, b"GET") == (200,)


async def test_a_post_is_late(make_world, soon):
    """A delayed post waits by the sandbox's clock; a connection that ended meanwhile is gone."""
    waits = asyncio.Queue()
    go_on = asyncio.Event()

    async def sleep(seconds):
        waits.put_nowait(seconds)
        await go_on.wait()

    async with make_world(gateway_options={"sleep": sleep}) as world:
        client, connection_id = await connection(world)
        world.faults.add(Fault(FaultKind.DELAY_POST, delay_s=30, times=2))
        posting = asyncio.create_task(post(world, connection_id))
        assert await soon(waits.get()) == 30
        assert not posting.done()
        await client.close()
        (closed,) = await world.wait_for("gateway.close")
        assert closed["by"] == "client"
        go_on.set()
        assert await soon(posting) == (410, "goneexception")


async def test_a_message_cuts_its_connection(make_world, soon):
    """The message is not handled, the client sees no close frame, and `$disconnect` is told of 1006."""
    async with make_world(settings=GatewaySettings(lost_reason="cut")) as world:
        client, connection_id = await connection(world)
        world.faults.add(Fault(FaultKind.CUT_CONNECTION, {"connection_id": connection_id}, skip=1))
        for _ in range(2):
            await client.send('{"action": "echo"}')
        await soon(client.wait_closed())
        assert client.close_code == 1006
        assert await disconnected(world) == (1006, "cut")
        assert len(await world.invoker.wait_for("echo")) == 1


@pytest.mark.parametrize("is_secure", [False, True])
async def test_a_connection_is_cut_by_name(world, soon, is_secure):
    """Cutting says whether there was such a connection; posts to it are gone at once."""
    if is_secure:
        url = world.server.https_url.replace("https:", "wss:")
        context = world.certificate.client_context()
        client = await world.connect(uri=url, ssl=context)
        connection_id = (await world.invoker.wait_for("connect"))[-1]["requestContext"]["connectionId"]
    else:
        client, connection_id = await connection(world)
    assert not world.gateway.cut("R1kmxc2VNjMCFIA=")
    assert world.gateway.cut(connection_id)
    assert not world.gateway.cut(connection_id)
    assert await post(world, connection_id) == (410, "goneexception")
    await soon(client.wait_closed())
    assert client.close_code == 1006
    assert await disconnected(world) == (1006, "")
    (closed,) = await world.wait_for("gateway.close")
    assert closed["by"] == "gateway"
