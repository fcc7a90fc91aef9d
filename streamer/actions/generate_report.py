"""`generate_report`: totals and means of a ledger by period and category, as a file."""

from datetime import date
from typing import Any, Literal

from streamer.actions.context import ActionContext
from streamer.actions.declaration import action
from streamer.actions.objects import check_source_name
from streamer.actions.payloads import Payload

MAX_YEARS = 10
"""Years that one report may span. Ours: it bounds the number of its rows."""


class ReportPayload(Payload, frozen=True, kw_only=True):
    """Which report.

    Attributes:
        start_date, end_date: the first and the last day, both counted.
        source: a CSV file with the columns `date` (YYYY-MM-DD), `category` and `amount`; looked for
            among the tenant's sources, then among the shared ones.
    """

    start_date: date
    end_date: date
    report_type: Literal["monthly", "quarterly", "annual"] = "monthly"
    format: Literal["csv", "json"] = "csv"
    source: str = "ledger.csv"

    def __post_init__(self) -> None:
        if self.end_date < self.start_date:
            raise ValueError(f"end_date {self.end_date} is before start_date {self.start_date}")
        first, last = self.start_date, self.end_date
        if (last.year - MAX_YEARS, last.month, last.day) >= (first.year, first.month, first.day):
            raise ValueError(f"{first} to {last} is over {MAX_YEARS} years; ask for several reports")
        check_source_name(self.source)


@action("generate_report", payload=ReportPayload, estimated_duration_s=120.0)
def generate_report(payload: ReportPayload, context: ActionContext) -> dict[str, Any]:
    """Read the source row by row and write the report among the user's objects.

    A repeated attempt writes the same report to the same place. Memory does not grow with the source.

    Raises:
        ActionFailed: `SOURCE_NOT_FOUND`; `SOURCE_INVALID` with the line; `TIMEOUT` where the source is
            too long for one run.
        ServiceUnavailable: S3 doesn't answer.

    Shape:
        `{"report": Link, "format", "report_type", "start_date", "end_date", "source", "rows_read",
        "rows_matched", "size_bytes", "summary": {…}}`; the summary is `reports.rendering.summary`.
    """
    from streamer.actions.reports.generating import generate  # the router needs only the declaration

    return generate(payload, context)
