"""A report as bytes, and as the few figures that go into a message. Pure."""

import csv
import io
import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from streamer.actions.report_payload import Format
from streamer.actions.reports.aggregation import Line, Report

CONTENT_TYPES: dict[Format, str] = {"csv": "text/csv; charset=utf-8", "json": "application/json"}

TOP_CATEGORIES = 5
"""Categories in a summary: those with the most rows. Ours."""


def money(amount: Decimal) -> str:
    """Write an amount with at least two decimals, and no digit less than it has: `1234.50`, `0.125`."""
    places = max(2, -int(amount.as_tuple().exponent))
    return f"{amount:.{places}f}"


def render(report: Report, file_format: Format) -> bytes:
    """Write the report as a file in UTF-8.

    Shape:
        CSV: `period,category,count,total,mean`; after the lines of each period one for each category
        over `(all)` periods, and one for `(all)` of both.
        JSON: `{"report_type", "start_date", "end_date", "currency", "lines": [line], "categories":
        [line], "overall": line}`, where a line is `{"period", "category", "count", "total", "mean"}` and
        amounts are text, so that no reader makes binary fractions of them.
    """
    if file_format == "json":
        return json.dumps(_as_object(report), indent=2, ensure_ascii=False).encode() + b"\n"
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("period", "category", "count", "total", "mean"))
    writer.writerows(_as_objects_values((*report.lines, *report.categories, report.overall)))
    return file.getvalue().encode()


def summary(report: Report) -> dict[str, Any]:
    """Return the report in a few figures, small whatever the source holds.

    Shape:
        `{"count": int, "total": str, "mean": str, "currency": str, "periods": int, "categories": int,
        "top_categories": [{"category": str, "count": int, "total": str}]}`
    """
    top = sorted(report.categories, key=lambda line: (-line.count, line.category))[:TOP_CATEGORIES]
    return {
        "count": report.overall.count,
        "total": money(report.overall.total),
        "mean": money(report.overall.mean),
        "currency": report.currency[:10],
        "periods": len({line.period for line in report.lines}),
        "categories": len(report.categories),
        "top_categories": [
            {"category": line.category, "count": line.count, "total": money(line.total)} for line in top
        ],
    }


def _as_object(report: Report) -> dict[str, Any]:
    return {
        "report_type": report.report_type,
        "start_date": report.start.isoformat(),
        "end_date": report.end.isoformat(),
        "currency": report.currency,
        "lines": [_as_line(line) for line in report.lines],
        "categories": [_as_line(line) for line in report.categories],
        "overall": _as_line(report.overall),
    }


def _as_line(line: Line) -> dict[str, Any]:
    return {
        "period": line.period,
        "category": line.category,
        "count": line.count,
        "total": money(line.total),
        "mean": money(line.mean),
    }


def _as_objects_values(lines: Iterable[Line]) -> Iterable[Iterable[Any]]:
    return (_as_line(line).values() for line in lines)
