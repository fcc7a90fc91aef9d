"""How far a shard is finished when records are finished in another order than they are read. Values only."""

from collections import deque


class Progress:
    """The records of one shard that were read and are not finished yet, or not up to them.

    Records are read in the order of the shard; lanes finish them in any order. Everything up to the
    checkpoint is finished.
    """

    def __init__(self) -> None:
        self._read: deque[tuple[str, float]] = deque()
        self._finished: set[str] = set()

    def read(self, sequence_number: str, created_at: float) -> None:
        """Note a record that was read.

        Args:
            created_at: epoch seconds.
        """
        self._read.append((sequence_number, created_at))

    def finish(self, sequence_number: str) -> None:
        """Note that a record that was read is finished."""
        self._finished.add(sequence_number)

    def advance(self) -> str | None:
        """Return the new checkpoint, the last record up to which all are finished; None: it has not moved."""
        reached = None
        while self._read and self._read[0][0] in self._finished:
            reached, _ = self._read.popleft()
            self._finished.discard(reached)
        return reached

    @property
    def unfinished(self) -> int:
        """How many records were read and are not finished."""
        return len(self._read) - len(self._finished)

    @property
    def oldest_created_at(self) -> float | None:
        """When the first record that is not finished was written, epoch seconds; None: all are finished."""
        return self._read[0][1] if self._read else None
