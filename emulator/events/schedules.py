"""EventBridge schedule expressions, when they are due, and the events they send. Values only.

Source:
    EventBridge User Guide, "Rate expressions"; Lambda Developer Guide, "Using Lambda with EventBridge".
"""

import math
import re
from typing import Any

from emulator.account import ACCOUNT_ID, REGION
from emulator.clock import timestamp
from emulator.errors import InvalidApplication

_RATE = re.compile(r"rate\((?P<value>[1-9][0-9]*) (?P<unit>second|minute|hour|day)(?P<plural>s?)\)")
_UNIT_S = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}


def period_s(expression: str) -> int:
    """Return the seconds between two firings of `expression`.

    `rate(1 minute)`, `rate(5 minutes)`, likewise hours and days. Seconds are accepted as well, which
    EventBridge does not: for schedules of local use.

    Raises:
        InvalidApplication: it is no rate expression; `cron(...)` is not supported here.
    """
    found = _RATE.fullmatch(expression)
    if found is None and expression.startswith("cron("):
        raise InvalidApplication(
            f"The schedule {expression!r} is a cron expression, which the emulator cannot follow; declare a"
            " rate, for example rate(1 minute)."
        )
    if found is None or (int(found["value"]) == 1) == bool(found["plural"]):
        raise InvalidApplication(
            f"The schedule {expression!r} is not a rate expression; write rate(1 minute) or rate(5 minutes)."
        )
    return int(found["value"]) * _UNIT_S[found["unit"]]


def next_due(*, started: float, period_s: float, now: float) -> float:
    """Return when a schedule fires next: the first full period after `started` that is later than `now`.

    Whatever was missed while nobody looked is one firing, not many: a clock that jumps an hour, a laptop
    that slept.
    """
    return started + (math.floor((now - started) / period_s) + 1) * period_s


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
