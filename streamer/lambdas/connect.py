"""`$connect`: lets a client in whose token is good, and remembers who it is."""

import json
from collections.abc import Mapping
from typing import Any

from streamer.auth.authenticator import find_token
from streamer.errors import ErrorCode, Forbidden, StreamerError, Unauthorized
from streamer.identity import Identity
from streamer.lambdas.entry_point import entry_point
from streamer.lambdas.gateway_events import bound_to, endpoint_of
from streamer.lambdas.services import Event, Handler, LambdaContext, Services
from streamer.protocol.limits import SUBPROTOCOL
from streamer.store import Connection

PROTOCOL_HEADER = "Sec-WebSocket-Protocol"


def build(services: Services) -> Handler:
    """Make the handler of `$connect`.

    It answers 200 and the connection is stored; 401 where the token is not accepted; 403 where its
    tenant may not connect; 500 where we fail. API Gateway gives the client the same status.

    Shape:
        event: API Gateway's CONNECT event; response `{"statusCode", "headers"?, "body"?}`, the body
        `{"message", "code"}` as JSON where the client is refused.
    """
    authenticator = services.authenticator
    connections = services.connections
    authenticator.prefetch()

    def connect(event: Event, began: float) -> dict[str, Any]:
        identity = authenticator.authenticate(
            find_token(event.get("headers"), event.get("queryStringParameters"))
        )
        connection = connection_from(event["requestContext"], identity, now=services.clock.now())
        connections.put(connection)
        services.logger.info(
            "A client connected",
            extra={
                "action": "connection.opened",
                "tenant_id": identity.tenant_id,
                "user_id": identity.user_id,
                "duration_ms": round((services.clock.now() - began) * 1000, 3),
            },
        )
        return accept(event.get("headers"))

    def handle(event: Event, context: LambdaContext) -> dict[str, Any]:
        began = services.clock.now()
        request = event["requestContext"]
        with bound_to(request, context):
            try:
                return connect(event, began)
            except Unauthorized as error:
                return refuse(401, error)
            except Forbidden as error:
                return refuse(403, error)
            except Exception:
                services.logger.exception(
                    "A client was not let in because we failed", extra={"action": "connection.failed"}
                )
                return refuse(500)

    return handle


def connection_from(request: Mapping[str, Any], identity: Identity, *, now: float) -> Connection:
    """Return what is stored of a connection, from the `requestContext` of its CONNECT event."""
    return Connection(
        connection_id=request["connectionId"],
        tenant_id=identity.tenant_id,
        user_id=identity.user_id,
        permissions=sorted(identity.permissions),
        endpoint=endpoint_of(request),
        token_expires_at=identity.expires_at,
        connected_at=now,
    )


def accept(headers: Mapping[str, str] | None) -> dict[str, Any]:
    """Return the response that opens the connection, with our subprotocol if the client offers it.

    Source:
        API Gateway Developer Guide, "WebSocket APIs that require a subprotocol": the function echoes
        one of the comma-separated list, or the client gives up.
    """
    offered = ",".join(
        value for name, value in (headers or {}).items() if name.lower() == PROTOCOL_HEADER.lower()
    )
    if SUBPROTOCOL in (part.strip() for part in offered.split(",")):
        return {"statusCode": 200, "headers": {PROTOCOL_HEADER: SUBPROTOCOL}}
    return {"statusCode": 200}


def refuse(status: int, error: StreamerError | None = None) -> dict[str, Any]:
    """Return the response that refuses the connection. Of a failure of ours nothing is said."""
    if error is None:
        body = {
            "message": "The connection could not be opened just now; connect again.",
            "code": ErrorCode.INTERNAL_ERROR,
        }
    else:
        body = {"message": str(error), "code": error.code}
    return {
        "statusCode": status,
        "headers": {"Content-Type": "application/json"},
        "body": json.dumps(body),
    }


__getattr__ = entry_point(build, "connect")
