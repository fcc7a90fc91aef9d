"""Invocations: `Invoke` in its three types, and the older `InvokeAsync`."""

import base64
import json
from collections.abc import Mapping

from emulator.aws_api import ApiError, Response
from emulator.aws_validation import invalid
from emulator.invocation import LATEST
from emulator.runtime.api.requests import Operation, Request
from emulator.runtime.service import LambdaService

LOG_TAIL_BYTES = 4096
"""What `LogType=Tail` returns at most. Lambda API reference, `Invoke`."""

_NOT_EMULATED = ("x-amz-tenant-id", "x-amz-durable-execution-name")
"""Of tenants, which functions of the sandbox are not isolated by, and of durable executions."""


class Invocations:
    """Calls functions on behalf of boto3."""

    def __init__(self, service: LambdaService) -> None:
        self._service = service

    def operations(self) -> Mapping[str, Operation]:
        """Return the operations by name."""
        return {"Invoke": self.invoke, "InvokeAsync": self.invoke_async}

    async def invoke(self, request: Request) -> Response:
        """Run or queue a function, or only look whether that could be done (rows E40 to E43)."""
        function = request.function(self._service)
        headers = request.headers
        for name in _NOT_EMULATED:
            if name in headers:
                raise invalid(f"The header {name} asks for what is not emulated; leave it out.")
        kind = headers.get("x-amz-invocation-type", "RequestResponse")
        if kind == "DryRun":
            return Response(204)
        trace_header = headers.get("x-amzn-trace-id")
        if kind == "Event":
            request_id = await self._service.invoke_event(
                function.name, request.body, trace_header=trace_header
            )
            return Response(202, headers={"x-amzn-RequestId": request_id})
        if kind != "RequestResponse":
            raise invalid(f"InvocationType is {kind!r}; it may be Event, RequestResponse or DryRun.")
        _, qualifier = request.name()
        result = await self._service.invoke(
            function.name,
            request.body,
            trace_header=trace_header,
            qualified_arn=f"{function.arn}:{qualifier}" if qualifier else function.arn,
            client_context=_client_context(headers.get("x-amz-client-context")),
        )
        answer = {"X-Amz-Executed-Version": LATEST, "x-amzn-RequestId": result.request_id}
        if result.function_error is not None:
            answer["X-Amz-Function-Error"] = result.function_error
        if headers.get("x-amz-log-type") == "Tail":
            answer["X-Amz-Log-Result"] = base64.b64encode(result.log.encode()[-LOG_TAIL_BYTES:]).decode()
        return Response(200, result.payload, answer)

    async def invoke_async(self, request: Request) -> Response:
        """Queue an event, as `Invoke` with `Event` does."""
        function = request.function(self._service)
        request_id = await self._service.invoke_event(function.name, request.body)
        return Response(202, b"{}", headers={"x-amzn-RequestId": request_id})


def _client_context(value: str | None) -> str | None:
    """Return a client context as it was sent, or in ASCII where no header can have it. Raises ApiError."""
    if value is None:
        return None
    try:
        text = base64.b64decode(value, validate=True).decode()
        context = json.loads(text)
        if not isinstance(context, dict):
            raise ValueError("not an object")
    except (ValueError, RecursionError) as error:
        raise ApiError(
            400,
            "InvalidRequestContentException",
            "Client context must be a valid Base64-encoded JSON object.",
        ) from error
    return text if text.isascii() and text.isprintable() else json.dumps(context)
