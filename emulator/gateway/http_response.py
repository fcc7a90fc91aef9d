"""HTTP answers of the gateway's port: to a refused handshake, and to a call of `@connections`."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer.

    Attributes:
        error: name of the exception, told to SDKs by the header `x-amzn-ErrorType`; None: it is none.
        headers: further ones, in ISO 8859-1; a type of the content goes before `application/json`.
    """

    status: int
    body: bytes = b""
    error: str | None = None
    headers: Sequence[tuple[str, str]] = ()

    def encoded_headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers as ASGI takes them."""
        headers = [(name.encode(), value.encode("latin-1")) for name, value in self.headers]
        if self.body and not any(name.lower() == b"content-type" for name, _ in headers):
            headers.append((b"content-type", b"application/json"))
        if self.status != 204:
            headers.append((b"content-length", str(len(self.body)).encode()))
        if self.error is not None:
            headers.append((b"x-amzn-ErrorType", self.error.encode()))
        return headers


def error_response(status: int, error: str, message: str) -> HttpResponse:
    """Return an answer in the form of AWS's JSON errors: `{"message": …}` and the error's type."""
    return HttpResponse(status, msgspec.json.encode({"message": message}), error)
