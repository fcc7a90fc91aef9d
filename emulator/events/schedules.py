"""EventBridge schedule expressions, when they are due, and the events they send. Values only.

Source:
    EventBridge User Guide, "Rate expressions" and "Cron expressions reference"; Lambda Developer Guide,
    "Using Lambda with EventBridge"; EventBridge API reference, `Target.Input`.
"""

import json
import math
import re
from collections.abc import Iterable
from typing import Any

from emulator.account import ACCOUNT_ID, REGION
from emulator.application import Schedule
from emulator.clock import timestamp
from emulator.errors import InvalidApplication
from emulator.events.cron import Cron

MAX_INPUT_CHARS = 8_192
"""Length of a target's `Input`. EventBridge API reference."""

_RATE = re.compile(r"rate\((?P<value>[1-9][0-9]{0,8}) (?P<unit>second|minute|hour|day)(?P<plural>s?)\)")
_UNIT_S = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}


def period_s(expression: str) -> int:
    """Return the seconds between two firings of the rate `expression`.

    `rate(1 minute)`, `rate(5 minutes)`, likewise hours and days. Seconds are accepted as well, which
    EventBridge refuses: an extension for schedules of local use (`is_local_only` tells).

    Raises:
        InvalidApplication: it is no rate expression.
    """
    found = _RATE.fullmatch(expression)
    if found is None or (int(found["value"]) == 1) == bool(found["plural"]):
        raise InvalidApplication(
            f"The schedule {expression!r} is not a rate expression; write rate(1 minute) or rate(5 minutes),"
            " or a cron expression such as cron(0 12 * * ? *)."
        )
    return int(found["value"]) * _UNIT_S[found["unit"]]


def is_local_only(expression: str) -> bool:
    """Tell whether AWS would refuse `expression`, which is followed here: a rate in seconds."""
    found = _RATE.fullmatch(expression)
    return found is not None and found["unit"] == "second"


class Rate:
    """A rate that is counted from when its schedule was started or enabled."""

    def __init__(self, expression: str, *, started: float) -> None:
        self._period_s = period_s(expression)
        self._started = started

    def next_after(self, now: float) -> float | None:
        """See `next_due`."""
        return next_due(started=self._started, period_s=self._period_s, now=now)


Expression = Rate | Cron
"""What tells when a schedule is due: `next_after(now)`, epoch seconds, None for never again."""


def read(expression: str, *, now: float) -> Expression:
    """Read the expression of a schedule that is started or enabled `now` (epoch seconds).

    Raises:
        InvalidApplication: it cannot be followed, or is never due: `cron(0 0 30 2 ? *)`.
    """
    if not expression.startswith("cron("):
        return Rate(expression, started=now)
    cron = Cron.parse(expression)
    if cron.next_after(now) is None:
        raise InvalidApplication(
            f"The schedule {expression!r} is never due; look at its day of month, its month and its year."
        )
    return cron


def next_due(*, started: float, period_s: float, now: float) -> float:
    """Return when a rate is due next: the first full period after `started` that is later than `now`.

    Whatever was missed while nobody looked is one firing, not many: a clock that jumps an hour, a laptop
    that slept.
    """
    return started + (math.floor((now - started) / period_s) + 1) * period_s


def check(schedules: Iterable[Schedule]) -> None:
    """See that EventBridge would take these schedules; their expressions are seen to by `read`.

    Raises:
        InvalidApplication: two have one name, or an input is no JSON or too long.
    """
    names: set[str] = set()
    for schedule in schedules:
        if schedule.name in names:
            raise InvalidApplication(f"Two schedules are called {schedule.name!r}; give each its own name.")
        names.add(schedule.name)
        if schedule.input is None:
            continue
        if len(schedule.input) > MAX_INPUT_CHARS:
            raise InvalidApplication(
                f"The input of schedule {schedule.name} is longer than {MAX_INPUT_CHARS} characters."
            )
        try:
            json.loads(schedule.input)
        except (ValueError, RecursionError):
            raise InvalidApplication(
                f"The input of schedule {schedule.name} is not JSON; a text needs its quotation marks."
            ) from None


def payload(schedule: Schedule, *, event_id: str, at: float) -> bytes:
    """Return what the function gets: the schedule's own input, or the scheduled event.

    Args:
        at: epoch seconds at which the schedule was due.
    """
    if schedule.input is not None:
        return schedule.input.encode()
    return json.dumps(scheduled_event(name=schedule.name, event_id=event_id, at=at)).encode()


def scheduled_event(*, name: str, event_id: str, at: float) -> dict[str, Any]:
    """Return the event that the rule called `name` sends.

    Args:
        at: epoch seconds.
    """
    return {
        "version": "0",
        "id": event_id,
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT_ID,
        "time": timestamp(at, timespec="seconds"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT_ID}:rule/{name}"],
        "detail": {},
    }
