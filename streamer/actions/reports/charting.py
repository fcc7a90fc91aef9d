"""A report as a picture: what is where in it. Pure: `drawing` puts it on pixels."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from streamer.actions.reports.aggregation import Line, Report

MAX_SHOWN = 7
"""Categories with a colour of their own: those with the largest sums. The rest are one. Ours."""

OTHERS = "(others)"
"""The name of the rest."""

MOST_STEPS = 5
"""Steps of the scale that the amounts take at most. Ours."""


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a bar: what one category adds to one period.

    Attributes:
        period, category: their places in the chart.
        low, high: amounts between which it reaches.
    """

    period: int
    category: int
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Chart:
    """Stacked bars, one for each period: what is positive above the zero line, what is negative below.

    Attributes:
        title: what is shown.
        ticks: amounts of the scale, rising; zero is among them, and no bar leaves it.
        step: between them.
    """

    title: str
    periods: tuple[str, ...]
    categories: tuple[str, ...]
    blocks: tuple[Block, ...]
    ticks: tuple[Decimal, ...]
    step: Decimal


def chart_of(report: Report) -> Chart:
    """Return the chart of a report; of one without rows an empty one."""
    periods = tuple(dict.fromkeys(line.period for line in report.lines))
    shown = _shown(report.categories)
    hidden = {line.category for line in report.categories} - set(shown)
    categories = (*shown, OTHERS) if hidden else shown
    blocks = _stacked(report.lines, periods, categories)
    step, ticks = _scale(
        min((block.low for block in blocks), default=Decimal(0)),
        max((block.high for block in blocks), default=Decimal(0)),
    )
    currency = f" in {report.currency[:10]}" if report.currency else ""
    title = f"{report.report_type.capitalize()} totals by category{currency}, {report.start} to {report.end}"
    return Chart(title, periods, categories, tuple(blocks), ticks, step)


def _shown(categories: Sequence[Line]) -> tuple[str, ...]:
    most = len(categories) if len(categories) <= MAX_SHOWN + 1 else MAX_SHOWN
    largest = sorted(categories, key=lambda line: (-abs(line.total), line.category))[:most]
    return tuple(sorted(line.category for line in largest))


def _stacked(lines: Sequence[Line], periods: tuple[str, ...], categories: tuple[str, ...]) -> list[Block]:
    places = {name: place for place, name in enumerate(categories)}
    sums: dict[tuple[int, int], Decimal] = {}
    for line in lines:
        at = periods.index(line.period), places.get(line.category, len(categories) - 1)
        sums[at] = sums.get(at, Decimal(0)) + line.total
    blocks: list[Block] = []
    tops = [Decimal(0)] * len(periods)
    bottoms = [Decimal(0)] * len(periods)
    for (period, category), amount in sorted(sums.items()):
        if amount > 0:
            blocks.append(Block(period, category, tops[period], tops[period] + amount))
            tops[period] += amount
        elif amount < 0:
            blocks.append(Block(period, category, bottoms[period] + amount, bottoms[period]))
            bottoms[period] += amount
    return blocks


def _scale(low: Decimal, high: Decimal) -> tuple[Decimal, tuple[Decimal, ...]]:
    """Return a round step (1, 2 or 5 times a power of ten) and the ticks from below `low` to above `high`."""
    spread = high - low
    if spread == 0:
        return Decimal(1), (Decimal(0), Decimal(1))
    power = Decimal(1).scaleb((spread / MOST_STEPS).adjusted())
    step = next(power * factor for factor in (1, 2, 5, 10) if spread / (power * factor) <= MOST_STEPS)
    first = int((low / step).to_integral_value(ROUND_FLOOR))
    last = int((high / step).to_integral_value(ROUND_CEILING))
    return step, tuple(step * place for place in range(first, last + 1))
