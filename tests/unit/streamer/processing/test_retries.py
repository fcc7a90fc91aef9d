"""The decision that follows a failed attempt."""

import pytest

from streamer.actions.retry_policy import BASE_S, CAP_S, DEFAULT_RETRY, RetryPolicy
from streamer.processing.retries import (
    MAX_WAIT_IN_INVOCATION_S,
    GiveUp,
    HandOver,
    TryLater,
    WaitHere,
    after_failure,
)


@pytest.mark.parametrize(("attempt", "retryable"), [(1, False), (3, True), (7, True)], ids=str)
def test_gives_up(attempt: int, retryable: bool) -> None:
    """What cannot be retried, or was tried often enough, is given up."""
    decision = after_failure(
        attempt, policy=DEFAULT_RETRY, max_attempts=3, retryable=retryable, remaining_s=900, jitter=0.5
    )
    assert decision == GiveUp()


@pytest.mark.parametrize(("attempt", "bound_s"), [(1, BASE_S), (2, 2 * BASE_S), (4, 8 * BASE_S)], ids=str)
def test_the_bound_doubles(attempt: int, bound_s: float) -> None:
    """The wait is a random part of a bound that doubles with every attempt."""
    decision = after_failure(
        attempt, policy=DEFAULT_RETRY, max_attempts=9, retryable=True, remaining_s=900, jitter=0.25
    )
    assert decision == WaitHere(0.25 * bound_s)


def test_the_bound_is_capped_and_a_long_wait_is_left_to_the_sweeper() -> None:
    """A wait that is not worth a running environment puts the request back, and none is over the cap."""
    decision = after_failure(
        30, policy=DEFAULT_RETRY, max_attempts=99, retryable=True, remaining_s=900, jitter=0.999
    )
    assert isinstance(decision, TryLater)
    assert MAX_WAIT_IN_INVOCATION_S < decision.delay_s < CAP_S


def test_the_action_has_its_own_bounds() -> None:
    """First wait and cap are the action's; a number of attempts without end overflows nothing."""
    policy = RetryPolicy(base_s=0.1, cap_s=0.4)
    waits = [
        after_failure(n, policy=policy, max_attempts=10**6, retryable=True, remaining_s=900, jitter=0.5)
        for n in (1, 2, 3, 4, 5000)
    ]
    assert waits == [WaitHere(0.05), WaitHere(0.1), WaitHere(0.2), WaitHere(0.2), WaitHere(0.2)]


def decide(remaining_s: float) -> object:
    """Decide about a wait of 1.5 s."""
    policy = RetryPolicy(base_s=3.0)
    return after_failure(
        1, policy=policy, max_attempts=9, retryable=True, remaining_s=remaining_s, jitter=0.5
    )


def test_an_invocation_without_time_for_an_attempt_hands_over() -> None:
    """Too little is left to wait and run again: another invocation waits, and begins when it is due."""
    assert decide(remaining_s=3.1) == WaitHere(1.5)
    assert decide(remaining_s=2.9) == HandOver(1.5)
    assert decide(remaining_s=0.1) == HandOver(1.5)


@pytest.mark.parametrize(("asked_s", "delay_s"), [(0.1, 0.25), (4.0, 4.0), (30.0, 30.0), (1e12, 86_400.0)])
def test_a_failure_may_ask_for_a_longer_wait(asked_s: float, delay_s: float) -> None:
    """What the other side said (`retry_after_s`) counts where it is more than the backoff, up to a day."""
    decision = after_failure(
        1,
        policy=DEFAULT_RETRY,
        max_attempts=3,
        retryable=True,
        remaining_s=900,
        jitter=0.25,
        at_least_s=asked_s,
    )
    assert decision == (TryLater if delay_s > MAX_WAIT_IN_INVOCATION_S else WaitHere)(delay_s)
