"""Requests that boto3 does not send, and who may send any."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import pytest

from emulator.application import Function
from emulator.aws_api import ApiError, Response
from emulator.runtime import LambdaService

Serve = Callable[..., Awaitable[LambdaService]]
Make = Callable[..., Function]
CallApi = Callable[..., Awaitable[Any]]


def request(method: str, path: str, body: bytes = b"", headers: str = "Host: 127.0.0.1:1\r\n") -> bytes:
    head = f"{method} {path} HTTP/1.1\r\n{headers}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize(
    "headers",
    [
        "Host: 127.0.0.1:1\r\nOrigin: https://example.com\r\n",
        "Host: 127.0.0.1:1\r\nOrigin: null\r\n",
        "Host: example.com\r\n",
        "Host: 127.0.0.1.example.com:80\r\n",
        "Host: \r\n",
    ],
    ids=["web page", "local page", "another host", "rebound name", "no host"],
)
async def test_web_pages_are_refused(serve: Serve, function: Make, call_api: CallApi, headers: str) -> None:
    """A page in a browser can neither call functions nor read anything."""
    ask = await call_api(await serve(function("echo")))
    status, answer = await ask.raw(request("POST", "/2015-03-31/functions/echo/invocations", b"{}", headers))
    assert status == 403
    assert b"x-amzn-errortype: AccessDeniedException" in answer


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("PUT", "echo/configuration", b"{not json", 400, "SerializationException"),
        ("PUT", "echo/configuration", b"[1]", 400, "SerializationException"),
        ("PUT", "echo/configuration", b"\xff\xfe", 400, "SerializationException"),
        ("PUT", "echo/configuration", b"[" * 100_000, 400, "SerializationException"),
        ("PUT", "echo/configuration", b'{"Timeout": "5"}', 400, "SerializationException"),
        ("PUT", "echo/configuration", b'{"Timeout": true}', 400, "SerializationException"),
        ("PUT", "echo/configuration", b'{"Handler": 5}', 400, "SerializationException"),
        ("PUT", "echo/configuration", b'{"Environment": []}', 400, "SerializationException"),
        (
            "PUT",
            "echo/configuration",
            b'{"Environment": {"Variables": {"AA": 1}}}',
            400,
            "SerializationException",
        ),
        ("PUT", "echo/configuration", b'{"Tmeout": 5}', 400, "InvalidParameterValueException"),
        ("PUT", "echo/configuration", b"x" * 7_000_000, 413, "RequestTooLargeException"),
        ("POST", "echo/invocations", b"x" * 7_000_000, 413, "RequestTooLargeException"),
        ("GET", "missing", b"", 404, "ResourceNotFoundException"),
        ("GET", "a%20b", b"", 400, "ValidationException"),
        ("GET", "a%2Fb", b"", 400, "ValidationException"),
        ("GET", "..%2F..%2Fetc", b"", 400, "ValidationException"),
        ("GET", "%ff%fe", b"", 400, "ValidationException"),
        ("GET", "arn:aws:lambda:eu-west-1:000000000000:function:echo", b"", 404, "ResourceNotFoundException"),
        ("GET", "echo/no-such-thing", b"", 501, "ServiceException"),
        ("PATCH", "echo", b"", 501, "ServiceException"),
    ],
)
async def test_requests_that_are_refused(
    serve: Serve,
    function: Make,
    call_api: CallApi,
    method: str,
    path: str,
    body: bytes,
    status: int,
    error: str,
) -> None:
    """Whatever is sent gets an answer in AWS's form, with a sentence, and the API goes on."""
    ask = await call_api(await serve(function("echo")))
    found, answer = await ask.raw(request(method, f"/2015-03-31/functions/{path}", body))
    head, _, text = answer.partition(b"\r\n\r\n")
    assert found == status
    assert f"x-amzn-errortype: {error}".encode() in head
    assert b"x-amzn-requestid: " in head
    assert json.loads(text)["message"]
    assert (await ask("get_function", FunctionName="echo"))["Configuration"]["FunctionName"] == "echo"


async def test_an_unknown_operation_says_what_there_is(
    serve: Serve, function: Make, call_api: CallApi
) -> None:
    """boto3 raises for it, and the message names the operations that exist."""
    ask = await call_api(await serve(function("echo")))
    for error in (await ask("list_layers"), await ask("get_function_url_config", FunctionName="echo")):
        assert type(error).__name__ == "ServiceException"
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 501
        assert "UpdateFunctionConfiguration" in str(error)


class Mappings:
    """Answers for event source mappings with what it was asked."""

    async def answer(self, method: str, path: str, query: Mapping[str, list[str]], body: bytes) -> Response:
        if method == "DELETE":
            raise ApiError(404, "ResourceNotFoundException", "The resource you requested does not exist.")
        asked = {"UUID": f"{method} {path}", "FunctionArn": query.get("FunctionName", [body.decode()])[0]}
        return Response.of({**asked, "EventSourceMappings": [asked]}, 202)


async def test_event_source_mappings_are_somebody_elses(
    serve: Serve, function: Make, call_api: CallApi
) -> None:
    """Requests about them go to the object that was mounted, with everything that was asked."""
    ask = await call_api(await serve(function("echo")), event_source_mappings=Mappings())
    created = await ask("create_event_source_mapping", FunctionName="echo", EventSourceArn="arn:x")
    listed = await ask("list_event_source_mappings", FunctionName="echo")
    found = await ask("get_event_source_mapping", UUID="a b")
    deleted = await ask("delete_event_source_mapping", UUID="1")
    assert created["UUID"] == "POST /2015-03-31/event-source-mappings"
    assert json.loads(created["FunctionArn"]) == {"FunctionName": "echo", "EventSourceArn": "arn:x"}
    assert listed["EventSourceMappings"][0]["FunctionArn"] == "echo"
    assert found["UUID"] == "GET /2015-03-31/event-source-mappings/a b"
    assert type(deleted).__name__ == "ResourceNotFoundException"


async def test_without_event_source_mappings(serve: Serve, function: Make, call_api: CallApi) -> None:
    """A service without them refuses them."""
    ask = await call_api(await serve(function("echo")))
    assert type(await ask("list_event_source_mappings")).__name__ == "ServiceException"
