"""The ledger that ships is the same for everybody."""

import hashlib
from datetime import date

from streamer.actions.ledger import generate_ledger
from streamer.actions.reports.reading import read_rows
from streamer.actions.source_lines import split_lines


def test_the_ledger_is_the_same_bytes_everywhere() -> None:
    """Whatever the platform and the version of Python: the demo's figures can be quoted."""
    ledger = generate_ledger()
    assert len(ledger) == 2_524_461
    assert hashlib.sha256(ledger).hexdigest() == (
        "cd32de921e791d08dbe01dc0253bd5d187798212533a6d5254c2627caba23f14"
    )


def test_the_ledger_is_three_years_of_valid_rows_in_order() -> None:
    """Every row can be reported; dates rise from the first day to the last."""
    rows = list(read_rows(split_lines([generate_ledger()])))
    days = [row.day for row in rows]
    assert len(rows) == 50_000
    assert (days[0], days[-1]) == (date(2022, 1, 1), date(2024, 12, 31))
    assert days == sorted(days)
    assert len({row.category for row in rows}) == 8
    assert {row.currency for row in rows} == {"EUR"}


def test_another_seed_is_another_ledger_of_the_same_form() -> None:
    """Size and dates are arguments too."""
    one, other = (generate_ledger(seed, start=date(2020, 2, 1), years=1, rows=100) for seed in (1, 2))
    assert one != other
    rows = list(read_rows(split_lines([one])))
    assert (len(rows), rows[0].day, rows[-1].day) == (100, date(2020, 2, 1), date(2021, 1, 28))
