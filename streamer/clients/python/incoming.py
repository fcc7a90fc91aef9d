"""What arrives on the socket, as values. Pure."""

from dataclasses import dataclass
from typing import TypeAlias

import msgspec

from streamer.protocol import Message, decode_message


class GatewayMessage(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """A frame of API Gateway's own, sent in a function's place; it names no request of ours.

    Shape:
        `{"message": "Internal server error", "connectionId": str, "requestId": str}`; a failed model
        validation has `messageId` instead of `requestId`.
    """

    message: str
    connection_id: str = msgspec.field(name="connectionId")
    request_id: str = msgspec.field(name="requestId", default="")
    message_id: str = msgspec.field(name="messageId", default="")


class UnknownMessage(msgspec.Struct, frozen=True):
    """A frame that this version does not know: empty, not JSON, or of a later protocol."""

    text: str


Incoming: TypeAlias = Message | GatewayMessage | UnknownMessage
"""Everything that can arrive."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message and when it arrived.

    Attributes:
        at: epoch seconds by the client's clock.
    """

    message: Incoming
    at: float


_gateway_decoder = msgspec.json.Decoder(GatewayMessage)
_has_type = msgspec.json.Decoder(dict[str, msgspec.Raw])


def read(frame: bytes) -> Incoming:
    """Read one frame; never raises."""
    message = decode_message(frame)
    if message is not None:
        return message
    try:
        if "type" not in _has_type.decode(frame):
            return _gateway_decoder.decode(frame)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    return UnknownMessage(frame.decode("utf-8", "replace"))
