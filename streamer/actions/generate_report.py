"""`generate_report`: totals and means of a ledger by period and category, as a file and a chart."""

from typing import Any

from streamer.actions.context import ActionContext
from streamer.actions.declaration import action
from streamer.actions.report_payload import ReportPayload


@action("generate_report", payload=ReportPayload, estimated_duration_s=120.0)
def generate_report(payload: ReportPayload, context: ActionContext) -> dict[str, Any]:
    """Read the source row by row and write the report among the user's objects.

    Each run writes files of its own. Memory does not grow with the source.

    Raises:
        ActionFailed: `SOURCE_NOT_FOUND`; `SOURCE_INVALID` with the line; `TIMEOUT` where the source is
            too long for one run.
        ServiceUnavailable: S3 doesn't answer.

    Shape:
        `{"report": Link, "chart"?: Link, "format", "report_type", "start_date", "end_date", "source",
        "rows_read", "rows_matched", "size_bytes", "summary": {…}}`; the summary is
        `reports.rendering.summary`, the chart a PNG of 960 by 540 pixels.
    """
    from streamer.actions.reports.generating import generate  # the router needs only the declaration

    return generate(payload, context)
