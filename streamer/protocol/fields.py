"""The kinds of fields that messages have, with the rules that codec and schema both read."""

from typing import Annotated

from msgspec import Meta

from streamer.protocol.limits import MAX_ID_LENGTH, METADATA_WORDS

STATUSES = ("PENDING", "PROCESSING", "RETRYING", "COMPLETED", "FAILED", "CANCELLED")
"""Where a request can stand, as clients see it; `lifecycle.Status` in this order."""

# Python's `$` lets a line end pass; `schema` writes `$` for `\Z`.
_ID = r"^[A-Za-z0-9._-]+\Z"
_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z\Z"

RequestId = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_ID_LENGTH,
        pattern=_ID,
        description="The request's id, unique among those of its user.",
    ),
]
GivenId = Annotated[str, Meta(extra_json_schema={"minLength": 1, "maxLength": MAX_ID_LENGTH, "pattern": _ID})]
"""The id that a client chooses, which the codec checks in its own words."""
Sequence = Annotated[
    int, Meta(ge=0, description="Rises from message to message of a request; gaps are allowed.")
]
Attempt = Annotated[int, Meta(ge=0, description="How often the request was begun; 0 while it waits.")]
Percentage = Annotated[float, Meta(ge=0, le=100)]
Metadata = Annotated[
    dict[str, str],
    Meta(extra_json_schema={"properties": {key: {"const": word} for key, word in METADATA_WORDS.items()}}),
]
"""A client's own, except what `METADATA_WORDS` names; the codec checks that in its own words."""
StatusName = Annotated[
    str, Meta(pattern=rf"^({'|'.join(STATUSES)})\Z", extra_json_schema={"enum": list(STATUSES)})
]
Timestamp = Annotated[str, Meta(pattern=_TIME, description="ISO 8601 in UTC with milliseconds.")]
Succeeded = Annotated[bool, Meta(extra_json_schema={"const": True})]
Failed = Annotated[bool, Meta(extra_json_schema={"const": False})]
