"""What becomes of a batch: done, retried, or given up. Values in, a decision out.

Source:
    Lambda Developer Guide, "Using AWS Lambda with Amazon DynamoDB" and "Reporting batch item failures";
    odd answers of functions as recorded on AWS, November 2025.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from emulator.application import StreamMapping
from emulator.events.item_failures import failed_items
from emulator.events.records import StreamRecord
from emulator.events.settings import EventSettings
from emulator.invocation import InvocationResult

STREAM_RETENTION_S = 86_400
"""Seconds after which a stream trims a record. DynamoDB Developer Guide, "DynamoDB Streams"."""


class Condition(StrEnum):
    """Why records were given up; the words are those of the on-failure message."""

    RETRY_ATTEMPTS_EXHAUSTED = "RetryAttemptsExhausted"
    RECORD_AGE_EXCEEDED = "RecordAgeExceeded"


class Verdict(StrEnum):
    """How an invocation went for its batch."""

    SUCCEEDED = "succeeded"
    PARTLY_FAILED = "partly failed"
    FUNCTION_FAILED = "function failed"
    NOT_REACHED = "not reached"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class NotReached:
    """The function was not reached: throttled, or the service failed.

    Attributes:
        reason: the name of what happened, `TooManyRequests` for example.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Records that are delivered together.

    Attributes:
        records: at least one, in the order of the shard.
        invocations: how often the function was reached with them.
        retries: how many of the mapping's attempts they have used; splitting a batch uses none.
        failures: failures in a row, also those that did not reach the function.
        is_duplicate: whether a fault on purpose delivers it again although it succeeded.
    """

    records: tuple[StreamRecord, ...]
    invocations: int = 0
    retries: int = 0
    failures: int = 0
    is_duplicate: bool = False

    @property
    def first(self) -> str:
        """The sequence number of the first record."""
        return self.records[0].sequence_number

    @property
    def last(self) -> str:
        """The sequence number of the last record."""
        return self.records[-1].sequence_number


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Records that are not delivered any more."""

    batch: Batch
    condition: Condition


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do next with a batch.

    Attributes:
        checkpoint: every record up to this sequence number is finished; None: nothing new is.
        pending: batches to deliver next, in this order.
        delay_s: seconds to wait before that.
        given_up: what goes to the on-failure destination, or None.
    """

    verdict: Verdict
    checkpoint: str | None = None
    pending: tuple[Batch, ...] = ()
    delay_s: float = 0.0
    given_up: GivenUp | None = None


def expire(batch: Batch, mapping: StreamMapping, *, now: float) -> Decision | None:
    """Give up the records that are too old to be delivered; None if there are none.

    Records are in order of age, so what is too old stands first; the rest stays pending. Without
    `maximum_record_age_s` a record lives as long as the stream keeps it.

    Args:
        now: epoch seconds.
    """
    limit_s: float = STREAM_RETENTION_S
    if mapping.maximum_record_age_s >= 0:
        limit_s = min(mapping.maximum_record_age_s, STREAM_RETENTION_S)
    fresh = next(
        (index for index, record in enumerate(batch.records) if now - record.created_at <= limit_s),
        len(batch.records),
    )
    if fresh == 0:
        return None
    old = replace(batch, records=batch.records[:fresh])
    rest = (replace(batch, records=batch.records[fresh:]),) if fresh < len(batch.records) else ()
    return Decision(
        Verdict.EXPIRED, old.last, pending=rest, given_up=GivenUp(old, Condition.RECORD_AGE_EXCEEDED)
    )


def decide(
    batch: Batch,
    outcome: InvocationResult | NotReached,
    mapping: StreamMapping,
    *,
    settings: EventSettings,
    jitter: float,
) -> Decision:
    """Decide what becomes of `batch` after one invocation.

    - Throttles and service errors use up no attempt.
    - N retries are N+1 invocations; then everything from the first failed record on is given up.
    - Records before the first reported failure are finished; that restores attempts only where the
      settings say so.
    - With bisecting, a failed batch of more than one record is split at the reported record, or in
      halves, and the parts are delivered apart; that uses up no attempt.

    Args:
        jitter: a random number in [0, 1).
    """
    failures = batch.failures + 1
    delay_s = settings.retry_backoff.delay_s(failures, jitter)
    if isinstance(outcome, NotReached):
        again = replace(batch, failures=failures)
        return Decision(Verdict.NOT_REACHED, pending=(again,), delay_s=delay_s)

    failed_from = first_failure(batch, outcome, report_batch_item_failures=mapping.report_batch_item_failures)
    if failed_from is None:
        return Decision(Verdict.SUCCEEDED, batch.last)

    verdict = Verdict.FUNCTION_FAILED if outcome.function_error is not None else Verdict.PARTLY_FAILED
    checkpoint = batch.records[failed_from - 1].sequence_number if failed_from else None
    rest = replace(
        batch, records=batch.records[failed_from:], invocations=batch.invocations + 1, failures=failures
    )
    if mapping.bisect_batch_on_function_error and len(batch.records) > 1:
        return Decision(verdict, checkpoint, pending=_parts(rest, is_split=failed_from > 0), delay_s=delay_s)

    is_restored = settings.progress_restores_attempts and failed_from > 0
    rest = replace(rest, retries=1 if is_restored else batch.retries + 1)
    if 0 <= mapping.maximum_retry_attempts < rest.retries:
        given_up = GivenUp(rest, Condition.RETRY_ATTEMPTS_EXHAUSTED)
        return Decision(verdict, rest.last, given_up=given_up)
    return Decision(verdict, checkpoint, pending=(rest,), delay_s=delay_s)


def first_failure(batch: Batch, result: InvocationResult, *, report_batch_item_failures: bool) -> int | None:
    """Return the index of the first record that has to be delivered again, None if none has."""
    identifiers = [record.sequence_number for record in batch.records]
    failed = failed_items(result, identifiers, report_batch_item_failures=report_batch_item_failures)
    return min(failed, default=None)


def _parts(rest: Batch, *, is_split: bool) -> tuple[Batch, ...]:
    if is_split or len(rest.records) == 1:
        return (rest,)
    middle = (len(rest.records) + 1) // 2
    return replace(rest, records=rest.records[:middle]), replace(rest, records=rest.records[middle:])
