"""Keeps what was sent, one message after the other, although threads may be left behind."""

from collections.abc import Callable
from threading import Lock

from streamer.protocol import Progress


class Keeper:
    """Keeps messages in order: who was left behind keeps nothing any more. Thread-safe.

    Attributes:
        turn: what `keep` is told by who begins now.
    """

    def __init__(self, keep: Callable[[Progress], None]) -> None:
        """Take what keeps a message; it is called by one thread at a time."""
        self.turn = 0
        self._keep = keep
        self._lock = Lock()

    def leave_behind(self) -> None:
        """Let those who have begun keep nothing more; what one of them is keeping is not waited for."""
        self.turn += 1

    def keep(self, message: Progress, turn: int) -> None:
        """Keep a message, unless who sent it was left behind meanwhile."""
        with self._lock:
            if turn == self.turn:
                self._keep(message)
