"""A display follows its request."""

import asyncio
from collections.abc import AsyncIterator, Generator
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest

from emulator.displays.live import LiveRequest, show_request
from emulator.displays.request import RequestView


@dataclass
class Received:
    message: Any
    at: float


class Handle:
    """A request whose messages the test brings."""

    request_id = "r1"
    action = "report"

    def __init__(self) -> None:
        self.messages: list[Received] = []
        self.outcome: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._changed = asyncio.Event()

    @property
    def is_done(self) -> bool:
        return self.outcome.done()

    def say(self, **message: Any) -> None:
        self.messages.append(Received(message, 1000.0 + len(self.messages)))
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def end(self, error: Exception | None = None, **message: Any) -> None:
        if message:
            self.say(**message)
        if error is None:
            self.outcome.set_result(None)
        else:
            self.outcome.set_exception(error)
        self._changed.set()

    async def acknowledgment(self) -> Any:
        while not self.messages and not self.is_done:
            await self._changed.wait()
        if not self.messages:
            await self.outcome

    async def __aiter__(self) -> AsyncIterator[Any]:
        position = 0
        while True:
            if position < len(self.messages):
                position += 1
                yield self.messages[position - 1]
            elif self.is_done:
                return
            else:
                await self._changed.wait()

    def __await__(self) -> Generator[Any, None, Any]:
        return self.outcome.__await__()


@dataclass
class Screen:
    """Keeps what was shown."""

    views: list[RequestView] = field(default_factory=list)
    is_closed: bool = False
    shown: asyncio.Event = field(default_factory=asyncio.Event)

    def show(self, view: RequestView) -> None:
        self.views.append(view)
        self.shown.set()

    def close(self) -> None:
        self.is_closed = True

    async def until(self, state: str) -> None:
        async with asyncio.timeout(5):
            while self.views[-1].state != state:
                self.shown.clear()
                await self.shown.wait()


async def test_it_moves_with_the_messages() -> None:
    """A display shows each state in turn, and the outcome in the end."""
    handle, screen = Handle(), Screen()
    live = show_request(handle, surface=screen, interval_s=0)
    assert screen.views[0].state == "SENT"
    handle.say(type="acknowledgment", status="PENDING")
    await screen.until("PENDING")
    handle.say(type="progress", percentage=40, attempt=1, sequence=1, message="")
    await screen.until("PROCESSING")
    handle.end(type="complete", result=1, sequence=2)
    await live
    assert screen.views[-1].state == "COMPLETED"
    assert screen.is_closed


async def test_much_progress_makes_few_updates() -> None:
    """However much progress comes at once, the display changes a few times, and ends with the last."""
    handle, screen = Handle(), Screen()
    live = show_request(handle, surface=screen, interval_s=60)
    for percentage in range(100):
        handle.say(type="progress", percentage=percentage, attempt=1, sequence=percentage, message="")
    handle.end(type="complete", result=1, sequence=100)
    await live
    assert len(screen.views) == 2
    assert len(screen.views[-1].arrivals) == 101


async def test_a_bad_outcome_is_shown_and_not_raised() -> None:
    """Whoever waits for the display does not get the request's error; it is to be read there."""
    handle, screen = Handle(), Screen()
    live = show_request(handle, surface=screen)
    handle.end(TimeoutError("No answer came within 5 s."))
    await live
    assert screen.views[-1].error == "No answer came within 5 s."
    assert screen.views[-1].state == "UNANSWERED"


async def test_stopping_the_display_leaves_the_request() -> None:
    """A cell that is interrupted ends its waiting, not the request nor, by that alone, the display."""
    handle, screen = Handle(), Screen()
    live = show_request(handle, surface=screen, interval_s=0)
    waiting = asyncio.ensure_future(_wait(live))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    handle.say(type="acknowledgment", status="PENDING")
    await screen.until("PENDING")
    live.stop()
    with pytest.raises(asyncio.CancelledError):
        await live
    assert screen.is_closed
    assert not handle.is_done


async def _wait(live: LiveRequest) -> None:
    await live


async def test_messages_are_shown_as_they_crossed_the_socket() -> None:
    """Typed messages of a client become the fields that crossed the socket."""

    class Pong(msgspec.Struct, tag_field="type", tag="pong"):
        timestamp: str

    handle, screen = Handle(), Screen()
    handle.messages.append(Received(Pong("now"), 1.0))
    live = show_request(handle, surface=screen)
    handle.end()
    await live
    assert screen.views[-1].arrivals[0].message == {"type": "pong", "timestamp": "now"}


@pytest.mark.parametrize("something", [None, "an-id", {"an": "answer"}])
async def test_what_is_no_request_is_refused_in_a_sentence(something: Any) -> None:
    """An answer that was awaited already, for example."""
    with pytest.raises(TypeError, match=r"what client\.request\(…\) returned"):
        show_request(something, surface=Screen())
