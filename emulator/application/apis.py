"""WebSocket APIs: routes, authorizers, stages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Authorizer:
    """A Lambda authorizer of type REQUEST; the only Lambda authorizer that WebSocket APIs have.

    Attributes:
        function: name of the function that decides.
        identity_sources: what a request must carry to be looked at at all, such as
            `route.request.header.Auth` or `route.request.querystring.token`.
    """

    name: str
    function: str
    identity_sources: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """A route of a WebSocket API.

    Attributes:
        key: `$connect`, `$disconnect`, `$default`, or a value of the route selection expression.
        function: name of the function behind it.
        route_response: whether the function's `body` is sent back as a message
            (`RouteResponseSelectionExpression: $default` and a `$default` route response).
        timeout_s: of the integration, 0.05 to 29 seconds.
        authorizer: name of the API's authorizer; `$connect` only.
        api_key_required: whether the handshake must carry one of the API's keys; `$connect` only.
        model: name of the API's model that a message must match, or None.
    """

    key: str
    function: str
    route_response: bool = False
    timeout_s: float = 29.0
    authorizer: str | None = None
    api_key_required: bool = False
    model: str | None = None


@dataclass(frozen=True, slots=True)
class Throttling:
    """A token bucket. API Gateway's `ThrottlingRateLimit` and `ThrottlingBurstLimit`.

    Attributes:
        rate_limit: messages per second.
        burst_limit: messages at once.
    """

    rate_limit: float
    burst_limit: int


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of an API: its own URL and settings, the same routes.

    Attributes:
        variables: stage variables.
        throttling: of every route that `route_throttling` does not name; None: the account's alone.
        route_throttling: by route key.
    """

    name: str = "local"
    variables: Mapping[str, str] = field(default_factory=dict)
    throttling: Throttling | None = None
    route_throttling: Mapping[str, Throttling] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WebSocketApi:
    """A WebSocket API.

    Attributes:
        models: JSON schemas (draft 4) by name.
        api_keys: the keys that `api_key_required` accepts; development values, never real ones.
        api_key_selection_expression: `$request.header.x-api-key` or `$context.authorizer.usageIdentifierKey`.
    """

    name: str
    routes: Sequence[Route]
    stages: Sequence[Stage] = (Stage(),)
    route_selection_expression: str = "$request.body.action"
    authorizers: Sequence[Authorizer] = ()
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    api_keys: Sequence[str] = field(default=(), repr=False)
    api_key_selection_expression: str = "$request.header.x-api-key"

    @property
    def stage(self) -> str:
        """Name of the first stage, the one that is meant where none is named."""
        return self.stages[0].name
