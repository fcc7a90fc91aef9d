"""What API Gateway refuses about an API before it serves anything: quotas and names."""

import re
from collections import Counter
from collections.abc import Iterator

from emulator.application import Route, Stage, WebSocketApi
from emulator.errors import InvalidApplication
from emulator.gateway.routing import CONNECT_ROUTE, DEFAULT_ROUTE, DISCONNECT_ROUTE

MAX_ROUTES = 300
"""Routes of one API. API Gateway WebSocket quotas (row A62)."""

MAX_STAGES = 10
"""Stages of one API. API Gateway WebSocket quotas (row A62)."""

MAX_AUTHORIZERS = 10
"""Lambda authorizers of one API. API Gateway WebSocket quotas (row A62)."""

MIN_TIMEOUT_S = 0.05
"""Shortest timeout of an integration. API Gateway V2 API, `TimeoutInMillis` (row A29)."""

MAX_TIMEOUT_S = 29.0
"""Longest timeout of an integration. API Gateway V2 API, `TimeoutInMillis` (row A29)."""

_PREDEFINED = frozenset({CONNECT_ROUTE, DISCONNECT_ROUTE, DEFAULT_ROUTE})
_STAGE_NAME = re.compile(r"[A-Za-z0-9_-]{1,128}")
_VARIABLE_NAME = re.compile(r"[A-Za-z0-9_]+")
_VARIABLE_VALUE = re.compile(r"[A-Za-z0-9\-._~:/?#&=,]+")


def check_api(api: WebSocketApi) -> None:
    """Check what API Gateway checks when an API is created.

    Raises:
        InvalidApplication: over a quota, or a route, stage or variable that AWS would not take; the
            sentence names all that was found.
    """
    if faults := list(_faults(api)):
        raise InvalidApplication(f"API {api.name} cannot be served: {'; '.join(faults)}.")


def _faults(api: WebSocketApi) -> Iterator[str]:
    for what, count, most in (
        ("routes", len(api.routes), MAX_ROUTES),
        ("stages", len(api.stages), MAX_STAGES),
        ("authorizers", len(api.authorizers), MAX_AUTHORIZERS),
    ):
        if count > most:
            yield f"it has {count} {what}, and {most} is AWS's limit; split it into several APIs"
    for key, count in Counter(route.key for route in api.routes).items():
        if count > 1:
            yield f"route {key} is declared {count} times; keep one"
    for route in api.routes:
        yield from _route_faults(route)
    for stage in api.stages:
        yield from _stage_faults(stage)
        for key in stage.route_throttling.keys() - {route.key for route in api.routes}:
            yield f"stage {stage.name} throttles route {key}, which is not there"
        for limit in (stage.throttling, *stage.route_throttling.values()):
            if limit is not None and (limit.rate_limit < 0 or limit.burst_limit < 0):
                yield f"stage {stage.name} has a throttling below 0"


def _route_faults(route: Route) -> Iterator[str]:
    if not route.key:
        yield "a route has no key; give it one"
    if route.key.startswith("$") and route.key not in _PREDEFINED:
        yield f"route {route.key} begins with $, which only $connect, $disconnect and $default may"
    if not MIN_TIMEOUT_S <= route.timeout_s <= MAX_TIMEOUT_S:
        yield (
            f"route {route.key} has a timeout of {route.timeout_s} s;"
            f" choose {MIN_TIMEOUT_S} to {MAX_TIMEOUT_S} s"
        )
    if route.api_key_required and route.key != CONNECT_ROUTE:
        yield f"route {route.key} asks for an API key, which only $connect can"
    if route.model is not None and route.key in (CONNECT_ROUTE, DISCONNECT_ROUTE):
        yield f"route {route.key} has a model, and no message to compare with it"


def _stage_faults(stage: Stage) -> Iterator[str]:
    if _STAGE_NAME.fullmatch(stage.name) is None:
        yield f"stage {stage.name!r} is not a name of letters, digits, - and _"
    for name, value in stage.variables.items():
        if _VARIABLE_NAME.fullmatch(name) is None:
            yield f"stage variable {name!r} of {stage.name} is not a name of letters, digits and _"
        if _VARIABLE_VALUE.fullmatch(value) is None:
            yield f"stage variable {name!r} of {stage.name} has a character other than A-Za-z0-9-._~:/?#&=,"
