"""What the event sources tell about themselves; JSON-able values."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """What a poller is doing."""

    STARTING = "starting"
    READING = "reading"
    INVOKING = "invoking"
    RETRYING = "retrying"
    UNREACHABLE = "unreachable"
    DRAINED = "drained"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class ShardStatus:
    """One shard of a mapping.

    Attributes:
        last_result: how the last invocation went, in words; None before the first.
        checkpoint: sequence number of the last finished record, or None.
        lag_s: age in seconds of the oldest record that was read and is not finished; 0 if there is none.
    """

    shard_id: str
    state: State
    last_result: str | None
    checkpoint: str | None
    lag_s: float


@dataclass(frozen=True, slots=True)
class MappingStatus:
    """One event source mapping.

    Attributes:
        stream_arn: the stream that is read; None while the table has none.
    """

    table: str
    function: str
    state: State
    stream_arn: str | None
    shards: tuple[ShardStatus, ...]


@dataclass(frozen=True, slots=True)
class ScheduleStatus:
    """One schedule.

    Attributes:
        last_fired_at: epoch seconds, or None before the first time.
        next_due_in_s: seconds until it fires next.
    """

    name: str
    function: str
    last_fired_at: float | None
    next_due_in_s: float


@dataclass(frozen=True, slots=True)
class Status:
    """Every event source of an application."""

    stream_mappings: tuple[MappingStatus, ...]
    schedules: tuple[ScheduleStatus, ...]
