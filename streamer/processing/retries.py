"""What to do after an attempt failed: wait here, come back later, or give up. Pure."""

from dataclasses import dataclass

from streamer.actions.retry_policy import BASE_S, CAP_S

MAX_WAIT_IN_INVOCATION_S = 10.0
"""A longer wait is not worth a running environment: the request is put back instead. Ours."""


@dataclass(frozen=True, slots=True)
class WaitHere:
    """Try again in the same invocation after `delay_s`."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class TryLater:
    """Put the request back, due after `delay_s`."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The request has FAILED."""


def after_failure(
    attempt: int, *, max_attempts: int, retryable: bool, remaining_s: float, jitter: float
) -> WaitHere | TryLater | GiveUp:
    """Decide what follows attempt number `attempt` (from 1), which failed.

    Exponential backoff with full jitter: the wait is uniform between nothing and a bound that doubles.

    Args:
        remaining_s: of the invocation.
        jitter: a random number in [0, 1).

    Source:
        AWS Architecture Blog, "Exponential Backoff And Jitter".
    """
    if not retryable or attempt >= max_attempts:
        return GiveUp()
    delay_s = jitter * min(CAP_S, BASE_S * 2 ** (attempt - 1))
    if delay_s <= MAX_WAIT_IN_INVOCATION_S and delay_s < remaining_s / 2:
        return WaitHere(delay_s)
    return TryLater(delay_s)
