"""Every message of the protocol, as the fields that cross the socket."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from streamer.protocol.fields import (
    Attempt,
    Failed,
    GivenId,
    Metadata,
    Percentage,
    RequestId,
    Sequence,
    StatusName,
    Succeeded,
    Timestamp,
)
from streamer.protocol.limits import MAX_ACTION_LENGTH


class Request(msgspec.Struct, kw_only=True, frozen=True):
    """What a client asks for. The only message that goes in.

    `metadata` is the client's own, and the action finds it in its context. Two keys mean something here:
    `mode` "async" asks for an acknowledgment, progress and an outcome also where the answer could come
    at once; `on_disconnect` "cancel" ends long work with the connection that it came on.

    Shape:
        `{"action": str, "id"?: str, "payload"?: object, "metadata"?: {str: str}, "type"?: "request"}`
    """

    # The codec checks these rules itself, in its own words; the schema has them from here.
    action: Annotated[str, Meta(extra_json_schema={"minLength": 1, "maxLength": MAX_ACTION_LENGTH})]
    id: GivenId | None = None
    payload: dict[str, Any] = {}
    metadata: Metadata = {}
    type: Annotated[str, Meta(extra_json_schema={"const": "request"})] = "request"


class _Outgoing(msgspec.Struct, kw_only=True, frozen=True, tag_field="type", omit_defaults=True):
    pass


class ResultLink(msgspec.Struct, kw_only=True, frozen=True):
    """Where a result is that no message could carry: a file of JSON, open to who has the URL while it works.

    Attributes:
        expires_at: when the URL stops to work; `status` gives a new one.
    """

    url: str
    size_bytes: Annotated[int, Meta(ge=0)]
    expires_at: Timestamp


class Acknowledgment(_Outgoing, tag="acknowledgment", frozen=True):
    """A long request was accepted; what follows comes as progress and one outcome."""

    request_id: RequestId
    timestamp: Timestamp
    status: StatusName
    message: str
    sequence: Sequence


class Response(_Outgoing, tag="response", frozen=True):
    """The answer to a short request. With a `link`, `data` is null and what it would hold is there."""

    request_id: RequestId
    timestamp: Timestamp
    success: Succeeded
    data: Any
    link: ResultLink | None = None


class Progress(_Outgoing, tag="progress", frozen=True):
    """How far a long request is. `percentage` is 0 to 100 and never falls within an attempt."""

    request_id: RequestId
    sequence: Sequence
    timestamp: Timestamp
    attempt: Attempt
    percentage: Percentage
    message: str
    metadata: dict[str, Any] | None = None


class Complete(_Outgoing, tag="complete", frozen=True):
    """The good outcome of a long request. With a `link`, `result` is null and what it would hold is there."""

    request_id: RequestId
    sequence: Sequence
    timestamp: Timestamp
    success: Succeeded
    result: Any
    link: ResultLink | None = None


class Retry(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Whether, and after how many seconds, the same request may be sent again."""

    retryable: bool
    after_s: Annotated[float, Meta(ge=0)] | None = None


class ErrorInfo(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What went wrong: a code for programs, a sentence for people."""

    code: Annotated[str, Meta(min_length=1)]
    message: str
    details: dict[str, Any] | None = None
    retry: Retry | None = None


class Error(_Outgoing, tag="error", frozen=True):
    """A request was refused, or this is the bad outcome of a long one (then it has a `sequence`)."""

    timestamp: Timestamp
    success: Failed
    error: ErrorInfo
    request_id: RequestId | None = None
    sequence: Sequence | None = None


class Pong(_Outgoing, tag="pong", frozen=True):
    """The answer to `ping`."""

    timestamp: Timestamp


Message = Acknowledgment | Response | Progress | Complete | Error | Pong
"""Every message that goes out."""
