"""Shortens tokens in whatever is kept for people to look at. Pure."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from emulator.texts import cut

_TOKEN = re.compile(
    rb"e(?<![A-Za-z0-9_-]e)(?:"
    rb"yJ[A-Za-z0-9_-]{8,}(?:(?:\.|%2[eE])[A-Za-z0-9_-]*){1,2}"
    rb"|[wy][A-Za-z0-9_-]{14,}\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"
    rb")"
)
"""What looks like a JSON Web Token: a header that begins a JSON object, and one or two further parts.

It begins with its one fixed letter, which `re` looks for six times as fast as for a look-behind.
"""

_START, _END = 10, 4
"""Characters that are kept: part of the header, which says nothing, and too few of the signature to use."""


def redact(data: bytes) -> bytes:
    """Return `data` with everything in it that looks like a token shortened to `eyJhbGciOi…abcd`.

    Source:
        RFC 7515, section 3.1: the compact form is three parts of base64url with dots between them.
    """
    if b"ey" not in data and b"ew" not in data:
        return data
    return _TOKEN.sub(_shortened, data)


def redact_text(text: str) -> str:
    """Do the same to text."""
    return redact(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")


def told_by_peer(text: str, *, max_chars: int) -> str:
    """Return what a client or caller wrote, to be recorded: tokens shortened, at most `max_chars` long."""
    return cut(redact_text(text), max_chars)


def hide_credentials(told: dict[str, Any]) -> dict[str, Any]:
    """Shorten, in place, the values of one JSON object whose names say that they are credentials.

    For what does not look like a token: `Bearer op…`, `session=op…`. An `object_hook` of `json.loads`: it is
    meant for what is read by people, and too slow for what is recorded.
    """
    for name, value in told.items():
        if value and (hide := _HIDDEN.get(name.lower())) is not None:
            told[name] = _each(value, hide)
    return told


def _each(value: Any, hide: Callable[[str], str]) -> Any:
    """Hide a text, those of a list, or the one in DynamoDB's form `{"S": …}`."""
    if isinstance(value, str):
        return hide(value)
    if isinstance(value, list):
        return [hide(one) if isinstance(one, str) else one for one in value]
    if isinstance(value, dict):
        return {name: hide(one) if isinstance(one, str) else one for name, one in value.items()}
    return value


def _opaque(text: str) -> str:
    if not text or _SHORTENED.fullmatch(text):
        return text
    return f"{text[:2]}…" if len(text) >= _MIN_HINTED_CHARS else "…"


def _authorization(text: str) -> str:
    scheme, space, credential = text.partition(" ")
    return f"{scheme} {_opaque(credential)}" if space else _opaque(text)


def _cookies(text: str) -> str:
    pairs = (cookie.partition("=") for cookie in text.split("; "))
    return "; ".join(f"{name}={_opaque(value)}" if equals else _opaque(name) for name, equals, value in pairs)


def _subprotocols(text: str) -> str:
    """Hide what is too long for a name: clients that can set no other header pass their token here."""
    return ", ".join(
        _opaque(one) if len(one) > _MAX_SUBPROTOCOL_CHARS else one for one in re.split(r",\s*", text)
    )


_SHORTENED = re.compile(rf".{{{_START}}}….{{{_END}}}")
"""What `redact` left of a token."""

_MIN_HINTED_CHARS = 16
"""Of a shorter credential not even its first two characters are told. Ours."""

_MAX_SUBPROTOCOL_CHARS = 20
"""The longest name in common use is `graphql-transport-ws`. Ours."""

_HIDDEN: Mapping[str, Callable[[str], str]] = {
    "authorization": _authorization,
    "cookie": _cookies,
    "sec-websocket-protocol": _subprotocols,
    "token": _opaque,
    "usageidentifierkey": _opaque,
    "x-api-key": _opaque,
}
"""Names in lower case: headers, parameters, and what an authorizer returns."""


def _shortened(match: re.Match[bytes]) -> bytes:
    token = match[0]
    return token[:_START] + "…".encode() + token[-_END:]
