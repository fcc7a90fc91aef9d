"""Where a reader stopped, as a text that outlives the process. Pure: no I/O.

A cursor is the base64url of a JSON list: the version of this form, a digest of the query that it belongs
to, and the key behind which the next page begins. It is opaque but no secret: whoever holds it can read
that key, and it opens nothing that the query it is given with does not read anyway.
"""

import base64
import binascii
import hashlib
import json
from typing import Any

from streamer.dynamorm.errors import InvalidCursor
from streamer.dynamorm.expressions.evaluation import holds
from streamer.dynamorm.requests.items import cursor_names
from streamer.dynamorm.requests.queries import Query, Scan, varied
from streamer.dynamorm.values.codec import Item

VERSION = 1

_DIGEST_CHARACTERS = 22
"""Of base64url: 132 bits, so that no two queries share one."""

_PER_PAGE = ("Limit", "ConsistentRead")
"""What may differ from page to page."""


def encode_cursor(request: Query[Any] | Scan[Any], after: Item) -> str:
    """Return the cursor of a query or a scan behind an item's key."""
    key = {name: _to_json(value) for name, value in sorted(after.items())}
    text = json.dumps([VERSION, _digest(request), key], separators=(",", ":"))
    return _to_text(text.encode())


def decode_cursor(request: Query[Any] | Scan[Any], cursor: str) -> Item:
    """Return the key to go on behind.

    Raises:
        InvalidCursor: it is damaged, of another version, or of another query: another table, index,
            order, key condition, filter or segment.
    """
    try:
        version, digest, key = json.loads(_from_text(cursor))
        after = {name: _from_json(value) for name, value in key.items()}
    except (binascii.Error, ValueError, TypeError, AttributeError) as error:
        raise InvalidCursor("The cursor is damaged; begin at the first page.") from error
    if version != VERSION:
        raise InvalidCursor("The cursor is of another version of DynamORM; begin at the first page.")
    if digest != _digest(request) or not _is_key(request, after):
        raise InvalidCursor("The cursor belongs to another query; begin at the first page.")
    return after


def _is_key(request: Query[Any] | Scan[Any], after: Item) -> bool:
    names = cursor_names(request.table, request.index)
    types = {key.name: key.type.value for key in request.table.key_attributes()}
    if after.keys() != set(names) or any([*after[name]] != [types[name]] for name in names):
        return False
    return not isinstance(request, Query) or holds(request.where, after)


def _digest(request: Query[Any] | Scan[Any]) -> str:
    plain = varied(request, projection=None, counting=False, after=None)  # they may differ from page to page
    arguments = plain.encode(request.table.name)
    asked = {name: value for name, value in arguments.items() if name not in _PER_PAGE}
    text = json.dumps([type(request).__name__, asked], sort_keys=True, default=_from_bytes)
    return _to_text(hashlib.sha256(text.encode()).digest())[:_DIGEST_CHARACTERS]


def _from_bytes(value: object) -> str:
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    raise TypeError(f"{type(value).__name__} stands in no request")


def _to_json(value: dict[str, Any]) -> dict[str, str]:
    ((kind, held),) = value.items()
    return {kind: _to_text(held) if kind == "B" else held}


def _from_json(value: dict[str, Any]) -> dict[str, Any]:
    ((kind, held),) = value.items()
    if not isinstance(held, str):
        raise TypeError("a key is written as text")
    return {
        kind: base64.b64decode(held + "=" * (-len(held) % 4), b"-_", validate=True) if kind == "B" else held
    }


def _from_text(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)


def _to_text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
