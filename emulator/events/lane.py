"""One of the concurrent batches of a shard: gathers records until a batch is closed, and delivers it."""

import asyncio
from collections import deque

from emulator.application import StreamMapping
from emulator.events.delivery import Delivery
from emulator.events.records import StreamRecord, first_batch
from emulator.events.services import Services


class Lane:
    """Delivers the records that are added to it, in order, one batch at a time.

    A batch closes when it is full by count or bytes, or when its window is over (row F41). A window begins
    when the previous invocation has completed; if it ends without a record, the next begins with the first.
    """

    def __init__(self, mapping: StreamMapping, delivery: Delivery, services: Services) -> None:
        self._mapping = mapping
        self._clock = services.clock
        self._alarm = services.alarm
        self.delivery = delivery
        self._waiting: deque[StreamRecord] = deque()
        self._news = asyncio.Event()
        self._window_since: float | None = None
        self._is_closed = False
        self._is_stopping = False

    def add(self, record: StreamRecord) -> None:
        """Take one more record."""
        self._waiting.append(record)
        self._news.set()

    def close(self) -> None:
        """Expect no more records: what there is goes out without waiting for the window."""
        self._is_closed = True
        self._news.set()

    def stop(self) -> None:
        """Begin no further invocation; one that runs may finish and counts."""
        self._is_stopping = True
        self.delivery.stop()
        self._news.set()

    async def run(self) -> None:
        """Deliver until the lane is closed and everything is finished, or it is stopped."""
        while batch := await self._next_batch():
            await self.delivery.deliver(batch)
            self._window_since = self._clock.monotonic()

    async def _next_batch(self) -> tuple[StreamRecord, ...]:
        """Wait for the next batch; returns an empty one when there will be none."""
        while not self._waiting and not self._is_closed and not self._is_stopping:
            self._news.clear()
            await self._news.wait()
        due = self._window_end()
        while not self._is_stopping:
            batch, is_full = first_batch(self._waiting, batch_size=self._mapping.batch_size)
            if is_full or self._is_closed or self._clock.monotonic() >= due:
                for _ in batch:
                    self._waiting.popleft()
                return batch
            await self._wait_for_news(until=due)
        return ()

    def _window_end(self) -> float:
        now, window_s = self._clock.monotonic(), self._mapping.maximum_batching_window_s
        if self._window_since is not None and now < self._window_since + window_s:
            return self._window_since + window_s
        return now + window_s

    async def _wait_for_news(self, *, until: float) -> None:
        self._news.clear()
        bell = asyncio.create_task(self._ring(until), name="shard window")
        try:
            await self._news.wait()
        finally:
            bell.cancel()

    async def _ring(self, due: float) -> None:
        await self._alarm.until(due)
        self._news.set()
