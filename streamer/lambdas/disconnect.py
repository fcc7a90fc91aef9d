"""`$disconnect`: forgets a connection that is over. Posting to one that is gone does the same."""

from typing import Any

from streamer.lambdas.entry_point import entry_point
from streamer.lambdas.gateway_events import bound_to
from streamer.lambdas.services import Event, Handler, LambdaContext, Services


def build(services: Services) -> Handler:
    """Make the handler of `$disconnect`. Idempotent; API Gateway ignores what it answers.

    Shape:
        event: API Gateway's DISCONNECT event; response `{"statusCode"}`.
    """
    _ = services.connections, services.subscriptions  # made now, in the init phase

    def handle(event: Event, context: LambdaContext) -> dict[str, Any]:
        request = event["requestContext"]
        with bound_to(request, context):
            try:
                services.forget_connection(request["connectionId"])
            except Exception:
                services.logger.exception(
                    "A connection that is over was not removed", extra={"action": "connection.not_removed"}
                )
                return {"statusCode": 500}
            services.logger.info(
                "A client disconnected",
                extra={
                    "action": "connection.closed",
                    "code": request.get("disconnectStatusCode"),
                    "duration_ms": request["requestTimeEpoch"] - request["connectedAt"],
                },
            )
            return {"statusCode": 200}

    return handle


__getattr__ = entry_point(build, "disconnect")
