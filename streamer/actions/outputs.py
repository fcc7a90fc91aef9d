"""Files that a run of an action leaves among its user's objects. Only who writes one imports it."""

from typing import IO

from streamer.actions.context import ActionContext
from streamer.actions.objects import output_key
from streamer.actions.storage import put_object


def write_output(
    context: ActionContext, kind: str, body: bytes | IO[bytes], *, extension: str, content_type: str
) -> str:
    """Write a file of this run and return its key in the deployment's bucket; no other run writes there.

    Args:
        kind: `results`, `reports` or `data`.
        body: a file is read from where it stands.

    Raises:
        ServiceUnavailable: S3 doesn't answer, or refuses.
    """
    key = output_key(
        context.identity, kind, request_id=context.request_id, run_id=context.run_id, extension=extension
    )
    put_object(
        context.client("s3"),
        context.settings.bucket,
        key,
        body,
        content_type=content_type,
        metadata={"correlation-id": context.correlation_id, "request-id": context.request_id},
    )
    return key
