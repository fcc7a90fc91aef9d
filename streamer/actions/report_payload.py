"""Which report a client asks for. Cheap to import: the router reads it too."""

from datetime import date
from typing import Literal

from streamer.actions.objects import check_source_name
from streamer.actions.payloads import Payload

ReportType = Literal["monthly", "quarterly", "annual"]
"""By which periods a report adds up."""

Format = Literal["csv", "json"]
"""What a report is written as."""

MAX_YEARS = 10
"""Years that one report may span. Ours: it bounds the number of its rows."""


class ReportPayload(Payload, frozen=True, kw_only=True):
    """Which report.

    Attributes:
        start_date, end_date: the first and the last day, both counted.
        source: a CSV file with the columns `date` (YYYY-MM-DD), `category` and `amount`; looked for
            among the tenant's sources, then among the shared ones.
        include_chart: whether a picture of the totals is made, too.
    """

    start_date: date
    end_date: date
    report_type: ReportType = "monthly"
    format: Format = "csv"
    source: str = "ledger.csv"
    include_chart: bool = False

    def __post_init__(self) -> None:
        if self.end_date < self.start_date:
            raise ValueError(f"end_date {self.end_date} is before start_date {self.start_date}")
        first, last = self.start_date, self.end_date
        if (last.year - MAX_YEARS, last.month, last.day) >= (first.year, first.month, first.day):
            raise ValueError(f"{first} to {last} is over {MAX_YEARS} years; ask for several reports")
        check_source_name(self.source)
