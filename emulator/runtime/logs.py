"""An invocation's log: bounded text, and Lambda's own lines around it. Pure."""

import math
import platform
from collections import deque
from dataclasses import dataclass

from emulator.account import REGION

RUNTIME_VERSION_ARN = f"arn:aws:lambda:{REGION}::runtime:{'0' * 64}"


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


@dataclass(slots=True)
class Report:
    """The figures of a REPORT line."""

    request_id: str
    duration_ms: float
    memory_mb: int
    max_memory_mb: int
    init_ms: float | None = None
    status: str | None = None
    error_type: str | None = None


def init_start_line() -> str:
    """Return the line that begins a cold start's log (row E50)."""
    major_minor = ".".join(platform.python_version_tuple()[:2])
    version = f"Runtime Version: python:{major_minor}.local"
    return f"INIT_START {version}\tRuntime Version ARN: {RUNTIME_VERSION_ARN}\n"


def start_line(request_id: str) -> str:
    """Return the START line (row E51)."""
    return f"START RequestId: {request_id} Version: $LATEST\n"


def end_lines(report: Report) -> str:
    """Return the END and REPORT lines (rows E51 and E52); the bill is rounded up to 1 ms."""
    fields = [
        f"REPORT RequestId: {report.request_id}",
        f"Duration: {report.duration_ms:.2f} ms",
        f"Billed Duration: {math.ceil(report.duration_ms)} ms",
        f"Memory Size: {report.memory_mb} MB",
        f"Max Memory Used: {report.max_memory_mb} MB",
    ]
    if report.init_ms is not None:
        fields.append(f"Init Duration: {report.init_ms:.2f} ms")
    if report.status is not None:
        fields.append(f"Status: {report.status}")
    if report.error_type is not None:
        fields.append(f"Error Type: {report.error_type}")
    return f"END RequestId: {report.request_id}\n" + "\t".join(fields) + "\t\n"
