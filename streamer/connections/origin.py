"""Where a request goes: the scheme, the name and the port of an endpoint. Pure."""

import re
from functools import lru_cache
from urllib.parse import urlsplit

from streamer.dynamorm.frozen import dataclass

_PORTS = {"http": 80, "https": 443}
_PRINTABLE = re.compile("[!-~]+")


@dataclass(frozen=True, slots=True)
class Origin:
    """A server that is connected to.

    Attributes:
        host: a name or an address; an IPv6 address without brackets.
        authority: what the header `Host` says, and what is signed of it.
    """

    is_secure: bool
    host: str
    port: int
    authority: str


@lru_cache(maxsize=64)
def origin_of(endpoint: str) -> Origin:
    """Return the server of an endpoint, `https://name:port/path`.

    Raises:
        ValueError: it is no such address; also where what follows it in a request could be mistaken.
    """
    parts = urlsplit(endpoint)
    host, own_port = parts.hostname, _PORTS.get(parts.scheme)
    if own_port is None or not host or parts.query or parts.fragment or not _PRINTABLE.fullmatch(endpoint):
        raise ValueError(f"{endpoint!r} is no endpoint of the management API; one is https://NAME/STAGE.")
    port = parts.port or own_port
    name = f"[{host}]" if ":" in host else host
    return Origin(parts.scheme == "https", host, port, name if port == own_port else f"{name}:{port}")


def path_begin(url: str) -> int:
    """Return the index in `url` at which its path begins; it has one."""
    return url.index("/", url.index("://") + 3)
