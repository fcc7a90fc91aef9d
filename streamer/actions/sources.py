"""Opens the file that a request names, and tells how far it is read. Only the executor imports it."""

from collections.abc import Callable, Iterator

from streamer.actions.context import ActionContext
from streamer.actions.objects import source_keys
from streamer.actions.storage import StoredObject, find_object
from streamer.errors import ActionFailed, ErrorCode

SOURCE_NOT_FOUND = "SOURCE_NOT_FOUND"
"""Error code of a source that is neither the tenant's nor shared."""

READ_SHARE = 95.0
"""Percentage at which all is read; the rest is for writing."""

FINISHING_S = 10.0
"""Seconds of the time that must be left for writing. Ours."""


def open_source(name: str, context: ActionContext) -> StoredObject:
    """Begin to read a source: the tenant's own of that name, else the shared one.

    Raises:
        ActionFailed: `SOURCE_NOT_FOUND`; the sentence says where the file belongs.
    """
    keys = source_keys(context.identity, name)
    for key in keys:
        found = find_object(context.client("s3"), context.settings.bucket, key)
        if found is not None:
            return found
    raise ActionFailed(
        f"There is no source {name}; put the file at {keys[0]} in the bucket"
        f" {context.settings.bucket} first, or name another.",
        code=SOURCE_NOT_FOUND,
    )


def watched(source: StoredObject, context: ActionContext, rows: Callable[[], int]) -> Iterator[bytes]:
    """Pass the chunks on; report what was read when the next one is asked for.

    Args:
        rows: returns how many rows were read so far.

    Raises:
        ActionFailed: `TIMEOUT`, while there is time to say so.
    """
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
