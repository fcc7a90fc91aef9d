"""A report as a file says the same in both formats, and no digit is lost."""

import csv
import io
import json
from datetime import date
from decimal import Decimal

import pytest

from streamer.actions.reports.aggregation import Report
from streamer.actions.reports.reading import Row
from streamer.actions.reports.rendering import money, render, summary
from tests.unit.streamer.actions.reports.adding import aggregate


def report() -> Report:
    rows = [
        Row(2, date(2024, 1, 5), 'kü,"che', Decimal("10.10"), "EUR"),
        Row(3, date(2024, 2, 5), 'kü,"che', Decimal("0.125"), "EUR"),
        Row(4, date(2024, 2, 6), "rent", Decimal("-900"), "EUR"),
    ]
    return aggregate(rows, date(2024, 1, 1), date(2024, 12, 31), "monthly")


def test_csv_has_a_line_for_each_period_and_category_then_the_sums() -> None:
    """The file is read by any CSV reader; the last line is everything."""
    assert render(report(), "csv").decode() == (
        "period,category,count,total,mean\n"
        '2024-01,"kü,""che",1,10.10,10.10\n'
        '2024-02,"kü,""che",1,0.125,0.12\n'
        "2024-02,rent,1,-900.00,-900.00\n"
        '(all),"kü,""che",2,10.225,5.11\n'
        "(all),rent,1,-900.00,-900.00\n"
        "(all),(all),3,-889.775,-296.59\n"
    )


def test_json_says_the_same() -> None:
    """Both formats hold the same lines; amounts are text."""
    document = json.loads(render(report(), "json"))
    lines = [*document["lines"], *document["categories"], document["overall"]]
    table = csv.DictReader(io.StringIO(render(report(), "csv").decode(), newline=""))
    assert [{**line, "count": str(line["count"])} for line in lines] == list(table)
    assert {key: document[key] for key in ("report_type", "start_date", "end_date", "currency")} == {
        "report_type": "monthly",
        "start_date": "2024-01-01",
        "end_date": "2024-12-31",
        "currency": "EUR",
    }


def test_the_summary_is_small() -> None:
    """It names the overall figures and at most five categories, most rows first."""
    assert summary(report()) == {
        "count": 3,
        "total": "-889.775",
        "mean": "-296.59",
        "currency": "EUR",
        "periods": 2,
        "categories": 2,
        "top_categories": [
            {"category": 'kü,"che', "count": 2, "total": "10.225"},
            {"category": "rent", "count": 1, "total": "-900.00"},
        ],
    }
    rows = [Row(2, date(2024, 1, 1), "x" * 190 + str(n), Decimal(10**15 - 1), "EUR") for n in range(1000)]
    big = aggregate(rows, date(2024, 1, 1), date(2024, 1, 1), "annual")
    assert len(json.dumps(summary(big))) < 2000


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("0", "0.00"),
        ("-1.5", "-1.50"),
        ("0.125", "0.125"),
        ("123456789012345678901234567890.01", "123456789012345678901234567890.01"),
        ("1E+3", "1000.00"),
    ],
)
def test_money_keeps_its_digits(amount: str, text: str) -> None:
    """At least two decimals, never an exponent, nothing rounded."""
    assert money(Decimal(amount)) == text
