"""A report adds up what it should: compared with the obvious way in exact fractions."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.actions.report_payload import ReportType
from streamer.actions.reports.aggregation import ALL, MAX_CATEGORIES, Aggregation
from streamer.actions.reports.periods import period_of
from streamer.actions.reports.reading import Row
from streamer.errors import ActionFailed
from tests.unit.streamer.actions.reports.adding import aggregate

DAYS = st.dates(date(2019, 1, 1), date(2025, 12, 31))
AMOUNTS = st.decimals(-(10**12), 10**12, places=2) | st.decimals(-10, 10, places=6)
ROWS = st.lists(
    st.builds(Row, st.just(1), DAYS, st.sampled_from(["a", "b", "c", ""]), AMOUNTS, st.just("EUR")),
    max_size=40,
)
TYPES = st.sampled_from(get_args(ReportType))


def row(day: str = "2024-01-01", category: str = "a", amount: str = "1", currency: str = "") -> Row:
    return Row(2, date.fromisoformat(day), category, Decimal(amount), currency)


def half_even_cents(value: Fraction) -> Fraction:
    return Fraction(round(value * 100), 100)  # Fraction rounds halves to even


@given(ROWS, DAYS, DAYS, TYPES)
def test_sums_counts_and_means_are_exact(
    rows: list[Row], one: date, other: date, report_type: ReportType
) -> None:
    """Every line, every category's line and the overall line equal the naive calculation."""
    start, end = sorted((one, other))
    cells: dict[tuple[str, str], list[Fraction]] = {}
    for entry in rows:
        if start <= entry.day <= end:
            name, amount = entry.category or "(none)", Fraction(entry.amount)
            for key in (
                (period_of(entry.day, report_type), name),
                (ALL, name),
                (ALL, ALL),
            ):
                cells.setdefault(key, []).append(amount)
    report = aggregate(rows, start, end, report_type)
    lines = [*report.lines, *report.categories, *([report.overall] if report.overall.count else [])]
    assert {
        (line.period, line.category): (line.count, Fraction(line.total), Fraction(line.mean))
        for line in lines
    } == {
        key: (len(found), sum(found), half_even_cents(sum(found) / len(found)))
        for key, found in cells.items()
    }
    keys = [(line.period, line.category) for line in report.lines]
    assert keys == sorted(set(keys))


@pytest.mark.parametrize(
    ("day", "names"),
    [
        ("2024-01-01", ("2024-01", "2024-Q1", "2024")),
        ("2024-03-31", ("2024-03", "2024-Q1", "2024")),
        ("2024-04-01", ("2024-04", "2024-Q2", "2024")),
        ("2024-12-31", ("2024-12", "2024-Q4", "2024")),
        ("0999-10-01", ("0999-10", "0999-Q4", "0999")),
    ],
)
def test_periods_are_named_as_people_name_them(day: str, names: tuple[str, str, str]) -> None:
    """Months, quarters and years, at their first and last days."""
    assert tuple(period_of(date.fromisoformat(day), kind) for kind in get_args(ReportType)) == names


@pytest.mark.parametrize(
    ("amounts", "mean"),
    [
        (["0.01", "0.02"], "0.02"),
        (["0.02", "0.03"], "0.02"),
        (["-0.01", "-0.02"], "-0.02"),
        (["1", "1", "0"], "0.67"),
        (["-0.001"], "0.00"),
    ],
)
def test_a_half_cent_goes_to_the_even_one(amounts: list[str], mean: str) -> None:
    """Means have two decimals, bankers' rounding and no negative zero."""
    report = aggregate(
        [row(amount=amount) for amount in amounts], date(2024, 1, 1), date(2024, 1, 1), "annual"
    )
    assert str(report.overall.mean) == mean


def test_first_and_last_day_count() -> None:
    """Both ends of the range are inside, their neighbours are not; every row counts as read."""
    aggregation = Aggregation(date(2024, 1, 10), date(2024, 1, 20), "monthly")
    for day in ("2024-01-09", "2024-01-10", "2024-01-20", "2024-01-21"):
        aggregation.add(row(day))
    assert (aggregation.rows_read, aggregation.rows_matched) == (4, 2)
    assert aggregation.report().overall.count == 2


def test_a_report_of_nothing_is_a_report() -> None:
    """No row in the range gives no lines and an overall line of zeros."""
    report = aggregate([row("2020-01-01")], date(2024, 1, 1), date(2024, 1, 31), "monthly")
    assert report.lines == report.categories == ()
    assert (report.overall.count, report.overall.total, str(report.overall.mean)) == (0, 0, "0.00")


def test_two_currencies_are_not_added() -> None:
    """A sum of euros and dollars would be wrong unseen; outside the range they don't matter."""
    range_ = date(2024, 1, 1), date(2024, 1, 31), "monthly"
    assert aggregate([row(currency="EUR"), row("2023-01-01", currency="USD")], *range_).currency == "EUR"
    with pytest.raises(ActionFailed, match=r"^Line 2 of the source is in USD after rows in EUR; .*\.$"):
        aggregate([row(currency="EUR"), row(currency="USD")], *range_)


def test_a_column_of_unique_texts_is_no_category() -> None:
    """The number of categories is bounded, and with it the memory."""
    aggregation = Aggregation(date(2024, 1, 1), date(2024, 1, 31), "monthly")
    for number in range(MAX_CATEGORIES):
        aggregation.add(row(category=str(number)))
    with pytest.raises(ActionFailed, match="begins category 1001; a report has 1000") as caught:
        aggregation.add(row(category="one more"))
    assert caught.value.code == "SOURCE_INVALID"
