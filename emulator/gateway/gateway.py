"""The gateway itself: an ASGI application that turns sockets into invocations and back."""

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Mapping
from random import Random, SystemRandom
from typing import Any

import msgspec

from emulator.application import Route, WebSocketApi
from emulator.clock import Clock
from emulator.faults import Faults
from emulator.gateway import events
from emulator.gateway.connections import (
    ClientTooSlow,
    Connection,
    ConnectionGone,
    Connections,
    Event,
    Receive,
    Send,
    disconnect_facts,
)
from emulator.gateway.identifiers import Identifiers, api_id
from emulator.gateway.integrations import Integrations
from emulator.gateway.management import HttpResponse, Management
from emulator.gateway.protocols import Peer
from emulator.gateway.responses import (
    FORBIDDEN,
    Accepted,
    Failed,
    Refused,
    Reply,
    error_frame,
    refusal_message,
)
from emulator.gateway.routing import Router
from emulator.gateway.settings import MAX_URL_CHARS, GatewaySettings
from emulator.invocation import Invoker
from emulator.telemetry import tracing
from emulator.telemetry.timeline import Timeline

log = logging.getLogger(__name__)

GOING_AWAY = (1001, "Going away")
"""Close code and reason of a connection that was idle or open too long. Recorded from AWS (idle)."""

BINARY_REFUSED = (1003, "Binary frames are not supported")
"""Close of a connection that sent a binary frame. The code is AWS's; its reason is not known."""

NO_SETTINGS = GatewaySettings()


class Gateway:
    """The front door of one WebSocket API; runs in one event loop.

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
        self._integrations = Integrations(invoker, self._ids, clock, settings)
        self._router = Router(api.route_selection_expression, api.routes)
        self._paths = (f"/{api.stage}", f"/{api.stage}/")
        self._management = Management(api.stage, self.connections, timeline, settings)
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one WebSocket connection or one HTTP request."""
        if scope["type"] == "websocket":
            await self._serve_websocket(scope, receive, send)
        else:
            response = await self._management.answer(scope, receive)
            await _send_http(response, send, "http.response")

    def sweep(self) -> None:
        """Close every connection that was idle or open too long by the clock. The server calls it often."""
        for connection in self.connections.list_due(self._clock.monotonic()):
            self._start(connection.close(*GOING_AWAY))

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
        if refusal := self._refuse_by_url(scope):
            await self._refuse(refusal, send, connection_id=None)
            return
        peer: Peer = scope["extensions"]["gateway"]
        connection = Connection(self._origin(scope, peer), send, peer.abort, self._clock, self.settings)
        self.connections.add(connection)
        try:
            if await self._shake_hands(connection, scope, peer, send):
                code, reason = await self._take_messages(connection, receive)
                self._end(connection, code, reason)
        finally:
            self.connections.remove(connection)

    # Handshake

    def _refuse_by_url(self, scope: Mapping[str, Any]) -> Refused | None:
        query: bytes = scope["query_string"]
        if len(scope["raw_path"]) + (len(query) + 1 if query else 0) > MAX_URL_CHARS:
            return Refused(414, "URL too long")
        if scope["path"] not in self._paths:
            return Refused(403, "no such stage")
        return None

    def _origin(self, scope: Mapping[str, Any], peer: Peer) -> events.Origin:
        agent = next((value for name, value in peer.headers if name.lower() == "user-agent"), msgspec.UNSET)
        source_ip = scope["client"][0] if scope["client"] else "127.0.0.1"
        return events.Origin(
            stage=self.api.stage,
            api_id=self._api_id,
            domain_name=self.domain_name,
            connection_id=self._ids.connection_id(),
            connected_at_ms=int(self._clock.now() * 1000),
            identity=events.Identity(user_agent=agent, source_ip=source_ip),
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
            log.info("client left during the handshake", extra={"connection_id": connection.id})
            self._timeline.record("gateway.abandoned", connection_id=connection.id)
            return False
        log.info("connection opened", extra={"connection_id": connection.id, "duration_ms": duration_ms})
        self._timeline.record("gateway.connect", connection_id=connection.id, duration_ms=duration_ms)
        return True

    async def _run_connect(
        self, connection: Connection, scope: Mapping[str, Any], peer: Peer
    ) -> Accepted | Refused:
        if self._router.connect is None:
            return Accepted()
        query = scope["query_string"].decode("latin-1")
        return await self._integrations.connect(self._router.connect, connection.origin, peer.headers, query)

    async def _refuse(self, refusal: Refused, send: Send, **facts: Any) -> None:
        facts |= {"status": refusal.status, "cause": refusal.cause}
        log.info("connection refused", extra=facts)
        self._timeline.record("gateway.refused", **facts)
        message = refusal_message(refusal.status)
        response = HttpResponse(
            refusal.status, msgspec.json.encode({"message": message}), f"{message.replace(' ', '')}Exception"
        )
        try:
            await _send_http(response, send, "websocket.http.response")
        except OSError:
            log.debug("client left before its refusal", extra=facts)

    # Messages

    async def _take_messages(self, connection: Connection, receive: Receive) -> tuple[int, str]:
        """Start a task per message until the connection ends; return the end's code and reason."""
        while True:
            event = await receive()
            if event["type"] == "websocket.disconnect":
                return connection.cause or disconnect_facts(event["code"], event.get("reason"))
            if not connection.is_open:
                continue
            text: str | None = event.get("text")
            if text is None:
                await connection.close(*BINARY_REFUSED)
                continue
            connection.touch()
            if await connection.take_slot(len(text)):
                self._start(self._handle_message(connection, text))

    async def _handle_message(self, connection: Connection, text: str) -> None:
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
            if route is None:
                outcome: Reply | Failed = Failed(FORBIDDEN, "no route")
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
            log.warning("message failed", extra={**facts, "cause": outcome.cause})
            self._timeline.record("gateway.failed", **facts, cause=outcome.cause)
            text = error_frame(outcome.message, connection_id=connection.id, request_id=request_id)
        elif outcome.body is None:
            return
        else:
            text = outcome.body
        try:
            await connection.send(text)
        except ConnectionGone:
            log.info("reply dropped: the connection is gone", extra=facts)
        except ClientTooSlow:
            log.warning("reply dropped: the client does not read", extra=facts)
        else:
            self._timeline.record(
                "gateway.reply", **facts, bytes=len(text.encode()), **tracing.of_message(text)
            )

    # End

    def _end(self, connection: Connection, code: int, reason: str) -> None:
        connection.apply(Event.ENDED)
        facts = {"connection_id": connection.id, "code": code, "reason": reason}
        log.info("connection closed", extra=facts)
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
            log.error("gateway task failed", exc_info=error)


async def _send_http(response: HttpResponse, send: Send, prefix: str) -> None:
    await send({"type": f"{prefix}.start", "status": response.status, "headers": response.encoded_headers()})
    await send({"type": f"{prefix}.body", "body": response.body})
