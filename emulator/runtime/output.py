"""The pipe through which the output of an environment's process comes."""

import asyncio
import logging
import os

from emulator.runtime.frames import Frames
from emulator.runtime.logs import BoundedText

logger = logging.getLogger(__name__)

_READ_BYTES = 65_536
_DRAIN_READS = 4
"""More than a pipe holds (64 KiB on Linux), and an end where a process writes as fast as it is read."""


class Output:
    """Reads the pipe as it fills, into the log of whatever runs. Event loop only.

    Attributes:
        log: takes what is read from now on.
    """

    def __init__(self, descriptor: int, frames: Frames, log: BoundedText) -> None:
        os.set_blocking(descriptor, False)
        self.log = log
        self._descriptor: int | None = descriptor
        self._frames = frames
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(descriptor, self._read)

    def drain(self) -> None:
        """Read all that the process has written so far, so that it belongs to the right invocation."""
        for _ in range(_DRAIN_READS):
            if not self._read():
                break
        self.log.append(self._frames.flush())

    def close(self) -> None:
        """Read what is left and close the pipe; idempotent."""
        self.drain()
        self._close()

    def _read(self) -> bool:
        if self._descriptor is None:
            return False
        try:
            data = os.read(self._descriptor, _READ_BYTES)
        except BlockingIOError:
            return False
        if not data:  # every writer is gone
            self._close()
            return False
        try:
            taken = self._frames.feed(data)
        except Exception:
            # Whatever a function writes, its invocation ends as it would have: only these lines are lost.
            logger.exception("Output of a function could not be read", extra={"action": "lambda.output"})
            taken = b""
        self.log.append(taken)
        return len(data) == _READ_BYTES

    def _close(self) -> None:
        if self._descriptor is not None:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None
