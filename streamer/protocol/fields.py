"""The kinds of fields that messages have, with the rules that codec and schema both read."""

from typing import Annotated

from msgspec import Meta

from streamer.protocol.limits import MAX_ID_LENGTH

STATUSES = ("PENDING", "PROCESSING", "RETRYING", "COMPLETED", "FAILED", "CANCELLED")
"""Where a request can stand, as clients see it; `lifecycle.Status` in this order."""

RequestId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_ID_LENGTH,
        pattern=r"^[A-Za-z0-9._-]+$",
        description="The request's id, unique among those of its user.",
    ),
]
Sequence = Annotated[
    int, Meta(ge=0, description="Rises from message to message of a request; gaps are allowed.")
]
Attempt = Annotated[int, Meta(ge=0, description="How often the request was begun; 0 while it waits.")]
Percentage = Annotated[float, Meta(ge=0, le=100)]
StatusName = Annotated[
    str, Meta(pattern=f"^({'|'.join(STATUSES)})$", extra_json_schema={"enum": list(STATUSES)})
]
Timestamp = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$",
        description="ISO 8601 in UTC with milliseconds.",
    ),
]
Succeeded = Annotated[bool, Meta(extra_json_schema={"const": True})]
Failed = Annotated[bool, Meta(extra_json_schema={"const": False})]
