"""Identity sources: what a handshake must carry before its authorizer is asked."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from emulator.errors import InvalidApplication
from emulator.gateway.events import Origin, request_time
from emulator.gateway.handshakes import Handshake
from emulator.gateway.routing import CONNECT_ROUTE


class Place(StrEnum):
    """Where an identity source looks."""

    HEADER = "route.request.header"
    QUERY = "route.request.querystring"
    STAGE_VARIABLE = "stageVariables"
    CONTEXT = "context"


_SOURCE = re.compile(rf"(?P<place>{'|'.join(re.escape(place) for place in Place)})\.(?P<name>\S+)")
_HTTP_API = re.compile(r"\$(request\.(?:header|querystring)|stageVariables|context)\.(\S+)")

_CONTEXT: Mapping[str, Callable[[Origin, Handshake], str]] = {
    "apiId": lambda origin, handshake: origin.api_id,
    "connectedAt": lambda origin, handshake: str(origin.connected_at_ms),
    "connectionId": lambda origin, handshake: origin.connection_id,
    "domainName": lambda origin, handshake: origin.domain_name,
    "eventType": lambda origin, handshake: "CONNECT",
    "extendedRequestId": lambda origin, handshake: handshake.request_id,
    "identity.sourceIp": lambda origin, handshake: origin.identity.source_ip,
    "identity.userAgent": lambda origin, handshake: origin.identity.user_agent_text,
    "messageDirection": lambda origin, handshake: "IN",
    "requestId": lambda origin, handshake: handshake.request_id,
    "requestTime": lambda origin, handshake: request_time(handshake.received_at_ms // 1000),
    "requestTimeEpoch": lambda origin, handshake: str(handshake.received_at_ms),
    "routeKey": lambda origin, handshake: CONNECT_ROUTE,
    "stage": lambda origin, handshake: origin.stage,
}


@dataclass(frozen=True, slots=True)
class IdentitySource:
    """One thing that a handshake must carry, such as `route.request.header.Auth`."""

    place: Place
    name: str

    def find(self, origin: Origin, handshake: Handshake) -> str | None:
        """Return its value in a handshake: None if it is missing or empty."""
        match self.place:
            case Place.HEADER:
                value = handshake.find_header(self.name)
            case Place.QUERY:
                value = handshake.find_parameter(self.name)
            case Place.STAGE_VARIABLE:
                value = origin.stage_variables.get(self.name)
            case Place.CONTEXT:
                value = _CONTEXT[self.name](origin, handshake)
        return value or None


def parse_identity_source(expression: str, *, authorizer: str) -> IdentitySource:
    """Read an identity source of the authorizer called `authorizer`.

    Raises:
        InvalidApplication: it is none of a WebSocket API's, or names an unknown context variable.

    Source:
        API Gateway V2 API, `CreateAuthorizer`, `IdentitySource` (row C10).
    """
    match = _SOURCE.fullmatch(expression)
    if match is None:
        http_api = _HTTP_API.fullmatch(expression)
        if http_api is not None:
            place = http_api[1].replace("request.", "route.request.")
            raise InvalidApplication(
                f"Authorizer {authorizer} has the identity source {expression!r}, which is written as for"
                f" HTTP APIs; write {f'{place}.{http_api[2]}'!r}."
            )
        raise InvalidApplication(
            f"Authorizer {authorizer} has the identity source {expression!r}, which is not understood; write"
            " route.request.header.NAME, route.request.querystring.NAME, stageVariables.NAME or context.NAME."
        )
    source = IdentitySource(Place(match["place"]), match["name"])
    if source.place is Place.CONTEXT and source.name not in _CONTEXT:
        raise InvalidApplication(
            f"Authorizer {authorizer} has the identity source {expression!r}; $connect's context has"
            f" {', '.join(_CONTEXT)}."
        )
    return source
