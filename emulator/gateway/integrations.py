"""Running the functions behind the routes: an event goes out, the meaning of its outcome comes back."""

import asyncio
import logging
from collections.abc import Sequence

from emulator.application import Route
from emulator.clock import Clock
from emulator.errors import EmulatorError
from emulator.gateway import events
from emulator.gateway.identifiers import Identifiers
from emulator.gateway.responses import (
    INTERNAL_SERVER_ERROR,
    TIMED_OUT,
    Accepted,
    Failed,
    Refused,
    Reply,
    decide_handshake,
    decide_reply,
)
from emulator.gateway.settings import GatewaySettings
from emulator.invocation import InvocationResult, Invoker

log = logging.getLogger(__name__)


class Integrations:
    """The functions of one API, called with AWS's events. None of its methods raises for a function's fault.

    A function that takes longer than its route's timeout is given up but not stopped, as on AWS.
    """

    def __init__(
        self, invoker: Invoker, identifiers: Identifiers, clock: Clock, settings: GatewaySettings
    ) -> None:
        self._invoker = invoker
        self._ids = identifiers
        self._clock = clock
        self._settings = settings

    async def connect(
        self, route: Route, origin: events.Origin, headers: Sequence[tuple[str, str]], query: str
    ) -> Accepted | Refused:
        """Run `$connect` and say what it decided.

        Args:
            headers: the handshake's, as the client wrote them.
            query: the URL's, as it was sent.
        """
        # An authorizer's place: it runs before this, and what it returns joins `origin`.
        trace_header = self._ids.trace_header()
        payload = events.connect_event(
            origin,
            request_id=self._ids.request_id(),
            now_ms=self._now_ms(),
            headers=events.connect_headers(
                headers,
                domain_name=origin.domain_name,
                source_ip=origin.identity.source_ip,
                trace_header=trace_header,
            ),
            query=query,
        )
        outcome = await self._invoke(route, payload, trace_header=trace_header)
        if isinstance(outcome, Failed):
            return Refused(504 if outcome.message == TIMED_OUT else 502, outcome.cause)
        return decide_handshake(outcome)

    async def message(
        self, route: Route, origin: events.Origin, text: str, request_id: str
    ) -> Reply | Failed:
        """Run a message's function and say what the client gets."""
        payload = events.message_event(
            origin,
            route_key=route.key,
            request_id=request_id,
            message_id=self._ids.message_id(origin.connection_id),
            now_ms=self._now_ms(),
            body=text,
        )
        outcome = await self._invoke(route, payload)
        if isinstance(outcome, Failed):
            return outcome
        return decide_reply(
            outcome, has_route_response=route.route_response, send_empty=self._settings.send_empty_replies
        )

    async def disconnect(self, route: Route, origin: events.Origin, code: int, reason: str) -> None:
        """Run `$disconnect`, best effort: a failure is logged and nothing else."""
        payload = events.disconnect_event(
            origin, request_id=self._ids.request_id(), now_ms=self._now_ms(), code=code, reason=reason
        )
        outcome = await self._invoke(route, payload)
        cause = outcome.cause if isinstance(outcome, Failed) else outcome.function_error
        if cause is not None:
            log.warning("$disconnect failed", extra={"connection_id": origin.connection_id, "cause": cause})

    async def _invoke(
        self, route: Route, payload: bytes, *, trace_header: str | None = None
    ) -> InvocationResult | Failed:
        try:
            async with asyncio.timeout(route.timeout_s):
                return await self._invoker.invoke(route.function, payload, trace_header=trace_header)
        except TimeoutError:
            return Failed(TIMED_OUT, "integration timeout")
        except EmulatorError as error:  # throttled, or no such function: an ordinary failure
            return Failed(INTERNAL_SERVER_ERROR, type(error).__name__)
        except Exception as error:
            log.exception("invocation failed", extra={"function": route.function})
            return Failed(INTERNAL_SERVER_ERROR, type(error).__name__)

    def _now_ms(self) -> int:
        return int(self._clock.now() * 1000)
