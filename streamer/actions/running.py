"""Runs an action, whichever form its function has."""

import threading
from typing import TYPE_CHECKING, Any

from streamer.actions.context import ActionContext
from streamer.actions.declaration import Action
from streamer.actions.links import sealed
from streamer.errors import ProcessingFailed, TimedOut

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Coroutine

CANCEL_GRACE_S = 1.0
"""Seconds that a cancelled coroutine has to end before its loop is left behind. Ours."""


def run(action: Action, payload: Any, context: ActionContext) -> Any:
    """Run an action and return its result as plain JSON values and `Link`s (see `links.sealed`).

    An `async def` runs on a loop that lives as long as the environment, so that what it keeps between
    invocations (a client, a pool) stays usable; at its time limit it is cancelled. A plain function
    runs in the calling thread and is not interrupted.

    Args:
        payload: as `action.parse` returned it.

    Raises:
        TimedOut: an `async def` passed `action.timeout_s` or `context.remaining_s()`.
        ProcessingFailed: the result has no JSON form, or the coroutine cancelled itself.
        Exception: whatever the function raises.
    """
    result = action(payload, context)
    if action.is_async:
        limit_s = max(0.0, min(action.timeout_s, context.remaining_s()))
        result = _loop.run(result, limit_s, action.name)
    try:
        return sealed(result)
    except (TypeError, ValueError, RecursionError) as error:
        raise ProcessingFailed(f"The result of {action.name} cannot be written as JSON.") from error


def close() -> None:
    """End the loop of this environment, if it has one; the next `async def` gets a new one."""
    _loop.close()


class _Loop:
    """One event loop in a thread of its own, started by the first coroutine.

    In its own thread, because an environment may run each action in another one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: tuple[threading.Thread, asyncio.AbstractEventLoop] | None = None

    def run(self, coroutine: "Coroutine[Any, Any, Any]", limit_s: float, name: str) -> Any:
        import asyncio
        import concurrent.futures

        async def limited() -> Any:
            async with asyncio.timeout(limit_s) as limit:
                try:
                    return await coroutine
                except TimeoutError as error:
                    if limit.expired():
                        raise
                    raise _OwnTimeout from error  # the function's own, not our limit

        late = TimedOut(f"The action {name} did not end within {limit_s:g} s.")
        loop = self._start()
        future = asyncio.run_coroutine_threadsafe(limited(), loop)
        try:
            return future.result(limit_s + CANCEL_GRACE_S)
        except _OwnTimeout as error:
            raise error.__cause__ or error from None
        except concurrent.futures.CancelledError as error:
            raise ProcessingFailed(f"The action {name} cancelled itself.") from error
        except TimeoutError as error:
            if not future.done():
                self._abandon(loop)  # it blocks: a thread cannot be stopped, but can be left
            raise late from error

    def close(self) -> None:
        with self._lock:
            running, self._running = self._running, None
        if running is not None:
            thread, loop = running
            loop.call_soon_threadsafe(loop.stop)
            thread.join()

    def _start(self) -> "asyncio.AbstractEventLoop":
        import asyncio

        with self._lock:
            if self._running is None:
                loop = asyncio.new_event_loop()
                thread = threading.Thread(target=_serve, args=(loop,), name="actions-loop", daemon=True)
                thread.start()
                self._running = thread, loop
            return self._running[1]

    def _abandon(self, loop: "asyncio.AbstractEventLoop") -> None:
        with self._lock:
            if self._running is not None and self._running[1] is loop:
                self._running = None
        loop.call_soon_threadsafe(loop.stop)


class _OwnTimeout(Exception):
    """Carries a TimeoutError that the action's own code raised, as its cause."""


def _serve(loop: "asyncio.AbstractEventLoop") -> None:
    import asyncio

    with asyncio.Runner(loop_factory=lambda: loop) as runner:  # its end cancels what is left
        runner.get_loop().run_forever()


_loop = _Loop()
