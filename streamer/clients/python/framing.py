"""What is sent for a request, and what is refused before it is sent. Pure."""

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from streamer.clients.python.errors import InvalidRequest, MessageTooLarge
from streamer.protocol import Request, encode
from streamer.protocol.codec import is_request_id
from streamer.protocol.limits import MAX_ACTION_LENGTH, MAX_FRAME_BYTES, MAX_ID_LENGTH


def request_frame(
    action: str, payload: Mapping[str, Any], request_id: str, metadata: Mapping[str, str]
) -> bytes:
    """Return what is sent.

    Raises:
        InvalidRequest: the payload has no form in JSON, or a number in it has none, which would become null.
        MessageTooLarge: the frame would be over 32 KB.
    """
    try:
        frame = encode(Request(action=action, id=request_id, payload=dict(payload), metadata=dict(metadata)))
        has_no_number = b"null" in frame and _has_no_number(msgspec.to_builtins(dict(payload), str_keys=True))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequest(
            f"The payload of {action} cannot be written as JSON: give numbers, strings, lists, objects."
        ) from error
    if has_no_number:
        raise InvalidRequest(
            f"The payload of {action} has a number that JSON has no form for, NaN or infinity; give null"
            " instead."
        )
    if len(frame) > MAX_FRAME_BYTES:
        raise MessageTooLarge(action, size_bytes=len(frame), limit_bytes=MAX_FRAME_BYTES)
    return frame


def check_request(action: object, payload: object, request_id: str, metadata: Mapping[str, str]) -> None:
    """Refuse what the server would refuse.

    Raises:
        InvalidRequest: a field is not as the protocol has it.
    """
    if not isinstance(action, str) or not 0 < len(action) <= MAX_ACTION_LENGTH:
        raise InvalidRequest(f"The action is a name of 1 to {MAX_ACTION_LENGTH} characters.")
    if not isinstance(payload, Mapping):
        raise InvalidRequest(f"The payload of {action} must be an object: give a dict.")
    if not isinstance(request_id, str) or not is_request_id(request_id):
        raise InvalidRequest(f"The id may have 1 to {MAX_ID_LENGTH} characters of A–Z a–z 0–9 . _ -.")
    if not isinstance(metadata, Mapping) or not all(
        isinstance(part, str) for item in metadata.items() for part in item
    ):
        raise InvalidRequest(f"The metadata of {action} must be strings under strings.")


def _has_no_number(value: Any) -> bool:
    """Whether there is NaN or infinity in a plain value."""
    if isinstance(value, dict):
        return any(_has_no_number(item) for item in value.values())
    if isinstance(value, list | tuple):
        return any(_has_no_number(item) for item in value)
    return isinstance(value, float) and not math.isfinite(value)
