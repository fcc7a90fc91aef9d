"""`@connections` as boto3 speaks it, over http and https, and as raw requests."""

import asyncio
import datetime
import json

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from emulator.application import Stage
from emulator.gateway import GatewaySettings

UNKNOWN = "R1kmxc2VNjMCFIA="


@pytest.fixture(params=["http", "https"])
def management(request, world):
    url = world.server.management_url if request.param == "http" else world.server.https_url
    client = boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        verify=str(world.certificate.ca_bundle),
        config=Config(proxies={}, retries={"max_attempts": 0}),
    )
    yield client
    client.close()


async def call(function, **arguments):
    return await asyncio.to_thread(function, **arguments)


async def connection(world):
    client = await world.connect(user_agent_header="me/1")
    return client, (await world.invoker.wait_for("connect"))[-1]["requestContext"]["connectionId"]


async def test_post_delivers_text(world, management, soon):
    """Bytes that are posted reach the client as one text message."""
    client, connection_id = await connection(world)
    for data in (b'{"n": 1}', "schön".encode(), b"", b"x" * 131_072):
        response = await call(management.post_to_connection, ConnectionId=connection_id, Data=data)
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 200
        assert await soon(client.recv()) == data.decode()


async def test_an_id_that_is_none_is_recorded_in_short(world, soon):
    """What a caller writes in place of an id is bounded in the timeline, and no token in it is kept."""
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJkZW1vIn0.c2lnbmF0dXJl"
    for text in (token, "x" * 3_000):
        reader, writer = await asyncio.open_connection("127.0.0.1", world.server.port)
        head = f"POST /local/@connections/{text} HTTP/1.1\r\nHost: x{SIGNED}\r\n"
        writer.write(head.encode() + b"Content-Length: 0\r\n\r\n")
        assert b" 400 " in await soon(reader.readline())
        writer.transport.abort()
    posts = await world.wait_for("gateway.post", 2)
    assert [post["connection_id"] for post in posts] == ["eyJhbGciOi…dXJl", "x" * 63 + "…"]


async def test_get_describes_the_connection(world, management):
    """GetConnection tells times and identity in the model's form."""
    _, connection_id = await connection(world)
    world.clock.advance(5)
    await call(management.post_to_connection, ConnectionId=connection_id, Data=b"x")
    response = await call(management.get_connection, ConnectionId=connection_id)
    assert response["Identity"] == {"SourceIp": "127.0.0.1", "UserAgent": "me/1"}
    assert response["LastActiveAt"] - response["ConnectedAt"] == datetime.timedelta(seconds=5)


async def test_delete_closes_normally(world, management, soon):
    """DeleteConnection closes with 1000 and AWS's reason, then $disconnect runs."""
    client, connection_id = await connection(world)
    response = await call(management.delete_connection, ConnectionId=connection_id)
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 204
    await soon(client.wait_closed())
    assert (client.close_code, client.close_reason) == (1000, "Connection Closed Normally")
    (event,) = await world.invoker.wait_for("disconnect")
    assert event["requestContext"]["disconnectReason"] == "Connection Closed Normally"


@pytest.mark.parametrize("operation", ["post_to_connection", "get_connection", "delete_connection"])
async def test_gone(world, management, operation):
    """An id of no open connection raises GoneException, with an empty body."""
    data = {"Data": b"x"} if operation.startswith("post") else {}
    with pytest.raises(management.exceptions.GoneException) as caught:
        await call(getattr(management, operation), ConnectionId=UNKNOWN, **data)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 410
    assert caught.value.response["ResponseMetadata"]["HTTPHeaders"]["content-length"] == "0"


async def test_gone_after_the_client_left(world, management):
    """A connection that ended is gone."""
    client, connection_id = await connection(world)
    await client.close()
    await world.wait_for("gateway.close")
    with pytest.raises(management.exceptions.GoneException):
        await call(management.post_to_connection, ConnectionId=connection_id, Data=b"x")


async def test_gone_during_connect_and_during_disconnect(world, management, until):
    """$connect and $disconnect cannot post to their own connection."""
    seen = []

    async def post(event):
        connection_id = event["requestContext"]["connectionId"]
        try:
            await call(management.post_to_connection, ConnectionId=connection_id, Data=b"x")
        except management.exceptions.GoneException:
            seen.append(event["requestContext"]["eventType"])
        return {"statusCode": 200}

    world.invoker.functions |= {"connect": post, "disconnect": post}
    client = await world.connect()
    await client.close()
    await world.invoker.wait_for("disconnect")
    await until(lambda: len(seen) == 2)
    assert seen == ["CONNECT", "DISCONNECT"]


async def test_too_large(world, management):
    """More than 128 KB raises PayloadTooLargeException and sends nothing."""
    _, connection_id = await connection(world)
    with pytest.raises(management.exceptions.PayloadTooLargeException) as caught:
        await call(management.post_to_connection, ConnectionId=connection_id, Data=b"x" * 131_073)
    assert caught.value.response["Error"]["Message"] == "Message too long"


async def test_a_malformed_id_is_a_bad_request(world, management):
    """What cannot be a connection id is named in a BadRequestException."""
    with pytest.raises(ClientError) as caught:
        await call(management.get_connection, ConnectionId="cjy8i76bx002884le6n17d49b")
    assert caught.value.response["Error"] == {
        "Code": "BadRequestException",
        "Message": "Invalid connectionId: cjy8i76bx002884le6n17d49b",
    }


async def test_a_client_that_does_not_read_is_a_limit(make_world):
    """A post that cannot be written for the whole send timeout raises LimitExceededException."""
    async with make_world(settings=GatewaySettings(send_timeout_s=0.05)) as world:
        management = boto3.client(
            "apigatewaymanagementapi",
            endpoint_url=world.server.management_url,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(proxies={}, retries={"max_attempts": 0}),
        )
        reader, writer = await asyncio.open_connection("127.0.0.1", world.server.port, limit=1024)
        writer.write(
            b"GET /local HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        await reader.readuntil(b"\r\n\r\n")
        (event,) = await world.invoker.wait_for("connect")
        connection_id = event["requestContext"]["connectionId"]
        status = 200
        while status == 200:
            try:
                await call(management.post_to_connection, ConnectionId=connection_id, Data=b"x" * 131_072)
            except management.exceptions.LimitExceededException as error:
                status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        assert status == 429
        writer.transport.abort()
        management.close()


async def request(world, head, body=b""):
    """Send one raw request and return status, headers and body."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.server.port)
    writer.write(head.encode() + f"\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
    lines = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)).decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:] if line)}
    content = await reader.readexactly(int(headers.get("content-length", 0)))
    writer.close()
    return int(lines[0].split()[1]), headers, content


SIGNED = (
    "\r\nX-Amz-Date: 20240120T115457Z"
    "\r\nAuthorization: AWS4-HMAC-SHA256 Credential=x/20240120/us-east-1/execute-api/aws4_request,"
    " SignedHeaders=host;x-amz-date, Signature=0f"
)


@pytest.mark.parametrize("at", ["@", "%40"])
async def test_at_may_be_encoded(world, soon, at):
    """`@connections` and `%40connections` are the same."""
    client, connection_id = await connection(world)
    path = f"/local/{at}connections/{connection_id.replace('=', '%3D')}"
    status, _, _ = await request(world, f"POST {path} HTTP/1.1{SIGNED}", b"hi")
    assert status == 200
    assert await soon(client.recv()) == "hi"


@pytest.mark.parametrize(
    "head",
    [
        f"GET /local HTTP/1.1{SIGNED}",
        f"GET / HTTP/1.1{SIGNED}",
        f"GET /other/@connections/{UNKNOWN} HTTP/1.1{SIGNED}",
        f"GET /@connections/{UNKNOWN} HTTP/1.1{SIGNED}",
        f"PUT /local/@connections/{UNKNOWN} HTTP/1.1{SIGNED}",
        f"GET /local/@connections/ HTTP/1.1{SIGNED}",
        f"GET /local/@connections/{UNKNOWN} HTTP/1.1",
    ],
    ids=["stage", "root", "other stage", "no stage", "method", "no id", "unsigned"],
)
async def test_anything_else_is_forbidden(world, head):
    """Another path, stage or method, a plain GET of the stage, and an unsigned request are 403."""
    status, headers, body = await request(world, head)
    assert (status, headers["x-amzn-errortype"]) == (403, "ForbiddenException")
    assert json.loads(body) == {"message": "Forbidden"}


async def test_data_that_is_not_utf8_is_still_text(world, soon):
    """The client gets text with replacement characters; its connection survives."""
    client, connection_id = await connection(world)
    status, _, _ = await request(
        world, f"POST /local/@connections/{connection_id} HTTP/1.1{SIGNED}", b"\xffa"
    )
    assert status == 200
    assert await soon(client.recv()) == "\ufffda"


async def test_data_that_is_not_utf8_can_be_refused(make_world, soon):
    """By setting, such data is a BadRequestException and nothing is sent (row D15)."""
    async with make_world(settings=GatewaySettings(refuse_undecodable_posts=True)) as world:
        client, connection_id = await connection(world)
        head = f"POST /local/@connections/{connection_id} HTTP/1.1{SIGNED}"
        status, headers, _ = await request(world, head, b"\xffa")
        assert (status, headers["x-amzn-errortype"]) == (400, "BadRequestException")
        await request(world, head, b"hi")
        assert await soon(client.recv()) == "hi"


async def test_a_connection_of_another_stage_is_forbidden(make_world):
    """A connection is reached by its own stage's path only (row D10)."""
    async with make_world(stages=(Stage("local"), Stage("other"))) as world:
        _, connection_id = await connection(world)
        answers = {
            stage: (await request(world, f"GET /{stage}/@connections/{connection_id} HTTP/1.1{SIGNED}"))[0]
            for stage in ("local", "other", "none")
        }
        assert answers == {"local": 200, "other": 403, "none": 403}


async def test_a_connection_of_another_api_is_forbidden(make_world):
    """What another API of the sandbox knows is not gone, but somebody else's (row D10)."""
    async with make_world(gateway_options={"is_elsewhere": lambda connection_id: True}) as world:
        for method in ("POST", "GET", "DELETE"):
            head = f"{method} /local/@connections/{UNKNOWN} HTTP/1.1{SIGNED}"
            assert (await request(world, head))[0] == 403


async def test_a_post_above_32_kb_arrives_in_frames_of_32_kb(world, soon):
    """A payload above the frame limit is one message of several text frames (row A53)."""
    reader, writer = await asyncio.open_connection("127.0.0.1", world.server.port)
    writer.write(
        b"GET /local HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    await soon(reader.readuntil(b"\r\n\r\n"))
    (event,) = await world.invoker.wait_for("connect")
    path = f"/local/@connections/{event['requestContext']['connectionId']}"
    status, _, _ = await request(world, f"POST {path} HTTP/1.1{SIGNED}", b"x" * 32_768 + b"y" * 32_769)
    assert status == 200
    frames = []
    for _ in range(3):
        first, size = await soon(reader.readexactly(2))
        size = int.from_bytes(await soon(reader.readexactly(8 if size == 127 else 2))) if size > 125 else size
        frames.append((first, await soon(reader.readexactly(size))))
    assert frames == [(0x01, b"x" * 32_768), (0x00, b"y" * 32_768), (0x80, b"y")]
    writer.transport.abort()


async def test_posts_keep_a_connection_from_idling(world, management, soon):
    """Data towards the client resets the idle timer."""
    client, connection_id = await connection(world)
    world.clock.advance(599)
    await call(management.post_to_connection, ConnectionId=connection_id, Data=b"x")
    world.clock.advance(599)
    world.gateway.sweep()
    assert await soon(client.recv()) == "x"
    await soon(await client.ping())
    assert world.gateway.connections.find(connection_id).is_open


async def test_a_handler_reaches_the_gateway_by_its_domain_name(world, soon, monkeypatch):
    """`https://{domainName}/{stage}` works with AWS_CA_BUNDLE set and nothing else."""
    monkeypatch.setenv("AWS_CA_BUNDLE", str(world.certificate.ca_bundle))
    client = await world.connect()
    (event,) = await world.invoker.wait_for("connect")
    context = event["requestContext"]
    management = boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=f"https://{context['domainName']}/{context['stage']}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    await call(management.post_to_connection, ConnectionId=context["connectionId"], Data=b"hi")
    assert await soon(client.recv()) == "hi"
    management.close()
