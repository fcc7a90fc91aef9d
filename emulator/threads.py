"""Blocking calls from a coroutine, each in a thread of its own, that may be abandoned."""

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")
Value = TypeVar("Value")


async def in_thread(call: Callable[[], Result], *, name: str) -> Result:
    """Run `call` in a thread and wait for its result.

    Cancelling returns at once: the thread finishes by itself and its result is dropped. That is why this
    is no thread pool, whose shutdown would wait for it; a thread costs a tenth of a millisecond.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[Result] = loop.create_future()

    def run() -> None:
        try:
            result = call()
        except Exception as error:  # noqa: BLE001
            _tell(loop, _unless_done(future, future.set_exception, error))
        else:
            _tell(loop, _unless_done(future, future.set_result, result))

    threading.Thread(target=run, name=name, daemon=True).start()
    return await future


def _unless_done(
    future: "asyncio.Future[Result]", settle: Callable[[Value], None], value: Value
) -> Callable[[], None]:
    def settle_it() -> None:
        if not future.done():
            settle(value)

    return settle_it


def _tell(loop: asyncio.AbstractEventLoop, callback: Callable[[], None]) -> None:
    try:
        loop.call_soon_threadsafe(callback)
    except RuntimeError:
        if not loop.is_closed():
            raise
        # Nobody waits any more.
