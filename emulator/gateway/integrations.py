"""Running the functions behind the routes: an event goes out, the meaning of its outcome comes back."""

import logging

from emulator.application import Route
from emulator.clock import Clock
from emulator.gateway import events
from emulator.gateway.calls import Calls
from emulator.gateway.handshakes import Handshake
from emulator.gateway.identifiers import Identifiers
from emulator.gateway.models import Models
from emulator.gateway.responses import (
    BAD_REQUEST_BODY,
    TIMED_OUT,
    Accepted,
    Failed,
    Refused,
    Reply,
    decide_handshake,
    decide_reply,
)
from emulator.gateway.settings import GatewaySettings

log = logging.getLogger(__name__)


class Integrations:
    """The functions of one API, called with AWS's events. No method raises for a function's fault."""

    def __init__(
        self, calls: Calls, models: Models, identifiers: Identifiers, clock: Clock, settings: GatewaySettings
    ) -> None:
        self._calls = calls
        self._models = models
        self._ids = identifiers
        self._clock = clock
        self._settings = settings

    async def connect(
        self,
        route: Route,
        origin: events.Origin,
        handshake: Handshake,
        *,
        authorizer_latency_ms: int | None = None,
    ) -> Accepted | Refused:
        """Run `$connect` and say what it decided."""
        outcome = await self._calls.call(
            route.function,
            events.connect_event(origin, handshake, authorizer_latency_ms=authorizer_latency_ms),
            timeout_s=route.timeout_s,
            trace_header=handshake.trace_header,
        )
        if isinstance(outcome, Failed):
            return Refused(504 if outcome.message == TIMED_OUT else 502, outcome.cause)
        return decide_handshake(outcome)

    async def message(
        self, route: Route, origin: events.Origin, text: str, request_id: str
    ) -> Reply | Failed:
        """Run a message's function and say what the client gets; a message against its model runs nothing."""
        message_id = self._ids.message_id(origin.connection_id)
        if route.model is not None and not self._models.accepts(route.model, text):
            return Failed(BAD_REQUEST_BODY, "request model", message_id)
        payload = events.message_event(
            origin,
            route_key=route.key,
            request_id=request_id,
            message_id=message_id,
            now_ms=self._now_ms(),
            body=text,
            with_stage_variables=self._settings.stage_variables_in_every_event,
        )
        outcome = await self._calls.call(route.function, payload, timeout_s=route.timeout_s)
        if isinstance(outcome, Failed):
            return outcome
        return decide_reply(
            outcome,
            has_route_response=route.route_response,
            send_empty=self._settings.send_empty_replies,
            send_large=self._settings.send_large_replies,
        )

    async def disconnect(self, route: Route, origin: events.Origin, code: int, reason: str) -> None:
        """Run `$disconnect`, best effort: a failure is logged and nothing else."""
        payload = events.disconnect_event(
            origin,
            request_id=self._ids.request_id(),
            now_ms=self._now_ms(),
            code=code,
            reason=reason,
            with_stage_variables=self._settings.stage_variables_in_every_event,
        )
        outcome = await self._calls.call(route.function, payload, timeout_s=route.timeout_s)
        cause = outcome.cause if isinstance(outcome, Failed) else outcome.function_error
        if cause is not None:
            log.warning(
                "$disconnect failed",
                extra={
                    "action": "gateway.disconnect_failed",
                    "connection_id": origin.connection_id,
                    "cause": cause,
                },
            )

    def _now_ms(self) -> int:
        return int(self._clock.now() * 1000)
