"""A thread with an event loop, which other threads have things done in."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Dispatcher:
    """Runs coroutines for whoever waits for them in another thread, until it is stopped."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._loop.run_forever, name="streamer-client", daemon=True)
        self._thread.start()

    @property
    def is_stopped(self) -> bool:
        return self._is_stopping

    def check_thread(self) -> None:
        """Raise RuntimeError in the thread of this, which cannot wait for itself; nothing has changed."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("A callback waits for the client that calls it: do that in another thread.")

    def call(self, work: Coroutine[Any, Any, T], timeout_s: float | None = None) -> T:
        """Have something done and wait for it; who stops waiting stops it."""
        try:
            self.check_thread()
        except RuntimeError:
            work.close()
            raise
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
        self.check_thread()
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
