"""What follows an attempt at an asynchronous invocation that did not succeed. Pure.

Source:
    Row E44 of the behaviour specification; Lambda Developer Guide, "How Lambda handles errors and retries
    with asynchronous invocation".
"""

from dataclasses import dataclass
from enum import StrEnum

from emulator.application import AsynchronousConfig


class Condition(StrEnum):
    """Why an event has come to its end; `requestContext.condition` of its record."""

    SUCCESS = "Success"
    RETRIES_EXHAUSTED = "RetriesExhausted"
    EVENT_AGE_EXCEEDED = "EventAgeExceeded"
    ZERO_RESERVED_CONCURRENCY = "ZeroReservedConcurrency"


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again after `delay_s`."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Send the event to what takes failed ones, because of `condition`."""

    condition: Condition


def after_error(
    config: AsynchronousConfig, *, attempts: int, age_s: float, delays_s: tuple[float, ...]
) -> Retry | GiveUp:
    """Decide what follows a function's error.

    Args:
        attempts: that reached the function so far, at least 1.
        age_s: of the event.
        delays_s: before the second attempt, the third, ...; the last one repeats.
    """
    if attempts > config.maximum_retry_attempts:
        return GiveUp(Condition.RETRIES_EXHAUSTED)
    delay_s = delays_s[min(attempts, len(delays_s)) - 1] if delays_s else 0.0
    if age_s + delay_s > config.maximum_event_age_s:
        return GiveUp(Condition.EVENT_AGE_EXCEEDED)
    return Retry(delay_s)


def after_throttle(
    config: AsynchronousConfig,
    *,
    throttles: int,
    age_s: float,
    delay_s: float,
    delay_max_s: float,
    reserved_concurrency: int | None,
) -> Retry | GiveUp:
    """Decide what follows a throttle or an error of the service, neither of which counts as an attempt.

    Args:
        throttles: in a row, at least 1.
        delay_s: after the first throttle; doubled after each further one, up to `delay_max_s`.
        reserved_concurrency: of the function; 0 gives the event up at once.
    """
    if reserved_concurrency == 0:
        return GiveUp(Condition.ZERO_RESERVED_CONCURRENCY)
    delay_s = min(delay_s * 2.0 ** min(throttles - 1, 32), delay_max_s)
    if age_s + delay_s > config.maximum_event_age_s:
        return GiveUp(Condition.EVENT_AGE_EXCEEDED)
    return Retry(delay_s)


def before_retry(config: AsynchronousConfig, *, age_s: float) -> GiveUp | None:
    """Decide whether an event that waited is still to be tried; None: it is."""
    return GiveUp(Condition.EVENT_AGE_EXCEEDED) if age_s > config.maximum_event_age_s else None
