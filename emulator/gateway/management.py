"""The `@connections` API: post to, look at and close a connection, as boto3 does it."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import msgspec
from msgspec import UNSET

from emulator.clock import timestamp
from emulator.gateway.connections import ClientTooSlow, Connection, ConnectionGone, Connections, Receive
from emulator.gateway.identifiers import is_connection_id
from emulator.gateway.settings import MAX_MESSAGE_BYTES, GatewaySettings
from emulator.telemetry import tracing
from emulator.telemetry.timeline import Timeline

log = logging.getLogger(__name__)

DELETED = (1000, "Connection Closed Normally")
"""Close code and reason of a connection that the back end deleted. Recorded from AWS."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """An answer; `error` is the modelled exception, told to SDKs by the header `x-amzn-ErrorType`."""

    status: int
    body: bytes = b""
    error: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def encoded_headers(self) -> list[tuple[bytes, bytes]]:
        """Return the headers as ASGI takes them."""
        headers = [(b"content-type", b"application/json")] if self.body else []
        if self.status != 204:
            headers.append((b"content-length", str(len(self.body)).encode()))
        if self.error is not None:
            headers.append((b"x-amzn-ErrorType", self.error.encode()))
        headers += [(name.encode(), value.encode()) for name, value in self.headers.items()]
        return headers


def error_response(status: int, error: str, message: str) -> HttpResponse:
    """Return an answer in the form of AWS's JSON errors: `{"message": …}` and the error's type."""
    return HttpResponse(status, msgspec.json.encode({"message": message}), error)


FORBIDDEN = error_response(403, "ForbiddenException", "Forbidden")
GONE = HttpResponse(410, error="GoneException")
"""The body is empty, as on AWS; an SDK knows the exception by the header alone."""
TOO_LARGE = error_response(413, "PayloadTooLargeException", "Message too long")
TOO_SLOW = error_response(429, "LimitExceededException", "The client does not read; its buffer is full.")


def find_connection_id(raw_path: str, stage: str) -> str | None:
    """Return the id that `/{stage}/@connections/{id}` names, decoded; None for any other path.

    `@` may be written `%40`; the id is percent-encoded as one segment.
    """
    segments = [unquote(segment) for segment in raw_path.split("/")]
    if len(segments) == 4 and segments[:3] == ["", stage, "@connections"] and segments[3]:
        return segments[3]
    return None


def is_signed(headers: Mapping[bytes, bytes], query: bytes) -> bool:
    """Tell whether a request carries a Signature Version 4, in header or query. It is not verified."""
    return headers.get(b"authorization", b"").startswith(b"AWS4-") or b"X-Amz-Signature=" in query


def describe(connection: Connection) -> bytes:
    """Return GetConnection's body. `userAgent` is required by the API's model, so it is never absent."""
    origin = connection.origin
    agent = origin.identity.user_agent
    return msgspec.json.encode(
        {
            "connectedAt": timestamp(origin.connected_at_ms / 1000),
            "identity": {
                "sourceIp": origin.identity.source_ip,
                "userAgent": "" if agent is UNSET else agent,
            },
            "lastActiveAt": timestamp(connection.last_active_at),
        }
    )


class Management:
    """Answers `@connections` requests of one API."""

    def __init__(
        self, stage: str, connections: Connections, timeline: Timeline, settings: GatewaySettings
    ) -> None:
        self._stage = stage
        self._connections = connections
        self._timeline = timeline
        self._settings = settings

    async def answer(self, scope: Mapping[str, Any], receive: Receive) -> HttpResponse:
        """Carry out one HTTP request and return its answer; never raises for what a caller can send.

        403 for any other path or method, another stage, and an unsigned request; 400 for what cannot be an
        id; 410 for a connection that is not open, `$connect` included; 413 above 128 KB; 429 for a client
        that does not read.
        """
        method: str = scope["method"]
        connection_id = find_connection_id(scope["raw_path"].decode("latin-1"), self._stage)
        headers = dict(scope["headers"])
        if connection_id is None or method not in ("POST", "GET", "DELETE"):
            return FORBIDDEN
        if self._settings.require_signature and not is_signed(headers, scope["query_string"]):
            return FORBIDDEN
        if not is_connection_id(connection_id):
            return error_response(400, "BadRequestException", f"Invalid connectionId: {connection_id}")
        try:
            if method == "POST":
                return await self._post(connection_id, headers, receive)
            connection = self._connections.get_open(connection_id)
            if method == "GET":
                return HttpResponse(200, describe(connection))
            await connection.close(*DELETED)
            return HttpResponse(204)
        except ConnectionGone:
            return GONE

    async def _post(
        self, connection_id: str, headers: Mapping[bytes, bytes], receive: Receive
    ) -> HttpResponse:
        data = await _read(receive, headers.get(b"content-length", b""))
        response = TOO_LARGE if data is None else await self._deliver(connection_id, data)
        self._timeline.record(
            "gateway.post",
            connection_id=connection_id,
            bytes=None if data is None else len(data),
            status=response.status,
            **({} if data is None else tracing.of_message(data)),
        )
        return response

    async def _deliver(self, connection_id: str, data: bytes) -> HttpResponse:
        try:
            await self._connections.get_open(connection_id).send(_text(connection_id, data))
        except ConnectionGone:
            return GONE
        except ClientTooSlow:
            log.warning("post gave up on a client that does not read", extra={"connection_id": connection_id})
            return TOO_SLOW
        return HttpResponse(200)


def _text(connection_id: str, data: bytes) -> str:
    """Return the message that `data` becomes: always text; what AWS does with other bytes is unknown."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        log.warning("posted data is not UTF-8; replaced what is not", extra={"connection_id": connection_id})
        return data.decode(errors="replace")


async def _read(receive: Receive, content_length: bytes) -> bytes | None:
    """Read a body; None as soon as it is over 128 KB (the server discards the rest)."""
    if content_length.isdigit() and (len(content_length) > 9 or int(content_length) > MAX_MESSAGE_BYTES):
        return None
    data = bytearray()
    while True:
        event = await receive()
        data += event["body"] if event["type"] == "http.request" else b""
        if len(data) > MAX_MESSAGE_BYTES:
            return None
        if not event.get("more_body", False):
            return bytes(data)
