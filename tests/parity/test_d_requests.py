"""Rows D1 to D3, D7 and D10: the form of a call of `@connections`, and what is refused for its form."""

import json
import re
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
from botocore import UNSIGNED
from botocore.config import Config

CALLS = {"post_to_connection": {"Data": b"x"}, "get_connection": {}, "delete_connection": {}}


def watch(client: Any) -> list[Any]:
    """Return the list to which the requests of a client are added as they are sent."""
    sent: list[Any] = []
    client.meta.events.register(
        "before-send.apigatewaymanagementapi.*", lambda request, **_: sent.append(request)
    )
    return sent


@pytest.mark.row("D1")
@pytest.mark.parametrize("stage", ["prod", "beta"])
async def test_calls_are_under_the_stage(parity: Any, stage: str) -> None:
    """POST, GET and DELETE of a connection stand under its stage's path."""
    socket = await parity.open(stage=stage)
    client = parity.management(stage=stage)
    assert urlsplit(client.meta.endpoint_url).path == f"/{stage}"
    sent = watch(client)
    for operation, more in CALLS.items():
        await parity.call(getattr(client, operation), ConnectionId=socket.connection_id, **more)
    path = f"/{stage}/@connections/{quote(socket.connection_id)}"
    assert [(one.method, urlsplit(one.url).path) for one in sent] == [
        ("POST", path),
        ("GET", path),
        ("DELETE", path),
    ]


@pytest.mark.row("D1", "D10")
async def test_calls_need_the_stage(parity: Any) -> None:
    """An endpoint URL without the stage, or with one that is not there, is 403."""
    socket = await parity.open()
    url = parity.target.management_url("main")
    for other in (url.removesuffix("/prod"), url.replace("/prod", "/none")):
        client = parity.target.boto3("apigatewaymanagementapi", endpoint_url=other)
        with pytest.raises(client.exceptions.ForbiddenException):
            await parity.call(client.get_connection, ConnectionId=socket.connection_id)


@pytest.mark.row("D2", "D3")
async def test_what_boto3_sends_is_taken(parity: Any) -> None:
    """boto3 sends a literal `@`, an encoded id, the data as they are, no content type, and signs it."""
    socket = await parity.open()
    client = parity.management()
    sent = watch(client)
    await parity.call(client.post_to_connection, ConnectionId=socket.connection_id, Data="ä")
    assert await socket.receive() == "ä"
    (request,) = sent
    assert urlsplit(request.url).path == f"/prod/@connections/{socket.connection_id.replace('=', '%3D')}"
    assert (request.body, request.headers["Content-Length"]) == ("ä".encode(), "2")
    assert "Content-Type" not in request.headers
    signature = request.headers["Authorization"].decode()
    assert re.fullmatch(
        r"AWS4-HMAC-SHA256 Credential=\w+/\d{8}/us-east-1/execute-api/aws4_request,"
        r" SignedHeaders=host;x-amz-date(;x-amz-security-token)?, Signature=[0-9a-f]{64}",
        signature,
    )
    assert "X-Amz-Date" in request.headers


@pytest.mark.row("D2")
async def test_post_without_data(parity: Any) -> None:
    """Empty data is a request without a body, and is accepted."""
    socket = await parity.open()
    client = parity.management()
    sent = watch(client)
    answer = await parity.call(client.post_to_connection, ConnectionId=socket.connection_id, Data=b"")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert (sent[0].headers["Content-Length"], sent[0].body or b"") == ("0", b"")


@pytest.mark.row("D2")
@pytest.mark.parametrize("at", ["@", "%40"])
@pytest.mark.parametrize("is_quoted", [True, False], ids=["quoted", "plain"])
async def test_path_may_be_encoded(parity: Any, at: str, *, is_quoted: bool) -> None:
    """`%40connections` is `@connections`, and `%3D` at the end of an id is `=`."""
    socket = await parity.open()
    name = quote(socket.connection_id, safe="") if is_quoted else socket.connection_id
    assert (await parity.request("POST", f"/{at}connections/{name}", b"hello")).status == 200
    assert await socket.receive() == "hello"


@pytest.mark.row("D3", "D10")
@pytest.mark.parametrize("service", [None, "lambda", "apigateway"])
@pytest.mark.parametrize("method", ["POST", "GET", "DELETE"])
async def test_signature_for_the_service_is_required(parity: Any, method: str, service: str | None) -> None:
    """Without a signature, or with one for another service, a call is 403 and does nothing."""
    socket = await parity.open()
    path = f"/@connections/{socket.connection_id}"
    answer = await parity.request(method, path, b"unsigned" if method == "POST" else b"", service=service)
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, "ForbiddenException")
    assert json.loads(answer.body)["message"]
    assert (await parity.request("POST", path, b"signed")).status == 200
    assert await socket.receive() == "signed"


@pytest.mark.row("D7")
@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize(
    "connection_id", ["cjy8i76bx002884le6n17d49b", "5b5e4ac1-9d0b-4f0c-8a54-2b1f0c3c1d11", "short="]
)
async def test_malformed_id_is_400(parity: Any, operation: str, connection_id: str) -> None:
    """What cannot be a connection's id is named in a BadRequestException."""
    client = parity.management()
    with pytest.raises(client.exceptions.ClientError) as refused:
        await parity.call(getattr(client, operation), ConnectionId=connection_id, **CALLS[operation])
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert refused.value.response["Error"] == {
        "Code": "BadRequestException",
        "Message": f"Invalid connectionId: {connection_id}",
    }


@pytest.mark.row("D10", "D11")
@pytest.mark.parametrize("operation", CALLS)
@pytest.mark.parametrize(
    ("api", "stage", "options"),
    [
        ("main", "beta", {}),
        ("undefaulted", None, {}),
        ("main", "prod", {"config": Config(signature_version=UNSIGNED)}),
    ],
    ids=["other stage", "other API", "unsigned"],
)
async def test_call_in_the_wrong_place_is_403(
    parity: Any, operation: str, api: str, stage: str | None, options: dict[str, Any]
) -> None:
    """boto3 raises `ForbiddenException` for another stage, another API and a call that is not signed."""
    socket = await parity.open("main", stage="prod")
    client = parity.management(api, stage, **options)
    with pytest.raises(client.exceptions.ForbiddenException) as refused:
        await parity.call(getattr(client, operation), ConnectionId=socket.connection_id, **CALLS[operation])
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    assert (await parity.request("POST", f"/@connections/{socket.connection_id}", b"still")).status == 200
    assert await socket.receive() == "still"
