"""What a process writes to its output: plain bytes, and log records in frames among them. Pure.

The runtime client frames every log record (row H13), so that its end and its level are known; `print` and
child processes write plain bytes. Here both go through one pipe, which keeps them in their order.
"""

import json

from emulator.application import LogFormat, LoggingConfig
from emulator.application.quotas import APPLICATION_LOG_LEVELS as LEVELS

_SYNONYMS = {"WARNING": "WARN", "CRITICAL": "FATAL"}

_MAGIC = b"\xa5\x5a\x00"
_HEAD_BYTES = 16

_FRAME_LEVELS = {0x0A: "DEBUG", 0x0E: "INFO", 0x12: "WARN", 0x16: "ERROR", 0x1A: "FATAL"}
"""By the type's last byte, without its lowest bit, which tells text from JSON (row H13)."""

MAX_FRAME_BYTES = 16_777_216
"""What claims to be a larger frame is no frame. Ours; CloudWatch takes 1 MB of one record."""

MAX_LINE_BYTES = 262_144
"""A longer plain line is judged by its beginning. Ours."""


class Frames:
    """Turns what a process wrote into the text of its log.

    A record that does not end with a line's end gets one. With the JSON format whole lines are let
    through or dropped by their level (row H12); with the text format everything is let through as it is.
    """

    def __init__(self, config: LoggingConfig) -> None:
        self._least = LEVELS.index(config.application_level) if config.format is LogFormat.JSON else None
        self._held = b""  # may be the beginning of a frame's head
        self._frame_left = 0
        self._frame_passes = True
        self._line = b""
        self._line_passes: bool | None = None  # of a line that is too long to be held; None: no such

    def feed(self, data: bytes) -> bytes:
        """Return the text that `data` adds to the log."""
        if not self._held and not self._frame_left and self._least is None and _MAGIC[0] not in data:
            return data
        out: list[bytes] = []
        data, self._held = self._held + data, b""
        while data:
            if self._frame_left:
                data = self._frame(data, out)
                continue
            at = data.find(_MAGIC[:1])
            if at < 0:
                out.append(self._plain(data))
                break
            head = data[at : at + _HEAD_BYTES]
            if not head.startswith(_MAGIC[: len(head)]):
                out.append(self._plain(data[: at + 1]))
                data = data[at + 1 :]
                continue
            out.append(self._plain(data[:at]))
            if len(head) < _HEAD_BYTES:
                self._held = head
                break
            length = int.from_bytes(head[4:8], "big")
            if length > MAX_FRAME_BYTES:
                out.append(self._plain(data[at : at + 1]))
                data = data[at + 1 :]
                continue
            level = _FRAME_LEVELS.get(head[3] & 0xFE)
            self._frame_left = length
            self._frame_passes = level is None or self._lets_through(level)
            data = data[at + _HEAD_BYTES :]
        return b"".join(out)

    def flush(self) -> bytes:
        """Return what was held back until more comes, because an invocation ends."""
        held, self._held = self._plain(self._held), b""
        line, self._line = self._line, b""
        passes, self._line_passes = self._line_passes, None
        if line and passes is None and not self._lets_through(level_of(line)):
            line = b""
        return held + line

    def _frame(self, data: bytes, out: list[bytes]) -> bytes:
        part, data = data[: self._frame_left], data[self._frame_left :]
        self._frame_left -= len(part)
        if self._frame_passes:
            out.append(part)
            if not self._frame_left and not part.endswith(b"\n"):
                out.append(b"\n")
        return data

    def _plain(self, data: bytes) -> bytes:
        if self._least is None or not data:
            return data
        out: list[bytes] = []
        for line in data.splitlines(keepends=True):
            if self._line_passes is not None:
                out.append(line if self._line_passes else b"")
                if line.endswith(b"\n"):
                    self._line_passes = None
                continue
            self._line += line
            ended = self._line.endswith(b"\n")
            if ended or len(self._line) > MAX_LINE_BYTES:
                passes = self._lets_through(level_of(self._line))
                out.append(self._line if passes else b"")
                self._line = b""
                if not ended:
                    self._line_passes = passes
        return b"".join(out)

    def _lets_through(self, level: str) -> bool:
        return self._least is None or LEVELS.index(level) >= self._least


def level_of(line: bytes) -> str:
    """Return the level that Lambda sees in a plain line: that of a JSON object, else `INFO` (row H12)."""
    if line.lstrip()[:1] == b"{":
        try:
            level = str(json.loads(line).get("level", "")).upper()
        except (ValueError, RecursionError):
            return "INFO"
        level = _SYNONYMS.get(level, level)
        if level in LEVELS:
            return level
    return "INFO"
