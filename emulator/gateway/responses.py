"""What the outcome of an integration means: for a handshake, for a message, and as frames and bodies."""

import base64
import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import msgspec

from emulator.gateway.settings import MAX_MESSAGE_BYTES
from emulator.invocation import InvocationResult

FORBIDDEN = "Forbidden"
INTERNAL_SERVER_ERROR = "Internal server error"
TIMED_OUT = "Endpoint request timed out"
BAD_REQUEST_BODY = "Bad request body"
TOO_MANY_REQUESTS = "Too Many Requests"

_HEADER_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?|")


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
    """The handshake is answered 101; `subprotocol` is what the function's header says, or None.

    It goes out as it is, also where the client did not offer it: then the client fails, as on AWS.
    """

    subprotocol: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The handshake is answered with `status`, as `refusals.answer` words it.

    Attributes:
        cause: for the log.
        error: the exception's name; None: the status's.
        content: the body's members; None: a `message` after the status.
        response: what the function itself answered; None where it did not come to that.
    """

    status: int
    cause: str
    error: str | None = None
    content: Mapping[str, str] | None = None
    response: "FunctionResponse | None" = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class FunctionResponse:
    """Headers and body of a proxy response, the body decoded."""

    headers: Sequence[tuple[str, str]]
    body: bytes


@dataclass(frozen=True, slots=True)
class Reply:
    """The function did its work; `body` is sent to the client unless None."""

    body: str | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """The integration failed; the client gets an error frame with `message`. `cause` is for the log.

    Attributes:
        message_id: named by the frame instead of the request's id, where AWS does so; else None.
    """

    message: str
    cause: str
    message_id: str | None = None


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
        return Refused(status, "function refused", response=_function_response(response))
    subprotocol = _find_header(response, "sec-websocket-protocol")
    if subprotocol is not None and _HEADER_VALUE.fullmatch(subprotocol) is None:
        return Refused(HTTPStatus.BAD_GATEWAY, "malformed response")
    return Accepted(subprotocol or None)


def decide_reply(
    result: InvocationResult, *, has_route_response: bool, send_empty: bool = False, send_large: bool = False
) -> Reply | Failed:
    """Say what a message's function did.

    With a route response the body is sent whatever the status, unless it is larger than a message may be;
    without one it is dropped.

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
    if len(body.encode()) > MAX_MESSAGE_BYTES and not send_large:
        return Failed(INTERNAL_SERVER_ERROR, "response too large")
    return Reply(body) if body or send_empty else Reply()


def error_frame(message: str, *, connection_id: str, request_id: str, message_id: str | None = None) -> str:
    """Return API Gateway's own error message, with its spacing to the character.

    Args:
        message_id: takes the place of the request's id, where a message did not match its model.

    Source:
        Seen verbatim: `{"message": "Forbidden", "connectionId":"DBNjmfOmSwMCJiA=", "requestId":"DBN…"}`. The
        form with `messageId` is the Developer Guide's (rows A27 to A31).
    """
    if message_id is not None:
        return f'{{"message" : "{message}", "connectionId": "{connection_id}", "messageId": "{message_id}"}}'
    return f'{{"message": "{message}", "connectionId":"{connection_id}", "requestId":"{request_id}"}}'


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
    found = [value for key, value in _headers(response) if key.lower() == name]
    return found[0] if found else None


def _headers(response: _ProxyResponse) -> list[tuple[str, str]]:
    """Return the response's headers; of a name in both maps `headers` has the say."""
    single = {key: value for key, value in (response.headers or {}).items() if value is not None}
    lower = {key.lower() for key in single}
    several = [
        (key, value)
        for key, values in (response.multi_value_headers or {}).items()
        for value in values
        if key.lower() not in lower and value is not None
    ]
    return [(key, str(value)) for key, value in [*single.items(), *several]]


def _function_response(response: _ProxyResponse) -> FunctionResponse:
    body = (response.body or "").encode()
    if response.is_base64_encoded:
        with contextlib.suppress(ValueError):
            body = base64.b64decode(body, validate=True)
    return FunctionResponse(_headers(response), body)
