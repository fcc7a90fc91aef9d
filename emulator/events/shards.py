"""Which shards of a stream to read, and when. Values only."""

from collections.abc import Collection, Sequence

from emulator.application import StartingPosition
from emulator.events.streams import Shard


def readable(shards: Sequence[Shard], *, started: Collection[str], finished: Collection[str]) -> list[Shard]:
    """Return the shards whose reading can start: a parent is drained before its children.

    A parent that the stream does not list any more counts as drained.

    Args:
        started: ids of shards that are read or were.
        finished: ids of shards that were drained.

    Source:
        DynamoDB Developer Guide, "Reading and processing a stream".
    """
    waiting_for = {shard.id for shard in shards} - set(finished)
    return [shard for shard in shards if shard.id not in started and shard.parent_id not in waiting_for]


def drained_at_start(shards: Sequence[Shard], position: StartingPosition) -> set[str]:
    """Return the ids of shards that a mapping need not read: to `LATEST`, those that have children."""
    if position is not StartingPosition.LATEST:
        return set()
    return {shard.parent_id for shard in shards if shard.parent_id is not None}
