"""What follows a failed attempt at an event."""

import pytest

from emulator.application import AsynchronousConfig
from emulator.runtime.event_retries import Condition, GiveUp, Retry, after_error, after_throttle, before_retry

DELAYS = (60.0, 120.0)


@pytest.mark.row("E44")
@pytest.mark.parametrize(
    ("config", "attempts", "age_s", "expected"),
    [
        (AsynchronousConfig(), 1, 0, Retry(60)),
        (AsynchronousConfig(), 2, 61, Retry(120)),
        (AsynchronousConfig(), 3, 182, GiveUp(Condition.RETRIES_EXHAUSTED)),
        (AsynchronousConfig(0), 1, 0, GiveUp(Condition.RETRIES_EXHAUSTED)),
        (AsynchronousConfig(2, 60), 1, 1, GiveUp(Condition.EVENT_AGE_EXCEEDED)),
        (AsynchronousConfig(2, 61), 1, 1, Retry(60)),
    ],
    ids=["first", "second", "exhausted", "none allowed", "too old then", "just in time"],
)
def test_after_an_error(
    config: AsynchronousConfig, attempts: int, age_s: float, expected: Retry | GiveUp
) -> None:
    """Retries are counted and spaced as Lambda does; an event that would be too old is given up at once."""
    assert after_error(config, attempts=attempts, age_s=age_s, delays_s=DELAYS) == expected


@pytest.mark.row("E44")
@pytest.mark.parametrize(
    ("throttles", "age_s", "reserved", "expected"),
    [
        (1, 0, 1, Retry(1)),
        (2, 1, 1, Retry(2)),
        (9, 500, 1, Retry(256)),
        (10, 500, 1, Retry(300)),
        (5000, 500, None, Retry(300)),
        (10, 21_400, 1, GiveUp(Condition.EVENT_AGE_EXCEEDED)),
        (1, 0, 0, GiveUp(Condition.ZERO_RESERVED_CONCURRENCY)),
    ],
)
def test_after_a_throttle(
    throttles: int, age_s: float, reserved: int | None, expected: Retry | GiveUp
) -> None:
    """Throttles back off from one second to five minutes until the event is too old (row E44)."""
    found = after_throttle(
        AsynchronousConfig(),
        throttles=throttles,
        age_s=age_s,
        delay_s=1,
        delay_max_s=300,
        reserved_concurrency=reserved,
    )
    assert found == expected


def test_before_a_retry() -> None:
    """An event that became too old while it waited is given up without another attempt."""
    config = AsynchronousConfig(2, 60)
    assert before_retry(config, age_s=60) is None
    assert before_retry(config, age_s=60.1) == GiveUp(Condition.EVENT_AGE_EXCEEDED)
