"""`bulk_operation`: writes many records of the tenant, and says of each whether it was written."""

from typing import Any

from streamer.actions.bulk_payload import BulkPayload
from streamer.actions.context import ActionContext
from streamer.actions.declaration import action


def _estimate(payload: BulkPayload) -> float:
    return 600.0 if payload.items is None else len(payload.items) / 50


@action("bulk_operation", payload=BulkPayload, estimated_duration_s=_estimate)
def bulk_operation(payload: BulkPayload, context: ActionContext) -> dict[str, Any]:
    """Write the records batch by batch; one that fails stops none of the others.

    Every batch is a checkpoint: what comes after a crash or in the next invocation goes on behind it. A
    batch that is written twice is the same as written once. What another request created is in the way of
    `create`, also if it had the same id, as that of an answer at once or of a request long over can come
    again: the payload tells them apart. Up to 250 items are answered at once.

    Raises:
        ActionFailed: `SOURCE_NOT_FOUND`; `SOURCE_INVALID` with the line.
        ServiceUnavailable: the table or S3 doesn't answer.

    Shape:
        `{"operation_type": str, "entity_type": str, "total_items": int, "succeeded": int, "failed": int,
        "success_rate": number, "failures": [{"index": int, "id": str | null, "code": str, "message":
        str}], "failures_omitted": int}`; the codes are `INVALID_ITEM`, `ALREADY_EXISTS`, `NOT_FOUND` and
        `NOT_WRITTEN`.
    """
    from streamer.actions.bulk.writing import write  # the router needs only the declaration

    return write(payload, context)
