"""The thin part of `process_data`: from S3, through the pure modules, to S3."""

import tempfile
from collections.abc import Iterator
from typing import Any

from streamer.actions.context import ActionContext
from streamer.actions.data.operations import DATA_TOO_LARGE, apply
from streamer.actions.data.rows import Row, read_rows, write_rows
from streamer.actions.data_payload import DataPayload
from streamer.actions.links import Link
from streamer.actions.outputs import write_output
from streamer.actions.source_lines import split_lines
from streamer.actions.sources import READ_SHARE, open_source, watched
from streamer.errors import ActionFailed

MAX_RESULT_BYTES = 256 * 1024 * 1024
"""Bytes of a result. Ours: half of what a function's `/tmp` holds (AWS Lambda quotas)."""

IN_MEMORY_BYTES = 8 * 1024 * 1024
"""Bytes of a result that stay in memory before it goes to `/tmp`. Ours."""

CONTENT_TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}


def process(payload: DataPayload, context: ActionContext) -> dict[str, Any]:
    """Make the result; see `process_data`."""
    context.progress(0, f"Opening {payload.source}")
    source = open_source(payload.source, context)
    kind = payload.format or payload.source_format
    counts = {"read": 0, "written": 0}
    lines = split_lines(watched(source, context, lambda: counts["read"]))
    rows = apply(_counted(read_rows(lines, payload.source_format), counts, "read"), payload.operations)
    size_bytes = 0
    with tempfile.SpooledTemporaryFile(IN_MEMORY_BYTES) as file:
        for line in write_rows(_counted(rows, counts, "written"), kind):
            size_bytes += file.write(line)
            if size_bytes > MAX_RESULT_BYTES:
                raise ActionFailed(
                    f"The result has more than {MAX_RESULT_BYTES} bytes; filter it, or split the source.",
                    code=DATA_TOO_LARGE,
                )
        file.seek(0)
        context.progress(READ_SHARE, "Writing the result", rows_read=counts["read"])
        key = write_output(context, "data", file, extension=kind, content_type=CONTENT_TYPES[kind])
    context.progress(100, "The result is ready", rows_read=counts["read"], rows_written=counts["written"])
    name = f"{payload.source.rsplit('.', 1)[0]}.{kind}"
    return {
        "result": Link(bucket=context.settings.bucket, key=key, filename=name),
        "format": kind,
        "source": payload.source,
        "rows_read": counts["read"],
        "rows_written": counts["written"],
        "size_bytes": size_bytes,
    }


def _counted(rows: Iterator[Row], counts: dict[str, int], name: str) -> Iterator[Row]:
    for row in rows:
        counts[name] += 1
        yield row
