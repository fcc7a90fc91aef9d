"""How a refused handshake is worded: REST's gateway responses stand in, since AWS's own are not known."""

import re
from collections.abc import Mapping
from http import HTTPStatus

import msgspec

from emulator.gateway.http_response import HttpResponse
from emulator.gateway.responses import INTERNAL_SERVER_ERROR, TIMED_OUT, FunctionResponse, Refused

_INTERNAL = "InternalServerErrorException"
_WORDING: Mapping[int, tuple[str, str]] = {
    500: (INTERNAL_SERVER_ERROR, _INTERNAL),
    502: (INTERNAL_SERVER_ERROR, _INTERNAL),
    504: (TIMED_OUT, _INTERNAL),
}
_OURS = frozenset(
    {
        "connection",
        "content-length",
        "date",
        "keep-alive",
        "server",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def answer(refusal: Refused, *, pass_body: bool) -> HttpResponse:
    """Word a refusal: `{"message": …}` and `x-amzn-ErrorType`.

    Args:
        pass_body: whether a function's own headers and body take their place, where there are any; those
            that belong to the connection, and those that HTTP cannot carry, are left out.

    Source:
        REST APIs' gateway responses; for WebSocket APIs unknown (rows A9 and C16).
    """
    if pass_body and refusal.response is not None:
        return _passed_on(refusal.status, refusal.response)
    message, error = _wording(refusal.status)
    body = msgspec.json.encode(refusal.content or {"message": message})
    return HttpResponse(refusal.status, body, refusal.error or error)


def _passed_on(status: int, response: FunctionResponse) -> HttpResponse:
    headers = tuple(
        (name, value)
        for name, value in response.headers
        if _NAME.fullmatch(name) and _VALUE.fullmatch(value) and not _is_ours(name.lower())
    )
    return HttpResponse(status, response.body, headers=headers)


def _is_ours(name: str) -> bool:
    return name in _OURS or name.startswith("sec-websocket-")


def _wording(status: int) -> tuple[str, str]:
    if status in _WORDING:
        return _WORDING[status]
    try:
        message = HTTPStatus(status).phrase
    except ValueError:
        message = "Refused"
    return message, f"{re.sub('[^A-Za-z]', '', message)}Exception"
