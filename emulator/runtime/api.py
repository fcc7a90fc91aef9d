"""Lambda's AWS API, as far as a program that calls functions needs it, as an ASGI application.

Source:
    The service model of botocore, `lambda` 2015-03-31 (REST, JSON).
"""

import base64
import json
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from emulator.account import ACCOUNT_ID, REGION
from emulator.application import Function
from emulator.errors import (
    EmulatorError,
    FunctionNotFound,
    InvalidPayload,
    PayloadTooLarge,
    TooManyRequests,
)
from emulator.invocation import MAX_REQUEST_BYTES
from emulator.runtime.service import LambdaService
from emulator.runtime.variables import runtime_name

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

LOG_TAIL_BYTES = 4096
"""What `LogType=Tail` returns at most. Lambda API reference, `Invoke`."""

_PATH = re.compile(r"^/2015-03-31/functions(?:/(?P<function>[^/]+)(?:/(?P<operation>[^/]+))?)?/?$")
_NAME = re.compile(
    r"^(?:arn:aws:lambda:(?P<region>[a-z0-9-]+):)?(?:(?P<account>\d{12}):)?(?:function:)?"
    r"(?P<name>[A-Za-z0-9_-]+)(?::(?P<qualifier>\$LATEST|[A-Za-z0-9_-]+))?$"
)


@dataclass(frozen=True, slots=True)
class Response:
    """An HTTP response; the body is JSON."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class ApiError(Exception):
    """A request that Lambda refuses, with what boto3 makes its exception of."""

    def __init__(self, status: int, code: str, message: str, **fields: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.fields = fields

    def response(self) -> Response:
        """Return it in Lambda's form; exceptions disagree about the case of `message`, so both are there."""
        body = {
            **self.fields,
            "Type": "User" if self.status < 500 else "Service",
            "Message": str(self),
            "message": str(self),
        }
        headers = {"x-amzn-ErrorType": self.code}
        if self.status == 429:
            headers["Retry-After"] = "1"
        return Response(self.status, json.dumps(body).encode(), headers)


def api_error(error: EmulatorError) -> ApiError:
    """Return what Lambda's API says of an error of the service."""
    match error:
        case FunctionNotFound():
            return ApiError(404, "ResourceNotFoundException", str(error))
        case TooManyRequests():
            return ApiError(429, "TooManyRequestsException", "Rate Exceeded.", Reason=error.reason)
        case PayloadTooLarge():
            return ApiError(413, "RequestTooLargeException", str(error))
        case InvalidPayload():
            return ApiError(400, "InvalidRequestContentException", str(error))
        case _:
            return ApiError(500, "ServiceException", str(error))


def parse_function_name(value: str, qualifier: str | None) -> tuple[str, str | None]:
    """Return a function's name and qualifier from what a caller named it.

    Args:
        value: a name, an ARN or a partial ARN (`123456789012:function:name`), each with `:qualifier` or not.
        qualifier: from the query, or None.

    Raises:
        ApiError: it is none of these, or another account's or region's, or the qualifiers differ.
    """
    match = _NAME.match(value)
    if match is None:
        raise ApiError(400, "InvalidParameterValueException", f"{value!r} is not a function's name or ARN.")
    own = match["qualifier"]
    if own is not None and qualifier is not None and own != qualifier:
        raise ApiError(
            400,
            "InvalidParameterValueException",
            "The derived qualifier from the function name does not match the specified qualifier.",
        )
    if match["region"] not in (None, REGION) or match["account"] not in (None, ACCOUNT_ID):
        raise ApiError(
            404,
            "ResourceNotFoundException",
            f"Function not found: {value}; the sandbox has one account and region.",
        )
    return match["name"], own or qualifier


def configuration(function: Function) -> dict[str, Any]:
    """Return a function's `FunctionConfiguration`, as much of it as the sandbox knows."""
    return {
        "FunctionName": function.name,
        "FunctionArn": function.arn,
        "Runtime": runtime_name(),
        "Handler": function.handler,
        "Timeout": max(1, round(function.timeout_s)),
        "MemorySize": function.memory_mb,
        "Version": "$LATEST",
        "Environment": {"Variables": dict(function.environment)},
        "PackageType": "Zip",
        "State": "Active",
        "LastUpdateStatus": "Successful",
    }


class LambdaApi:
    """The ASGI application: `Invoke`, `GetFunction`, `GetFunctionConfiguration`, `ListFunctions`."""

    def __init__(self, service: LambdaService) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] != "http":
            raise RuntimeError(f"Lambda's API speaks HTTP, not {scope['type']}.")
        try:
            response = await self._answer(scope, receive)
        except ApiError as error:
            response = error.response()
        except EmulatorError as error:
            response = api_error(error).response()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(response.body))}
        headers |= response.headers
        start = {
            "type": "http.response.start",
            "status": response.status,
            "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
        }
        await send(start)
        await send({"type": "http.response.body", "body": response.body})

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        method, path = scope["method"], scope["path"]
        match = _PATH.match(path)
        asked = (method, match["function"] is not None, match["operation"]) if match is not None else None
        if match is None or asked not in _OPERATIONS:
            raise ApiError(
                501,
                "ServiceException",
                f"The sandbox's Lambda has no operation {method} {path}; it has Invoke, GetFunction,"
                " GetFunctionConfiguration and ListFunctions.",
            )
        if match["function"] is None:
            functions = [configuration(function) for function in self._service.functions.values()]
            return Response(200, json.dumps({"Functions": functions}).encode())
        query = parse_qs(scope.get("query_string", b"").decode())
        name, qualifier = parse_function_name(match["function"], query.get("Qualifier", [None])[0])
        function = self._service.get_function(name)
        if qualifier not in (None, "$LATEST"):
            raise ApiError(
                404, "ResourceNotFoundException", f"Function not found: {function.arn}:{qualifier}"
            )
        if match["operation"] == "invocations":
            headers = {k.decode().lower(): v.decode("latin-1") for k, v in scope["headers"]}
            arn = f"{function.arn}:{qualifier}" if qualifier else function.arn
            return await self._invoke(function, arn, headers, await _body(receive))
        described = configuration(function)
        if match["operation"] is None:
            described = {
                "Configuration": described,
                "Code": {"RepositoryType": "local", "Location": function.code.as_uri()}
                if function.code.is_absolute()
                else {},
            }
            if function.reserved_concurrency is not None:
                described["Concurrency"] = {"ReservedConcurrentExecutions": function.reserved_concurrency}
        return Response(200, json.dumps(described).encode())

    async def _invoke(
        self, function: Function, arn: str, headers: Mapping[str, str], payload: bytes
    ) -> Response:
        kind = headers.get("x-amz-invocation-type", "RequestResponse")
        trace_header = headers.get("x-amzn-trace-id")
        if kind == "DryRun":
            return Response(204)
        if kind == "Event":
            request_id = await self._service.invoke_event(function.name, payload, trace_header=trace_header)
            return Response(202, headers={"x-amzn-RequestId": request_id})
        if kind != "RequestResponse":
            raise ApiError(
                400,
                "InvalidParameterValueException",
                f"InvocationType is {kind!r}; it may be Event, RequestResponse or DryRun.",
            )
        result = await self._service.invoke(
            function.name,
            payload,
            trace_header=trace_header,
            qualified_arn=arn,
            client_context=_client_context(headers.get("x-amz-client-context")),
        )
        answer = {"X-Amz-Executed-Version": "$LATEST", "x-amzn-RequestId": result.request_id}
        if result.function_error is not None:
            answer["X-Amz-Function-Error"] = result.function_error
        if headers.get("x-amz-log-type") == "Tail":
            answer["X-Amz-Log-Result"] = base64.b64encode(result.log.encode()[-LOG_TAIL_BYTES:]).decode()
        return Response(200, result.payload, answer)


_OPERATIONS = {
    ("GET", False, None),
    ("GET", True, None),
    ("GET", True, "configuration"),
    ("POST", True, "invocations"),
}


def _client_context(value: str | None) -> str | None:
    if value is None:
        return None
    try:
        return base64.b64decode(value, validate=True).decode()
    except ValueError as error:
        raise ApiError(
            400,
            "InvalidRequestContentException",
            "Client context must be a valid Base64-encoded JSON object.",
        ) from error


async def _body(receive: Receive) -> bytes:
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ApiError(400, "InvalidRequestContentException", "The request's body was cut off.")
        part = message.get("body", b"")
        size += len(part)
        if size <= MAX_REQUEST_BYTES:
            parts.append(part)
        more = message.get("more_body", False)
    if size > MAX_REQUEST_BYTES:
        raise ApiError(
            413,
            "RequestTooLargeException",
            f"Request must be smaller than {MAX_REQUEST_BYTES} bytes for the InvokeFunction operation.",
        )
    return b"".join(parts)


async def _live(receive: Receive, send: Send) -> None:
    """Take part in the server's start and stop; the service itself is started by whoever made it."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
