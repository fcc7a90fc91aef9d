"""The gateway's limits: AWS's quotas as defaults, and the bounds that a laptop needs."""

from dataclasses import dataclass

MAX_MESSAGE_BYTES = 131_072
"""Payload of one message, either direction. API Gateway WebSocket quotas: 128 KB."""

MAX_FRAME_BYTES = 32_768
"""Payload of one frame. API Gateway WebSocket quotas: 32 KB."""

MAX_URL_CHARS = 4_096
"""Path and query of the handshake. API Gateway WebSocket quotas."""


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """What may be changed about a gateway; the defaults are AWS's where AWS has a figure.

    Attributes:
        idle_timeout_s: without data in either direction the connection is closed with 1001. AWS: 10 minutes.
        max_duration_s: the longest a connection lives. AWS: 2 hours.
        max_in_flight: messages of one connection that are handled at the same time; beyond it the
            connection is not read until one is done. AWS has no such figure; it keeps memory bounded.
        max_in_flight_bytes: the same for the sum of their payloads; one message always passes.
        send_timeout_s: how long a send waits for a client that does not read. AWS: unknown.
        close_timeout_s: how long a close frame may wait for such a client before the socket is cut.
        require_signature: whether `@connections` refuses a request that is not signed. Only the presence of
            a signature is checked, never its value.
        send_empty_replies: whether a route response without a body sends an empty message. Reported once
            for AWS; off because no client expects it.
    """

    idle_timeout_s: float = 600.0
    max_duration_s: float = 7_200.0
    max_in_flight: int = 512
    max_in_flight_bytes: int = 4_194_304
    send_timeout_s: float = 5.0
    close_timeout_s: float = 2.0
    require_signature: bool = True
    send_empty_replies: bool = False
