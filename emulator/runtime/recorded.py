"""What functions received and answered, kept for people who look; in memory only, tokens shortened."""

import json
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from emulator.runtime.logs import InvocationLog
from emulator.telemetry.redaction import hide_credentials, redact

MAX_INVOCATIONS = 200
"""Kept per function; as many as logs."""

MAX_KEPT_BYTES = 4_194_304
"""Of one function's events and responses together. Ours; a laptop's memory is the source."""

MAX_PART_BYTES = 262_144
"""A larger event or response is not kept. Twice API Gateway's largest message, plus its envelope."""


@dataclass(slots=True, eq=False)
class Recorded:
    """One invocation; a part that was too large to keep is told in words."""

    log: InvocationLog
    event: bytes
    response: bytes | None = None
    is_kept: bool = True

    @property
    def size_bytes(self) -> int:
        return len(self.event) + len(self.response or b"")

    def describe(self) -> dict[str, Any]:
        """Return it in the form in which it is handed out, credentials shortened by their names too.

        Shape:
            `{"function", "request_id", "started_at", "duration_ms", "function_error", "event", "response"}`;
            `started_at` in epoch seconds; `duration_ms` and `response` are None while it runs.
        """
        log = self.log
        return {
            "function": log.function,
            "request_id": log.request_id,
            "started_at": log.started_at,
            "duration_ms": None if log.duration_ms is None else round(log.duration_ms, 3),
            "function_error": log.function_error,
            "event": _value(self.event),
            "response": None if self.response is None else _value(self.response),
        }


class Recorder:
    """Keeps the newest invocations of every function, bounded in number and bytes."""

    def __init__(
        self,
        functions: Iterable[str],
        *,
        max_invocations: int = MAX_INVOCATIONS,
        max_kept_bytes: int = MAX_KEPT_BYTES,
        max_part_bytes: int = MAX_PART_BYTES,
    ) -> None:
        self._kept: dict[str, deque[Recorded]] = {name: deque() for name in functions}
        self._bytes = dict.fromkeys(self._kept, 0)
        self._max_invocations = max_invocations
        self._max_kept_bytes = max_kept_bytes
        self._max_part_bytes = max_part_bytes

    def began(self, log: InvocationLog, event: bytes) -> Recorded:
        """Keep an invocation that begins."""
        recorded = Recorded(log, self._part(event))
        self._kept[log.function].append(recorded)
        self._grew(log.function, recorded.size_bytes)
        return recorded

    def ended(self, recorded: Recorded, response: bytes) -> None:
        """Add what came out of it."""
        before = recorded.size_bytes
        recorded.response = self._part(response)
        if recorded.is_kept:
            self._grew(recorded.log.function, recorded.size_bytes - before)

    def recorded(self, function: str) -> list[Recorded]:
        """Return the kept invocations of a function, oldest first."""
        return list(self._kept[function])

    def _grew(self, function: str, size_bytes: int) -> None:
        kept = self._kept[function]
        self._bytes[function] += size_bytes
        while len(kept) > self._max_invocations or self._bytes[function] > self._max_kept_bytes:
            dropped = kept.popleft()
            dropped.is_kept = False
            self._bytes[function] -= dropped.size_bytes

    def _part(self, data: bytes) -> bytes:
        if len(data) > self._max_part_bytes:
            return json.dumps(f"[{len(data)} bytes, too large to be kept]").encode()
        return redact(data)


def _value(data: bytes) -> Any:
    if not data:
        return None
    try:
        return json.loads(data, object_hook=hide_credentials)
    except (ValueError, RecursionError):
        return data.decode("utf-8", "replace")
