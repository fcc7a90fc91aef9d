"""The client without asyncio: the same surface, for programs that wait where they stand.

A thread of its own carries frames, reconnects and keeps time, with the asynchronous client in it, so that
both forms have one session and one behaviour.
"""

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from streamer.clients.python.blocking_handle import BlockingRequestHandle
from streamer.clients.python.client import FIRST_ANSWER_S, OUTCOME_S, Client
from streamer.clients.python.dispatcher import Dispatcher
from streamer.clients.python.handle import RequestHandle
from streamer.clients.python.incoming import Received
from streamer.clients.python.opening import connect
from streamer.clients.python.token_provider import TokenProvider, in_thread
from streamer.protocol import RequestList, RequestStatus


def connect_blocking(
    url: str, *, token_provider: TokenProvider | None = None, **options: Any
) -> "BlockingClient":
    """Connect to an application; use it as `with connect_blocking(url, token=token) as client:`.

    Args:
        token_provider: called in a thread; it may take its time, and `close` does not wait for it.
        options: those of `connect`. Callbacks run in the client's thread and must not wait for the client.

    Raises:
        InvalidOption, ConnectionRefused, ConnectionFailed: as `connect`.
    """
    if token_provider is not None:
        options["token_provider"] = in_thread(token_provider)
    connecting = connect(url, **options)
    dispatcher = Dispatcher()

    async def open_client() -> Client:
        return await connecting

    try:
        return BlockingClient(dispatcher.call(open_client()), dispatcher)
    except BaseException:
        dispatcher.stop()
        raise


class BlockingClient:
    """Connected to an application. Made by `connect_blocking`; any thread may use it.

    What `Client` promises holds: reconnection, each sequence once, one outcome.
    """

    def __init__(self, client: Client, dispatcher: Dispatcher) -> None:
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
        self._dispatcher.check_thread()
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
