"""What the outcome of an integration means: for a handshake, for a message, and as frames and bodies."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec

from emulator.invocation import InvocationResult

FORBIDDEN = "Forbidden"
INTERNAL_SERVER_ERROR = "Internal server error"
TIMED_OUT = "Endpoint request timed out"

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class _ProxyResponse(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """The only members that API Gateway takes from a function. Any other makes the response malformed."""

    status_code: int | str | None = None
    headers: dict[str, Any] | None = None
    multi_value_headers: dict[str, list[Any]] | None = None
    body: str | None = None
    is_base64_encoded: bool | None = None


_decoder = msgspec.json.Decoder(_ProxyResponse)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The handshake is answered 101; `subprotocol` is what the function's header says, or None."""

    subprotocol: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The handshake is answered with `status`; `cause` is for the log."""

    status: int
    cause: str


@dataclass(frozen=True, slots=True)
class Reply:
    """The function did its work; `body` is sent to the client unless None."""

    body: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The integration failed; the client gets an error frame with `message`. `cause` is for the log."""

    message: str
    cause: str


def decide_handshake(result: InvocationResult) -> Accepted | Refused:
    """Say what `$connect`'s function decided.

    2xx accepts, another status is the handshake's status, a failed function or a malformed response is 502.

    Source:
        Tried on AWS: 200 and 201 connect; 301, 400, 401, 501 come back as they are; an exception is 502.
    """
    if result.function_error is not None:
        return Refused(HTTPStatus.BAD_GATEWAY, "function error")
    response = _parse(result.payload)
    status = None if response is None else _status(response.status_code)
    if response is None or status is None:
        return Refused(HTTPStatus.BAD_GATEWAY, "malformed response")
    if not 200 <= status < 300:
        return Refused(status, "function refused")
    subprotocol = _find_header(response, "sec-websocket-protocol")
    if subprotocol is not None and _TOKEN.fullmatch(subprotocol) is None:
        return Refused(HTTPStatus.BAD_GATEWAY, "malformed response")
    return Accepted(subprotocol)


def decide_reply(
    result: InvocationResult, *, has_route_response: bool, send_empty: bool = False
) -> Reply | Failed:
    """Say what a message's function did.

    With a route response the body is sent whatever the status; without one it is dropped.

    Source:
        API Gateway Developer Guide, "Set up a route response"; reports that a status has no effect on the
        socket, and that an unknown member is answered `Internal server error`.
    """
    if result.function_error is not None:
        return Failed(INTERNAL_SERVER_ERROR, "function error")
    response = _parse(result.payload)
    if response is None or _status(response.status_code) is None:
        return Failed(INTERNAL_SERVER_ERROR, "malformed response")
    if not has_route_response:
        return Reply()
    body = response.body or ""
    return Reply(body) if body or send_empty else Reply()


def error_frame(message: str, *, connection_id: str, request_id: str) -> str:
    """Return API Gateway's own error message, with its spacing to the character.

    Source:
        Seen verbatim: `{"message": "Forbidden", "connectionId":"DBNjmfOmSwMCJiA=", "requestId":"DBN…"}`.
    """
    return f'{{"message": "{message}", "connectionId":"{connection_id}", "requestId":"{request_id}"}}'


def refusal_message(status: int) -> str:
    """Return the `message` of a refused handshake's body. Unknown for AWS; REST's wording stands in."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Refused"


def _parse(payload: bytes) -> _ProxyResponse | None:
    try:
        return _decoder.decode(payload)
    except (msgspec.MsgspecError, RecursionError):
        return None


def _status(value: int | str | None) -> int | None:
    """Return the status; an absent one is 200, as for REST's proxy integration. None: not a status."""
    if value is None:
        return 200
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and len(value) == 3):
            return None
        value = int(value)
    return value if 200 <= value <= 599 else None


def _find_header(response: _ProxyResponse, name: str) -> str | None:
    headers: Mapping[str, Any] = {
        key: values[-1] for key, values in (response.multi_value_headers or {}).items() if values
    }
    for key, value in {**headers, **(response.headers or {})}.items():
        if key.lower() == name and value is not None:
            return str(value)
    return None
