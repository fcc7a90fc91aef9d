"""Who may connect: the authorizer is asked, then the API key is looked at."""

from collections.abc import Mapping
from dataclasses import dataclass

from emulator.account import ACCOUNT_ID, REGION
from emulator.application import WebSocketApi
from emulator.clock import Clock
from emulator.gateway import events
from emulator.gateway.api_keys import ApiKeys
from emulator.gateway.authorizers import (
    Allowed,
    decide_authorization,
    method_arn,
    misconfigured,
    unauthorized,
)
from emulator.gateway.calls import Calls
from emulator.gateway.handshakes import Handshake
from emulator.gateway.identity_sources import parse_identity_source
from emulator.gateway.responses import Failed, Refused
from emulator.gateway.routing import CONNECT_ROUTE
from emulator.gateway.settings import GatewaySettings


@dataclass(frozen=True, slots=True)
class Authorized:
    """The client may connect.

    Attributes:
        context: `requestContext.authorizer` of every event of the connection; None without an authorizer.
        latency_ms: how long the authorizer took, `integrationLatency` of the CONNECT event.
    """

    context: Mapping[str, str] | None = None
    latency_ms: int | None = None


class Authorization:
    """The authorizer and the keys of one API. Nothing is cached: each handshake asks anew (row C11).

    Raises:
        InvalidApplication: an identity source or the key selection expression is not AWS's.
    """

    def __init__(self, api: WebSocketApi, calls: Calls, clock: Clock, settings: GatewaySettings) -> None:
        connect = next((route for route in api.routes if route.key == CONNECT_ROUTE), None)
        authorizers = {authorizer.name: authorizer for authorizer in api.authorizers}
        sources = {
            authorizer.name: [
                parse_identity_source(source, authorizer=authorizer.name)
                for source in authorizer.identity_sources
            ]
            for authorizer in api.authorizers
        }
        name = None if connect is None else connect.authorizer
        self._authorizer = None if name is None else authorizers[name]
        self._sources = [] if name is None else sources[name]
        self._needs_key = connect is not None and connect.api_key_required
        self._keys = ApiKeys(api.api_keys, api.api_key_selection_expression)
        self._calls = calls
        self._clock = clock
        self._settings = settings

    async def authorize(self, origin: events.Origin, handshake: Handshake) -> Authorized | Refused:
        """Say whether a client may connect.

        401 without asking the authorizer if an identity source is missing or empty; 403 for a missing or
        wrong API key; 500 for an authorizer that fails, is throttled or takes too long.
        """
        authorized, key = Authorized(), None
        if self._authorizer is not None:
            if not all(source.find(origin, handshake) for source in self._sources):
                return unauthorized("identity source missing")
            started = self._clock.monotonic()
            decision = await self._ask(self._authorizer.function, origin, handshake)
            if isinstance(decision, Refused):
                return decision
            latency_ms = round((self._clock.monotonic() - started) * 1000)
            authorized, key = Authorized(decision.context, latency_ms), decision.usage_identifier_key
        if self._needs_key and not self._keys.admits(handshake, key):
            return Refused(403, "API key missing or wrong")
        return authorized

    async def _ask(self, function: str, origin: events.Origin, handshake: Handshake) -> Allowed | Refused:
        resource = method_arn(region=REGION, account_id=ACCOUNT_ID, api_id=origin.api_id, stage=origin.stage)
        outcome = await self._calls.call(
            function,
            events.authorizer_event(origin, handshake, resource=resource),
            timeout_s=self._settings.authorizer_timeout_s,
            trace_header=handshake.trace_header,
        )
        if isinstance(outcome, Failed):
            return misconfigured(f"authorizer: {outcome.cause}")
        return decide_authorization(outcome, resource=resource)
