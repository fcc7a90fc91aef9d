"""What the fields of event source mappings may be. Values only.

Source:
    Lambda API reference, `CreateEventSourceMapping`.
"""

from collections.abc import Sequence

from emulator.application import QueueMapping, Service, StreamMapping
from emulator.errors import InvalidApplication

LIMITS: dict[str, tuple[int, int]] = {
    "batch_size": (1, 10_000),
    "maximum_batching_window_s": (0, 300),
    "parallelization_factor": (1, 10),
    "maximum_retry_attempts": (-1, 10_000),
    "maximum_record_age_s": (-1, 604_800),
}
"""The least and the greatest value of each number; a queue's mapping has the first two."""

YOUNGEST_RECORD_AGE_S = 60
"""The least maximum age besides -1. CloudFormation, `AWS::Lambda::EventSourceMapping`."""


def source_of(mapping: StreamMapping | QueueMapping) -> str:
    """Return the name of the table or queue that is read."""
    return mapping.table if isinstance(mapping, StreamMapping) else mapping.queue


def check_numbers(mapping: StreamMapping | QueueMapping, *, where: str) -> None:
    """See that the numbers that a mapping has are in their ranges.

    Args:
        where: names the mapping; the refusal begins with it.

    Raises:
        InvalidApplication: one is not.
    """
    for field, (least, most) in LIMITS.items():
        value = getattr(mapping, field, least)
        if not least <= value <= most:
            raise InvalidApplication(f"{where} has {field} {value}; it must be from {least} to {most}.")


def check(mapping: StreamMapping) -> None:
    """See that Lambda would take this mapping; its filters are seen to by `Filter`.

    Raises:
        InvalidApplication: a number is out of its range, or the destination is a function.
    """
    where = f"The stream mapping of {mapping.table} to {mapping.function}"
    check_numbers(mapping, where=where)
    if 0 <= mapping.maximum_record_age_s < YOUNGEST_RECORD_AGE_S:
        raise InvalidApplication(
            f"{where} has maximum_record_age_s {mapping.maximum_record_age_s}; it must be -1, or"
            f" {YOUNGEST_RECORD_AGE_S} and more."
        )
    if mapping.on_failure is not None and mapping.on_failure.service is Service.FUNCTION:
        raise InvalidApplication(
            f"{where} has a function as its on-failure destination; name a queue, topic or bucket."
        )


def check_all(mappings: Sequence[StreamMapping | QueueMapping]) -> None:
    """See that no function is mapped to one stream or queue twice. Raises InvalidApplication."""
    seen: set[tuple[type, str, str]] = set()
    for mapping in mappings:
        pair = type(mapping), source_of(mapping), mapping.function
        if pair in seen:
            raise InvalidApplication(
                f"There are two mappings of {source_of(mapping)} to {mapping.function}; Lambda takes one of a"
                " pair."
            )
        seen.add(pair)
