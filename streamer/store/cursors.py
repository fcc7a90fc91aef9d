"""Where a page of a list ended, as text that a client hands back. Pure: no I/O."""

import base64
import binascii

import msgspec

from streamer.errors import InvalidMessage

_decoder = msgspec.json.Decoder(tuple[float, str])


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
    if not request_id:
        raise InvalidMessage("The cursor is none of ours; leave it out to begin at the newest.")
    return created_at, request_id
