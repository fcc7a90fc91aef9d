"""What a function behind a WebSocket API receives: the events of its routes, and of its authorizer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from time import gmtime
from typing import Any

import msgspec
from msgspec import UNSET, Struct, UnsetType

from emulator.gateway.handshakes import Handshake
from emulator.gateway.routing import CONNECT_ROUTE, DISCONNECT_ROUTE

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_HOP_HEADERS = frozenset({"connection", "upgrade"})
_AUTHORIZER_HEADERS = {"Connection": ["upgrade"], "content-length": ["0"], "Upgrade": ["websocket"]}
_encoder = msgspec.json.Encoder()


class Identity(Struct, frozen=True, rename="camel"):
    """Who is at the other end. `user_agent` is absent from events when the client sent none."""

    user_agent: str | UnsetType = UNSET
    source_ip: str = ""

    @property
    def user_agent_text(self) -> str:
        """The user agent where it may not be absent: empty when the client sent none."""
        return "" if self.user_agent is UNSET else self.user_agent


@dataclass(frozen=True, slots=True)
class Origin:
    """What every event of one connection says alike.

    Attributes:
        stage: name of the stage that the URL's path chose; an `@connections` request must name the same.
        domain_name: host and port under which the API is reached, as a function uses it to call back.
        connected_at_ms: epoch milliseconds.
        authorizer: what an authorizer put into the context, with `principalId`; None without one.
        stage_variables: the stage's own.
    """

    stage: str
    api_id: str
    domain_name: str
    connection_id: str
    connected_at_ms: int
    identity: Identity
    authorizer: Mapping[str, Any] | None = None
    stage_variables: Mapping[str, str] = field(default_factory=dict)


class _RequestContext(Struct, kw_only=True, rename="camel"):
    """`requestContext` of all three events; what does not apply to one is UNSET and left out."""

    route_key: str
    disconnect_status_code: int | UnsetType = UNSET
    authorizer: Mapping[str, Any] | UnsetType = UNSET
    message_id: str | UnsetType = UNSET
    event_type: str
    extended_request_id: str
    request_time: str
    message_direction: str = "IN"
    disconnect_reason: str | UnsetType = UNSET
    stage: str
    connected_at: int
    request_time_epoch: int
    identity: Identity
    request_id: str
    domain_name: str
    connection_id: str
    api_id: str


class _ConnectEvent(Struct, rename="camel"):
    headers: dict[str, str]
    multi_value_headers: dict[str, list[str]]
    query_string_parameters: dict[str, str] | UnsetType
    multi_value_query_string_parameters: Mapping[str, Sequence[str]] | UnsetType
    stage_variables: Mapping[str, str] | UnsetType
    request_context: _RequestContext
    is_base64_encoded: bool = False


class _AuthorizerEvent(Struct, rename="camel"):
    type: str
    method_arn: str
    headers: dict[str, str]
    multi_value_headers: dict[str, list[str]]
    query_string_parameters: dict[str, str]
    multi_value_query_string_parameters: Mapping[str, Sequence[str]]
    stage_variables: Mapping[str, str]
    request_context: _RequestContext


class _MessageEvent(Struct, rename="camel"):
    stage_variables: Mapping[str, str] | UnsetType
    request_context: _RequestContext
    body: str
    is_base64_encoded: bool = False


class _DisconnectEvent(Struct, rename="camel"):
    headers: dict[str, str]
    multi_value_headers: dict[str, list[str]]
    stage_variables: Mapping[str, str] | UnsetType
    request_context: _RequestContext
    is_base64_encoded: bool = False


@lru_cache(maxsize=16)
def request_time(epoch_s: int) -> str:
    """Write a time as `requestTime` does, `09/Feb/2024:18:11:43 +0000`, whatever the machine's locale."""
    t = gmtime(epoch_s)
    month = _MONTHS[t.tm_mon - 1]
    return f"{t.tm_mday:02d}/{month}/{t.tm_year}:{t.tm_hour:02d}:{t.tm_min:02d}:{t.tm_sec:02d} +0000"


def connect_event(origin: Origin, handshake: Handshake, *, authorizer_latency_ms: int | None = None) -> bytes:
    """Encode a CONNECT event.

    The two query maps are absent when the URL has no parameter, `stageVariables` when the stage has none.

    Args:
        authorizer_latency_ms: how long the authorizer took; `integrationLatency` of its context.
    """
    headers = _connect_headers(origin, handshake)
    context = _connect_context(origin, handshake)
    if origin.authorizer is not None and authorizer_latency_ms is not None:
        context.authorizer = {**origin.authorizer, "integrationLatency": authorizer_latency_ms}
    return _encoder.encode(
        _ConnectEvent(
            headers=_last(headers),
            multi_value_headers=headers,
            query_string_parameters=_last(handshake.parameters) if handshake.parameters else UNSET,
            multi_value_query_string_parameters=handshake.parameters or UNSET,
            stage_variables=_variables(origin),
            request_context=context,
        )
    )


def authorizer_event(origin: Origin, handshake: Handshake, *, resource: str) -> bytes:
    """Encode the event of a REQUEST authorizer; unlike in CONNECT events an empty map is `{}`.

    Args:
        resource: what the authorizer's policy must allow, `methodArn`.

    Source:
        API Gateway Developer Guide, "Lambda REQUEST authorizers". That the query maps are `{}` too is by
        analogy with `stageVariables` and REST APIs.
    """
    headers = _authorizer_headers(_connect_headers(origin, handshake))
    return _encoder.encode(
        _AuthorizerEvent(
            type="REQUEST",
            method_arn=resource,
            headers=_last(headers),
            multi_value_headers=headers,
            query_string_parameters=_last(handshake.parameters),
            multi_value_query_string_parameters=handshake.parameters,
            stage_variables=origin.stage_variables,
            request_context=_connect_context(origin, handshake),
        )
    )


def message_event(
    origin: Origin,
    *,
    route_key: str,
    request_id: str,
    message_id: str,
    now_ms: int,
    body: str,
    with_stage_variables: bool = False,
) -> bytes:
    """Encode a MESSAGE event."""
    context = _context(origin, route_key, "MESSAGE", request_id, now_ms)
    context.message_id = message_id
    variables = _variables(origin, shown=with_stage_variables)
    return _encoder.encode(_MessageEvent(variables, context, body))


def disconnect_event(
    origin: Origin,
    *,
    request_id: str,
    now_ms: int,
    code: int,
    reason: str,
    with_stage_variables: bool = False,
) -> bytes:
    """Encode a DISCONNECT event; its headers are AWS's four, not the client's."""
    headers = {"Host": [origin.domain_name], "x-api-key": [""], "X-Forwarded-For": [""], "x-restapi": [""]}
    context = _context(origin, DISCONNECT_ROUTE, "DISCONNECT", request_id, now_ms)
    context.disconnect_status_code = code
    context.disconnect_reason = reason
    variables = _variables(origin, shown=with_stage_variables)
    return _encoder.encode(_DisconnectEvent(_last(headers), headers, variables, context))


def _connect_headers(origin: Origin, handshake: Handshake) -> dict[str, list[str]]:
    """Return the `multiValueHeaders` of a CONNECT event.

    The client's headers in the case it wrote them, without `Connection` and `Upgrade`, with those that AWS's
    edge adds, sorted without regard to case. `Host` is the API's own name, also where the client came by
    another. AWS listens on 443 only, and says so in `X-Forwarded-Port`.
    """
    names: dict[str, str] = {}
    values: dict[str, list[str]] = {}
    for name, value in handshake.headers:
        lower = name.lower()
        if lower not in _HOP_HEADERS:
            names.setdefault(lower, name)
            values.setdefault(lower, []).append(value)
    forwarded = [*values.get("x-forwarded-for", []), origin.identity.source_ip]
    for name, value in (
        ("Host", origin.domain_name),
        ("X-Amzn-Trace-Id", handshake.trace_header),
        ("X-Forwarded-For", ", ".join(forwarded)),
        ("X-Forwarded-Port", "443"),
        ("X-Forwarded-Proto", "https"),
    ):
        names[name.lower()] = name
        values[name.lower()] = [value]
    return {names[lower]: values[lower] for lower in sorted(values)}


def _authorizer_headers(headers: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """Return the headers of an authorizer's event: a CONNECT event's, and three that only it shows."""
    kept = {name: values for name, values in headers.items() if name.lower() != "content-length"}
    return dict(sorted({**kept, **_AUTHORIZER_HEADERS}.items(), key=lambda item: item[0].lower()))


def _connect_context(origin: Origin, handshake: Handshake) -> _RequestContext:
    return _context(origin, CONNECT_ROUTE, "CONNECT", handshake.request_id, handshake.received_at_ms)


def _context(
    origin: Origin, route_key: str, event_type: str, request_id: str, now_ms: int
) -> _RequestContext:
    return _RequestContext(
        route_key=route_key,
        authorizer=UNSET if origin.authorizer is None else origin.authorizer,
        event_type=event_type,
        extended_request_id=request_id,
        request_time=request_time(now_ms // 1000),
        stage=origin.stage,
        connected_at=origin.connected_at_ms,
        request_time_epoch=now_ms,
        identity=origin.identity,
        request_id=request_id,
        domain_name=origin.domain_name,
        connection_id=origin.connection_id,
        api_id=origin.api_id,
    )


def _variables(origin: Origin, *, shown: bool = True) -> Mapping[str, str] | UnsetType:
    return origin.stage_variables or UNSET if shown else UNSET


def _last(values: Mapping[str, Sequence[str]]) -> dict[str, str]:
    return {name: items[-1] for name, items in values.items()}
