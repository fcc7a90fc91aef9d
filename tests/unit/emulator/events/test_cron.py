from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.errors import InvalidApplication
from emulator.events.cron import Cron


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def following(expression, start, count):
    """Return the next `count` due times after `start`, as texts."""
    cron, now, found = Cron.parse(expression), at(start).timestamp(), []
    for _ in range(count):
        now = cron.next_after(now)
        if now is None:
            break
        found.append(datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%d %H:%M"))
    return found


@pytest.mark.parametrize(
    ("expression", "start", "due"),
    [
        # From the table of examples in the EventBridge User Guide.
        ("cron(15 12 * * ? *)", "2024-02-28 12:15", ["2024-02-29 12:15", "2024-03-01 12:15"]),
        ("cron(0 18 ? * MON-FRI *)", "2024-03-01 00:00", ["2024-03-01 18:00", "2024-03-04 18:00"]),
        ("cron(0 8 1 * ? *)", "2024-01-31 23:59", ["2024-02-01 08:00", "2024-03-01 08:00"]),
        (
            "cron(0/10 * ? * MON-FRI *)",
            "2024-03-01 23:45",
            ["2024-03-01 23:50", "2024-03-04 00:00", "2024-03-04 00:10"],
        ),
        (
            "cron(0/5 8-17 ? * MON-FRI *)",
            "2024-03-01 17:50",
            ["2024-03-01 17:55", "2024-03-04 08:00", "2024-03-04 08:05"],
        ),
        (
            "cron(0 9 ? * 2#1 *)",
            "2024-01-01 09:00",
            ["2024-02-05 09:00", "2024-03-04 09:00", "2024-04-01 09:00"],
        ),
        (
            "cron(0/30 20-2 ? * MON-FRI *)",
            "2024-03-04 02:00",
            ["2024-03-04 02:30", "2024-03-04 20:00", "2024-03-04 20:30"],
        ),
        ("cron(1/10 * * * ? *)", "2024-01-01 00:45", ["2024-01-01 00:51", "2024-01-01 01:01"]),
        ("cron(0 0 3W * ? *)", "2024-02-01 00:00", ["2024-02-02 00:00", "2024-03-04 00:00"]),
        ("cron(0 0 ? * 3#2 *)", "2024-01-01 00:00", ["2024-01-09 00:00", "2024-02-13 00:00"]),
        ("cron(0 0 L * ? *)", "2023-02-01 00:00", ["2023-02-28 00:00", "2023-03-31 00:00"]),
        ("cron(15 10 ? * 6L 2022-2023)", "2023-11-01 00:00", ["2023-11-24 10:15", "2023-12-29 10:15"]),
    ],
)
@pytest.mark.row("SCHEDULE.cron")
def test_documented_expressions(expression, start, due):
    """Expressions of AWS's documentation are due when it says."""
    assert following(expression, start, len(due)) == due


@pytest.mark.parametrize(
    ("expression", "start", "due"),
    [
        ("cron(0 0 ? * L *)", "2024-01-01 00:00", ["2024-01-06 00:00", "2024-01-13 00:00"]),
        ("cron(0 0 ? * FRIL *)", "2024-01-01 00:00", ["2024-01-26 00:00", "2024-02-23 00:00"]),
        ("cron(0 0 ? * TUE#5 *)", "2024-01-01 00:00", ["2024-01-30 00:00", "2024-04-30 00:00"]),
        ("cron(0 0 LW * ? *)", "2024-03-01 00:00", ["2024-03-29 00:00", "2024-04-30 00:00"]),
        ("cron(0 0 L-3 * ? *)", "2024-01-29 00:00", ["2024-02-26 00:00", "2024-03-28 00:00"]),
        ("cron(0 0 1W * ? *)", "2024-05-15 00:00", ["2024-06-03 00:00", "2024-07-01 00:00"]),
        ("cron(0 0 31W * ? *)", "2024-03-01 00:00", ["2024-03-29 00:00", "2024-05-31 00:00"]),
        ("cron(0 0 31 * ? *)", "2024-01-31 00:00", ["2024-03-31 00:00", "2024-05-31 00:00"]),
        ("cron(0 0 29 2 ? *)", "2024-03-01 00:00", ["2028-02-29 00:00"]),
        ("cron(0 0 ? jan,Mar sun *)", "2024-01-28 00:00", ["2024-03-03 00:00"]),
        ("cron(0 0 ? * FRI-MON *)", "2024-01-04 00:00", ["2024-01-05 00:00", "2024-01-06 00:00"]),
        ("cron(5,35,10-12 3 1 1 ? *)", "2024-01-01 03:10", ["2024-01-01 03:11", "2024-01-01 03:12"]),
        ("cron(10-30/10 0 1 1 ? *)", "2024-01-01 00:10", ["2024-01-01 00:20", "2024-01-01 00:30"]),
        ("cron(0 0 1 1 ? 2030/50)", "2024-01-01 00:00", ["2030-01-01 00:00", "2080-01-01 00:00"]),
        ("cron(59 23 31 12 ? 2199)", "2024-01-01 00:00", ["2199-12-31 23:59"]),
        ("cron(0  0\t1 1 ? *)", "2023-01-01 00:00", ["2024-01-01 00:00"]),
    ],
)
@pytest.mark.row("SCHEDULE.cron")
def test_every_wildcard(expression, start, due):
    """Names, lists, ranges, steps, years, `L`, `W` and `#` mean what EventBridge's fields allow."""
    assert following(expression, start, len(due)) == due


def test_is_over_after_its_last_year():
    """An expression whose years have passed is due never again."""
    assert following("cron(0 0 1 1 ? 2025)", "2024-06-01 00:00", 2) == ["2025-01-01 00:00"]


def test_is_due_strictly_later():
    """The minute that has begun is over, also in its first and its last moment."""
    cron = Cron.parse("cron(* * * * ? *)")
    start = at("2024-01-01 00:00").timestamp()
    assert cron.next_after(start) == start + 60
    assert cron.next_after(start + 59.999) == start + 60
    assert cron.next_after(start - 0.001) == start


@pytest.mark.parametrize(
    "expression",
    [
        "cron(0 12 * * * *)",
        "cron(0 12 ? * ? *)",
        "cron(0 12 1 * 2 *)",
        "cron(0 12 * * ?)",
        "cron(0 12 * * ? * *)",
        "cron(60 * * * ? *)",
        "cron(* 24 * * ? *)",
        "cron(* * 0 * ? *)",
        "cron(* * 32 * ? *)",
        "cron(* * * 13 ? *)",
        "cron(* * ? * 0 *)",
        "cron(* * ? * 8 *)",
        "cron(* * * * ? 1969)",
        "cron(* * * * ? 2200)",
        "cron(* * * * ? 2030-2025)",
        "cron(? * * * ? *)",
        "cron(*/0 * * * ? *)",
        "cron(*/60 * * * ? *)",
        "cron(/5 * * * ? *)",
        "cron(1, * * * ? *)",
        "cron(* * * MAX ? *)",
        "cron(* * ? * 3#1,6#3 *)",
        "cron(* * ? * MON#6 *)",
        "cron(* * ? * 2/2 *)",
        "cron(* * ? * MON#0 *)",
        "cron(* * W * ? *)",
        "cron(* * 1W,15W * ? *)",
        "cron(* * L,1 * ? *)",
        "cron(* * L-31 * ? *)",
        "cron(* * 1L * ? *)",
        "cron(* * ? * 2W *)",
        "cron(L * * * ? *)",
        "cron(١ * * * ? *)",
        "cron(-1 * * * ? *)",
        "* * * * ? *",
        "cron(* * * * ? *",
        "",
    ],
)
@pytest.mark.row("SCHEDULE.refused")
def test_refuses_what_is_none(expression):
    """What EventBridge refuses is refused here, with an example of what is right."""
    with pytest.raises(InvalidApplication, match=r"write for example cron\(0 12 \* \* \? \*\)"):
        Cron.parse(expression)


def _field(least, most, *more):
    number = st.integers(least, most)
    return st.one_of(
        st.just("*"),
        number.map(str),
        st.lists(number, min_size=1, max_size=3).map(lambda found: ",".join(map(str, found))),
        st.tuples(number, number).map(lambda found: "{}-{}".format(*found)),
        st.tuples(number, st.integers(1, most)).map(lambda found: "{}/{}".format(*found)),
        *map(st.just, more),
    )


_expressions = st.one_of(
    st.builds(
        "cron({} {} {} {} ? *)".format,
        _field(0, 59),
        _field(0, 23),
        _field(1, 31, "L", "LW", "15W", "31W", "1W", "L-2"),
        _field(1, 12),
    ),
    st.builds(
        "cron({} {} ? {} {} *)".format,
        _field(0, 59),
        _field(0, 23),
        _field(1, 12),
        _field(1, 7, "L", "3L", "SUN#5", "MON#1").filter(lambda field: "/" not in field),
    ),
)


@settings(max_examples=60, deadline=None)
@given(expression=_expressions, start=st.integers(1_672_531_200, 1_893_456_000))
def test_the_next_time_is_the_first_that_fits(expression, start):
    """The next time fits every field, and no minute before it does, within two days."""
    cron = Cron.parse(expression)
    due = cron.next_after(start)
    minute = datetime.fromtimestamp(start, UTC).replace(second=0) + timedelta(minutes=1)
    horizon = minute + timedelta(days=2)
    first = next(
        (one for one in (minute + timedelta(minutes=n) for n in range(2 * 24 * 60)) if cron.matches(one)),
        None,
    )
    if first is not None:
        assert due == first.timestamp()
    else:
        assert due is None or due >= horizon.timestamp()
    if due is not None:
        assert cron.matches(datetime.fromtimestamp(due, UTC))
