"""The gateway's two ports: plain and TLS, the same application behind both."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, cast

from uvicorn import Config
from uvicorn.server import ServerState

from emulator.errors import StartFailed
from emulator.gateway.certificates import Certificate
from emulator.gateway.gateway import Gateway
from emulator.gateway.protocols import HttpProtocol, WebSocketProtocol
from emulator.gateway.settings import MAX_FRAME_BYTES, MAX_MESSAGE_BYTES

log = logging.getLogger(__name__)

SWEEP_INTERVAL_S = 1.0
BACKLOG = 2_048
KEEP_ALIVE_S = 75
"""How long an idle HTTP connection is kept, so that a warm function's client finds its connection alive."""

TLS_HANDSHAKE_TIMEOUT_S = 10

_TURNS_TO_CUT = 100
"""Turns of the event loop in which a cut socket is reported lost; one or two are enough."""


class GatewayServer:
    """Listens for one gateway, in the running event loop; takes no signal handlers.

    Attributes:
        port, tls_port: what was asked for; after `start`, what is listened on (0: any free one).
    """

    def __init__(
        self,
        gateway: Gateway,
        certificate: Certificate,
        host: str = "127.0.0.1",
        port: int = 0,
        tls_port: int = 0,
    ) -> None:
        self.gateway = gateway
        self.host = host
        self.port = port
        self.tls_port = tls_port
        self._certificate = certificate
        self._state = ServerState()
        self._servers: list[asyncio.Server] = []
        self._sweeper: asyncio.Task[None] | None = None

    @property
    def websocket_url(self) -> str:
        """Where a client connects."""
        return self.urls(self.gateway.api.stage)["websocket"]

    @property
    def management_url(self) -> str:
        """`endpoint_url` of an `apigatewaymanagementapi` client."""
        return self.urls(self.gateway.api.stage)["management"]

    @property
    def https_url(self) -> str:
        """The same over TLS: `https://{domainName}/{stage}`, as a function builds it from its event."""
        return self.urls(self.gateway.api.stage)["https"]

    def urls(self, stage: str) -> dict[str, str]:
        """Return the addresses of a stage: `websocket`, `management`, `https`."""
        plain, secure = f"{self.host}:{self.port}/{stage}", f"localhost:{self.tls_port}/{stage}"
        return {"websocket": f"ws://{plain}", "management": f"http://{plain}", "https": f"https://{secure}"}

    def stage_urls(self) -> dict[str, dict[str, str]]:
        """Return the addresses of every stage by `API/STAGE`."""
        api = self.gateway.api
        return {f"{api.name}/{stage.name}": self.urls(stage.name) for stage in api.stages}

    async def start(self) -> None:
        """Listen on both ports. Raises StartFailed if one cannot be had; then neither is listened on."""
        config = _configure(self.gateway)

        def factory() -> asyncio.Protocol:
            return HttpProtocol(config=config, server_state=self._state, app_state={})

        try:
            self.port = await self._listen(factory, self.port)
            self.tls_port = await self._listen(
                factory,
                self.tls_port,
                ssl=self._certificate.server_context,
                ssl_handshake_timeout=TLS_HANDSHAKE_TIMEOUT_S,
            )
        except StartFailed:
            await self.stop(timeout_s=0)
            raise
        self.gateway.domain_name = f"localhost:{self.tls_port}"
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep())
        log.info(
            "gateway listens",
            extra={"action": "gateway.listens", "port": self.port, "tls_port": self.tls_port},
        )

    async def stop(self, *, timeout_s: float = 5.0) -> None:
        """Close every connection with 1001 and both ports, within about `timeout_s`. Idempotent.

        `$disconnect` of the connections closed still runs, as long as the time allows; what is not over by
        then is cut.
        """
        for server in self._servers:
            server.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
            await asyncio.gather(self._sweeper, return_exceptions=True)
            self._sweeper = None
        deadline = asyncio.get_running_loop().time() + timeout_s
        await self.gateway.close(timeout_s=timeout_s)
        for connection in list(self._state.connections):
            connection.shutdown()
        if self._state.tasks:
            left_s = max(0.1, deadline - asyncio.get_running_loop().time())
            await asyncio.wait(set(self._state.tasks), timeout=left_s)
        await self._cut()
        await self.gateway.cancel()
        for server in self._servers:
            await server.wait_closed()
        self._servers = []

    def cut_overdue(self) -> None:
        """Cut the sockets that take too long to send a request. The server calls it often."""
        now, timeout_s = asyncio.get_running_loop().time(), self.gateway.settings.request_timeout_s
        for connection in list(self._state.connections):
            if isinstance(connection, HttpProtocol):
                connection.cut_if_overdue(now, timeout_s=timeout_s)

    async def _listen(self, factory: Callable[[], asyncio.Protocol], port: int, **options: Any) -> int:
        try:
            server = await asyncio.get_running_loop().create_server(
                factory, self.host, port, backlog=BACKLOG, **options
            )
        except OSError as error:
            raise StartFailed(
                f"The gateway cannot listen on {self.host}:{port} ({error.strerror});"
                " free that port or choose another."
            ) from error
        self._servers.append(server)
        return cast(int, server.sockets[0].getsockname()[1])

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_INTERVAL_S)
            self.gateway.sweep()
            self.cut_overdue()

    async def _cut(self) -> None:
        """Cut the sockets that are still there and see their tasks end."""
        for connection in list(self._state.connections):
            connection.transport.abort()
        for task in list(self._state.tasks):
            task.cancel()
        await asyncio.gather(*self._state.tasks, return_exceptions=True)
        for _ in range(_TURNS_TO_CUT):
            if not self._state.connections:
                break
            await asyncio.sleep(0)


def _configure(gateway: Gateway) -> Config:
    """Return uvicorn's configuration.

    Its own log must not go below warnings: at `info` it writes every URL with its query, tokens included.
    """
    config = Config(
        cast(Any, gateway),
        http=HttpProtocol,
        ws=WebSocketProtocol,
        ws_max_size=cast(int, (MAX_MESSAGE_BYTES, MAX_FRAME_BYTES)),
        ws_ping_interval=None,
        ws_ping_timeout=None,
        ws_per_message_deflate=gateway.settings.negotiate_compression,
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        interface="asgi3",
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
    config.load()
    return config
