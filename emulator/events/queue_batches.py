"""Batches of a queue's messages: when one is full, what becomes of it, how many run at once. Values only.

Source:
    Lambda Developer Guide, "Using Lambda with Amazon SQS", "Handling errors for an SQS event source" and
    "Configuring scaling behavior"; Lambda API reference, `CreateEventSourceMapping`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from emulator.application import QueueMapping
from emulator.errors import InvalidApplication
from emulator.events.batches import NotReached, Verdict
from emulator.events.item_failures import failed_items
from emulator.events.mapping_limits import check_numbers
from emulator.events.queues import MAX_MESSAGES, Message, is_fifo
from emulator.events.records import first_batch
from emulator.invocation import InvocationResult

CONCURRENCY = range(2, 1_001)
"""What a maximum concurrency may be. Lambda API reference, `ScalingConfig`."""

FIRST_BATCHES = 5
"""Batches at once with which Lambda begins. Lambda Developer Guide, "Configuring scaling behavior"."""

MORE_BATCHES_PER_S = 5.0
"""By how much that rises while there are messages: 300 a minute. Likewise."""

MOST_BATCHES = 32
"""Batches at once: as many environments as one function gets here. Ours; Lambda's is 1,000."""


def check(mapping: QueueMapping, *, visibility_timeout_s: float, timeout_s: float) -> None:
    """See that Lambda would take this mapping; its filters are seen to by `BodyFilter`.

    Args:
        visibility_timeout_s: of the queue.
        timeout_s: of the function.

    Raises:
        InvalidApplication: with Lambda's reason, or because the queue's kind is not emulated.
    """
    where = f"The queue mapping of {mapping.queue} to {mapping.function}"
    check_numbers(mapping, where=where)
    window_s = mapping.maximum_batching_window_s
    if window_s != int(window_s):
        raise InvalidApplication(f"{where} has a batching window of {window_s} s; name a whole number.")
    if (problem := window_problem(mapping)) is not None:
        raise InvalidApplication(f"{where} cannot be made: {problem}.")
    if mapping.maximum_concurrency is not None and mapping.maximum_concurrency not in CONCURRENCY:
        raise InvalidApplication(
            f"{where} has a maximum concurrency of {mapping.maximum_concurrency}; it must be from"
            f" {CONCURRENCY.start} to {CONCURRENCY[-1]}."
        )
    if visibility_timeout_s < timeout_s:
        raise InvalidApplication(
            f"{where} cannot be made: Queue visibility timeout: {visibility_timeout_s:g} seconds is less"
            f" than Function timeout: {timeout_s:g} seconds."
        )


def window_problem(mapping: QueueMapping) -> str | None:
    """Return what is wrong with a mapping's batch size and window together, or None.

    Lambda's sentence about a batch that is larger than one receive and has no window; those about FIFO queues
    are ours. Lambda Developer Guide, "Creating and configuring an Amazon SQS event source mapping".
    """
    if is_fifo(mapping.queue) and mapping.maximum_batching_window_s > 0:
        return "A FIFO queue has no batching window"
    if is_fifo(mapping.queue) and mapping.batch_size > MAX_MESSAGES:
        return f"The batches of a FIFO queue have {MAX_MESSAGES} messages at most"
    if mapping.batch_size <= MAX_MESSAGES or mapping.maximum_batching_window_s > 0:
        return None
    return (
        "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than"
        f" {MAX_MESSAGES}"
    )


class Gathering:
    """The messages that were received and are in no batch yet."""

    def __init__(self, mapping: QueueMapping) -> None:
        self._mapping = mapping
        self._messages: list[Message] = []

    def __len__(self) -> int:
        return len(self._messages)

    def add(self, messages: Sequence[Message]) -> None:
        """Take messages that were just received."""
        self._messages += messages

    def closes_at(self) -> float:
        """Return when the batch that is gathered closes, on the clock's monotonic sense."""
        return self._messages[0].received_at + self._mapping.maximum_batching_window_s

    def wanted(self) -> int:
        """Return how many messages the next receive may bring, 1 to 10."""
        return max(1, min(MAX_MESSAGES, self._mapping.batch_size - len(self._messages)))

    def take(self, *, now: float) -> tuple[Message, ...] | None:
        """Take out the next batch, if one is due: its size or 6 MB is reached, or the window is over."""
        if not self._messages:
            return None
        batch, is_full = first_batch(self._messages, batch_size=self._mapping.batch_size)
        if not is_full and now < self.closes_at():
            return None
        del self._messages[: len(batch)]
        return batch

    def take_all(self) -> tuple[Message, ...]:
        """Take out everything, to be given back to the queue."""
        messages = tuple(self._messages)
        self._messages.clear()
        return messages


@dataclass(frozen=True, slots=True)
class Outcome:
    """What becomes of a batch after an invocation.

    Attributes:
        finished: messages that are deleted.
        returned: messages that stay in the queue until their visibility timeout is over.
    """

    verdict: Verdict
    finished: tuple[Message, ...] = ()
    returned: tuple[Message, ...] = ()


def decide(batch: Sequence[Message], result: InvocationResult | NotReached, mapping: QueueMapping) -> Outcome:
    """Decide what becomes of `batch` after one invocation.

    Without ReportBatchItemFailures all succeed or all return; with it only those that are reported return.
    """
    if isinstance(result, NotReached):
        return Outcome(Verdict.NOT_REACHED, returned=tuple(batch))
    failed = failed_items(
        result,
        [message.id for message in batch],
        report_batch_item_failures=mapping.report_batch_item_failures,
    )
    if not failed:
        return Outcome(Verdict.SUCCEEDED, finished=tuple(batch))
    verdict = Verdict.FUNCTION_FAILED if result.function_error is not None else Verdict.PARTLY_FAILED
    return Outcome(
        verdict,
        finished=tuple(message for place, message in enumerate(batch) if place not in failed),
        returned=tuple(message for place, message in enumerate(batch) if place in failed),
    )


class Scale:
    """How many batches may be with the function at once.

    It begins at five, rises by 300 a minute while there are messages, and is halved by a failure: Lambda
    "gradually backs off", by how much it does not say. With ReportBatchItemFailures only throttles count.

    Attributes:
        batches: at the moment, at least 1.
    """

    def __init__(self, mapping: QueueMapping) -> None:
        self._most = min(mapping.maximum_concurrency or MOST_BATCHES, MOST_BATCHES)
        self._first = min(FIRST_BATCHES, self._most)
        self._counts_failures = not mapping.report_batch_item_failures
        self._allowed = float(self._first)
        self._busy_since: float | None = None

    @property
    def batches(self) -> int:
        return int(self._allowed)

    def received(self, *, now: float, any_message: bool) -> None:
        """Note that a receive came back, with messages or without."""
        if not any_message:
            self._allowed = float(self._first)
            self._busy_since = None
            return
        if self._busy_since is not None:
            grown = self._allowed + (now - self._busy_since) * MORE_BATCHES_PER_S
            self._allowed = min(self._most, grown)
        self._busy_since = now

    def ended(self, verdict: Verdict) -> None:
        """Note how a batch ended, or that it was throttled."""
        if verdict is Verdict.NOT_REACHED or (
            self._counts_failures and verdict in (Verdict.FUNCTION_FAILED, Verdict.PARTLY_FAILED)
        ):
            self._allowed = max(1.0, self._allowed / 2)
