"""The thin part of a report: from S3, through the pure modules, to S3."""

from collections.abc import Callable, Iterator
from typing import Any

from streamer.actions.context import ActionContext
from streamer.actions.links import Link
from streamer.actions.objects import report_key, source_keys
from streamer.actions.report_payload import ReportPayload
from streamer.actions.reports.aggregation import Aggregation
from streamer.actions.reports.charting import chart_of
from streamer.actions.reports.reading import read_rows, split_lines
from streamer.actions.reports.rendering import CONTENT_TYPES, render, summary
from streamer.actions.storage import StoredObject, find_object, put_object
from streamer.errors import ActionFailed, ErrorCode

SOURCE_NOT_FOUND = "SOURCE_NOT_FOUND"
"""Error code of a source that is neither the tenant's nor shared."""

READ_SHARE = 95.0
"""Percentage at which all is read; the rest is for writing."""

FINISHING_S = 10.0
"""Seconds of the time that must be left for writing. Ours."""


def generate(payload: ReportPayload, context: ActionContext) -> dict[str, Any]:
    """Make the report; see `generate_report`."""
    context.progress(0, f"Opening {payload.source}")
    source = _open(payload, context)
    aggregation = Aggregation(payload.start_date, payload.end_date, payload.report_type)
    for row in read_rows(split_lines(_watched(source, context, lambda: aggregation.rows_read))):
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
    bucket, key = context.settings.bucket, report_key(context.identity, context.request_id, extension)
    put_object(
        context.client("s3"),
        bucket,
        key,
        body,
        content_type=content_type,
        metadata={"correlation-id": context.correlation_id, "request-id": context.request_id},
    )
    name = f"{payload.report_type}-{payload.start_date}-{payload.end_date}.{extension}"
    return Link(bucket=bucket, key=key, filename=name)


def _open(payload: ReportPayload, context: ActionContext) -> StoredObject:
    keys = source_keys(context.identity, payload.source)
    for key in keys:
        found = find_object(context.client("s3"), context.settings.bucket, key)
        if found is not None:
            return found
    raise ActionFailed(
        f"There is no source {payload.source}; put the file at {keys[0]} in the bucket"
        f" {context.settings.bucket} first, or name another.",
        code=SOURCE_NOT_FOUND,
    )


def _watched(source: StoredObject, context: ActionContext, rows: Callable[[], int]) -> Iterator[bytes]:
    """Pass the chunks on; report what was read when the next one is asked for."""
    bytes_read = 0
    for chunk in source.chunks:
        yield chunk
        bytes_read += len(chunk)
        context.progress(
            READ_SHARE * bytes_read / source.size_bytes,
            f"Read {rows():,} rows",
            rows_read=rows(),
            bytes_read=bytes_read,
        )
        if context.remaining_s() < FINISHING_S:
            raise ActionFailed(
                f"After {rows():,} rows the time for one run is over; split the source into smaller files.",
                code=ErrorCode.TIMEOUT,
            )
