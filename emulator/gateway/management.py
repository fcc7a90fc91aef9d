"""The `@connections` API: post to, look at and close a connection, as boto3 does it."""

import logging
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any
from urllib.parse import unquote

import msgspec

from emulator.asgi import Disconnected, Receive, read_body
from emulator.clock import timestamp
from emulator.faults import FaultKind, Faults
from emulator.gateway.connections import ClientTooSlow, Connection, ConnectionGone, Connections
from emulator.gateway.http_response import HttpResponse, error_response
from emulator.gateway.identifiers import is_connection_id
from emulator.gateway.settings import MAX_MESSAGE_BYTES, GatewaySettings
from emulator.gateway.throttling import Throttle
from emulator.telemetry import tracing
from emulator.telemetry.redaction import told_by_peer
from emulator.telemetry.timeline import Timeline

log = logging.getLogger(__name__)

DELETED = (1000, "Connection Closed Normally")
"""Close code and reason of a connection that the back end deleted. Recorded from AWS."""


CUT_OFF = error_response(400, "BadRequestException", "The request's body was cut off.")
FORBIDDEN = error_response(403, "ForbiddenException", "Forbidden")
GONE = HttpResponse(410, error="GoneException")
"""The body is empty, as on AWS; an SDK knows the exception by the header alone."""
TOO_LARGE = error_response(413, "PayloadTooLargeException", "Message too long")
TOO_SLOW = error_response(429, "LimitExceededException", "The client does not read; its buffer is full.")
TOO_MANY = error_response(429, "LimitExceededException", "Too Many Requests")
UNDECODABLE = error_response(400, "BadRequestException", "The data is not UTF-8 text.")

MAX_TOLD_ID_CHARS = 64
"""What is recorded of an id that may be none. Ours; four times as long as one."""

METHODS = frozenset({"POST", "GET", "DELETE"})

_AUTHORIZATION = re.compile(
    rb"AWS4-HMAC-SHA256\s+Credential=[^/,\s]+/\d{8}/[^/,\s]+/execute-api/aws4_request,"
    rb"\s*SignedHeaders=[^,\s]+,\s*Signature=[0-9a-f]+"
)
_SIGNED_QUERY = re.compile(
    rb"(?:^|&)X-Amz-Credential=[^/%&]+(?:/|%2[Ff])\d{8}(?:/|%2[Ff])[^/%&]+"
    rb"(?:/|%2[Ff])execute-api(?:/|%2[Ff])aws4_request(?:&|$)"
)


def find_target(raw_path: str, stages: Collection[str]) -> tuple[str, str] | None:
    """Return stage and id of `/{stage}/@connections/{id}`, decoded; None for any other path or stage.

    `@` may be written `%40`; the id is one segment, percent-encoded or not.
    """
    segments = [unquote(segment) for segment in raw_path.split("/")]
    if len(segments) != 4 or segments[0] or segments[2] != "@connections" or not segments[3]:
        return None
    return (segments[1], segments[3]) if segments[1] in stages else None


def is_signed(headers: Mapping[bytes, bytes], query: bytes) -> bool:
    """Tell whether a request carries a Signature Version 4 for `execute-api`, in header or query.

    Its parts must be there; its value is not verified.
    """
    if _AUTHORIZATION.fullmatch(headers.get(b"authorization", b"")) is not None:
        return b"x-amz-date" in headers or b"date" in headers
    return b"X-Amz-Signature=" in query and _SIGNED_QUERY.search(query) is not None


def describe(connection: Connection) -> bytes:
    """Return GetConnection's body. `userAgent` is required by the API's model, so it is never absent."""
    origin = connection.origin
    return msgspec.json.encode(
        {
            "connectedAt": timestamp(origin.connected_at_ms / 1000),
            "identity": {
                "sourceIp": origin.identity.source_ip,
                "userAgent": origin.identity.user_agent_text,
            },
            "lastActiveAt": timestamp(connection.last_active_at),
        }
    )


class Management:
    """Answers `@connections` requests of one API.

    Args:
        is_elsewhere: whether another API of the sandbox has a connection of that id.
        sleep: waits by the sandbox's clock, for the faults that delay.
    """

    def __init__(
        self,
        stages: Collection[str],
        connections: Connections,
        timeline: Timeline,
        settings: GatewaySettings,
        *,
        throttle: Throttle,
        faults: Faults,
        is_elsewhere: Callable[[str], bool],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._stages = stages
        self._connections = connections
        self._timeline = timeline
        self._settings = settings
        self._throttle = throttle
        self._faults = faults
        self._is_elsewhere = is_elsewhere
        self._sleep = sleep

    async def answer(self, scope: Mapping[str, Any], receive: Receive) -> HttpResponse:
        """Carry out one HTTP request and return its answer; never raises for what a caller can send.

        403 for any other path or method, an unsigned request, and a connection of another stage or API; 400
        for what cannot be an id; 410 for a connection that is not open, `$connect` included; 413 above
        128 KB; 429 above the account's rate and for a client that does not read.
        """
        method: str = scope["method"]
        target = find_target(scope["raw_path"].decode("latin-1"), self._stages)
        headers = dict(scope["headers"])
        if target is None or method not in METHODS:
            return _forbid("no such path, stage or method", method=method)
        stage, connection_id = target
        if self._settings.require_signature and not is_signed(headers, scope["query_string"]):
            return _forbid("not signed for execute-api", method=method)
        if method == "POST":
            return await self._post(stage, connection_id, headers, receive)
        try:
            connection = self._get(stage, connection_id)
        except _Refusal as refusal:
            return refusal.response
        if method == "GET":
            return HttpResponse(200, describe(connection))
        await connection.close(*DELETED)
        return HttpResponse(204)

    def _get(self, stage: str, connection_id: str) -> Connection:
        """Return the open connection that a call names. Raises _Refusal."""
        if not self._throttle.admit_request():
            log.warning(
                "call of @connections throttled",
                extra={"action": "management.throttled", "connection_id": _told(connection_id)},
            )
            raise _Refusal(TOO_MANY)
        if not is_connection_id(connection_id):
            message = f"Invalid connectionId: {connection_id}"
            raise _Refusal(error_response(400, "BadRequestException", message))
        connection = self._connections.find(connection_id)
        if self._is_elsewhere(connection_id) if connection is None else connection.origin.stage != stage:
            raise _Refusal(
                _forbid("the connection belongs to another stage or API", connection_id=connection_id)
            )
        if connection is None or not connection.is_open:
            raise _Refusal(GONE)
        return connection

    async def _post(
        self, stage: str, connection_id: str, headers: Mapping[bytes, bytes], receive: Receive
    ) -> HttpResponse:
        data: bytes | None = None
        try:
            if not _is_declared_too_large(headers.get(b"content-length", b"")):
                data = await read_body(receive, max_bytes=MAX_MESSAGE_BYTES)
            connection = self._get(stage, connection_id)
            if data is None:
                raise _Refusal(TOO_LARGE)
            await self._go_wrong(connection_id)
            await connection.send(self._text(connection_id, data))
            response = HttpResponse(200)
        except _Refusal as refusal:
            response = refusal.response
        except Disconnected:
            response = CUT_OFF
        except ConnectionGone:
            response = GONE
        except ClientTooSlow:
            log.warning(
                "post gave up on a client that does not read",
                extra={"action": "management.too_slow", "connection_id": connection_id},
            )
            response = TOO_SLOW
        self._timeline.record(
            "gateway.post",
            connection_id=_told(connection_id),
            bytes=None if data is None else len(data),
            status=response.status,
            **({} if data is None else tracing.of_message(data)),
        )
        return response

    async def _go_wrong(self, connection_id: str) -> None:
        """Let a declared fault strike."""
        if delay := self._faults.strike(FaultKind.DELAY_POST, connection_id=connection_id):
            await self._sleep(delay.delay_s)
        if refusal := self._faults.strike(FaultKind.REFUSE_POST, connection_id=connection_id):
            raise _Refusal(TOO_MANY if refusal.code == str(TOO_MANY.status) else GONE)

    def _text(self, connection_id: str, data: bytes) -> str:
        """Return the message that `data` becomes: always text. Raises _Refusal if the settings say so."""
        try:
            return data.decode()
        except UnicodeDecodeError:
            if self._settings.refuse_undecodable_posts:
                log.warning(
                    "posted data is not UTF-8; refused",
                    extra={"action": "management.undecodable", "connection_id": connection_id},
                )
                raise _Refusal(UNDECODABLE) from None
            log.warning(
                "posted data is not UTF-8; replaced what is not",
                extra={"action": "management.replaced", "connection_id": connection_id},
            )
            return data.decode(errors="replace")


class _Refusal(Exception):
    """A call is answered with `response` and nothing else happens."""

    def __init__(self, response: HttpResponse) -> None:
        super().__init__(response.status)
        self.response = response


def _forbid(cause: str, **facts: str) -> HttpResponse:
    log.info(
        "call of @connections refused",
        extra={"action": "management.refused", "status": FORBIDDEN.status, "cause": cause, **facts},
    )
    return FORBIDDEN


def _told(connection_id: str) -> str:
    return told_by_peer(connection_id, max_chars=MAX_TOLD_ID_CHARS)


def _is_declared_too_large(content_length: bytes) -> bool:
    """Tell whether a request says itself that it has over 128 KB."""
    return content_length.isdigit() and (len(content_length) > 9 or int(content_length) > MAX_MESSAGE_BYTES)
