"""The periods of a report. Pure."""

from datetime import date

from streamer.actions.report_payload import ReportType


def period_of(day: date, report_type: ReportType) -> str:
    """Name the period that a day is in: `2024-01`, `2024-Q1` or `2024`. Names sort as the periods do."""
    match report_type:
        case "monthly":
            return f"{day.year:04d}-{day.month:02d}"
        case "quarterly":
            return f"{day.year:04d}-Q{(day.month + 2) // 3}"
        case "annual":
            return f"{day.year:04d}"
