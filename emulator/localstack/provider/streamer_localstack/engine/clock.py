"""The engine's time: the machine's, plus what the sandbox was advanced by."""

import time


class EngineClock:
    """Epoch seconds for records, iterators, time to live and idempotency tokens.

    Attributes:
        offset_s: seconds that it is ahead of the machine's time.
    """

    def __init__(self) -> None:
        self.offset_s = 0.0

    def now(self) -> float:
        """Return the engine's time as epoch seconds."""
        return time.time() + self.offset_s


CLOCK = EngineClock()
"""The one clock of this process; set by the route `/_streamer/clock`."""
