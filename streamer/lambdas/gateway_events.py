"""What the three functions behind the WebSocket API read of every event."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from streamer.lambdas.services import LambdaContext
from streamer.observability import bound


def endpoint_of(request: Mapping[str, Any]) -> str:
    """Return where messages for a connection are posted, from an event's `requestContext`.

    Source:
        API Gateway Developer Guide, "Use @connections commands in your backend service".
    """
    return f"https://{request['domainName']}/{request['stage']}"


def bound_to(request: Mapping[str, Any], context: LambdaContext) -> AbstractContextManager[None]:
    """Add to every line that is logged inside what the event is about.

    The gateway's id of the event is the correlation id of all that follows from it.

    Args:
        request: the event's `requestContext`.
    """
    return bound(
        aws_request_id=context.aws_request_id,
        correlation_id=request["requestId"],
        connection_id=request["connectionId"],
    )
