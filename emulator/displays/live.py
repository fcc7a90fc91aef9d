"""A request that is watched while it runs: its display changes in place, in a notebook or in a terminal."""

import asyncio
import sys
from collections.abc import AsyncIterator, Generator, Sequence
from typing import Any, Protocol

import msgspec

from emulator.displays.request import Arrival, RequestView, request_html, request_text

UPDATE_INTERVAL_S = 0.1
"""Seconds between two updates at least: a bar that moves smoothly, however much progress comes. Ours."""


class Handle(Protocol):
    """A request as its client sees it; `streamer.clients.python.RequestHandle` is one."""

    @property
    def request_id(self) -> str: ...

    @property
    def action(self) -> str: ...

    @property
    def is_done(self) -> bool: ...

    @property
    def messages(self) -> Sequence[Any]: ...

    async def acknowledgment(self) -> Any: ...

    def __aiter__(self) -> AsyncIterator[Any]: ...

    def __await__(self) -> Generator[Any, None, Any]: ...


class Surface(Protocol):
    """Where a display is shown and changes."""

    def show(self, view: RequestView) -> None:
        """Show `view` in the place of what was shown before."""
        ...

    def close(self) -> None:
        """Leave the last view where it is."""
        ...


def view_of(handle: Handle, *, error: str | None = None) -> RequestView:
    """Return what is known of a request just now."""
    arrivals = tuple(
        Arrival(float(received.at), msgspec.to_builtins(received.message)) for received in handle.messages
    )
    return RequestView(handle.request_id, handle.action, arrivals, error)


def show_request(
    handle: Handle, *, surface: Surface | None = None, interval_s: float = UPDATE_INTERVAL_S
) -> "LiveRequest":
    """Show a request now and change the display with every message, until there is an outcome.

    Returns at once. `await show_request(request)` goes on when there is an outcome, whichever it is:
    its own `await` gives it or raises. Ending the display does not end the request.

    Args:
        handle: what `client.request(...)` returned.
        surface: where it is shown; by default the notebook's cell, or the terminal.
        interval_s: seconds between two updates at least.

    Raises:
        TypeError: `handle` is no such thing; an answer, or an id, is not followed.
    """
    if not hasattr(handle, "acknowledgment"):
        raise TypeError(f"What is shown is what client.request(…) returned, not {handle!r:.80}.")
    return LiveRequest(handle, surface or _surface(), interval_s)


def request_display(handle: Handle) -> str:
    """Return the HTML of a request as it stands, for a cell that ends with it."""
    return request_html(view_of(handle))


class LiveRequest:
    """A display that follows a request; made by `show_request`."""

    def __init__(self, handle: Handle, surface: Surface, interval_s: float) -> None:
        self._handle = handle
        self._surface = surface
        self._interval_s = interval_s
        self._loop = asyncio.get_running_loop()
        self._shown_at = self._loop.time()
        self._later: asyncio.TimerHandle | None = None
        surface.show(view_of(handle))
        self._task = self._loop.create_task(self._follow(), name=f"display of {handle.request_id}")

    def __await__(self) -> Generator[Any, None, None]:
        """Wait until the request is done and shown so. Never raises what the request failed with."""
        return asyncio.shield(self._task).__await__()

    def stop(self) -> None:
        """Leave the display as it is now; the request goes on."""
        self._task.cancel()

    def _ipython_display_(self) -> None:
        """Show nothing more, where a cell ends with it: it is shown already."""

    async def _follow(self) -> None:
        error: str | None = None
        try:
            try:
                await self._handle.acknowledgment()
                self._change()
                async for _progress in self._handle:
                    self._change()
                await self._handle
            except Exception as failure:  # noqa: BLE001  # whoever awaits the request gets it
                error = str(failure)
            self._show(error)
        finally:
            if self._later is not None:
                self._later.cancel()
            self._surface.close()

    def _change(self) -> None:
        """Show what is new, now or, if something was shown a moment ago, a little later."""
        if self._later is None:
            due_at = self._shown_at + self._interval_s
            self._later = self._loop.call_at(max(due_at, self._loop.time()), self._show)

    def _show(self, error: str | None = None) -> None:
        if self._later is not None:
            self._later.cancel()
            self._later = None
        self._shown_at = self._loop.time()
        self._surface.show(view_of(self._handle, error=error))


class NotebookSurface:
    """An output of a notebook's cell; IPython changes it by its display id."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, view: RequestView) -> None:
        """Show `view` in the output."""
        bundle = {"text/html": request_html(view), "text/plain": request_text(view)}
        if self._handle is None:
            from IPython.display import display

            self._handle = display(bundle, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        else:
            self._handle.update(bundle, raw=True)

    def close(self) -> None:
        """Leave the output as it is."""


class TerminalSurface:
    """Lines of a terminal that change in place; elsewhere only the last is written."""

    def __init__(self) -> None:
        from rich.live import Live

        self._live: Any = Live(auto_refresh=False, redirect_stdout=False, redirect_stderr=False)
        self._is_open = False

    def show(self, view: RequestView) -> None:
        """Show `view`."""
        from rich.text import Text

        if not self._is_open:
            self._live.start()
            self._is_open = True
        self._live.update(Text(request_text(view)), refresh=True)

    def close(self) -> None:
        """End the lines that change."""
        self._live.stop()


def _surface() -> Surface:
    module = sys.modules.get("IPython")
    shell = None if module is None else module.get_ipython()
    return NotebookSurface() if hasattr(shell, "kernel") else TerminalSurface()
