import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.errors import InvalidApplication
from emulator.events.schedules import next_due, period_s, scheduled_event


@pytest.mark.parametrize(
    ("expression", "seconds"),
    [
        ("rate(1 minute)", 60),
        ("rate(5 minutes)", 300),
        ("rate(1 hour)", 3_600),
        ("rate(2 days)", 172_800),
        ("rate(1 second)", 1),
        ("rate(10 seconds)", 10),
    ],
)
def test_reads_rates(expression, seconds):
    """A rate is a number and a unit, singular for 1 and plural for more."""
    assert period_s(expression) == seconds


@pytest.mark.parametrize(
    "expression",
    [
        "rate(1 minutes)",
        "rate(5 minute)",
        "rate(0 minutes)",
        "rate(1.5 hours)",
        "rate(1 week)",
        "1 minute",
        "",
    ],
)
def test_refuses_what_is_no_rate(expression):
    """What EventBridge refuses is refused here, with an example of what is right."""
    with pytest.raises(InvalidApplication, match=r"write rate\(1 minute\)"):
        period_s(expression)


def test_refuses_cron_and_says_so():
    """A cron expression is valid on AWS; that it cannot be followed is said instead of ignored."""
    with pytest.raises(InvalidApplication, match="cron"):
        period_s("cron(0 12 * * ? *)")


@pytest.mark.parametrize(
    ("now", "due"),
    [(100, 160), (159, 160), (160, 220), (400, 460)],
    ids=["at the start", "before", "when it fires", "after a jump"],
)
def test_is_due_on_the_grid_of_its_period(now, due):
    """A schedule fires a whole number of periods after its start; what a jump skipped is skipped."""
    assert next_due(started=100, period_s=60, now=now) == due


@given(now=st.floats(0, 1e9), period=st.integers(1, 86_400))
def test_is_always_due_later(now, period):
    """The next time is always in the future, so that nothing fires twice at once."""
    assert now < next_due(started=0.0, period_s=period, now=now) <= now + period + 1e-6


def test_the_event_is_eventbridges():
    """The event of a schedule has EventBridge's keys in its order."""
    event = scheduled_event(name="sweep", event_id="an-id", at=1444409586.9)
    assert json.dumps(event) == json.dumps(
        {
            "version": "0",
            "id": "an-id",
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": "000000000000",
            "time": "2015-10-09T16:53:06Z",
            "region": "us-east-1",
            "resources": ["arn:aws:events:us-east-1:000000000000:rule/sweep"],
            "detail": {},
        }
    )
