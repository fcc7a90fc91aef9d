"""The messages between client and server: one definition for both sides. Pure: no I/O."""

from streamer.protocol.codec import decode_message, decode_request, encode
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
    Retry,
)

__all__ = [
    "Acknowledgment",
    "Complete",
    "Error",
    "ErrorInfo",
    "Message",
    "Pong",
    "Progress",
    "Request",
    "Response",
    "Retry",
    "decode_message",
    "decode_request",
    "encode",
]
