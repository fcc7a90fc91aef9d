"""What the sandbox's own HTTP ports share of ASGI: its types, and a request's headers and body."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

Scope = Mapping[str, Any]
"""What a server tells of a connection."""

Message = MutableMapping[str, Any]
"""An ASGI event."""

Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Disconnected(Exception):
    """The client went away before its request's body was complete; an answer reaches nobody."""


def headers_of(scope: Scope) -> dict[str, str]:
    """Return a request's headers; names in lower case."""
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


async def read_body(receive: Receive, *, max_bytes: int, reads_all: bool = False) -> bytes | None:
    """Return a request's body; None where it has more than `max_bytes`, of which no more are kept.

    Args:
        reads_all: whether one that is too large is read to its end, for a client that sends all of it
            before it looks at the answer; else the server discards the rest.

    Raises:
        Disconnected: the body is not complete.
    """
    body = bytearray()
    is_too_large, is_more = False, True
    while is_more:
        message = await receive()
        if message["type"] != "http.request":
            raise Disconnected("The request's body was cut off.")
        part = message.get("body", b"")
        is_too_large = is_too_large or len(body) + len(part) > max_bytes
        if is_too_large and not reads_all:
            return None
        if not is_too_large:
            body += part
        is_more = message.get("more_body", False)
    return None if is_too_large else bytes(body)
