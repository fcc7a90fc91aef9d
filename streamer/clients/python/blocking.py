"""The client without asyncio: the same surface, for programs that wait where they stand.

A thread of its own carries frames, reconnects and keeps time, with the asynchronous client in it, so that
both forms have one session and one behaviour.
"""

import asyncio
import inspect
import threading
from collections.abc import Coroutine, Iterator, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

from streamer.clients.python.client import FIRST_ANSWER_S, OUTCOME_S, Client
from streamer.clients.python.handle import RequestHandle
from streamer.clients.python.incoming import Received
from streamer.clients.python.opening import TokenProvider, connect
from streamer.protocol import Message, Progress, RequestList, RequestStatus

T = TypeVar("T")


def connect_blocking(
    url: str, *, token_provider: TokenProvider | None = None, **options: Any
) -> "BlockingClient":
    """Connect to an application; use it as `with connect_blocking(url, token=token) as client:`.

    Args:
        token_provider: called in a thread where it is no coroutine function; it may take its time.
        options: those of `connect`. Callbacks run in the client's thread and must not wait for the client.

    Raises:
        InvalidOption, ConnectionRefused, ConnectionFailed: as `connect`.
    """
    if token_provider is not None:
        options["token_provider"] = _beside(token_provider)
    connecting = connect(url, **options)
    dispatcher = _Dispatcher()

    async def open_client() -> Client:
        return await connecting

    try:
        return BlockingClient(dispatcher.call(open_client()), dispatcher)
    except BaseException:
        dispatcher.stop()
        raise


class BlockingRequestHandle:
    """A request that is under way: iterate it for progress, ask it for its `result`.

    It was sent already; whoever waits for it may be interrupted and wait again. Any thread may use it.
    """

    def __init__(self, handle: RequestHandle, dispatcher: "_Dispatcher") -> None:
        self._handle = handle
        self._dispatcher = dispatcher

    @property
    def request_id(self) -> str:
        """The request's id: the same id and payload, sent again, never run the work twice."""
        return self._handle.request_id

    @property
    def action(self) -> str:
        """The action that it names."""
        return self._handle.action

    @property
    def is_done(self) -> bool:
        """Whether there is an outcome; then `result` returns or raises at once."""
        return self._handle.is_done

    @property
    def is_truncated(self) -> bool:
        """Whether progress was missed while nothing was connected that the server does not have any more."""
        return self._handle.is_truncated

    @property
    def messages(self) -> list[Received]:
        """What arrived for this request so far, each with its time, without repetitions; the last 1,024."""
        return self._handle.messages

    def result(self, timeout_s: float | None = None) -> Any:
        """Wait for the outcome: the data of short work, the result of long work.

        Raises:
            RequestFailed, DeadlineExceeded, ConnectionLost: as awaiting the asynchronous handle does.
            TimeoutError: nothing came in `timeout_s`; the request goes on.
        """
        return self._dispatcher.call(_await(self._handle), timeout_s)

    def acknowledgment(self, timeout_s: float | None = None) -> Message:
        """Wait for the first answer: an `Acknowledgment` of long work, or the `Response` itself.

        Raises:
            RequestFailed, DeadlineExceeded, ConnectionLost, TimeoutError: as `result`.
        """
        return self._dispatcher.call(self._handle.acknowledgment(), timeout_s)

    def status(self) -> RequestStatus:
        """Ask the server where this request stands; only long work is known there.

        Raises:
            RequestFailed: `NOT_FOUND`, it is short work, or not accepted yet.
        """
        return self._dispatcher.call(self._handle.status())

    def cancel(self) -> RequestStatus:
        """Ask the server to end this request; its outcome is then an error with the code `CANCELLED`.

        Raises:
            RequestFailed: `NOT_FOUND`, it is short work, or not accepted yet.
        """
        return self._dispatcher.call(self._handle.cancel())

    def __iter__(self) -> Iterator[Progress]:
        """Iterate over the progress, from the first on, until there is an outcome, whichever it is."""
        progress = aiter(self._handle)

        async def step() -> Progress | None:
            return await anext(progress, None)

        while (message := self._dispatcher.call(step())) is not None:
            yield message

    def __repr__(self) -> str:
        return f"<Blocking{repr(self._handle)[1:]}"


class BlockingClient:
    """Connected to an application. Made by `connect_blocking`; any thread may use it.

    What `Client` promises holds: reconnection, each sequence once, one outcome.
    """

    def __init__(self, client: Client, dispatcher: "_Dispatcher") -> None:
        self._client = client
        self._dispatcher = dispatcher

    @property
    def url(self) -> str:
        """Where this is connected to, without the query."""
        return self._client.url

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol that the server chose."""
        return self._client.subprotocol

    @property
    def is_closed(self) -> bool:
        """Whether this has ended: there is no connection, and none will follow."""
        return self._client.is_closed

    @property
    def is_connected(self) -> bool:
        """Whether there is a connection now."""
        return self._client.is_connected

    @property
    def connection_count(self) -> int:
        """How many connections there were, the first one included."""
        return self._client.connection_count

    @property
    def close_code(self) -> int | None:
        """The close code of RFC 6455; 1006 if the connection broke; None as long as this goes on."""
        return self._client.close_code

    @property
    def unmatched(self) -> list[Received]:
        """The last messages that belong to no request of this client, such as one that it gave up."""
        return self._client.unmatched

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
    ) -> BlockingRequestHandle:
        """Send a request now; ask what this returns for its `result`, iterate it for progress.

        Args:
            id, metadata, deadline_s, outcome_deadline_s, resends: as of `Client.request`.

        Raises:
            InvalidRequest: a value is not as the protocol has it, or the id is waiting already.
            MessageTooLarge: the message is over 32 KB. Nothing was sent.
            ConnectionLost: the client has ended.
        """

        async def ask() -> RequestHandle:
            return self._client.request(
                action,
                payload,
                id=id,
                metadata=metadata,
                deadline_s=deadline_s,
                outcome_deadline_s=outcome_deadline_s,
                resends=resends,
            )

        return BlockingRequestHandle(self._dispatcher.call(ask()), self._dispatcher)

    def subscribe(
        self,
        request_id: str,
        after_sequence: int = 0,
        *,
        user_id: str | None = None,
        deadline_s: float = FIRST_ANSWER_S,
        outcome_deadline_s: float = OUTCOME_S,
    ) -> BlockingRequestHandle:
        """Follow long work that was begun elsewhere, or before; as `Client.subscribe`."""

        async def follow() -> RequestHandle:
            return self._client.subscribe(
                request_id,
                after_sequence,
                user_id=user_id,
                deadline_s=deadline_s,
                outcome_deadline_s=outcome_deadline_s,
            )

        return BlockingRequestHandle(self._dispatcher.call(follow()), self._dispatcher)

    def status(self, request_id: str, *, user_id: str | None = None) -> RequestStatus:
        """Return where long work stands, with its result or error where it is over."""
        return self._dispatcher.call(self._client.status(request_id, user_id=user_id))

    def cancel(self, request_id: str, *, user_id: str | None = None) -> RequestStatus:
        """Ask that long work ends: at once if it waits, at its next progress or checkpoint if it runs."""
        return self._dispatcher.call(self._client.cancel(request_id, user_id=user_id))

    def ping(self) -> None:
        """Return when the server has answered."""
        self._dispatcher.call(self._client.ping())

    def wait_closed(self, timeout_s: float | None = None) -> None:
        """Wait until this has ended, from whichever side."""
        self._dispatcher.call(self._client.wait_closed(), timeout_s)

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Close the connection and fail what is under way here; long work goes on at the server."""
        if not self._dispatcher.is_stopped:
            try:
                self._dispatcher.call(self._client.close(code, reason))
            finally:
                self._dispatcher.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Blocking{repr(self._client)[1:]}"

    def list(
        self,
        *,
        limit: int | None = None,
        cursor: str | None = None,
        status: str | None = None,
        user_id: str | None = None,
    ) -> RequestList:
        """Return a page of a user's long work, the newest first; as `Client.list`."""
        page = self._client.list(limit=limit, cursor=cursor, status=status, user_id=user_id)
        return self._dispatcher.call(page)


class _Dispatcher:
    """A thread with an event loop, which others have things done in."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._loop.run_forever, name="streamer-client", daemon=True)
        self._thread.start()

    @property
    def is_stopped(self) -> bool:
        return self._is_stopping

    def call(self, work: Coroutine[Any, Any, T], timeout_s: float | None = None) -> T:
        """Have something done and wait for it; who stops waiting stops it."""
        if threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("A callback waits for the client that calls it: do that in another thread.")
        with self._lock:  # what is begun here is over, or cancelled, before the loop ends
            if self._is_stopping:
                work.close()
                raise RuntimeError("This client is closed: connect again.")
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(timeout_s)
        except BaseException:
            future.cancel()
            raise

    def stop(self) -> None:
        """End the thread, and whatever still waits in it. Idempotent."""
        with self._lock:
            if self._is_stopping:
                return
            self._is_stopping = True
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.run_until_complete(self._end())
        self._loop.close()

    async def _end(self) -> None:
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._loop.shutdown_default_executor()


async def _await(handle: RequestHandle) -> Any:
    return await handle


def _beside(provider: TokenProvider) -> TokenProvider:
    """Return a provider that does not hold up the client's thread."""

    async def provide() -> str:
        token = await asyncio.to_thread(provider)
        return await token if inspect.isawaitable(token) else token

    return provide
