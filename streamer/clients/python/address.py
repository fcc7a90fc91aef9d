"""What may be connected to, and what may be sent along. Pure."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import msgspec

from streamer.clients.python.errors import InvalidOption
from streamer.errors import ErrorCode

_TOKEN = re.compile(r"[\x21-\x7e]+")

_CODE_OF_STATUS: Mapping[int, str] = {
    401: ErrorCode.UNAUTHORIZED,
    403: ErrorCode.FORBIDDEN,
    404: ErrorCode.NOT_FOUND,
    500: ErrorCode.INTERNAL_ERROR,
    503: ErrorCode.SERVICE_UNAVAILABLE,
}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a WebSocket API is.

    Attributes:
        url: as it was given; its query may hold a token, so it is never shown.
        shown: the same without the query, for people.
        is_loopback: whether it is this machine, so that no proxy may come between.
    """

    url: str = field(repr=False)
    shown: str
    is_loopback: bool


def parse_address(url: str) -> Address:
    """Read an address such as `wss://abc.execute-api.us-east-1.amazonaws.com/prod`.

    Raises:
        InvalidOption: it is none, or holds a user and password.
    """
    advice = "give one such as wss://abc.execute-api.us-east-1.amazonaws.com/prod"
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise InvalidOption(f"The address cannot be read: {advice}.") from None
    if parts.scheme not in ("ws", "wss") or not host or re.search(r"\s", url):
        raise InvalidOption(f"The address does not begin with ws:// or wss:// and a host: {advice}.")
    if parts.username is not None or parts.fragment:
        raise InvalidOption(
            f"The address holds a user or a fragment, which this API does not take: {advice}."
        )
    name = f"[{host}]" if ":" in host else host
    shown = f"{parts.scheme}://{name}{'' if port is None else f':{port}'}{parts.path}"
    return Address(url, shown, is_loopback_host(host))


def is_loopback_host(host: str) -> bool:
    """Whether the host is this machine. RFC 6761, section 6.3 for names under `localhost`."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def authorization(token: str) -> str:
    """Return the value of the `Authorization` header. RFC 6750, section 2.1.

    Raises:
        InvalidOption: the token is empty, or has a character that a header cannot carry.
    """
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise InvalidOption("The token is empty or has a space or line break in it: give the JWT alone.")
    return f"Bearer {token}"


def refusal_code(status: int, body: bytes) -> str | None:
    """Return the error code of a refused handshake: what its body says, or else what the status means.

    Whether API Gateway passes the body of a refusing `$connect` on is not documented.

    Shape:
        body `{"code": str, …}` or `{"error": {"code": str, …}}`, or anything else.
    """
    try:
        value: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = None
    if isinstance(value, dict) and isinstance(value.get("error"), dict):
        value = value["error"]
    code = value.get("code") if isinstance(value, dict) else None
    if isinstance(code, str) and re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", code):
        return code
    return _CODE_OF_STATUS.get(status)
