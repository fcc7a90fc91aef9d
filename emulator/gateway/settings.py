"""The gateway's limits: AWS's quotas as defaults, and the bounds that a laptop needs."""

from dataclasses import dataclass

MAX_MESSAGE_BYTES = 131_072
"""Payload of one message, either direction. API Gateway WebSocket quotas: 128 KB."""

MAX_FRAME_BYTES = 32_768
"""Payload of one frame. API Gateway WebSocket quotas: 32 KB."""

MAX_REASON_BYTES = 123
"""Reason of a close frame. RFC 6455, section 5.5: 125 bytes with the code."""

MAX_URL_CHARS = 4_096
"""Path and query of the handshake. API Gateway WebSocket quotas."""

MAX_HEADERS_BYTES = 10_240
"""The handshake's headers: names, values and what stands between them. WebSocket quotas name no figure;
this is REST's, and so is the status 431 beyond it. Neither one line nor their number is bounded further."""


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
        request_timeout_s: how long a socket may take to send a whole request, by the machine's time. AWS:
            unknown; it keeps half-open sockets from staying.
        pings_reset_idle: whether a client's ping counts as data. AWS: unknown; off, so that a client which
            relies on pings is found out here.
        negotiate_compression: whether `permessage-deflate` is taken where a client offers it. AWS: unknown;
            off, because clients must work without it.
        lost_reason: `disconnectReason` of a connection that ended without a close frame (1006); AWS: unknown.
        refused_frames_are_losses: whether `$disconnect` is told of a connection that was closed for a frame
            (binary, too large, against the protocol) as of a lost one, 1006, or with the code that the client
            saw. AWS: unknown.
        tell_throttled: whether a throttled message is answered with a `Too Many Requests` frame, or dropped
            without a word. AWS documents the throttling, not the frame.
        require_signature: whether `@connections` refuses a request that is not signed. The parts of a
            signature must be there and name the service `execute-api`; its value is not verified.
        refuse_undecodable_posts: whether posted data that is not UTF-8 is a BadRequestException, or becomes
            text with replacement characters. AWS: unknown.
        send_empty_replies: whether a route response without a body sends an empty message. Reported once
            for AWS; off because no client expects it.
        send_large_replies: whether a route response of over 128 KB is sent all the same, or counts as an
            integration that failed. AWS: unknown; off, as `@connections` refuses to send as much.
        authorizer_timeout_s: how long an authorizer may take. AWS: not documented; an integration's maximum.
        pass_refusal_body: whether the headers and the body of a `$connect` function that refuses reach the
            client, or only its status does, worded by the gateway. AWS: unknown.
        stage_variables_in_every_event: whether MESSAGE and DISCONNECT events have the stage's variables, as
            CONNECT events do. AWS: unknown.
    """

    idle_timeout_s: float = 600.0
    max_duration_s: float = 7_200.0
    max_in_flight: int = 512
    max_in_flight_bytes: int = 4_194_304
    send_timeout_s: float = 5.0
    close_timeout_s: float = 2.0
    request_timeout_s: float = 30.0
    pings_reset_idle: bool = False
    negotiate_compression: bool = False
    lost_reason: str = ""
    refused_frames_are_losses: bool = False
    tell_throttled: bool = True
    require_signature: bool = True
    refuse_undecodable_posts: bool = False
    send_empty_replies: bool = False
    send_large_replies: bool = False
    authorizer_timeout_s: float = 29.0
    pass_refusal_body: bool = False
    stage_variables_in_every_event: bool = False
