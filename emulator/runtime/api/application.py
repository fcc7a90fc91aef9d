"""The ASGI application: reads a request, finds its operation, writes the answer."""

from collections.abc import Callable, Mapping
from typing import Protocol
from urllib.parse import parse_qs

from emulator.application import Function
from emulator.asgi import Disconnected, Receive, Scope, Send, headers_of, read_body
from emulator.aws_api import ApiError, Response, refuse_outsiders
from emulator.clock import Clock
from emulator.errors import EmulatorError, FunctionNotFound
from emulator.invocation import MAX_REQUEST_BYTES
from emulator.runtime.api.concurrency import Concurrency
from emulator.runtime.api.errors import REFUSED, api_error
from emulator.runtime.api.event_invoke_config import EventInvokeConfigs
from emulator.runtime.api.functions import Functions
from emulator.runtime.api.invoke import Invocations
from emulator.runtime.api.names import check_qualifier, parse_function_name
from emulator.runtime.api.paths import EVENT_SOURCE_MAPPINGS, find_operation
from emulator.runtime.api.permissions import Permissions
from emulator.runtime.api.records import Records
from emulator.runtime.api.requests import Operation, Request
from emulator.runtime.api.tags import Tags
from emulator.runtime.service import LambdaService, new_request_id


class EventSourceMappings(Protocol):
    """Answers what is asked about event source mappings."""

    async def answer(self, method: str, path: str, query: Mapping[str, list[str]], body: bytes) -> Response:
        """Answer a request whose path begins with `/2015-03-31/event-source-mappings`.

        Args:
            path: percent-decoded.

        Raises:
            ApiError, EmulatorError: the request is refused.
        """
        ...


class LambdaApi:
    """The ASGI application.

    Args:
        clock: of the dates in its answers.
        event_source_mappings: takes the requests about them; None: they are refused.
    """

    def __init__(
        self,
        service: LambdaService,
        *,
        clock: Clock,
        event_source_mappings: EventSourceMappings | None = None,
        new_id: Callable[[], str] = new_request_id,
    ) -> None:
        self._service = service
        records = Records(service.functions.values(), clock=clock, new_id=new_id)
        self._event_source_mappings = event_source_mappings
        self._new_id = new_id
        self._operations: dict[str, Operation] = {
            **Invocations(service).operations(),
            **Functions(service, records).operations(),
            **Concurrency(service).operations(),
            **EventInvokeConfigs(service, records).operations(),
            **Permissions(service, records).operations(),
            **Tags(service, records).operations(),
        }

    def mount(self, event_source_mappings: EventSourceMappings) -> None:
        """Hand the requests about event source mappings over from now on."""
        self._event_source_mappings = event_source_mappings

    def find_function(self, name: str) -> Function | None:
        """Return the function that a name, an ARN or a part of one means, or None."""
        try:
            value, qualifier = parse_function_name(name, None)
            function = self._service.get_function(value)
            check_qualifier(function, qualifier)
        except (ApiError, FunctionNotFound):
            return None
        return function

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
        headers = {"Content-Type": "application/json", "x-amzn-RequestId": "", **response.headers}
        headers["x-amzn-RequestId"] = headers["x-amzn-RequestId"] or self._new_id()
        if response.status != 204:
            headers["Content-Length"] = str(len(response.body))
        start = {
            "type": "http.response.start",
            "status": response.status,
            "headers": [(k.lower().encode(), v.encode()) for k, v in headers.items()],
        }
        await send(start)
        await send({"type": "http.response.body", "body": response.body})

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        headers = headers_of(scope)
        refuse_outsiders(headers)
        method, path = scope["method"], scope["path"]
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        if path.startswith(EVENT_SOURCE_MAPPINGS) and self._event_source_mappings is not None:
            return await self._event_source_mappings.answer(method, path, query, await _body(receive))
        found = find_operation(method, (scope.get("raw_path") or path.encode()).decode("latin-1"))
        if found is None:
            raise ApiError(
                501,
                "ServiceException",
                f"The sandbox's Lambda has no operation {method} {path}; it has"
                f" {', '.join(sorted(self._operations))} and those of event source mappings.",
            )
        name, parameters = found
        if name in REFUSED:
            raise ApiError(400, "InvalidParameterValueException", f"{name} is refused. {REFUSED[name]}")
        operation = self._operations.get(name)
        if operation is None:
            raise ApiError(
                501, "ServiceException", f"{name} is not emulated; call Invoke, which returns it whole."
            )
        return await operation(Request(parameters, query, headers, await _body(receive)))


async def _body(receive: Receive) -> bytes:
    try:
        body = await read_body(receive, max_bytes=MAX_REQUEST_BYTES, reads_all=True)
    except Disconnected as error:
        raise ApiError(400, "InvalidRequestContentException", str(error)) from error
    if body is None:
        raise ApiError(
            413,
            "RequestTooLargeException",
            f"Request must be smaller than {MAX_REQUEST_BYTES} bytes for the InvokeFunction operation.",
        )
    return body


async def _live(receive: Receive, send: Send) -> None:
    """Take part in the server's start and stop; the service itself is started by whoever made it."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
