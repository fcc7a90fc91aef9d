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
        unfinished: records that were read and are not finished.
        retrying: how many of its lanes wait to deliver a batch again.
    """

    shard_id: str
    state: State
    last_result: str | None
    checkpoint: str | None
    lag_s: float
    unfinished: int
    retrying: int


@dataclass(frozen=True, slots=True)
class MappingStatus:
    """One event source mapping.

    Attributes:
        stream_arn: the stream that is read; None while the table has none.
        last_result: how the last invocation went, in words; None before the first.
        mapping_state: where the mapping stands, in the API's words.
    """

    table: str
    function: str
    state: State
    stream_arn: str | None
    shards: tuple[ShardStatus, ...]
    last_result: str | None = None
    uuid: str = ""
    mapping_state: str = ""


@dataclass(frozen=True, slots=True)
class QueueMappingStatus:
    """One event source mapping of a queue.

    Attributes:
        batches: how many are with the function, or wait for a throttled one.
        last_result: how the last invocation went, in words; None before the first.
    """

    queue: str
    function: str
    state: State
    batches: int
    last_result: str | None
    uuid: str = ""
    mapping_state: str = ""


@dataclass(frozen=True, slots=True)
class ScheduleStatus:
    """One schedule.

    Attributes:
        last_fired_at: epoch seconds, or None before the first time.
        next_due_in_s: seconds until it fires next; None: it does not, or no more.
    """

    name: str
    function: str
    last_fired_at: float | None
    next_due_in_s: float | None
    expression: str
    is_enabled: bool


@dataclass(frozen=True, slots=True)
class Status:
    """Every event source of an application."""

    stream_mappings: tuple[MappingStatus, ...]
    schedules: tuple[ScheduleStatus, ...]
    queue_mappings: tuple[QueueMappingStatus, ...] = ()
