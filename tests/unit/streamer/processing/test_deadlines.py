"""How an invocation's time is shared."""

import pytest

from streamer.processing.deadlines import CONTINUING_S, FINISHING_S, Deadlines, deadlines


@pytest.mark.parametrize(
    ("remaining_s", "timeout_s", "expected"),
    [
        (900.0, 840.0, Deadlines(60.0, 60.0 + CONTINUING_S)),
        (900.0, 900.0, Deadlines(FINISHING_S, FINISHING_S + CONTINUING_S)),
        (900.0, 10.0, Deadlines(890.0, 892.0)),
        (5.0, 840.0, Deadlines(1.0, 1.8)),
        (0.0, 840.0, Deadlines(0.0, 0.0)),
    ],
    ids=["usual", "longest", "short-action", "short-invocation", "no-time"],
)
def test_there_is_time_to_finish_and_to_continue(
    remaining_s: float, timeout_s: float, expected: Deadlines
) -> None:
    """Finishing has its seconds, or its share of a short invocation; continuing begins before."""
    shared = deadlines(remaining_s, timeout_s=timeout_s)
    assert (shared.stop_s, shared.continue_s) == pytest.approx((expected.stop_s, expected.continue_s))
