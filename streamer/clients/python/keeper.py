"""Keeps a client connected: the connection that is lost or old is replaced, until that is given up."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from websockets.asyncio.client import ClientConnection

from streamer.clients.python.connection import Connection
from streamer.clients.python.driver import Driver
from streamer.clients.python.reconnection import Reconnection, is_unauthorized, try_again

RETIREMENT_S = 35.0
"""Seconds for which a connection that was replaced is kept for answers that are still to come on it."""

OpenWebsocket = Callable[[], Awaitable[ClientConnection]]
"""Opens a connection with a token of its own; raises a `ClientError`."""


class Keeper:
    """Has a connection for a driver as long as it can, and ends the driver when it cannot.

    Attributes:
        connection: the present one, or the last.
    """

    def __init__(
        self,
        driver: Driver,
        websocket: ClientConnection,
        *,
        open_websocket: OpenWebsocket | None,
        reconnection: Reconnection | None,
        has_provider: bool,
        jitter: Callable[[], float],
    ) -> None:
        """Begin with a connection that stands.

        Args:
            open_websocket, reconnection: how another is opened, and when; None: never.
            has_provider: whether each has a token of its own.
            jitter: returns a number in [0, 1).
        """
        self._driver = driver
        self._open_websocket = open_websocket
        self._reconnection = reconnection
        self._has_provider = has_provider
        self._jitter = jitter
        self.connection = self._carry(0, websocket)
        self._retiring: set[asyncio.Task[None]] = set()
        self._task = asyncio.create_task(self._keep(), name="streamer-client-keeper")

    async def close(self, code: int, reason: str) -> None:
        """Close the connection, and those that it replaced."""
        tasks = [self._task, *self._retiring]
        for task in tasks:
            task.cancel()
        try:
            await self.connection.close(code, reason)
        finally:
            await asyncio.gather(*tasks, return_exceptions=True)

    async def wait_closed(self) -> None:
        """Wait until there is no connection, and none will follow."""
        await asyncio.wait([self._task])
        await self.connection.wait_closed()

    def _carry(self, number: int, websocket: ClientConnection) -> Connection:
        driver = self._driver
        return Connection(number, websocket, on_frame=driver.take_in, next_request=driver.next_request)

    async def _keep(self) -> None:
        error: Exception | None = None
        try:
            while await self._wait_for_loss_or_age():
                lost = self.connection
                if not lost.is_open:
                    self._driver.cut(lost.number, lost.code, lost.reason)
                websocket, error = await self._reopen()
                if websocket is None:
                    if not lost.is_open:
                        break
                    await lost.wait_closed()  # an old one is better than none; then it is tried anew
                    continue
                self._switch(websocket)
        finally:
            last = self.connection
            self._driver.end(last.code, last.reason, cause=error)

    async def _wait_for_loss_or_age(self) -> bool:
        """Wait until another connection is needed; False where there shall be none."""
        policy = self._reconnection
        if policy is None or self._open_websocket is None:
            await self.connection.wait_closed()
            return False
        old_at = self.connection.opened_at + policy.lifetime_s(self._jitter())
        with suppress(TimeoutError):
            async with asyncio.timeout_at(old_at):
                await self.connection.wait_closed()
        return True

    async def _reopen(self) -> tuple[ClientConnection | None, Exception | None]:
        """Open a connection in the place of the present one; None where that is given up, and why."""
        assert self._reconnection is not None
        assert self._open_websocket is not None
        began, failures, unauthorized = self._driver.now, 0, 0
        while True:
            await asyncio.sleep(self._reconnection.delay_s(failures, self._jitter()))
            try:
                return await self._open_websocket(), None
            except Exception as error:  # noqa: BLE001  # also what a token provider raises
                failures += 1
                unauthorized = unauthorized + 1 if is_unauthorized(error) else 0
                if not try_again(
                    error,
                    unauthorized=unauthorized,
                    has_provider=self._has_provider,
                    elapsed_s=self._driver.now - began,
                    policy=self._reconnection,
                ):
                    return None, error

    def _switch(self, websocket: ClientConnection) -> None:
        replaced = self.connection
        self.connection = self._carry(replaced.number + 1, websocket)
        self._driver.opened(self.connection.number)
        task = asyncio.create_task(self._retire(replaced), name="streamer-client-retirement")
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def _retire(self, connection: Connection) -> None:
        """Close a connection that was replaced, when its last answer has come or is overdue."""
        session = self._driver.session
        try:
            until = self._driver.now + RETIREMENT_S
            while connection.is_open and self._driver.now < until:
                if session.is_idle(connection.number):
                    break
                await asyncio.sleep(0.05)
        finally:
            await connection.close()
            if session.lost is None:
                self._driver.cut(connection.number, connection.code, connection.reason)
