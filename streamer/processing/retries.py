"""What to do after an attempt failed: wait here, come back later, or give up. Pure."""

from streamer.actions.retry_policy import RetryPolicy
from streamer.dynamorm.frozen import dataclass

MAX_WAIT_IN_INVOCATION_S = 10.0
"""A longer wait is not worth a running environment: the request is put back instead. Ours."""


MAX_DELAY_S = 86_400.0
"""The longest wait for another attempt, whatever a failure asks for: a day. Ours; nothing waits for ever."""

MAX_DOUBLINGS = 40
"""More do not fit a number that is multiplied with seconds. Ours."""


@dataclass(frozen=True, slots=True)
class WaitHere:
    """Try again in the same invocation after `delay_s`."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class HandOver:
    """Let another invocation wait `delay_s` and try: this one has no time for an attempt."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class TryLater:
    """Put the request back, due after `delay_s`."""

    delay_s: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The request has FAILED."""


Decision = WaitHere | HandOver | TryLater | GiveUp
"""What follows a failed attempt."""


def after_failure(
    attempt: int,
    *,
    policy: RetryPolicy,
    max_attempts: int,
    retryable: bool,
    remaining_s: float,
    jitter: float,
    at_least_s: float = 0.0,
) -> Decision:
    """Decide what follows attempt number `attempt` (from 1), which failed.

    Exponential backoff with full jitter: the wait is uniform between nothing and a bound that doubles.

    Args:
        policy: the action's.
        max_attempts: of this request.
        remaining_s: of the invocation.
        jitter: a random number in [0, 1).
        at_least_s: a wait that the failure itself asks for; it counts where it is longer, up to a day.

    Source:
        AWS Architecture Blog, "Exponential Backoff And Jitter".
    """
    if not retryable or attempt >= max_attempts:
        return GiveUp()
    doublings = min(attempt - 1, MAX_DOUBLINGS)
    delay_s = min(MAX_DELAY_S, max(at_least_s, jitter * min(policy.cap_s, policy.base_s * 2**doublings)))
    if delay_s > MAX_WAIT_IN_INVOCATION_S:
        return TryLater(delay_s)
    return WaitHere(delay_s) if is_worth_waiting(delay_s, remaining_s=remaining_s) else HandOver(delay_s)


def is_worth_waiting(delay_s: float, *, remaining_s: float) -> bool:
    """Whether an invocation should wait so long, to have the rest of its time for an attempt."""
    return delay_s <= MAX_WAIT_IN_INVOCATION_S and delay_s < remaining_s / 2
