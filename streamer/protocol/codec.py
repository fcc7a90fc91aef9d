"""Text on the socket to messages, and back."""

import re
from typing import Any

import msgspec

from streamer.errors import InvalidMessage
from streamer.protocol.limits import MAX_ACTION_LENGTH, MAX_DEPTH, MAX_ID_LENGTH, METADATA_WORDS
from streamer.protocol.messages import Complete, Error, Message, Request, Response

_REQUEST_ID = re.compile(rf"[A-Za-z0-9._-]{{1,{MAX_ID_LENGTH}}}")

_request_decoder = msgspec.json.Decoder(Request)
_message_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)
_encoder = msgspec.json.Encoder()


def is_request_id(text: str) -> bool:
    """Whether `text` may be a request's id: 1 to 128 of `A–Z a–z 0–9 . _ -`."""
    return _REQUEST_ID.fullmatch(text) is not None


def decode_request(text: str | bytes) -> Request:
    """Read what a client sent.

    Raises:
        InvalidMessage: not JSON, not an object, a field missing or of the wrong kind. It carries the
            request's id where that could be read.
    """
    try:
        request = _request_decoder.decode(text)
    except msgspec.ValidationError as error:
        raise InvalidMessage(
            f"The message does not fit: {error}.", request_id=_find_request_id(text)
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidMessage("The message is not JSON; send one JSON object with an action.") from error
    if request.id is not None and not is_request_id(request.id):
        raise InvalidMessage(f"The id may have 1 to {MAX_ID_LENGTH} characters of A–Z a–z 0–9 . _ -.")
    if request.type != "request":
        raise InvalidMessage("The type of a message to the server is request.", request_id=request.id)
    if not 0 < len(request.action) <= MAX_ACTION_LENGTH:
        raise InvalidMessage(
            f"The action is a name of 1 to {MAX_ACTION_LENGTH} characters.", request_id=request.id
        )
    for key, word in METADATA_WORDS.items():
        if request.metadata.get(key, word) != word:
            raise InvalidMessage(
                f"The {key} in a request's metadata is {word}, or left out.", request_id=request.id
            )
    if is_deeper(request.payload, MAX_DEPTH):
        raise InvalidMessage(
            f"The payload has more than {MAX_DEPTH} objects and arrays in one another; flatten it.",
            request_id=request.id,
        )
    return request


def is_deeper(value: Any, levels: int) -> bool:
    """Whether a JSON value has more objects and arrays in one another than `levels`."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(levels):
        if not level:
            return False
        level = [
            part
            for container in level
            for part in (container.values() if isinstance(container, dict) else container)
            if isinstance(part, dict | list)
        ]
    return bool(level)


def decode_message(text: str | bytes) -> Message | None:
    """Read what the server sent; None for what is not a message of ours.

    API Gateway's own frames have no `type`, and a later version of the protocol may know more
    types: a client must not fail on either.
    """
    try:
        message = _message_decoder.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    match message:
        case Response(success=False) | Complete(success=False) | Error(success=True):
            return None
        case _:
            return message


def encode(message: Message | Request) -> bytes:
    """Write a message as the UTF-8 of one JSON object."""
    return _encoder.encode(message)


def _find_request_id(text: str | bytes) -> str | None:
    """Return the id in a message that does not fit; None too where the rest of it is not even JSON."""
    try:
        value: Any = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if isinstance(value, dict):
        found = value.get("id")
        if isinstance(found, str) and is_request_id(found):
            return found
    return None
