"""Runs an action, whichever form its function has."""

import math
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from contextvars import copy_context
from logging import Logger
from typing import TYPE_CHECKING, Any

import msgspec

from streamer.actions.context import ActionContext
from streamer.actions.declaration import Action
from streamer.actions.links import MAX_RESULT_DEPTH, sealed
from streamer.actions.middleware import wrap
from streamer.errors import ProcessingFailed, StreamerError, TimedOut
from streamer.protocol.codec import is_deeper

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Coroutine

MAX_ERROR_BYTES = 65_536
"""An action's error has as many bytes at most, as JSON: it must fit into an item and into a message. Ours."""

CANCEL_GRACE_S = 1.0
"""Seconds that a cancelled coroutine has to end before its loop is left behind. Ours."""


def run(action: Action, payload: Any, context: ActionContext) -> Any:
    """Run an action and return its result as plain JSON values and `Link`s (see `links.sealed`).

    Its middleware runs around it, in the calling thread.

    An `async def` runs on a loop that lives as long as the environment, so that what it keeps between
    invocations (a client, a pool) stays usable; at its time limit it is cancelled. A plain function
    runs in the calling thread and is not interrupted.

    Args:
        payload: as `action.parse` returned it.

    Raises:
        TimedOut: an `async def` passed `action.timeout_s` or `context.remaining_s()`.
        ProcessingFailed: the result has no JSON form, or the coroutine cancelled itself.
        Exception: whatever the function raises; of a group in which all are StreamerErrors the first, so
            that what `progress` and `checkpoint` raise in an `asyncio.TaskGroup` counts.
    """

    def proceed(payload: Any, context: ActionContext) -> Any:
        result = action(payload, context)
        if not action.is_async:
            return result
        limit_s = max(0.0, min(action.timeout_s, context.remaining_s()))
        return _loop.run(result, limit_s, action.name)

    try:
        result = wrap(proceed, action.middleware)(payload, context)
    except BaseExceptionGroup as group:
        _raise_ours(group)
        raise
    try:
        return sealed(result)
    except (TypeError, ValueError, RecursionError) as error:
        raise ProcessingFailed(f"The result of {action.name} cannot be written as JSON.") from error


class ActionRunner:
    """Runs one action at a time in a thread beside, and waits for it no longer than it may take.

    A plain function that is late cannot be stopped: it is left behind, and the next action gets a new
    thread.
    """

    def __init__(self, logger: Logger) -> None:
        self._logger = logger
        self._pool = _one_thread()

    def run(self, action: Action, payload: Any, context: ActionContext, *, limit_s: float) -> Any:
        """Return what `run` of this module does, with the caller's context variables.

        Raises:
            StreamerError: the action's own.
            TimedOut: it did not end within `limit_s`.
            ProcessingFailed: it raised anything else, which is in the log. Worth another attempt if the
                action's retry policy names its class.
        """
        future = self._pool.submit(copy_context().run, run, action, payload, context)
        if future not in wait([future], timeout=limit_s).done:  # a TimeoutError may be the action's own
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = _one_thread()
            raise _late(action.name, limit_s)
        try:
            return future.result()
        except StreamerError as error:
            if _is_sayable(error):
                raise
            self._logger.exception("An action's error fits no message", extra={"action": "action.raised"})
            raise ProcessingFailed("The action's error fits no message; its log says why.") from error
        except BaseException as error:  # the action's own, `sys.exit` too: it runs in another thread
            self._logger.exception("An action raised", extra={"action": "action.raised"})
            failure = ProcessingFailed("The action failed unexpectedly; its log says why.")
            failure.retryable = all(  # type: ignore[misc]  # of this one
                isinstance(leaf, action.retry.on) for leaf in _leaves(error)
            )
            raise failure from error


def _leaves(error: BaseException) -> list[BaseException]:
    """Return what is in a group of exceptions, of groups in it too: a `TaskGroup` wraps even a single one."""
    if not isinstance(error, BaseExceptionGroup):
        return [error]
    return [leaf for part in error.exceptions for leaf in _leaves(part)]


def _raise_ours(group: "BaseExceptionGroup[BaseException]") -> None:
    """Raise the first of a group in which all are ours; beside a fault of the action none of them counts."""
    leaves = _leaves(group)
    if all(isinstance(leaf, StreamerError) for leaf in leaves):
        raise leaves[0] from None


def _is_sayable(error: StreamerError) -> bool:
    """Whether a message can carry it, and a client read that; its details are plain JSON values then."""
    try:
        code, wait_s = error.code, error.retry_after_s or 0
        if not isinstance(code, str) or not code or not 0 <= wait_s < math.inf:
            return False
        data = msgspec.json.encode([code, str(error), error.details])
        if len(data) > MAX_ERROR_BYTES:
            return False
        details = msgspec.json.decode(data)[2]
    except Exception:  # noqa: BLE001  # its class may be the action's own, and raise anything
        return False
    if is_deeper(details, MAX_RESULT_DEPTH):
        return False
    error.details = details
    return True


def _one_thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="action")


def _late(name: str, limit_s: float) -> TimedOut:
    return TimedOut(
        f"The action {name} did not end within {limit_s:g} s; ask for less at once, or try again."
    )


def close() -> None:
    """End the loop of this environment, if it has one; the next `async def` gets a new one."""
    _loop.close()


class _Loop:
    """One event loop in a thread of its own, started by the first coroutine.

    In its own thread, because an environment may run each action in another one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: _Running | None = None

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
                except (SystemExit, KeyboardInterrupt) as error:  # would end the loop, and nobody be told
                    raise _WantsToEnd from error

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
            raise _late(name, limit_s) from error

    def close(self) -> None:
        with self._lock:
            running, self._running = self._running, None
        if running is not None:
            running.end()
            running.thread.join()

    def _start(self) -> "asyncio.AbstractEventLoop":
        import asyncio

        with self._lock:
            if self._running is None:
                running = _Running(asyncio.new_event_loop())
                running.thread.start()
                self._running = running
            return self._running.loop

    def _abandon(self, loop: "asyncio.AbstractEventLoop") -> None:
        with self._lock:
            running = self._running
            if running is None or running.loop is not loop:
                return  # somebody else left it behind
            self._running = None
        running.end()


class _WantsToEnd(Exception):
    """Carries what the action's own code raised to end the process, as its cause."""


class _OwnTimeout(Exception):
    """Carries a TimeoutError that the action's own code raised, as its cause."""


class _Running:
    """A loop and its thread. Only `end` ends them, not what an action stops or leaves behind."""

    def __init__(self, loop: "asyncio.AbstractEventLoop") -> None:
        self.loop = loop
        self.thread = threading.Thread(target=self._serve, name="actions-loop", daemon=True)
        self._is_to_end = False

    def end(self) -> None:
        self._is_to_end = True
        self.loop.call_soon_threadsafe(self.loop.stop)

    def _serve(self) -> None:
        import asyncio

        with asyncio.Runner(loop_factory=lambda: self.loop) as runner:  # its end cancels what is left
            while not self._is_to_end:
                with suppress(SystemExit, KeyboardInterrupt):  # of a task; asyncio logs it with the task
                    runner.get_loop().run_forever()


_loop = _Loop()
