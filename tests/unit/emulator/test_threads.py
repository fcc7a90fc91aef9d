import asyncio
import threading

import pytest

from emulator.threads import in_thread


async def test_returns_what_the_call_returns():
    """The result of the call is the result of the await, and it comes from another thread."""
    assert await in_thread(threading.get_ident, name="test") != threading.get_ident()


async def test_raises_what_the_call_raises():
    """An error in the thread is raised where it is awaited."""
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 // 0, name="test")


async def test_a_cancelled_call_is_abandoned():
    """Cancelling returns at once although the thread is blocked, and its late result harms nothing."""
    release, entered = threading.Event(), threading.Event()

    def block():
        entered.set()
        release.wait(10)

    task = asyncio.create_task(in_thread(block, name="abandoned"))
    while not entered.is_set():  # noqa: ASYNC110
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (thread,) = [one for one in threading.enumerate() if one.name == "abandoned"]
    release.set()
    thread.join(10)
    assert not thread.is_alive()


def test_a_result_after_the_end_of_the_loop_is_dropped():
    """A thread that ends when its loop is closed does so quietly."""
    release = threading.Event()

    async def abandon():
        task = asyncio.create_task(in_thread(lambda: release.wait(10), name="late"))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(abandon())
    (thread,) = [one for one in threading.enumerate() if one.name == "late"]
    release.set()
    thread.join(10)
    assert not thread.is_alive()
