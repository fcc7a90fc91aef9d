"""What the demo saw: every message with its time, every timing, every check."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Record:
    """Filled while the demo plays; written as JSON in the end."""

    began: float = field(default_factory=time.monotonic)
    backend: dict[str, str] = field(default_factory=dict)
    messages: list[dict[str, Any]] = field(default_factory=list)
    timings_ms: dict[str, float] = field(default_factory=dict)
    checks: list[dict[str, Any]] = field(default_factory=list)

    def message(self, text: str) -> None:
        """Note a message that has just arrived."""
        at_ms = round((time.monotonic() - self.began) * 1000, 1)
        self.messages.append({"at_ms": at_ms, "message": json.loads(text)})

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Note how long the block took, in milliseconds."""
        began = time.monotonic()
        yield
        self.timings_ms[name] = round((time.monotonic() - began) * 1000, 1)

    def check(self, name: str, *, passed: bool) -> bool:
        """Note whether something was as it should be."""
        self.checks.append({"check": name, "passed": passed})
        return passed

    @property
    def passed(self) -> bool:
        """Whether the flow was right."""
        return bool(self.checks) and all(check["passed"] for check in self.checks)

    def write(self, path: Path) -> None:
        """Write everything as JSON."""
        path.write_text(
            json.dumps(
                {
                    "passed": self.passed,
                    "backend": self.backend,
                    "timings_ms": self.timings_ms,
                    "messages": self.messages,
                    "checks": self.checks,
                },
                indent=2,
            )
            + "\n"
        )
