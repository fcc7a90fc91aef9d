"""A user that asks through Streamer's own client, which comes back and resumes by itself."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress

import msgspec

from scripts.fault_suite.consumer import REFUSED_S, Waiting
from scripts.fault_suite.plan import PlannedRequest
from streamer.clients.python import (
    Client,
    ClientError,
    ConnectionFailed,
    ConnectionLost,
    Reconnection,
    RequestFailed,
    RequestHandle,
    connect,
)

ANSWER_S = 20.0
"""Seconds until a request counts as not taken and is sent again."""

RECONNECTION = Reconnection(base_s=0.1, cap_s=2.0)


class ClientConsumer:
    """What `Consumer` is, by the product's client: only what fails at the first answer is sent again here.

    What was accepted is the client's to follow, through any number of connections.
    """

    def __init__(self, url: str, token: Callable[[], Awaitable[str]]) -> None:
        self.waiting: dict[str, Waiting] = {}
        self.counts: Counter[str] = Counter()
        self._url = url
        self._token = token
        self._client: Client | None = None
        self._opening = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, request: PlannedRequest, *, times: int = 1, follow: bool = False) -> Waiting:
        """Send a request, or follow one that another connection sent; its outcome is waited for from now on.

        One that is under way is not sent twice: the client refuses that.
        """
        waiting = self.waiting.get(request.id)
        if waiting is None:
            waiting = self.waiting[request.id] = Waiting(request)
            self._start(self._pursue(waiting, follow=follow))
        return waiting

    async def cancel(self, request: PlannedRequest) -> None:
        """Ask once for a request's end; whether the answer comes is not waited for."""
        self._start(self._cancel(request.id))

    def cut(self) -> bool:
        """Leave it to the server's side to cut this one."""
        return False

    async def close(self) -> None:
        """End for good."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._client is not None:
            self.counts["connections of the client"] += self._client.connection_count
            await self._client.close()

    @property
    def missing(self) -> list[Waiting]:
        """What has no outcome yet."""
        return [waiting for waiting in self.waiting.values() if not waiting.done.is_set()]

    @property
    def unheard(self) -> list[Waiting]:
        """What nobody has taken yet, as far as is known here."""
        return [waiting for waiting in self.missing if not waiting.heard]

    def _start(self, work: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pursue(self, waiting: Waiting, *, follow: bool) -> None:
        while not waiting.done.is_set():
            client = await self._connected()
            with suppress(ConnectionLost):
                handle = self._send(client, waiting.request, follow=follow)
                await self._wait(handle, waiting)
            if not waiting.done.is_set():
                self.counts["requests sent again"] += 1
                await asyncio.sleep(min(20.0, REFUSED_S * 2.0**waiting.sent))
                waiting.sent += 1

    def _send(self, client: Client, request: PlannedRequest, *, follow: bool) -> RequestHandle:
        if follow:
            return client.subscribe(request.id, deadline_s=ANSWER_S)
        return client.request(
            request.work.action,
            request.payload,
            id=request.id,
            metadata=request.work.metadata,
            deadline_s=ANSWER_S,
            resends=True,
        )

    async def _wait(self, handle: RequestHandle, waiting: Waiting) -> None:
        """Wait for an outcome and keep what was seen, or return without one if nobody took the request."""
        try:
            with suppress(ClientError):
                await handle.acknowledgment()
                waiting.heard = True
            await handle
        except RequestFailed as error:
            self.counts[f"errors {error.code}"] += 1
        except ClientError as error:
            self.counts[type(error).__name__] += 1
        finally:
            self._take(handle, waiting)
        if not waiting.done.is_set():
            waiting.heard = False

    def _take(self, handle: RequestHandle, waiting: Waiting) -> None:
        for received in handle.messages:
            message = msgspec.to_builtins(received.message)
            if "type" not in message:
                self.counts["frames of the gateway"] += 1
                continue
            waiting.seen.take(message)
            if waiting.ends_with(message):
                waiting.done.set()

    async def _cancel(self, request_id: str) -> None:
        client = await self._connected()
        with suppress(ClientError):
            await client.cancel(request_id)
            self.counts["cancels answered"] += 1

    async def _connected(self) -> Client:
        async with self._opening:
            while self._client is None or self._client.is_closed:
                try:
                    self._client = await connect(
                        self._url, token_provider=self._token, reconnect=RECONNECTION
                    )
                except ConnectionFailed:
                    self.counts["handshakes that failed"] += 1
                    await asyncio.sleep(REFUSED_S)
            return self._client
