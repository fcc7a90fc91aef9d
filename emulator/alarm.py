"""Waiting for a time of the injected clock, which may jump."""

import asyncio

from emulator.clock import Clock


class Alarm:
    """Lets tasks wait until a clock shows a time, and tells them when the clock was moved."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._poked = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has moved on by `seconds`."""
        await self.until(self._clock.monotonic() + seconds)

    async def until(self, due: float) -> None:
        """Wait until `clock.monotonic()` is at least `due`; returns at once if it is."""
        while (remaining_s := due - self._clock.monotonic()) > 0:
            try:
                async with asyncio.timeout(remaining_s):
                    await self._poked.wait()
            except TimeoutError:
                continue

    def poke(self) -> None:
        """Make every waiting task look at the clock again; call it after the clock was advanced."""
        self._poked.set()
        self._poked = asyncio.Event()
