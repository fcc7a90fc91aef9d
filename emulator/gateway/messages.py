"""Messages of clients: each finds its route, meets its limits, runs its function, and is answered."""

import logging

from emulator.application import Route
from emulator.gateway.connections import ClientTooSlow, Connection, ConnectionGone
from emulator.gateway.identifiers import Identifiers
from emulator.gateway.integrations import Integrations
from emulator.gateway.responses import FORBIDDEN, TOO_MANY_REQUESTS, Failed, Reply, error_frame
from emulator.gateway.routing import Router
from emulator.gateway.settings import GatewaySettings
from emulator.gateway.throttling import RouteLimits, Throttle
from emulator.telemetry import tracing
from emulator.telemetry.timeline import Timeline

log = logging.getLogger(__name__)


class Messages:
    """Handles the messages of one API, any number at the same time (row A39)."""

    def __init__(
        self,
        router: Router,
        integrations: Integrations,
        identifiers: Identifiers,
        timeline: Timeline,
        settings: GatewaySettings,
        *,
        throttle: Throttle,
        limits: RouteLimits,
    ) -> None:
        self._router = router
        self._integrations = integrations
        self._ids = identifiers
        self._timeline = timeline
        self._settings = settings
        self._throttle = throttle
        self._limits = limits

    async def handle(self, connection: Connection, text: str) -> None:
        """Handle one message and free the slot that it had taken; never raises for a function's fault."""
        request_id = self._ids.request_id()
        try:
            route = self._router.find_message_route(text)
            self._timeline.record(
                "gateway.message",
                connection_id=connection.id,
                request_id=request_id,
                route=None if route is None else route.key,
                bytes=len(text.encode()) if not text.isascii() else len(text),
                **tracing.of_message(text),
            )
            limit = None if route is None else self._limits.find(connection.origin.stage, route.key)
            outcome: Reply | Failed
            if not self._throttle.admit_request(limit):
                outcome = Failed(TOO_MANY_REQUESTS, "throttled")
            elif route is None:
                outcome = Failed(FORBIDDEN, "no route")
            else:
                outcome = await self._integrations.message(route, connection.origin, text, request_id)
            await self._answer(connection, route, outcome, request_id)
        finally:
            connection.free_slot(len(text))

    async def _answer(
        self, connection: Connection, route: Route | None, outcome: Reply | Failed, request_id: str
    ) -> None:
        facts = {
            "connection_id": connection.id,
            "request_id": request_id,
            "route": None if route is None else route.key,
        }
        if isinstance(outcome, Failed):
            log.warning("message failed", extra={"action": "gateway.failed", **facts, "cause": outcome.cause})
            self._timeline.record("gateway.failed", **facts, cause=outcome.cause)
            if outcome.message == TOO_MANY_REQUESTS and not self._settings.tell_throttled:
                return
            text = error_frame(
                outcome.message,
                connection_id=connection.id,
                request_id=request_id,
                message_id=outcome.message_id,
            )
        elif outcome.body is None:
            return
        else:
            text = outcome.body
        try:
            await connection.send(text)
        except ConnectionGone:
            log.info("reply dropped: the connection is gone", extra={"action": "gateway.reply_gone", **facts})
        except ClientTooSlow:
            log.warning(
                "reply dropped: the client does not read", extra={"action": "gateway.reply_too_slow", **facts}
            )
        else:
            self._timeline.record(
                "gateway.reply", **facts, bytes=len(text.encode()), **tracing.of_message(text)
            )
