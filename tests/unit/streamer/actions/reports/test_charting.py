"""A report as a picture: what is stacked where, and that it gets onto the pixels."""

import io
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from streamer.actions.reports.aggregation import Report
from streamer.actions.reports.charting import OTHERS, Block, chart_of
from streamer.actions.reports.drawing import HEIGHT, WIDTH, draw
from streamer.actions.reports.reading import Row
from tests.unit.streamer.actions.reports.adding import aggregate


def report(*rows: tuple[int, str, str]) -> Report:
    """Return the monthly report of rows of (month, category, amount)."""
    return aggregate(
        [Row(2, date(2024, month, 5), name, Decimal(amount), "EUR") for month, name, amount in rows],
        date(2024, 1, 1),
        date(2024, 12, 31),
        "monthly",
    )


def test_what_is_positive_is_stacked_above_zero_and_the_rest_below() -> None:
    """Income and costs of a month do not hide each other."""
    chart = chart_of(report((1, "a", "10"), (1, "b", "5"), (1, "c", "-3"), (2, "b", "-1"), (2, "c", "-2")))
    assert chart.periods == ("2024-01", "2024-02")
    assert chart.categories == ("a", "b", "c")
    assert chart.blocks == (
        Block(0, 0, Decimal(0), Decimal(10)),
        Block(0, 1, Decimal(10), Decimal(15)),
        Block(0, 2, Decimal(-3), Decimal(0)),
        Block(1, 1, Decimal(-1), Decimal(0)),
        Block(1, 2, Decimal(-3), Decimal(-1)),
    )


def test_the_title_says_what_is_shown() -> None:
    """Kind, currency and range."""
    chart = chart_of(report((1, "a", "10")))
    assert chart.title == "Monthly totals by category in EUR, 2024-01-01 to 2024-12-31"


@pytest.mark.parametrize(("count", "shown"), [(8, 8), (9, 8), (30, 8)])
def test_many_categories_are_seven_and_the_rest(count: int, shown: int) -> None:
    """The largest keep their names; eight fit as they are."""
    chart = chart_of(report(*((1, f"c{number:02d}", str(number + 1)) for number in range(count))))
    assert len(chart.categories) == shown
    assert (OTHERS in chart.categories) is (count > 8)
    assert f"c{count - 1:02d}" in chart.categories
    assert sum(block.high - block.low for block in chart.blocks) == sum(range(1, count + 1))


@given(st.lists(st.decimals(-(10**12), 10**12, places=2, allow_nan=False), min_size=1, max_size=8))
def test_the_scale_is_round_and_no_bar_leaves_it(amounts: list[Decimal]) -> None:
    """A few ticks, zero among them, each a step from the next."""
    chart = chart_of(report(*((month % 12 + 1, "a", str(amount)) for month, amount in enumerate(amounts))))
    assert Decimal(0) in chart.ticks
    assert 2 <= len(chart.ticks) <= 8
    assert {after - before for before, after in zip(chart.ticks, chart.ticks[1:], strict=False)} == {
        chart.step
    }
    assert all(chart.ticks[0] <= block.low and block.high <= chart.ticks[-1] for block in chart.blocks)
    assert str(chart.step.normalize().as_tuple().digits[0]) in "125"


def test_the_picture_has_the_blocks_in_their_colours() -> None:
    """The first category is blue and above, the second orange and below, and the rest is paper."""
    picture = Image.open(io.BytesIO(draw(chart_of(report((1, "a", "10"), (1, "b", "-10"))))))
    assert (picture.format, picture.size) == ("PNG", (WIDTH, HEIGHT))
    assert picture.getpixel((430, 180)) == (0x00, 0x72, 0xB2)
    assert picture.getpixel((430, 350)) == (0xE6, 0x9F, 0x00)
    assert picture.getpixel((110, 165)) == (255, 255, 255)


def test_the_same_report_gives_the_same_picture() -> None:
    """A repeated attempt replaces its chart with the same bytes."""
    chart = chart_of(report((1, "a", "10"), (2, "b", "-0.5")))
    assert draw(chart) == draw(chart)


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [(1, "a", "0")],
        [(1, "漢字 " * 30, "0.001")],
        [(month, f"c{number}", "1e12") for month in range(1, 13) for number in range(20)],
    ],
    ids=["no-rows", "zero", "long-name", "full"],
)
def test_any_report_can_be_drawn(rows: list[tuple[int, str, str]]) -> None:
    """Nothing to show is a picture, too."""
    assert draw(chart_of(report(*rows))).startswith(b"\x89PNG")
