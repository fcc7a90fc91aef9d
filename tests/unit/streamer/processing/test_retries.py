"""The decision that follows a failed attempt."""

import pytest

from streamer.processing.retries import (
    BASE_S,
    CAP_S,
    MAX_WAIT_IN_INVOCATION_S,
    GiveUp,
    TryLater,
    WaitHere,
    after_failure,
)


@pytest.mark.parametrize(("attempt", "retryable"), [(1, False), (3, True), (7, True)], ids=str)
def test_gives_up(attempt: int, retryable: bool) -> None:
    """What cannot be retried, or was tried often enough, is given up."""
    decision = after_failure(attempt, max_attempts=3, retryable=retryable, remaining_s=900, jitter=0.5)
    assert decision == GiveUp()


@pytest.mark.parametrize(("attempt", "bound_s"), [(1, BASE_S), (2, 2 * BASE_S), (4, 8 * BASE_S)], ids=str)
def test_the_bound_doubles(attempt: int, bound_s: float) -> None:
    """The wait is a random part of a bound that doubles with every attempt."""
    decision = after_failure(attempt, max_attempts=9, retryable=True, remaining_s=900, jitter=0.25)
    assert decision == WaitHere(0.25 * bound_s)


def test_the_bound_is_capped_and_a_long_wait_is_left_to_the_sweeper() -> None:
    """A wait that is not worth a running environment puts the request back, and none is over the cap."""
    decision = after_failure(30, max_attempts=99, retryable=True, remaining_s=900, jitter=0.999)
    assert isinstance(decision, TryLater)
    assert MAX_WAIT_IN_INVOCATION_S < decision.delay_s < CAP_S


def test_no_wait_that_the_invocation_would_not_survive() -> None:
    """When little time is left the request is put back, however short the wait."""
    decision = after_failure(2, max_attempts=9, retryable=True, remaining_s=2, jitter=0.9)
    assert decision == TryLater(0.9 * 2 * BASE_S)
