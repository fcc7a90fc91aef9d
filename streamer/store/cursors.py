"""Where a page of a list ended, as text that a client hands back. Pure: no I/O."""

import base64
import binascii
from typing import Annotated

import msgspec
from msgspec import Meta

from streamer.errors import InvalidMessage
from streamer.protocol.fields import RequestId

MAX_TIME_S = 1e12
"""Epoch seconds in a cursor at most. Ours: any time there will be, and a number that DynamoDB takes."""

_Time = Annotated[float, Meta(ge=0, le=MAX_TIME_S)]

_decoder = msgspec.json.Decoder(tuple[_Time, RequestId])


def write_cursor(created_at: float, request_id: str) -> str:
    """Return the cursor behind a request."""
    return base64.urlsafe_b64encode(msgspec.json.encode((created_at, request_id))).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[float, str]:
    """Return what `write_cursor` wrote.

    Raises:
        InvalidMessage: it is no cursor.
    """
    try:
        created_at, request_id = _decoder.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error, msgspec.DecodeError) as error:
        raise InvalidMessage("The cursor is none of ours; leave it out to begin at the newest.") from error
    return created_at, request_id
