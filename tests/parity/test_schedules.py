"""Rows SCHEDULE.*: when a schedule invokes its function, and with what."""

import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest

UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def time_of(event: Any) -> datetime:
    return datetime.fromisoformat(event["time"])


@pytest.mark.row("SCHEDULE.rate")
async def test_rate_fires_once_a_period(parity: Any, sandbox: Any) -> None:
    """A rate of five minutes fires at times that are five minutes apart."""
    events = []
    for _ in range(3):
        await parity.advance(300)
        events.append(await parity.function("on-rate").event())
    # What fired when the test before advanced the clock may be the first of them.
    assert time_of(events[2]) - time_of(events[1]) == timedelta(minutes=5)


@pytest.mark.row("SCHEDULE.cron", "SCHEDULE.event")
async def test_cron_fires_at_its_minute_with_awss_event(parity: Any, sandbox: Any) -> None:
    """Noon is noon in UTC; the event is equal to EventBridge's, order of members included."""
    now = datetime.fromisoformat((await sandbox.clock())["now"])
    noon = now.replace(hour=12, minute=0, second=0, microsecond=0)
    if noon <= now:
        noon += timedelta(days=1)
    await parity.advance((noon - now).total_seconds())
    event = await parity.function("on-cron").event(lambda event: time_of(event) > now)
    assert re.fullmatch(UUID, event["id"])
    expected = {
        "version": "0",
        "id": event["id"],
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": "000000000000",
        "time": f"{noon:%Y-%m-%dT12:00:00Z}",
        "region": "us-east-1",
        "resources": ["arn:aws:events:us-east-1:000000000000:rule/at-noon"],
        "detail": {},
    }
    assert json.dumps(event) == json.dumps(expected)


@pytest.mark.row("SCHEDULE.input", "SCHEDULE.asynchronous")
async def test_event_that_fails_is_retried(parity: Any, sandbox: Any) -> None:
    """The function gets the schedule's own input; it is invoked asynchronously, so a failure comes again."""
    function = parity.function("on-paused-rate").raises("no", once=True)
    await sandbox.fire_schedule("paused")
    first = await function.invocation()
    assert first.event == {"of": "its own"}
    second = await parity.retried(function)
    assert (second.event, second.context["aws_request_id"]) == (first.event, first.context["aws_request_id"])


@pytest.mark.row("SCHEDULE.disabled")
async def test_disabled_schedule_does_not_fire(parity: Any, sandbox: Any) -> None:
    """While another schedule of the same rate fires it does not; enabled, it does after one period."""
    await parity.advance(600)
    await parity.function("on-rate").event()
    assert parity.function("on-paused-rate").count == 0
    await sandbox.enable_schedule("paused")
    try:
        await parity.advance(300)
        assert await parity.function("on-paused-rate").event() == {"of": "its own"}
    finally:
        await sandbox.enable_schedule("paused", enabled=False)
