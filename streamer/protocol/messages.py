"""Every message of the protocol, as the fields that cross the socket."""

from typing import Any

import msgspec


class Request(msgspec.Struct, kw_only=True, frozen=True):
    """What a client asks for. The only message that goes in.

    Shape:
        `{"action": str, "id"?: str, "payload"?: object, "metadata"?: {str: str}, "type"?: "request"}`
    """

    action: str
    id: str | None = None
    payload: dict[str, Any] = {}
    metadata: dict[str, str] = {}
    type: str = "request"


class _Outgoing(msgspec.Struct, kw_only=True, frozen=True, tag_field="type", omit_defaults=True):
    pass


class Acknowledgment(_Outgoing, tag="acknowledgment", frozen=True):
    """A long request was accepted; what follows comes as progress and one outcome."""

    request_id: str
    timestamp: str
    status: str
    message: str
    sequence: int


class Response(_Outgoing, tag="response", frozen=True):
    """The answer to a short request."""

    request_id: str
    timestamp: str
    success: bool
    data: Any


class Progress(_Outgoing, tag="progress", frozen=True):
    """How far a long request is. `percentage` is 0 to 100 and never falls within an attempt."""

    request_id: str
    sequence: int
    timestamp: str
    attempt: int
    percentage: float
    message: str
    metadata: dict[str, Any] | None = None


class Complete(_Outgoing, tag="complete", frozen=True):
    """The good outcome of a long request."""

    request_id: str
    sequence: int
    timestamp: str
    success: bool
    result: Any


class Retry(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """Whether, and after how many seconds, the same request may be sent again."""

    retryable: bool
    after_s: float | None = None


class ErrorInfo(msgspec.Struct, kw_only=True, frozen=True, omit_defaults=True):
    """What went wrong: a code for programs, a sentence for people."""

    code: str
    message: str
    details: dict[str, Any] | None = None
    retry: Retry | None = None


class Error(_Outgoing, tag="error", frozen=True):
    """A request was refused, or this is the bad outcome of a long one (then it has a `sequence`)."""

    timestamp: str
    success: bool
    error: ErrorInfo
    request_id: str | None = None
    sequence: int | None = None


class Pong(_Outgoing, tag="pong", frozen=True):
    """The answer to `ping`."""

    timestamp: str


Message = Acknowledgment | Response | Progress | Complete | Error | Pong
"""Every message that goes out."""
