"""Results on their way to a client: in the message, or in a file that the message links to.

What no message carries is put among the user's objects, and a reference is stored in its place: a JSON
object with the one key `$result`. As with `$link`, what an action returns cannot be taken for one.
"""

from typing import Any

import msgspec

from streamer.actions.context import ActionContext
from streamer.actions.links import (
    LINK_EXPIRES_IN_S,
    RESULT_MARKER,
    Link,
    Signer,
    count_links,
    resolve_links,
    stored_form,
)
from streamer.clock import timestamp
from streamer.errors import ResultTooLarge
from streamer.protocol import ResultLink
from streamer.protocol.limits import MAX_MESSAGE_BYTES

RESERVED_BYTES = 4_096
"""Bytes of a message that a result leaves for ids, times and what `status` says beside it. Ours."""

SIGNED_BYTES = 2_048
"""Bytes that a link becomes at most when it is signed with a function's session token. Ours."""

MAX_RESULT_BYTES = 10 * 1024 * 1024
"""Bytes of a result that is stored as a file. Ours: a client reads it whole; more is for a `Link`."""


def carried(result: Any, context: ActionContext) -> Any:
    """Return a sealed result as it is stored; what no message carries is put into a file before.

    Each run has a file of its own: an attempt that comes too late replaces nobody's.

    Raises:
        ResultTooLarge: it is larger than such a file may be, or has links, which would be dead in a file.
        ServiceUnavailable: the file store doesn't answer.

    Shape:
        `{"$result": {"bucket": str, "key": str, "size_bytes": int}}` for a file of UTF-8 JSON.
    """
    stored = stored_form(result)
    data = msgspec.json.encode(stored)
    links = count_links(stored)
    if len(data) + links * SIGNED_BYTES <= MAX_MESSAGE_BYTES - RESERVED_BYTES:
        return stored
    if links:
        raise ResultTooLarge(
            f"The result has {len(data)} bytes and {links} links, which is more than a message of"
            f" {MAX_MESSAGE_BYTES} bytes holds; return fewer links."
        )
    if len(data) > MAX_RESULT_BYTES:
        raise ResultTooLarge(
            f"The result has {len(data)} bytes and {MAX_RESULT_BYTES} are kept at most; return a link."
        )
    return _kept(msgspec.json.encode(resolve_links(stored, _no_link)), context)


def _kept(data: bytes, context: ActionContext) -> Any:
    from streamer.actions.outputs import write_output  # few results are as large

    key = write_output(context, "results", data, extension="json", content_type="application/json")
    return {RESULT_MARKER: {"bucket": context.settings.bucket, "key": key, "size_bytes": len(data)}}


def _no_link(link: Link) -> str:
    raise AssertionError(f"{link} is in a result that has no links.")


def as_sent(stored: Any, sign: Signer, now: float) -> tuple[Any, ResultLink | None]:
    """Return a stored result as a client gets it: itself, with links signed, or the link to its file."""
    match stored:
        case {"$result": {"bucket": str(bucket), "key": str(key), "size_bytes": int(size_bytes)}} if (
            len(stored) == 1
        ):
            link = ResultLink(
                url=sign(Link(bucket=bucket, key=key)),
                size_bytes=size_bytes,
                expires_at=timestamp(now + LINK_EXPIRES_IN_S),
            )
            return None, link
        case _:
            return resolve_links(stored, sign), None
