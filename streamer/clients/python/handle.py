"""What `Client.request` returns: iterate it for progress, await it for the result."""

import asyncio
from collections.abc import AsyncIterator, Generator
from typing import Any, Protocol

from streamer.clients.python.exchange import Exchange, Phase
from streamer.clients.python.incoming import Received
from streamer.protocol import Error, Message, Progress, RequestStatus


class Controls(Protocol):
    """What a handle asks about its request; the client."""

    async def status(self, request_id: str, *, user_id: str | None = None) -> RequestStatus: ...

    async def cancel(self, request_id: str, *, user_id: str | None = None) -> RequestStatus: ...


class RequestHandle:
    """A request that is under way.

    It was sent already. Whoever waits for it may be cancelled: the request goes on and can be waited for
    again, by several tasks too. What is not waited for is not lost and makes no noise.
    """

    def __init__(self, exchange: Exchange, controls: Controls) -> None:
        self._exchange = exchange
        self._controls = controls
        self._changed = asyncio.Event()

    @property
    def request_id(self) -> str:
        """The request's id: the same id and payload, sent again, never run the work twice."""
        return self._exchange.request_id

    @property
    def action(self) -> str:
        """The action that it names."""
        return self._exchange.action

    @property
    def is_done(self) -> bool:
        """Whether there is an outcome; then `await` returns or raises at once."""
        return self._exchange.phase is Phase.DONE

    @property
    def messages(self) -> list[Received]:
        """What arrived for this request so far, each with its time, without repetitions; the last 1,024."""
        return list(self._exchange.history)

    @property
    def is_truncated(self) -> bool:
        """Whether progress was missed while nothing was connected that the server does not have any more."""
        return self._exchange.truncated

    def __await__(self) -> Generator[Any, None, Any]:
        """Wait for the outcome: the data of short work, the result of long work.

        Raises:
            RequestFailed: the server says that it failed.
            DeadlineExceeded: nothing came in time.
            ConnectionLost: the connection ended first.
        """
        return self._outcome().__await__()

    def __aiter__(self) -> AsyncIterator[Progress]:
        """Iterate over the progress, from the first on, until there is an outcome, whichever it is.

        The outcome, also a bad one, is what `await` then gives. A loop that is too slow skips older progress.
        """
        return self._progress()

    async def acknowledgment(self) -> Message:
        """Wait for the first answer: an `Acknowledgment` of long work, or the `Response` itself.

        Raises:
            RequestFailed, DeadlineExceeded, ConnectionLost: as `await` does, if that came first.
        """
        await self._until(Phase.ACCEPTED)
        first = self._exchange.first
        if first is None or isinstance(first, Error):
            await self._outcome()
        assert first is not None
        return first

    async def status(self) -> RequestStatus:
        """Ask the server where this request stands; only long work is known there.

        Raises:
            RequestFailed: `NOT_FOUND`, it is short work, or not accepted yet.
        """
        return await self._controls.status(self.request_id, user_id=self._exchange.user_id)

    async def cancel(self) -> RequestStatus:
        """Ask the server to end this request; its outcome is then an error with the code `CANCELLED`.

        At once where it waits; at its next progress or checkpoint call where it runs; what is over stays.

        Raises:
            RequestFailed: `NOT_FOUND`, it is short work, or not accepted yet.
        """
        return await self._controls.cancel(self.request_id, user_id=self._exchange.user_id)

    def wake(self) -> None:
        """Let the waiting tasks look again. For the client."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _until(self, phase: Phase) -> None:
        while self._exchange.phase < phase:
            await self._changed.wait()

    async def _outcome(self) -> Any:
        await self._until(Phase.DONE)
        if self._exchange.error is not None:
            raise self._exchange.error.with_traceback(None)
        return self._exchange.result

    async def _progress(self) -> AsyncIterator[Progress]:
        position = 0
        while True:
            received, position = self._exchange.history.after(position)
            if received is not None:
                if isinstance(received.message, Progress):
                    yield received.message
            elif self.is_done:
                return
            else:
                await self._changed.wait()

    def __repr__(self) -> str:
        return f"<RequestHandle {self.action} id={self.request_id} {self._exchange.phase.name.lower()}>"
