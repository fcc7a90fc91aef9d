"""A user's connection that comes back, asks again for what it lost, and drops what it knows already."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any

import websockets
from websockets.asyncio.client import ClientConnection

from scripts.fault_suite.plan import Kind, PlannedRequest
from scripts.fault_suite.verdict import Seen, is_outcome

PATIENCE_S = 10.0
"""Seconds after which a request is sent again that nothing at all was heard of, doubled each time. One
that was acknowledged is not: its outcome has to come by itself as long as the connection lives."""

MAX_PATIENCE_S = 40.0
"""The longest of these waits: impatience of many is what keeps a busy server busy."""

REFUSED_S = 1.0
"""Seconds after which a request is sent again that was refused for now, doubled each time too."""

RECONNECT_S = 0.2
"""Seconds between two attempts to connect."""

TICK_S = 0.25
"""Seconds between two looks at what is due."""


class Waiting:
    """A request whose outcome this consumer waits for.

    Attributes:
        heard: whether something was heard of it on the present connection.
        due_at: when it is sent again unless something is heard, in the event loop's time.
        sent: how often it was sent.
    """

    def __init__(self, request: PlannedRequest) -> None:
        self.request = request
        self.seen = Seen()
        self.done = asyncio.Event()
        self.heard = False
        self.due_at = 0.0
        self.sent = 0

    def wait(self, now: float, wait_s: float) -> None:
        """Be patient for so long; longer, the oftener it was sent."""
        self.due_at = now + min(MAX_PATIENCE_S, wait_s * 2.0 ** max(0, self.sent - 1))

    def ends_with(self, message: Mapping[str, Any]) -> bool:
        """Whether this message is what is waited for."""
        if self.request.kind is Kind.SHORT:
            return bool(message["type"] == "response")
        return is_outcome(message)


class Consumer:
    """One connection of a user and what it waits for.

    Attributes:
        waiting: every request that it ever asked for, by id.
        counts: what happened: connects, refused handshakes, frames without a type, requests sent again.
    """

    def __init__(self, url: str, token: Callable[[], Awaitable[str]]) -> None:
        self.waiting: dict[str, Waiting] = {}
        self.counts: Counter[str] = Counter()
        self._url = url
        self._token = token
        self._connection: ClientConnection | None = None
        self._loop = asyncio.get_running_loop()
        self._tasks = [asyncio.create_task(self._live()), asyncio.create_task(self._insist())]

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    async def ask(self, request: PlannedRequest, *, times: int = 1, follow: bool = False) -> Waiting:
        """Send a request, or join one that runs by sending it too; from now on its outcome is waited for."""
        waiting = self.waiting.setdefault(request.id, Waiting(request))
        for _ in range(times):
            await self._send(waiting)
        return waiting

    async def cancel(self, request: PlannedRequest) -> None:
        """Ask once for a request's end; nothing is waited for."""
        if self._connection is not None:
            message = {
                "action": "cancel",
                "id": f"cancel-{request.id}",
                "payload": {"request_id": request.id},
            }
            with suppress(websockets.ConnectionClosed):
                await self._connection.send(json.dumps(message))

    def cut(self) -> bool:
        """Drop the connection as a lost network does; return whether there was one."""
        if self._connection is None:
            return False
        self._connection.transport.abort()
        return True

    async def close(self) -> None:
        """End for good."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def missing(self) -> list[Waiting]:
        """What has no outcome yet."""
        return [waiting for waiting in self.waiting.values() if not waiting.done.is_set()]

    @property
    def unheard(self) -> list[Waiting]:
        """What nobody has taken yet on this connection, as far as is known here."""
        return [waiting for waiting in self.missing if not waiting.heard]

    async def _live(self) -> None:
        while True:
            try:
                connection = await self._connect()
            except (OSError, websockets.WebSocketException, TimeoutError):
                self.counts["handshakes that failed"] += 1
                await asyncio.sleep(RECONNECT_S)
                continue
            self.counts["connections"] += 1
            async with connection:
                self._connection = connection
                try:
                    for waiting in self.missing:
                        waiting.heard, waiting.sent = False, 0
                        await self._send(waiting)
                    async for frame in connection:
                        self._take(json.loads(frame))
                except websockets.ConnectionClosed:
                    pass
                finally:
                    self._connection = None
            self.counts[f"closed with {connection.close_code}"] += 1

    async def _connect(self) -> ClientConnection:
        return await websockets.connect(
            self._url,
            additional_headers={"Authorization": f"Bearer {await self._token()}"},
            proxy=None,
            compression=None,
            ping_interval=None,
            max_size=None,
            close_timeout=1,
        )

    async def _insist(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            for waiting in self.unheard:
                if waiting.due_at <= self._loop.time():
                    self.counts["requests sent again"] += 1
                    await self._send(waiting)

    async def _send(self, waiting: Waiting) -> None:
        request = waiting.request
        if self._connection is None:
            return  # it is sent with all that is missing when there is a connection again
        waiting.sent += 1
        waiting.wait(self._loop.time(), PATIENCE_S)
        message = {"action": request.work.action, "id": request.id, "payload": request.payload}
        if request.work.metadata:
            message["metadata"] = request.work.metadata
        with suppress(websockets.ConnectionClosed):
            await self._connection.send(json.dumps(message))

    def _take(self, message: dict[str, Any]) -> None:
        if "type" not in message:
            self.counts["frames of the gateway"] += 1
            if unheard := self.unheard:  # the oldest is blamed, as clients do
                unheard[0].wait(self._loop.time(), REFUSED_S)
            return
        waiting = self.waiting.get(message.get("request_id", ""))
        if waiting is None:
            self.counts[f"errors {message.get('error', {}).get('code')}"] += 1
            return
        if message["type"] == "error" and not is_outcome(message):
            self.counts[f"errors {message['error']['code']}"] += 1
            waiting.wait(self._loop.time(), REFUSED_S)
            return
        waiting.heard = True
        if waiting.seen.take(message) and waiting.ends_with(message):
            waiting.done.set()
