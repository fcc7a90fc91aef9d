"""What became of the items so far. Pure; it is the checkpoint, too."""

from typing import Any

import msgspec

MAX_REPORTED = 1_000
"""Failures that are told one by one; the rest are counted. Ours."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """Why one item was not written.

    Attributes:
        index: its place among the items, from 0.
    """

    index: int
    id: str | None
    code: str
    message: str


class Tally(msgspec.Struct, kw_only=True):
    """How many items were taken, and which failed."""

    done: int = 0
    failed: int = 0
    failures: list[Failure] = []

    def fail(self, failure: Failure) -> None:
        """Count an item that was not written."""
        self.failed += 1
        if len(self.failures) < MAX_REPORTED:
            self.failures.append(failure)

    def checkpoint(self) -> dict[str, Any]:
        """Return what `restored` makes the tally of again."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    @classmethod
    def restored(cls, checkpoint: Any) -> "Tally":
        """Return the tally of a checkpoint; a fresh one of None."""
        return cls() if checkpoint is None else msgspec.convert(checkpoint, cls)

    def result(self) -> dict[str, Any]:
        """Return the figures that a client gets."""
        succeeded = self.done - self.failed
        return {
            "total_items": self.done,
            "succeeded": succeeded,
            "failed": self.failed,
            "success_rate": round(100 * succeeded / self.done, 2) if self.done else 100.0,
            "failures": sorted(self.failures, key=lambda failure: failure.index),
            "failures_omitted": self.failed - len(self.failures),
        }
