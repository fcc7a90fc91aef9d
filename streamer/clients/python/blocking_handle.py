"""What `BlockingClient.request` returns: iterate it for progress, ask it for its result."""

from collections.abc import Iterator
from typing import Any

from streamer.clients.python.dispatcher import Dispatcher
from streamer.clients.python.handle import RequestHandle
from streamer.clients.python.incoming import Received
from streamer.protocol import Message, Progress, RequestStatus


class BlockingRequestHandle:
    """A request that is under way: iterate it for progress, ask it for its `result`.

    It was sent already; whoever waits for it may be interrupted and wait again. Any thread may use it.
    """

    def __init__(self, handle: RequestHandle, dispatcher: Dispatcher) -> None:
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


async def _await(handle: RequestHandle) -> Any:
    return await handle
