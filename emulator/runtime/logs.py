"""An invocation's log: bounded text. Pure."""

from collections import deque
from dataclasses import dataclass


class BoundedText:
    """Keeps the beginning and the end of what is appended, `max_bytes` in all."""

    __slots__ = ("_dropped", "_end", "_end_bytes", "_half", "_start", "_start_bytes")

    def __init__(self, max_bytes: int) -> None:
        self._half = max_bytes // 2
        self._start: list[bytes] = []
        self._start_bytes = 0
        self._end: deque[bytes] = deque()
        self._end_bytes = 0
        self._dropped = 0

    def append(self, data: bytes) -> None:
        """Add `data`; what no longer fits is taken from the middle."""
        room = self._half - self._start_bytes
        if room > 0:
            self._start.append(data[:room])
            self._start_bytes += len(self._start[-1])
            data = data[room:]
        if not data:
            return
        self._end.append(data)
        self._end_bytes += len(data)
        while self._end_bytes > self._half:
            excess = self._end_bytes - self._half
            first = self._end.popleft()
            if len(first) > excess:
                self._end.appendleft(first[excess:])
            lost = min(excess, len(first))
            self._end_bytes -= lost
            self._dropped += lost

    def text(self) -> str:
        """Return what was kept; bytes that are no UTF-8 are replaced."""
        marker = [f"\n[{self._dropped} bytes of this log were left out]\n".encode()] if self._dropped else []
        return b"".join([*self._start, *marker, *self._end]).decode("utf-8", "replace")


@dataclass(slots=True)
class InvocationLog:
    """What is kept of one invocation for people who look back.

    Attributes:
        started_at: epoch seconds.
        output: what the process wrote meanwhile, with Lambda's lines.
    """

    function: str
    request_id: str
    started_at: float
    output: BoundedText
    duration_ms: float | None = None
    function_error: str | None = None
    cold: bool = False
    pid: int | None = None

    @property
    def text(self) -> str:
        return self.output.text()
