"""`$disconnect`: forgets a connection that is over. Posting to one that is gone does the same."""

from logging import Logger
from typing import Any

from streamer.delivery import OutcomeDelivery
from streamer.lambdas.contexts import make_delivery
from streamer.lambdas.entry_point import entry_point
from streamer.lambdas.gateway_events import bound_to
from streamer.lambdas.services import Event, Handler, LambdaContext, Services
from streamer.store import RequestState


def build(services: Services) -> Handler:
    """Make the handler of `$disconnect`. Idempotent; API Gateway ignores what it answers.

    Shape:
        event: API Gateway's DISCONNECT event; response `{"statusCode"}`.
    """
    _ = services.connections, services.subscriptions, services.requests  # made now, in the init phase

    def handle(event: Event, context: LambdaContext) -> dict[str, Any]:
        request = event["requestContext"]
        with bound_to(request, context):
            try:
                ended = services.forget_connection(request["connectionId"])
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
                    "requests_ended": len(ended),
                },
            )
            if ended:
                _tell_others(ended, make_delivery(services), services.logger)
            return {"statusCode": 200}

    return handle


def _tell_others(ended: list[RequestState], delivery: OutcomeDelivery, logger: Logger) -> None:
    """Tell whoever else follows a request that it ended with its connection."""
    for state in ended:
        try:
            delivery.deliver(state.key, state)
        except Exception:
            logger.exception(
                "An outcome waits for the sweeper",
                extra={"action": "outcome.waits", "request_id": state.request_id},
            )


__getattr__ = entry_point(build, "disconnect")
