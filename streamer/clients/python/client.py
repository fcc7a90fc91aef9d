"""The client: what a program asks of an application, over the connection that a `Keeper` has for it."""

import asyncio
import random
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import msgspec
from websockets.asyncio.client import ClientConnection

from streamer.clients.python.address import Address
from streamer.clients.python.driver import Driver, OnMessage
from streamer.clients.python.handle import RequestHandle
from streamer.clients.python.heartbeat import beat
from streamer.clients.python.incoming import Received
from streamer.clients.python.keeper import Keeper, OpenWebsocket
from streamer.clients.python.reconnection import Reconnection
from streamer.clock import Clock, SystemClock
from streamer.protocol import RequestList, RequestStatus

FIRST_ANSWER_S = 30.0
"""Seconds until a request must have been answered: API Gateway answers for the function after 29."""

OUTCOME_S = 86_400.0
"""Seconds until long work must have ended here. Ours: a day."""


class Client:
    """Connected to an application. Made by `connect`; belongs to the event loop that made it.

    Any number of requests can be under way. Where it reconnects, a connection that ends, or grows old, is
    replaced, and what the server had accepted is followed on the new one: a consumer sees each message
    once, and one outcome. Otherwise, and when reconnecting is given up, each request under way fails with
    `ConnectionLost`, and the client is of no further use.
    """

    def __init__(
        self,
        websocket: ClientConnection,
        address: Address,
        *,
        open_websocket: OpenWebsocket | None = None,
        reconnection: Reconnection | None = None,
        has_provider: bool = False,
        heartbeat_s: float | None = None,
        on_message: OnMessage | None = None,
        clock: Clock | None = None,
        new_id: Callable[[], str] = lambda: uuid4().hex,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._address = address
        self._new_id = new_id
        self._driver = Driver(clock=clock or SystemClock(), on_message=on_message)
        self._session = self._driver.session
        self._keeper = Keeper(
            self._driver,
            websocket,
            open_websocket=open_websocket,
            reconnection=reconnection,
            has_provider=has_provider,
            jitter=jitter,
        )
        self._heart = (
            None
            if heartbeat_s is None
            else asyncio.create_task(
                beat(self._driver, self._keeper, heartbeat_s), name="streamer-client-heart"
            )
        )

    @property
    def url(self) -> str:
        """Where this is connected to, without the query."""
        return self._address.shown

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the server chose."""
        return self._keeper.connection.subprotocol

    @property
    def is_closed(self) -> bool:
        """Whether this has ended: there is no connection, and none will follow."""
        return self._session.lost is not None

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection now."""
        return not self.is_closed and self._keeper.connection.is_open

    @property
    def connection_count(self) -> int:
        """How many connections there were, the first one included."""
        return self._keeper.connection.number + 1

    @property
    def close_code(self) -> int | None:
        """The close code of RFC 6455; 1006 if the connection broke; None as long as this goes on."""
        return None if self._session.lost is None else self._session.lost.code

    @property
    def unmatched(self) -> list[Received]:
        """The last messages that belong to no request of this client, such as one that it gave up."""
        return list(self._session.unmatched)

    def request(
        self,
        action: str,
        payload: Mapping[str, Any] | None = None,
        *,
        id: str | None = None,  # noqa: A002  # the protocol's own word
        metadata: Mapping[str, str] | None = None,
        deadline_s: float = FIRST_ANSWER_S,
        outcome_deadline_s: float = OUTCOME_S,
        resends: bool = False,
    ) -> RequestHandle:
        """Send a request now; await what this returns for its data or result, iterate it for progress.

        Args:
            id: the request's id; made here if None. The same id and payload never run long work twice.
            deadline_s: seconds until the server must have answered, or acknowledged long work.
            outcome_deadline_s: seconds until acknowledged work must have ended.
            resends: whether it is sent again, under the same id, where the connection ended before it was
                answered. Say so of long work, and of short work that may run twice.

        Raises:
            InvalidRequest: a value is not as the protocol has it, or the id is waiting already.
            MessageTooLarge: the message is over 32 KB. Nothing was sent.
            ConnectionLost: the client has ended.
        """
        exchange = self._session.ask(
            action,
            {} if payload is None else payload,
            request_id=self._new_id() if id is None else id,
            metadata=metadata or {},
            now=self._driver.now,
            deadline_s=deadline_s,
            outcome_deadline_s=outcome_deadline_s,
            resends=resends,
        )
        return self._driver.handle(exchange, self)

    def subscribe(
        self,
        request_id: str,
        after_sequence: int = 0,
        *,
        user_id: str | None = None,
        deadline_s: float = FIRST_ANSWER_S,
        outcome_deadline_s: float = OUTCOME_S,
    ) -> RequestHandle:
        """Follow long work that was begun elsewhere, or before; several may follow it at once.

        What is kept of its progress after `after_sequence` comes first, then what follows, then its
        outcome; of what is over already, the outcome.

        Args:
            user_id: whose it is, of the same tenant, where the token's permissions allow that; None: ours.

        Raises:
            ConnectionLost: the client has ended.
            InvalidRequest: a request of another user waits here that has this id.
            RequestFailed: where the handle is awaited: `NOT_FOUND`, there is no such request.
        """
        exchange = self._session.follow(
            request_id,
            user_id=user_id,
            after_sequence=after_sequence,
            now=self._driver.now,
            deadline_s=deadline_s,
            outcome_deadline_s=outcome_deadline_s,
        )
        return self._driver.handle(exchange, self)

    async def status(self, request_id: str, *, user_id: str | None = None) -> RequestStatus:
        """Return where long work stands, with its result or error where it is over."""
        answer = await self._control("status", request_id=request_id, user_id=user_id)
        return msgspec.convert(answer, RequestStatus)

    async def cancel(self, request_id: str, *, user_id: str | None = None) -> RequestStatus:
        """Ask that long work ends: at once if it waits, at its next progress or checkpoint if it runs."""
        answer = await self._control("cancel", request_id=request_id, user_id=user_id)
        return msgspec.convert(answer, RequestStatus)

    async def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        status: str | None = None,
        user_id: str | None = None,
    ) -> RequestList:
        """Return a page of a user's long work, the newest first.

        Args:
            cursor: of the page before this one.
            status: only what stands there, such as `FAILED`.
        """
        answer = await self._control("list", limit=limit, cursor=cursor, status=status, user_id=user_id)
        return msgspec.convert(answer, RequestList)

    async def ping(self) -> None:
        """Return when the server has answered."""
        await self._control("ping")

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection and fail what is under way here; long work goes on at the server."""
        self._driver.end(code, reason, closed_here=True)
        if self._heart is not None:
            self._heart.cancel()
        try:
            await self._keeper.close(code, reason)
        finally:
            if self._heart is not None:
                await asyncio.wait([self._heart])

    async def wait_closed(self) -> None:
        """Wait until this has ended, from whichever side."""
        await self._keeper.wait_closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def _control(self, action: str, **payload: Any) -> Any:
        given = {name: value for name, value in payload.items() if value is not None}
        return await self.request(action, given, resends=True)

    def __repr__(self) -> str:
        state = "open" if self.close_code is None else f"closed {self.close_code}"
        return f"<Client {self.url} {state}, {self._driver.waiting} waiting>"
