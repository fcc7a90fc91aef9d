"""Token buckets, and which of them a request meets (rows A16, A60, A61)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.application import Stage, Throttling
from emulator.clock import ManualClock
from emulator.gateway.throttling import AccountLimits, RouteLimits, Throttle, TokenBucket, take_all

TWO = AccountLimits(requests_per_s=1, request_burst=2, connections_per_s=1, connection_burst=2)


def count(admit, attempts=20_000):
    return sum(admit() for _ in range(attempts))


def test_the_accounts_limits_are_awss():
    """5,000 requests at once, then 10,000 a second."""
    clock = ManualClock()
    throttle = Throttle(clock)
    assert count(throttle.admit_request) == 5_000
    clock.advance(0.25)
    assert count(throttle.admit_request) == 2_500
    clock.advance(60)
    assert count(throttle.admit_request) == 5_000


def test_new_connections_have_a_limit_of_their_own():
    """500 at once, then 500 a second, whatever the requests are."""
    clock = ManualClock()
    throttle = Throttle(clock)
    assert count(throttle.admit_connection) == 500
    assert throttle.admit_request()
    clock.advance(0.1)
    assert count(throttle.admit_connection) == 50


def test_a_handshake_counts_as_a_request():
    """The account's bucket is shared by handshakes, messages and posts."""
    throttle = Throttle(ManualClock(), TWO)
    assert throttle.admit_connection()
    assert throttle.admit_request()
    assert not throttle.admit_request()
    assert not throttle.admit_connection()


def test_what_one_bucket_refuses_costs_no_other():
    """A throttled route does not use up the account, nor the account the route."""
    throttle, route = Throttle(ManualClock(), TWO), TokenBucket(1, 1)
    assert [throttle.admit_request(route) for _ in range(5)] == [True, False, False, False, False]
    assert throttle.admit_request()
    fresh = TokenBucket(1, 1)
    assert not throttle.admit_request(fresh)
    assert fresh.has_token(0)


@pytest.mark.parametrize(("rate", "burst"), [(0, 0), (5, 0)], ids=["nothing", "no burst"])
def test_no_burst_lets_nothing_through(rate, burst):
    """A bucket that holds no token never has one."""
    bucket = TokenBucket(rate, burst)
    assert not bucket.has_token(0)
    assert not bucket.has_token(1_000)


def test_a_routes_own_limit_goes_before_its_stages():
    """Each route of a stage has a bucket of its own, with its own settings or the stage's."""
    stages = [
        Stage("a", throttling=Throttling(1, 1), route_throttling={"own": Throttling(1, 3)}),
        Stage("b", route_throttling={"own": Throttling(1, 2)}),
        Stage("c"),
    ]
    limits = RouteLimits(stages, ["own", "other", "third"])
    bursts = {
        (stage.name, key): None if bucket is None else count(lambda b=bucket: take_all(0, b), 10)
        for stage in stages
        for key in ("own", "other", "third")
        for bucket in [limits.find(stage.name, key)]
    }
    assert bursts == {
        ("a", "own"): 3,
        ("a", "other"): 1,
        ("a", "third"): 1,
        ("b", "own"): 2,
        ("b", "other"): None,
        ("b", "third"): None,
        ("c", "own"): None,
        ("c", "other"): None,
        ("c", "third"): None,
    }


@given(
    st.floats(0, 100),
    st.integers(0, 50),
    st.lists(st.tuples(st.floats(0, 10), st.integers(0, 100)), max_size=20),
)
def test_no_more_than_burst_plus_rate_passes(rate, burst, steps):
    """Over any time a bucket lets through at most its burst and what the rate brought meanwhile."""
    bucket, now, passed = TokenBucket(rate, burst), 0.0, 0
    for seconds, attempts in steps:
        now += seconds
        passed += sum(take_all(now, bucket) for _ in range(attempts))
    assert passed <= burst + rate * now + 1e-6
