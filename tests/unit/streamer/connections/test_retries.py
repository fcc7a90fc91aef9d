"""Whether a message is sent again, and when."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.connections.retries import Delivery, Reply, RetryPolicy, Wait, decide, retry_after_s

NOW = 1_700_000_000.0
POLICY = RetryPolicy(attempts=4, base_s=0.1, cap_s=2.0, budget_s=10.0)


def judge(reply: Reply, *, attempt: int = 1, elapsed_s: float = 0.0, jitter: float = 1.0) -> Delivery | Wait:
    return decide(reply, attempt=attempt, elapsed_s=elapsed_s, now=NOW, jitter=jitter, policy=POLICY)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(200, "delivered"), (204, "delivered"), (410, "gone"), (301, "failed"), (400, "failed"), (403, "failed"),
     (413, "failed")],
)  # fmt: skip
def test_final(status: int, verdict: str) -> None:
    """A success, a 410 and every other refusal are final at once."""
    assert judge(Reply(status)) == verdict


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, None])
def test_worth_another_try(status: int | None) -> None:
    """429, 5xx and no answer are tried again, four posts in all, with waits that double."""
    waits = [judge(Reply(status), attempt=attempt) for attempt in (1, 2, 3, 4)]
    assert waits == [Wait(0.1), Wait(0.2), Wait(0.4), Delivery.FAILED]


def test_retry_after_is_obeyed() -> None:
    """Where the service names a time the wait is never shorter; after the last attempt there is none."""
    reply = Reply(429, retry_after="3")
    assert judge(reply, jitter=0.0) == Wait(3.0)
    assert judge(reply, jitter=1.0) == Wait(3.1)
    assert judge(reply, attempt=4) is Delivery.FAILED


def test_budget() -> None:
    """No wait ends after the budget: a Retry-After beyond it is a failure at once."""
    assert judge(Reply(429, retry_after="11")) is Delivery.FAILED
    assert judge(Reply(500), elapsed_s=9.95) is Delivery.FAILED
    assert judge(Reply(500), elapsed_s=9.85) == Wait(0.1)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, None), ("", None), ("0", 0.0), (" 2 ", 2.0), ("9" * 5000, 1e9), ("-1", None), ("1.5", None),
     ("inf", None), ("soon", None), ("²", None), ("Tue, 14 Nov 2023 22:13:25 GMT", 5.0),
     ("Tue, 14 Nov 2023 22:13:15 GMT", 0.0), ("Tue, 14 Nov 2023 22:13:25 -0000", 5.0)],
)  # fmt: skip
def test_retry_after_forms(header: str | None, seconds: float | None) -> None:
    """`Retry-After` is a number of seconds or an HTTP date; anything else asks for nothing."""
    assert retry_after_s(header, NOW) == seconds


@given(
    status=st.none() | st.integers(100, 599),
    header=st.none() | st.text(max_size=40) | st.integers(0, 100).map(str),
    attempt=st.integers(1, 10),
    elapsed_s=st.floats(0, 100),
    jitter=st.floats(0, 1, exclude_max=True),
)
def test_never_beyond_attempts_and_budget(
    status: int | None, header: str | None, attempt: int, elapsed_s: float, jitter: float
) -> None:
    """Whatever is answered: a wait is never negative, never after the last attempt, never past the budget."""
    verdict = judge(Reply(status, retry_after=header), attempt=attempt, elapsed_s=elapsed_s, jitter=jitter)
    if isinstance(verdict, Wait):
        assert attempt < POLICY.attempts
        assert 0 <= verdict.seconds <= POLICY.budget_s - elapsed_s
