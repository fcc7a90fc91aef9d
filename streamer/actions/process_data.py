"""`process_data`: filters, changes, adds up, sorts and deduplicates a data set."""

from typing import Any

from streamer.actions.context import ActionContext
from streamer.actions.data_payload import DataPayload
from streamer.actions.declaration import action


@action("process_data", payload=DataPayload, estimated_duration_s=300.0)
def process_data(payload: DataPayload, context: ActionContext) -> dict[str, Any]:
    """Pass the rows of the source through the operations, and write the result among the user's objects.

    Row by row: memory grows only with what a sort, the groups of an aggregation or the different rows
    of a deduplication take, and those are bounded. Each run writes a file of its own.

    Raises:
        ActionFailed: `SOURCE_NOT_FOUND`; `SOURCE_INVALID` with the line; `ROW_INVALID` where a step
            cannot be done to a row; `DATA_TOO_LARGE`; `TIMEOUT` where the source is too long for one run.
        ServiceUnavailable: S3 doesn't answer.

    Shape:
        `{"result": Link, "format": "csv" | "jsonl", "source": str, "rows_read": int, "rows_written":
        int, "size_bytes": int}`
    """
    from streamer.actions.data.processing import process  # the router needs only the declaration

    return process(payload, context)
