"""Adds up a ledger's rows by period and category. Pure: values in, values out."""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal

from streamer.actions.report_payload import ReportType
from streamer.actions.reports.periods import period_of
from streamer.actions.reports.reading import Row
from streamer.actions.source_lines import invalid

MAX_CATEGORIES = 1000
"""Categories of one report. Ours: it bounds memory, and more of them are hardly categories."""

ALL = "(all)"
"""Stands for every period, or every category, in a line that adds them up."""

UNCATEGORIZED = "(none)"
"""The category of a row that names none."""

_CENT = Decimal("0.01")
_EXACT = Context(prec=60)


@dataclass(frozen=True, slots=True)
class Line:
    """What was added up for one period and category.

    Attributes:
        total: exact.
        mean: with two decimals, a half goes to the even one.
    """

    period: str
    category: str
    count: int
    total: Decimal
    mean: Decimal


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report.

    Attributes:
        currency: of every amount; empty where the source doesn't say.
        lines: one for each period and category that has rows, in this order.
        categories: one for each category over all periods.
        overall: everything; count 0 where no row is in the range.
    """

    report_type: ReportType
    start: date
    end: date
    currency: str
    lines: tuple[Line, ...]
    categories: tuple[Line, ...]
    overall: Line


class Aggregation:
    """Adds rows, in any order, of which those from `start` to `end` count."""

    def __init__(self, start: date, end: date, report_type: ReportType) -> None:
        self._start = start
        self._end = end
        self._type: ReportType = report_type
        self._cells: dict[tuple[str, str], _Tally] = {}
        self._periods: dict[date, str] = {}
        self._categories: set[str] = set()
        self._currency: str | None = None
        self.rows_read = 0
        self.rows_matched = 0

    def add(self, row: Row) -> None:
        """Count one row.

        Raises:
            ActionFailed: `SOURCE_INVALID`: a second currency, or too many categories.
        """
        self.rows_read += 1
        if not self._start <= row.day <= self._end:
            return
        self.rows_matched += 1
        period = self._periods.get(row.day)
        if period is None:
            period = self._periods[row.day] = period_of(row.day, self._type)
        if row.currency != self._currency:
            self._take_currency(row)
        category = row.category or UNCATEGORIZED
        cell = self._cells.get((period, category))
        if cell is None:
            cell = self._begin(period, category, row.line)
        cell.add(row.amount)

    def report(self) -> Report:
        """Return what has been added so far."""
        categories: dict[str, _Tally] = {}
        overall = _Tally()
        for (_, category), cell in self._cells.items():
            categories.setdefault(category, _Tally()).merge(cell)
            overall.merge(cell)
        return Report(
            report_type=self._type,
            start=self._start,
            end=self._end,
            currency=self._currency or "",
            lines=tuple(cell.line(*key) for key, cell in sorted(self._cells.items())),
            categories=tuple(cell.line(ALL, name) for name, cell in sorted(categories.items())),
            overall=overall.line(ALL, ALL),
        )

    def _take_currency(self, row: Row) -> None:
        if self._currency is not None:
            raise invalid(
                row.line,
                f"is in {row.currency[:10] or 'no currency'} after rows in "
                f"{self._currency[:10] or 'none'}; a report adds one currency",
            )
        self._currency = row.currency

    def _begin(self, period: str, category: str, line: int) -> "_Tally":
        self._categories.add(category)
        if len(self._categories) > MAX_CATEGORIES:
            raise invalid(line, f"begins category {MAX_CATEGORIES + 1}; a report has {MAX_CATEGORIES}")
        cell = self._cells[period, category] = _Tally()
        return cell


class _Tally:
    __slots__ = ("count", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = Decimal(0)

    def add(self, amount: Decimal) -> None:
        self.count += 1
        self.total = _EXACT.add(self.total, amount)

    def merge(self, other: "_Tally") -> None:
        self.count += other.count
        self.total = _EXACT.add(self.total, other.total)

    def line(self, period: str, category: str) -> Line:
        mean = _EXACT.divide(self.total, Decimal(max(self.count, 1)))
        mean = mean.quantize(_CENT, rounding=ROUND_HALF_EVEN, context=_EXACT)
        return Line(
            period=period,
            category=category,
            count=self.count,
            total=self.total,
            mean=_EXACT.plus(mean),  # no negative zero
        )
