"""The client on real connections: carries frames between `Session` and the `websockets` library."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import msgspec
from websockets.asyncio.client import ClientConnection

from streamer.clients.python.address import Address
from streamer.clients.python.connection import Connection
from streamer.clients.python.exchange import Exchange, Phase
from streamer.clients.python.handle import RequestHandle
from streamer.clients.python.incoming import Incoming, Received
from streamer.clients.python.reconnection import Reconnection, is_unauthorized, try_again
from streamer.clients.python.session import Session
from streamer.clock import Clock, SystemClock
from streamer.protocol import RequestList, RequestStatus

FIRST_ANSWER_S = 30.0
"""Seconds until a request must have been answered: API Gateway answers for the function after 29."""

OUTCOME_S = 86_400.0
"""Seconds until long work must have ended here. Ours: a day."""

HEARTBEAT_ANSWER_S = 30.0
"""Seconds in which anything must arrive after a heartbeat. API Gateway answers for the function after 29."""

RETIREMENT_S = 35.0
"""Seconds for which a connection that was replaced is kept for answers that are still to come on it."""

OnMessage = Callable[[Incoming, float], None]
"""Hears every message with its arrival time, epoch seconds, before anybody else; it must not block."""

OpenWebsocket = Callable[[], Awaitable[ClientConnection]]
"""Opens a connection with a token of its own; raises a `ClientError`."""


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
        self._open_websocket = open_websocket
        self._reconnection = reconnection
        self._has_provider = has_provider
        self._on_message = on_message
        self._clock = clock or SystemClock()
        self._new_id = new_id
        self._jitter = jitter
        self._session = Session()
        self._handles: dict[str, RequestHandle] = {}
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._outgoing = asyncio.Event()
        self._heard_at = self._loop.time()
        self._connection = self._carry(0, websocket)
        self._retiring: set[asyncio.Task[None]] = set()
        self._keeper = asyncio.create_task(self._keep(), name="streamer-client-keeper")
        self._heart = (
            None
            if heartbeat_s is None
            else asyncio.create_task(self._beat(heartbeat_s), name="streamer-client-heart")
        )

    @property
    def url(self) -> str:
        """Where this is connected to, without the query."""
        return self._address.shown

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the server chose."""
        return self._connection.subprotocol

    @property
    def is_closed(self) -> bool:
        """Whether this has ended: there is no connection, and none will follow."""
        return self._session.lost is not None

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection now."""
        return not self.is_closed and self._connection.is_open

    @property
    def connection_count(self) -> int:
        """How many connections there were, the first one included."""
        return self._connection.number + 1

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
            now=self._loop.time(),
            deadline_s=deadline_s,
            outcome_deadline_s=outcome_deadline_s,
            resends=resends,
        )
        return self._handle(exchange)

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
            now=self._loop.time(),
            deadline_s=deadline_s,
            outcome_deadline_s=outcome_deadline_s,
        )
        return self._handles.get(request_id) or self._handle(exchange)

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
        self._end(self._session.end(code, reason, closed_here=True))
        tasks = [task for task in (self._keeper, self._heart, *self._retiring) if task is not None]
        for task in tasks:
            task.cancel()
        try:
            await self._connection.close(code, reason)
        finally:
            await asyncio.gather(*tasks, return_exceptions=True)

    async def wait_closed(self) -> None:
        """Wait until this has ended, from whichever side."""
        await asyncio.wait([self._keeper])
        await self._connection.wait_closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    # Requests

    async def _control(self, action: str, **payload: Any) -> Any:
        given = {name: value for name, value in payload.items() if value is not None}
        return await self.request(action, given, resends=True)

    def _handle(self, exchange: Exchange) -> RequestHandle:
        handle = self._handles[exchange.request_id] = RequestHandle(exchange, self)
        self._pump()
        return handle

    def _pump(self) -> None:
        """Let the writer and the timer look whether there is something for them."""
        if self._session.has_outgoing:
            self._outgoing.set()
        due_at = self._session.due_at
        if due_at is not None and (self._timer is None or due_at < self._timer.when()):
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_at(due_at, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._wake(self._session.tick(self._loop.time()))
        self._pump()

    def _wake(self, exchanges: Iterable[Exchange]) -> None:
        for exchange in exchanges:
            handle = self._handles[exchange.request_id]
            if exchange.phase is Phase.DONE:
                del self._handles[exchange.request_id]
            handle.wake()

    def _end(self, failed: Iterable[Exchange]) -> None:
        self._wake(failed)
        if self._timer is not None:
            self._timer.cancel()

    # Connections

    def _carry(self, number: int, websocket: ClientConnection) -> Connection:
        return Connection(number, websocket, on_frame=self._take_in, next_request=self._next_request)

    def _take_in(self, connection: int, frame: bytes) -> None:
        now = self._heard_at = self._loop.time()
        received, moved = self._session.receive(frame, at=self._clock.now(), now=now, connection=connection)
        self._tell(received)
        self._wake(moved)
        self._pump()

    async def _next_request(self, connection: int) -> Exchange:
        while True:
            exchange = self._session.take(connection)
            if exchange is not None:
                return exchange
            self._outgoing.clear()
            await self._outgoing.wait()

    def _tell(self, received: Received) -> None:
        if self._on_message is None:
            return
        try:
            self._on_message(received.message, received.at)
        except Exception as error:  # noqa: BLE001  # a listener's fault must not cut everybody's connection
            self._loop.call_exception_handler({"message": "on_message raised", "exception": error})

    async def _keep(self) -> None:
        """Keep a connection: replace the one that is lost or old, until that is given up."""
        error: Exception | None = None
        try:
            while await self._wait_for_loss_or_age():
                lost = self._connection
                if not lost.is_open:
                    self._session.cut(lost.number, lost.code, lost.reason, now=self._loop.time())
                    self._pump()
                websocket, error = await self._reopen()
                if websocket is None:
                    if not lost.is_open:
                        break
                    await lost.wait_closed()  # an old one is better than none; then it is tried anew
                    continue
                self._switch(websocket)
        finally:
            last = self._connection
            self._end(self._session.end(last.code, last.reason, cause=error))

    async def _wait_for_loss_or_age(self) -> bool:
        """Wait until another connection is needed; False where there shall be none."""
        policy = self._reconnection
        if policy is None or self._open_websocket is None:
            await self._connection.wait_closed()
            return False
        old_at = self._connection.opened_at + policy.lifetime_s(self._jitter())
        try:
            async with asyncio.timeout_at(old_at):
                await self._connection.wait_closed()
        except TimeoutError:
            pass
        return True

    async def _reopen(self) -> tuple[ClientConnection | None, Exception | None]:
        """Open a connection in the place of the present one; None where that is given up, and why."""
        assert self._reconnection is not None
        assert self._open_websocket is not None
        began, failures, unauthorized = self._loop.time(), 0, 0
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
                    elapsed_s=self._loop.time() - began,
                    policy=self._reconnection,
                ):
                    return None, error

    def _switch(self, websocket: ClientConnection) -> None:
        replaced = self._connection
        self._connection = self._carry(replaced.number + 1, websocket)
        self._session.opened(self._connection.number, now=self._loop.time())
        self._pump()
        task = asyncio.create_task(self._retire(replaced), name="streamer-client-retirement")
        self._retiring.add(task)
        task.add_done_callback(self._retiring.discard)

    async def _retire(self, connection: Connection) -> None:
        """Close a connection that was replaced, when its last answer has come or is overdue."""
        try:
            until = self._loop.time() + RETIREMENT_S
            while connection.is_open and self._loop.time() < until:
                if self._session.is_idle(connection.number):
                    break
                await asyncio.sleep(0.05)
        finally:
            await connection.close()
            if not self.is_closed:
                self._session.cut(
                    connection.number, connection.code, connection.reason, now=self._loop.time()
                )
                self._pump()

    async def _beat(self, interval_s: float) -> None:
        """Ask in every silence whether anybody is there, and cut the connection that does not answer."""
        while not self.is_closed:
            silent_s = self._loop.time() - self._heard_at
            if silent_s < interval_s or not self._connection.is_open:
                await asyncio.sleep(max(interval_s - silent_s, 0.1))
                continue
            connection, asked_at = self._connection, self._loop.time()
            self._session.beat(now=asked_at, deadline_s=HEARTBEAT_ANSWER_S)
            self._pump()
            while self._heard_at < asked_at and connection.is_open:
                left_s = asked_at + HEARTBEAT_ANSWER_S - self._loop.time()
                if left_s <= 0:
                    connection.abort()
                    await connection.wait_closed()
                await asyncio.sleep(max(0.0, min(left_s, interval_s)))

    def __repr__(self) -> str:
        state = "open" if self.close_code is None else f"closed {self.close_code}"
        return f"<Client {self.url} {state}, {len(self._handles)} waiting>"
