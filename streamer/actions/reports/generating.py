"""The thin part of a report: from S3, through the pure modules, to S3."""

from typing import Any

from streamer.actions.context import ActionContext
from streamer.actions.links import Link
from streamer.actions.outputs import write_output
from streamer.actions.report_payload import ReportPayload
from streamer.actions.reports.aggregation import Aggregation
from streamer.actions.reports.charting import chart_of
from streamer.actions.reports.reading import read_rows
from streamer.actions.reports.rendering import CONTENT_TYPES, render, summary
from streamer.actions.source_lines import split_lines
from streamer.actions.sources import READ_SHARE, open_source, watched


def generate(payload: ReportPayload, context: ActionContext) -> dict[str, Any]:
    """Make the report; see `generate_report`."""
    context.progress(0, f"Opening {payload.source}")
    source = open_source(payload.source, context)
    aggregation = Aggregation(payload.start_date, payload.end_date, payload.report_type)
    for row in read_rows(split_lines(watched(source, context, lambda: aggregation.rows_read))):
        aggregation.add(row)

    context.progress(READ_SHARE, "Writing the report", rows_read=aggregation.rows_read)
    report = aggregation.report()
    body = render(report, payload.format)
    files = {"report": _written(body, payload, context, payload.format, CONTENT_TYPES[payload.format])}
    if payload.include_chart:
        from streamer.actions.reports.drawing import draw  # few reports want one

        picture = draw(chart_of(report))
        files["chart"] = _written(picture, payload, context, "png", "image/png")
    context.progress(100, "The report is ready", rows_read=aggregation.rows_read)
    return {
        **files,
        "format": payload.format,
        "report_type": payload.report_type,
        "start_date": payload.start_date,
        "end_date": payload.end_date,
        "source": payload.source,
        "rows_read": aggregation.rows_read,
        "rows_matched": aggregation.rows_matched,
        "size_bytes": len(body),
        "summary": summary(report),
    }


def _written(
    body: bytes, payload: ReportPayload, context: ActionContext, extension: str, content_type: str
) -> Link:
    """Write one of the report's files, and return the link to it."""
    key = write_output(context, "reports", body, extension=extension, content_type=content_type)
    name = f"{payload.report_type}-{payload.start_date}-{payload.end_date}.{extension}"
    return Link(bucket=context.settings.bucket, key=key, filename=name)
