"""The gateway itself: an ASGI application that turns sockets into invocations and back."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from random import Random, SystemRandom
from typing import Any

from msgspec import UNSET

from emulator.application import WebSocketApi
from emulator.asgi import Receive, Send
from emulator.clock import Clock
from emulator.faults import FaultKind, Faults
from emulator.gateway import events, refusals
from emulator.gateway.authorization import Authorization
from emulator.gateway.calls import Calls
from emulator.gateway.connections import Connection, Connections, Event, disconnect_facts
from emulator.gateway.declarations import check_api
from emulator.gateway.handshakes import Handshake, query_parameters
from emulator.gateway.http_response import HttpResponse
from emulator.gateway.identifiers import Identifiers, api_id
from emulator.gateway.integrations import Integrations
from emulator.gateway.management import Management
from emulator.gateway.messages import Messages
from emulator.gateway.models import Models
from emulator.gateway.protocols import Peer
from emulator.gateway.responses import Accepted, Refused
from emulator.gateway.routing import CONNECT_ROUTE, Router
from emulator.gateway.settings import MAX_HEADERS_BYTES, MAX_REASON_BYTES, MAX_URL_CHARS, GatewaySettings
from emulator.gateway.throttling import RouteLimits, Throttle
from emulator.invocation import Invoker
from emulator.telemetry.redaction import told_by_peer
from emulator.telemetry.timeline import Timeline

log = logging.getLogger(__name__)

GOING_AWAY = (1001, "Going away")
"""Close code and reason of a connection that was idle or open too long. Recorded from AWS (idle)."""

BINARY_REFUSED = (1003, "Binary frames are not supported")
"""Close of a connection that sent a binary frame. The code is AWS's; its reason is not known."""

NO_SETTINGS = GatewaySettings()


class Gateway:
    """The front door of one WebSocket API; runs in one event loop.

    Args:
        throttle: shared by the gateways of a sandbox.
        is_elsewhere: whether another gateway of the sandbox has a connection of that id.
        sleep: waits by `clock`.

    Attributes:
        domain_name: host and port that events name; set by the server when it knows its ports.
        connections: the connections that are there now.
    """

    def __init__(
        self,
        api: WebSocketApi,
        invoker: Invoker,
        *,
        clock: Clock,
        timeline: Timeline,
        random: Random | None = None,
        settings: GatewaySettings = NO_SETTINGS,
        faults: Faults | None = None,
        throttle: Throttle | None = None,
        is_elsewhere: Callable[[str], bool] = lambda connection_id: False,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.api = api
        self.domain_name = "localhost"
        self.settings = settings
        self.connections = Connections()
        self._api_id = api_id(api.name)
        self._faults = faults or Faults()
        self._clock = clock
        self._timeline = timeline
        self._ids = Identifiers(clock, random or SystemRandom())
        check_api(api)
        calls = Calls(invoker)
        self._authorization = Authorization(api, calls, clock, settings)
        self._integrations = Integrations(calls, Models(api.models), self._ids, clock, settings)
        self._router = Router(api.route_selection_expression, api.routes)
        self._stages = {f"/{stage.name}{slash}": stage for stage in api.stages for slash in ("", "/")}
        self._throttle = throttle or Throttle(clock)
        self._limits = RouteLimits(api.stages, [route.key for route in api.routes])
        self._messages = Messages(
            self._router,
            self._integrations,
            self._ids,
            timeline,
            settings,
            throttle=self._throttle,
            limits=self._limits,
        )
        self._management = Management(
            frozenset(stage.name for stage in api.stages),
            self.connections,
            timeline,
            settings,
            throttle=self._throttle,
            faults=self._faults,
            is_elsewhere=is_elsewhere,
            sleep=sleep,
        )
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one WebSocket connection or one HTTP request."""
        if scope["type"] == "websocket":
            await self._serve_websocket(scope, receive, send)
        else:
            await _send_http(await self._management.answer(scope, receive), send, "http.response")

    def sweep(self) -> None:
        """Close every connection that was idle or open too long by the clock. The server calls it often."""
        for connection in self.connections.list_due(self._clock.monotonic()):
            self._start(connection.close(*GOING_AWAY))

    def cut(self, connection_id: str) -> bool:
        """Cut a connection at once, without a close frame; tell whether there was an open one of that id.

        The client sees 1006, and so does `$disconnect`.
        """
        connection = self.connections.find(connection_id)
        return connection is not None and connection.cut()

    async def close(self, *, timeout_s: float) -> None:
        """Close every connection with 1001, and let what is under way end within `timeout_s`."""
        await asyncio.gather(*(connection.close(*GOING_AWAY) for connection in self.connections.list_open()))
        await asyncio.sleep(0)  # the connections' own tasks now start `$disconnect`
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self._tasks:
                    await asyncio.wait(set(self._tasks))

    async def cancel(self) -> None:
        """Cancel whatever is still under way."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve_websocket(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        await receive()
        peer: Peer = scope["extensions"]["gateway"]
        if refusal := self._refuse_by_head(scope, peer):
            await self._refuse(refusal, send, connection_id=None)
            return
        connection = Connection(self._origin(scope, peer), send, peer.abort, self._clock, self.settings)
        if self.settings.pings_reset_idle:
            peer.on_ping = connection.touch
        self.connections.add(connection)
        try:
            if await self._shake_hands(connection, scope, peer, send):
                code, reason = await self._take_messages(connection, receive)
                is_refused = peer.has_failed or connection.cause == BINARY_REFUSED
                if is_refused and self.settings.refused_frames_are_losses:
                    code, reason = disconnect_facts(1006, None, lost_reason=self.settings.lost_reason)
                is_ours = peer.has_failed or connection.cause is not None
                self._end(connection, code, reason, by="gateway" if is_ours else "client")
        finally:
            self.connections.remove(connection)

    # Handshake

    def _refuse_by_head(self, scope: Mapping[str, Any], peer: Peer) -> Refused | None:
        query: bytes = scope["query_string"]
        if len(scope["raw_path"]) + (len(query) + 1 if query else 0) > MAX_URL_CHARS:
            return Refused(414, "URL too long")
        if sum(len(name) + len(value) + 4 for name, value in peer.headers) > MAX_HEADERS_BYTES:
            return Refused(431, "headers too large")
        if scope["path"] not in self._stages:
            return Refused(403, "no such stage")
        return None

    def _origin(self, scope: Mapping[str, Any], peer: Peer) -> events.Origin:
        agent = next((value for name, value in peer.headers if name.lower() == "user-agent"), UNSET)
        stage = self._stages[scope["path"]]
        source_ip = scope["client"][0] if scope["client"] else "127.0.0.1"
        return events.Origin(
            stage=stage.name,
            api_id=self._api_id,
            domain_name=self.domain_name,
            connection_id=self._ids.connection_id(),
            connected_at_ms=int(self._clock.now() * 1000),
            identity=events.Identity(user_agent=agent, source_ip=source_ip),
            stage_variables=stage.variables,
        )

    async def _shake_hands(
        self, connection: Connection, scope: Mapping[str, Any], peer: Peer, send: Send
    ) -> bool:
        """Run `$connect` and answer the handshake by its outcome; tell whether the connection is open."""
        started = self._clock.monotonic()
        try:
            decision = await self._run_connect(connection, scope, peer)
        except asyncio.CancelledError:
            decision = Refused(503, "the gateway is stopping")
        duration_ms = round((self._clock.monotonic() - started) * 1000, 3)
        if isinstance(decision, Refused):
            connection.apply(Event.REFUSED)
            await self._refuse(decision, send, connection_id=connection.id, duration_ms=duration_ms)
            return False
        try:
            # From here a post finds the connection: it is open before the client can know it.
            connection.apply(Event.ACCEPTED)
            await send({"type": "websocket.accept", "subprotocol": decision.subprotocol})
        except OSError:
            connection.apply(Event.ENDED)
            log.info(
                "client left during the handshake",
                extra={"action": "gateway.abandoned", "connection_id": connection.id},
            )
            self._timeline.record("gateway.abandoned", connection_id=connection.id)
            return False
        log.info(
            "connection opened",
            extra={"action": "gateway.connect", "connection_id": connection.id, "duration_ms": duration_ms},
        )
        self._timeline.record("gateway.connect", connection_id=connection.id, duration_ms=duration_ms)
        return True

    async def _run_connect(
        self, connection: Connection, scope: Mapping[str, Any], peer: Peer
    ) -> Accepted | Refused:
        handshake = Handshake(
            headers=peer.headers,
            parameters=query_parameters(scope["query_string"].decode("latin-1")),
            request_id=self._ids.request_id(),
            trace_header=self._ids.trace_header(),
            received_at_ms=int(self._clock.now() * 1000),
        )
        authorized = await self._authorization.authorize(connection.origin, handshake)
        if isinstance(authorized, Refused):
            return authorized
        if not self._throttle.admit_connection(self._limits.find(connection.origin.stage, CONNECT_ROUTE)):
            return Refused(429, "throttled")
        if self._router.connect is None:
            return Accepted()
        if authorized.context is not None:
            connection.origin = replace(connection.origin, authorizer=authorized.context)
        return await self._integrations.connect(
            self._router.connect, connection.origin, handshake, authorizer_latency_ms=authorized.latency_ms
        )

    async def _refuse(self, refusal: Refused, send: Send, **facts: Any) -> None:
        facts |= {"status": refusal.status, "cause": refusal.cause}
        log.info("connection refused", extra={"action": "gateway.refused", **facts})
        self._timeline.record("gateway.refused", **facts)
        answer = refusals.answer(refusal, pass_body=self.settings.pass_refusal_body)
        try:
            await _send_http(answer, send, "websocket.http.response")
        except OSError:
            log.debug("client left before its refusal", extra={"action": "gateway.refusal_unheard", **facts})

    # Messages

    async def _take_messages(self, connection: Connection, receive: Receive) -> tuple[int, str]:
        """Start a task per message until the connection ends; return the end's code and reason."""
        while True:
            event = await receive()
            if event["type"] == "websocket.disconnect":
                return connection.cause or disconnect_facts(
                    event["code"], event.get("reason"), lost_reason=self.settings.lost_reason
                )
            if not connection.is_open:
                continue
            if self._faults.strike(FaultKind.CUT_CONNECTION, connection_id=connection.id):
                connection.cut()
                continue
            text: str | None = event.get("text")
            if text is None:
                await connection.close(*BINARY_REFUSED)
                continue
            connection.touch()
            if await connection.take_slot(len(text)):
                self._start(self._messages.handle(connection, text))

    # End

    def _end(self, connection: Connection, code: int, reason: str, *, by: str) -> None:
        connection.apply(Event.ENDED)
        told = told_by_peer(reason, max_chars=MAX_REASON_BYTES)
        facts = {"connection_id": connection.id, "code": code, "reason": told, "by": by}
        log.info("connection closed", extra={"action": "gateway.close", **facts})
        self._timeline.record("gateway.close", **facts)
        if self._router.disconnect is not None:
            self._start(
                self._integrations.disconnect(self._router.disconnect, connection.origin, code, reason)
            )

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finish)

    def _finish(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("gateway task failed", exc_info=error, extra={"action": "gateway.task_failed"})


async def _send_http(response: HttpResponse, send: Send, prefix: str) -> None:
    headers = response.encoded_headers()
    await send({"type": f"{prefix}.start", "status": response.status, "headers": headers})
    await send({"type": f"{prefix}.body", "body": response.body})
