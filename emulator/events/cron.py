"""EventBridge's cron expressions: what they mean, and when they are due next. Values only.

Source:
    EventBridge User Guide, "Cron expressions reference". What it leaves open is as in Quartz, whose dialect
    it is: `LW`, `L-3`, names in any case, ranges over the end (`FRI-MON`), a month without the day is left
    out, `L` alone in the day of week is Saturday; `L`, `W` and `#` stand alone in their field.
"""

import calendar
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from emulator.errors import InvalidApplication

Days = Callable[[int, int], frozenset[int]]
"""Returns the days of a month on which something is due: year, month -> days."""

LAST_YEAR = 2199
"""The last year that a cron expression can name. EventBridge User Guide."""

_WEEKDAYS = {name: number for number, name in enumerate(("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"), 1)}
_MONTHS = {name.upper(): number for number, name in enumerate(calendar.month_abbr) if number}
_SATURDAY = 7
_WORKING_DAYS = range(2, 7)


@dataclass(frozen=True, slots=True)
class _Field:
    """What a field may hold.

    Attributes:
        wraps: whether a range may go over the end, as in `FRI-MON`.
    """

    name: str
    least: int
    most: int
    names: Mapping[str, int]
    wraps: bool = True

    def values(self, text: str) -> frozenset[int]:
        """Read `*`, numbers, names, ranges and steps, and lists of them. Raises ValueError."""
        return frozenset(value for part in text.split(",") for value in self._part(part))

    def number(self, text: str) -> int:
        """Read one number or name. Raises ValueError."""
        number = self.names.get(text)
        if number is None:
            number = _digits(text)
        if not self.least <= number <= self.most:
            raise ValueError(f"the {self.name} {text} is not from {self.least} to {self.most}")
        return number

    def _part(self, part: str) -> Iterator[int]:
        span, slash, step_text = part.partition("/")
        step = _digits(step_text) if slash else 1
        if not 1 <= step <= self.most:
            raise ValueError(f"the {self.name} has the step {step_text}, which is not from 1 to {self.most}")
        if span == "*":
            first, last = self.least, self.most
        else:
            from_text, dash, to_text = span.partition("-")
            first = self.number(from_text)
            last = self.number(to_text) if dash else (self.most if slash else first)
        if last < first:
            if not self.wraps:
                raise ValueError(f"the {self.name} {span} ends before it begins")
            last += self.most - self.least + 1
        size = self.most - self.least + 1
        return (self.least + (value - self.least) % size for value in range(first, last + 1, step))


_MINUTE = _Field("minute", 0, 59, {})
_HOUR = _Field("hour", 0, 23, {})
_DAY_OF_MONTH = _Field("day of month", 1, 31, {})
_MONTH = _Field("month", 1, 12, _MONTHS)
_DAY_OF_WEEK = _Field("day of week", 1, 7, _WEEKDAYS)
_YEAR = _Field("year", 1970, LAST_YEAR, {}, wraps=False)


@dataclass(frozen=True, slots=True)
class Cron:
    """A cron expression that was read.

    Attributes:
        days: the days of a month that either day field allows.
    """

    expression: str
    minutes: frozenset[int]
    hours: frozenset[int]
    months: frozenset[int]
    years: frozenset[int]
    days: Days

    @classmethod
    def parse(cls, expression: str) -> "Cron":
        """Read `cron(minute hour day-of-month month day-of-week year)`.

        Raises:
            InvalidApplication: it is none, or none that EventBridge accepts.
        """
        try:
            return cls._parse(expression)
        except ValueError as error:
            raise InvalidApplication(
                f"The schedule {expression!r} is not a cron expression of EventBridge: {error}; write for"
                " example cron(0 12 * * ? *), minute, hour, day of month, month, day of week, year."
            ) from None

    @classmethod
    def _parse(cls, expression: str) -> "Cron":
        if not (expression.startswith("cron(") and expression.endswith(")")):
            raise ValueError("it has not the form cron(...)")
        fields = expression[len("cron(") : -1].upper().split()
        if len(fields) != 6:
            raise ValueError(f"it has {len(fields)} fields and not 6")
        minute, hour, day_of_month, month, day_of_week, year = fields
        if (day_of_month == "?") is (day_of_week == "?"):
            raise ValueError("exactly one of day of month and day of week must be ?")
        return cls(
            expression,
            minutes=_MINUTE.values(minute),
            hours=_HOUR.values(hour),
            months=_MONTH.values(month),
            years=_YEAR.values(year),
            days=_days_of_week(day_of_week) if day_of_month == "?" else _days_of_month(day_of_month),
        )

    def next_after(self, now: float) -> float | None:
        """Return when the expression is due next, strictly later than `now`; None: never again.

        Args:
            now: epoch seconds; so is the result, a full minute in UTC.
        """
        # The first minute that counts is the one after the minute in which `now` lies.
        start = datetime.fromtimestamp(now, UTC).replace(second=0, microsecond=0) + timedelta(minutes=1)
        for year in sorted(year for year in self.years if year >= start.year):
            for month in sorted(self.months):
                if (year, month) < (start.year, start.month):
                    continue
                if (due := self._first_in(year, month, start)) is not None:
                    return due.timestamp()
        return None

    def matches(self, at: datetime) -> bool:
        """Tell whether the minute `at` (UTC) fits every field."""
        return (
            at.minute in self.minutes
            and at.hour in self.hours
            and at.month in self.months
            and at.year in self.years
            and at.day in self.days(at.year, at.month)
        )

    def _first_in(self, year: int, month: int, start: datetime) -> datetime | None:
        """Return the first due minute of a month that is not before `start`."""
        for day in sorted(self.days(year, month)):
            if (year, month, day) < (start.year, start.month, start.day):
                continue
            for hour in sorted(self.hours):
                if datetime(year, month, day, hour, 59, tzinfo=UTC) < start:
                    continue
                for minute in sorted(self.minutes):
                    due = datetime(year, month, day, hour, minute, tzinfo=UTC)
                    if due >= start:
                        return due
        return None


def _days_of_month(text: str) -> Days:
    if text == "L":
        return lambda year, month: frozenset({_length(year, month)})
    if text == "LW":
        return lambda year, month: frozenset({_working_day(year, month, _length(year, month))})
    if text.startswith("L-"):
        before = _digits(text[2:])
        if not 1 <= before <= 30:
            raise ValueError(f"the day of month {text} is not from L-1 to L-30")
        return lambda year, month: frozenset(range(_length(year, month) - before, 0, -31))
    if text.endswith("W"):
        day = _DAY_OF_MONTH.number(text[:-1])
        return lambda year, month: (
            frozenset({_working_day(year, month, day)}) if day <= _length(year, month) else frozenset()
        )
    days = _DAY_OF_MONTH.values(text)
    return lambda year, month: frozenset(day for day in days if day <= _length(year, month))


def _days_of_week(text: str) -> Days:
    if "#" in text:
        name, _, place = text.partition("#")
        weekday, nth = _DAY_OF_WEEK.number(name), _digits(place)
        if not 1 <= nth <= 5:
            raise ValueError(f"the day of week {text} is not from #1 to #5")
        return lambda year, month: frozenset(_each(year, month, {weekday})[nth - 1 : nth])
    if text.endswith("L") and text != "L":
        weekday = _DAY_OF_WEEK.number(text[:-1])
        return lambda year, month: frozenset(_each(year, month, {weekday})[-1:])
    if "/" in text:
        raise ValueError(f"the day of week {text} has a step, which only the other fields may have")
    weekdays = frozenset({_SATURDAY}) if text == "L" else _DAY_OF_WEEK.values(text)
    return lambda year, month: frozenset(_each(year, month, weekdays))


def _each(year: int, month: int, weekdays: frozenset[int] | set[int]) -> list[int]:
    """Return the days of a month that fall on `weekdays` (1 is Sunday), in order."""
    return [day for day in range(1, _length(year, month) + 1) if _weekday(year, month, day) in weekdays]


def _working_day(year: int, month: int, day: int) -> int:
    """Return the working day that is nearest to `day` and in the same month."""
    near = (day, day - 1, day + 1, day + 2, day - 2)
    return next(
        one
        for one in near
        if 1 <= one <= _length(year, month) and _weekday(year, month, one) in _WORKING_DAYS
    )


def _weekday(year: int, month: int, day: int) -> int:
    """Return EventBridge's number of a weekday: 1 is Sunday."""
    return (calendar.weekday(year, month, day) + 1) % 7 + 1


def _length(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def _digits(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{text!r} is not understood")
    return int(text)
