"""What a request fails with: as the server says, as time runs out, as the connection ends. Pure."""

from streamer.clients.python.errors import ConnectionLost, DeadlineExceeded, GatewayFailed, RequestFailed
from streamer.clients.python.exchange import Exchange, Phase
from streamer.clients.python.incoming import GatewayMessage
from streamer.protocol import Error


def refusal(exchange: Exchange, message: GatewayMessage | Error) -> RequestFailed:
    """Return what a request failed with, from the message that says so."""
    if isinstance(message, GatewayMessage):
        return GatewayFailed(
            action=exchange.action,
            request_id=exchange.request_id,
            message=message.message,
            gateway_request_id=message.request_id or message.message_id,
        )
    return RequestFailed(
        action=exchange.action,
        request_id=exchange.request_id,
        code=message.error.code,
        message=message.error.message,
        details=message.error.details,
        retry=message.error.retry,
    )


def overdue(exchange: Exchange) -> DeadlineExceeded:
    """Return what a request fails with whose answer, or outcome, did not come in time."""
    return DeadlineExceeded(
        action=exchange.action,
        request_id=exchange.request_id,
        deadline_s=exchange.allowed_s,
        acknowledged=exchange.phase is Phase.ACCEPTED,
    )


def loss(exchange: Exchange, lost: ConnectionLost) -> ConnectionLost:
    """Return what a request fails with whose connection ended; acknowledged work goes on at the server.

    Args:
        lost: how the connection ended, and why none follows.
    """
    error = ConnectionLost(
        lost.code,
        lost.reason,
        action=exchange.action,
        request_id=exchange.request_id,
        acknowledged=exchange.phase is Phase.ACCEPTED,
        is_unsent=not exchange.was_sent and bool(exchange.frame),
        closed_here=lost.closed_here,
    )
    error.__cause__ = lost.__cause__
    return error
