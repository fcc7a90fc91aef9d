"""What invokes functions by itself: event source mappings and schedules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from emulator.application.destinations import Destination


class StartingPosition(StrEnum):
    """Where a mapping starts to read. Lambda API reference, `CreateEventSourceMapping`."""

    TRIM_HORIZON = "TRIM_HORIZON"
    LATEST = "LATEST"


@dataclass(frozen=True, slots=True)
class StreamMapping:
    """An event source mapping from a table's stream to a function.

    Attributes:
        table: name of the table; it must have a stream.
        filters: patterns in Lambda's filter syntax, as values; a record passes if any
            matches. Empty: all pass.
        batch_size: 1 to 10000 records.
        maximum_batching_window_s: 0 to 300.
        parallelization_factor: batches of one shard at a time, 1 to 10; the order of an item's records stays.
        maximum_retry_attempts: -1 (until the record expires) to 10000.
        maximum_record_age_s: -1 (until the stream trims it) to 604800.
        report_batch_item_failures: whether the function answers with `batchItemFailures`.
        on_failure: the queue, topic or bucket that receives what was given up, or None.
        enabled: whether it reads; one that does not keeps its place.
    """

    table: str
    function: str
    filters: Sequence[Mapping[str, Any]] = ()
    batch_size: int = 100
    maximum_batching_window_s: float = 0
    parallelization_factor: int = 1
    starting_position: StartingPosition = StartingPosition.TRIM_HORIZON
    maximum_retry_attempts: int = -1
    maximum_record_age_s: int = -1
    bisect_batch_on_function_error: bool = False
    report_batch_item_failures: bool = False
    on_failure: Destination | None = None
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class QueueMapping:
    """An event source mapping from an SQS queue to a function.

    Attributes:
        batch_size: 1 to 10000 messages; over 10 needs a batching window.
        maximum_batching_window_s: 0 to 300.
        maximum_concurrency: batches at a time, 2 to 1000, or None: as many as there are environments.
    """

    queue: str
    function: str
    filters: Sequence[Mapping[str, Any]] = ()
    batch_size: int = 10
    maximum_batching_window_s: float = 0
    report_batch_item_failures: bool = False
    maximum_concurrency: int | None = None
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Schedule:
    """An EventBridge rule with a schedule that invokes a function.

    Attributes:
        expression: `rate(1 minute)` or `cron(0 12 * * ? *)`; times are UTC.
        input: JSON that the function gets instead of the scheduled event, or None.
    """

    name: str
    expression: str
    function: str
    input: str | None = None
    enabled: bool = True
