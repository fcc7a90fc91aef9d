"""`$default`: answers a message, or queues what takes long. Its reply is the route response."""

from typing import Any

from streamer.delivery import too_large
from streamer.errors import Unauthorized
from streamer.lambdas.contexts import context_factory, make_delivery, signer_factory
from streamer.lambdas.entry_point import entry_point
from streamer.lambdas.gateway_events import bound_to, endpoint_of
from streamer.lambdas.services import Event, Handler, LambdaContext, Services
from streamer.observability import bound
from streamer.protocol import Message, Response, encode
from streamer.protocol.limits import MAX_MESSAGE_BYTES
from streamer.routing.callers import Callers
from streamer.routing.control import ControlActions
from streamer.routing.router import Arrival, Router, error_message


def build(services: Services) -> Handler:
    """Make the handler of `$default`.

    Shape:
        event: API Gateway's MESSAGE event; response `{"statusCode": 200, "body": str}`, the body one
        message of the protocol.
    """
    callers = Callers(services.connections, services.clock)
    delivery, sign = make_delivery(services), signer_factory(services)
    control = ControlActions(
        requests=services.requests,
        subscriptions=services.subscriptions,
        messages=services.messages,
        delivery=delivery,
        sign=sign,
        clock=services.clock,
        logger=services.logger,
    )
    router = Router(
        registry=services.registry,
        requests=services.requests,
        delivery=delivery,
        control=control,
        new_context=context_factory(services),
        sign=sign,
        clock=services.clock,
        logger=services.logger,
    )

    def handle(event: Event, context: LambdaContext) -> dict[str, Any]:
        request = event["requestContext"]
        with bound_to(request, context):
            arrival = Arrival(event.get("body") or "", request["connectionId"], request["requestId"])
            try:
                caller = callers.get(arrival.connection_id)
            except Unauthorized as error:
                _send_away(services, request, error)
                return {"statusCode": 401}
            with bound(tenant_id=caller.tenant_id, user_id=caller.user_id):
                return {
                    "statusCode": 200,
                    "body": _fitting(router.answer(arrival, caller), services).decode(),
                }

    return handle


def _send_away(services: Services, request: dict[str, Any], error: Unauthorized) -> None:
    """Tell a caller that we do not know (any more) why its connection is closed, and close it."""
    services.logger.info("A caller was sent away", extra={"action": "caller.unauthorized"})
    endpoint = endpoint_of(request)
    message = error_message(error, request_id=None, now=services.clock.now())
    services.sender.send(endpoint, request["connectionId"], encode(message))
    services.sender.disconnect(endpoint, request["connectionId"])


def _fitting(message: Message, services: Services) -> bytes:
    """Return the message as it is sent: an answer that no message can carry becomes a loud error."""
    data = encode(message)
    if len(data) <= MAX_MESSAGE_BYTES:
        return data
    failure = too_large("answer", len(data))
    request_id = message.request_id if isinstance(message, Response) else None
    return encode(error_message(failure, request_id=request_id, now=services.clock.now()))


__getattr__ = entry_point(build, "router")
