"""An ASGI application on a loopback port of its own."""

import asyncio
import socket
from contextlib import nullcontext
from typing import Any

import uvicorn

from emulator.errors import StartFailed


class _Server(uvicorn.Server):
    """uvicorn in a loop that is not its own: the process's signals are not its business."""

    def capture_signals(self) -> Any:
        return nullcontext()


class HttpServer:
    """Serves one application on 127.0.0.1 until it is stopped."""

    def __init__(self, application: Any) -> None:
        config = uvicorn.Config(
            application,
            loop="none",
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=1,
        )
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None
        self.url = ""

    async def start(self) -> None:
        """Listen on a free port; `url` tells which. Raises StartFailed."""
        # asyncio turns Nagle's algorithm off (40 ms an answer) only where the protocol is named.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.bind(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._task = asyncio.create_task(self._server.serve([listener]), name=f"http {self.url}")
        while not self._server.started:
            if self._task.done():
                raise StartFailed(f"The server at {self.url} ended while it started.")
            await asyncio.sleep(0.005)

    async def stop(self) -> None:
        """Stop listening and end what is under way within a second."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
