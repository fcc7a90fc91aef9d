import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.application import Schedule
from emulator.errors import InvalidApplication
from emulator.events.schedules import (
    MAX_INPUT_CHARS,
    check,
    is_local_only,
    next_due,
    payload,
    period_s,
    read,
    scheduled_event,
)


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
@pytest.mark.row("SCHEDULE.rate")
def test_reads_rates(expression, seconds):
    """A rate is a number and a unit, singular for 1 and plural for more."""
    assert period_s(expression) == seconds


@pytest.mark.parametrize(
    "expression",
    [
        "rate(1 minutes)",
        "rate(5 minute)",
        "rate(0 minutes)",
        f"rate({9:9<5000} days)",
        "rate(1.5 hours)",
        "rate(1 week)",
        "rate(01 minutes)",
        "rate(5  minutes)",
        "Rate(5 minutes)",
        "at(2024-01-01T00:00:00)",
        "1 minute",
        "",
    ],
)
@pytest.mark.row("SCHEDULE.rate", "SCHEDULE.refused")
def test_refuses_what_is_no_rate(expression):
    """What EventBridge refuses is refused here, with an example of what is right."""
    with pytest.raises(InvalidApplication, match=r"write rate\(1 minute\)"):
        period_s(expression)


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


@pytest.mark.parametrize(
    ("expression", "is_local"),
    [("rate(10 seconds)", True), ("rate(1 minute)", False), ("rate(1 day)", False)],
)
def test_tells_what_aws_would_refuse(expression, is_local):
    """A rate in seconds is an extension: the shortest of EventBridge is a minute."""
    assert is_local_only(expression) is is_local


@pytest.mark.parametrize(
    ("expression", "due"),
    [
        ("rate(1 hour)", 1_700_003_600),
        ("cron(0/15 * * * ? *)", 1_700_000_100),
        ("cron(0 10 * * ? *)", 1_700_042_400),
    ],
)
def test_reads_either_kind(expression, due):
    """A rate counts from when it was read, a cron expression follows the wall clock."""
    assert read(expression, now=1_700_000_000).next_after(1_700_000_000) == due


@pytest.mark.parametrize(
    "expression",
    ["cron(0 0 30 2 ? *)", "cron(0 0 31 4,6,9,11 ? *)", "cron(0 0 1 1 ? 2020)", "cron(0 0 29 2 ? 2025-2027)"],
    ids=["30 February", "31 in short months", "a year that is over", "29 February and no leap year"],
)
def test_refuses_what_is_never_due(expression):
    """An expression that will not fire any more is refused instead of waited for."""
    with pytest.raises(InvalidApplication, match="never due"):
        read(expression, now=1_700_000_000)


def test_its_own_input_replaces_the_event():
    """A schedule with an input sends that text as it is, one without sends the scheduled event."""
    own = Schedule("s", "rate(1 minute)", "f", input='{"a":  1}')
    assert payload(own, event_id="an-id", at=0) == b'{"a":  1}'
    plain = json.loads(payload(Schedule("s", "rate(1 minute)", "f"), event_id="an-id", at=0))
    assert plain == scheduled_event(name="s", event_id="an-id", at=0)


@pytest.mark.parametrize(
    ("schedules", "said"),
    [
        ([Schedule("s", "rate(1 minute)", "f", input="text")], "not JSON"),
        ([Schedule("s", "rate(1 minute)", "f", input='"' + "x" * MAX_INPUT_CHARS)], "longer"),
        ([Schedule("s", "rate(1 minute)", "f"), Schedule("s", "rate(1 hour)", "f")], "Two schedules"),
    ],
    ids=["no JSON", "too long", "same name"],
)
@pytest.mark.row("SCHEDULE.refused")
def test_refuses_schedules_that_eventbridge_refuses(schedules, said):
    """An input must be JSON of at most 8,192 characters, and a name stands for one schedule."""
    with pytest.raises(InvalidApplication, match=said):
        check(schedules)
