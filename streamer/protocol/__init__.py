"""The messages between client and server: one definition for both sides. Pure: no I/O."""

from streamer.protocol.codec import decode_message, decode_request, encode
from streamer.protocol.control import (
    AttemptFailure,
    ControlAction,
    ListQuery,
    PingQuery,
    RequestList,
    RequestReference,
    RequestStatus,
    Subscribed,
    SubscribeQuery,
)
from streamer.protocol.messages import (
    Acknowledgment,
    Complete,
    Error,
    ErrorInfo,
    Message,
    Pong,
    Progress,
    Request,
    Response,
    ResultLink,
    Retry,
)

__all__ = [
    "Acknowledgment",
    "AttemptFailure",
    "Complete",
    "ControlAction",
    "Error",
    "ErrorInfo",
    "ListQuery",
    "Message",
    "PingQuery",
    "Pong",
    "Progress",
    "Request",
    "RequestList",
    "RequestReference",
    "RequestStatus",
    "Response",
    "ResultLink",
    "Retry",
    "SubscribeQuery",
    "Subscribed",
    "decode_message",
    "decode_request",
    "encode",
]
