"""Reports of rows that a test has at hand."""

from collections.abc import Iterable
from datetime import date

from streamer.actions.report_payload import ReportType
from streamer.actions.reports.aggregation import Aggregation, Report
from streamer.actions.reports.reading import Row


def aggregate(rows: Iterable[Row], start: date, end: date, report_type: ReportType) -> Report:
    """Return the report of these rows."""
    aggregation = Aggregation(start, end, report_type)
    for row in rows:
        aggregation.add(row)
    return aggregation.report()
