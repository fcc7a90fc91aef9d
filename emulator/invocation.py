"""What the gateway and the event sources see of the Lambda service: one call and its result."""

from dataclasses import dataclass
from typing import Protocol

LATEST = "$LATEST"
"""The only version that functions of the sandbox have."""

MAX_REQUEST_BYTES = 6_291_456
"""Payload limit of a synchronous invocation. Lambda quotas."""

MAX_EVENT_BYTES = 1_048_576
"""Payload limit of an asynchronous invocation. Lambda quotas, October 2025."""

MAX_RESPONSE_BYTES = 6_291_556
"""Limit of a function's response. Seen on AWS (`Function.ResponseSizeTooLarge`)."""


@dataclass(frozen=True, slots=True)
class InvocationResult:
    """The outcome of one invocation that reached the function.

    Attributes:
        payload: the function's response as JSON, or the error payload where `function_error` is set.
        function_error: `Unhandled` where the function failed (raised, timed out, exited), else None.
        log: what this invocation wrote, with Lambda's START, END and REPORT lines.
    """

    request_id: str
    payload: bytes
    function_error: str | None = None
    log: str = ""


class Invoker(Protocol):
    """The Lambda service as its callers see it."""

    async def invoke(
        self,
        function: str,
        payload: bytes,
        *,
        trace_header: str | None = None,
        qualified_arn: str | None = None,
    ) -> InvocationResult:
        """Run `function` once (`RequestResponse`) and wait for its outcome.

        Waits for an environment while the laptop's limit of processes is reached. Cancelling the
        caller does not stop the function, as on AWS.

        Raises:
            FunctionNotFound, TooManyRequests, PayloadTooLarge, InvalidPayload.
        """
        ...

    async def invoke_event(self, function: str, payload: bytes, *, trace_header: str | None = None) -> str:
        """Queue `payload` for `function` (`Event`); returns the request id at once.

        The function's `AsynchronousConfig` says how failures are retried and where they go in the end.

        Raises:
            FunctionNotFound, PayloadTooLarge, InvalidPayload.
        """
        ...
