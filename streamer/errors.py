"""Every error of the package. A class knows its wire code and whether trying again can help."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, ClassVar


class ErrorCode(StrEnum):
    """The `code` of an `error` message."""

    VALIDATION_ERROR = "VALIDATION_ERROR"
    INVALID_ACTION = "INVALID_ACTION"
    NOT_FOUND = "NOT_FOUND"
    UNAUTHORIZED = "UNAUTHORIZED"
    FORBIDDEN = "FORBIDDEN"
    RATE_LIMITED = "RATE_LIMITED"
    DUPLICATE_REQUEST = "DUPLICATE_REQUEST"
    CANCELLED = "CANCELLED"
    TIMEOUT = "TIMEOUT"
    PROCESSING_FAILED = "PROCESSING_FAILED"
    RESULT_TOO_LARGE = "RESULT_TOO_LARGE"
    SERVICE_UNAVAILABLE = "SERVICE_UNAVAILABLE"
    INTERNAL_ERROR = "INTERNAL_ERROR"


class StreamerError(Exception):
    """A failure that a client may be told about: `str()` is one sentence that is safe to send.

    Attributes:
        code: what goes on the wire.
        retryable: whether the same request can succeed later.
        retry_after_s: seconds after which, where that is known.
        details: JSON-able facts for the client.
    """

    code: ClassVar[str] = ErrorCode.INTERNAL_ERROR
    retryable: ClassVar[bool] = False
    retry_after_s: float | None = None

    def __init__(self, message: str, *, details: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.details = dict(details or {})


class InvalidMessage(StreamerError):
    """What a client sent cannot be understood.

    Attributes:
        request_id: the request's id where it could be read, else None.
    """

    code = ErrorCode.VALIDATION_ERROR

    def __init__(
        self, message: str, *, request_id: str | None = None, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message, details=details)
        self.request_id = request_id


class InvalidAction(StreamerError):
    """No action of that name."""

    code = ErrorCode.INVALID_ACTION


class NotFound(StreamerError):
    """What was asked for does not exist, or is not the caller's to see."""

    code = ErrorCode.NOT_FOUND


class Unauthorized(StreamerError):
    """Who the caller is could not be established. Says nothing about why."""

    code = ErrorCode.UNAUTHORIZED


class Forbidden(StreamerError):
    """The caller is known and may not do this."""

    code = ErrorCode.FORBIDDEN


class RateLimited(StreamerError):
    """The caller has as many requests in flight as it may.

    Attributes:
        retry_after_s: seconds after which another may be taken.
    """

    code = ErrorCode.RATE_LIMITED
    retryable = True

    def __init__(
        self, message: str, *, retry_after_s: float, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message, details=details)
        self.retry_after_s = retry_after_s


class DuplicateRequest(StreamerError):
    """The request's id is taken by another payload of the same user."""

    code = ErrorCode.DUPLICATE_REQUEST


class TimedOut(StreamerError):
    """The work did not end in its time."""

    code = ErrorCode.TIMEOUT
    retryable = True


class ProcessingFailed(StreamerError):
    """The action failed in a way that it did not foresee, in every attempt it was given."""

    code = ErrorCode.PROCESSING_FAILED


class ResultTooLarge(StreamerError):
    """What an action returned is more than is stored for a client."""

    code = ErrorCode.RESULT_TOO_LARGE


class CancelRequested(StreamerError):
    """Raised where an action reports progress or stores a checkpoint, because its user cancelled the request.

    Let it pass: the request is CANCELLED when it leaves the action.
    """

    code = ErrorCode.CANCELLED


class InternalError(StreamerError):
    """A fault of ours, whose text is in the log."""

    code = ErrorCode.INTERNAL_ERROR
    retryable = True


class ServiceUnavailable(StreamerError):
    """Something that we depend on does not answer for now."""

    code = ErrorCode.SERVICE_UNAVAILABLE
    retryable = True


class ActionFailed(StreamerError):
    """Raised by an action to tell its client what went wrong, in the action's own words and code.

    A `retryable` failure is tried again, as the action's retry policy says, before the client is told.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str = ErrorCode.PROCESSING_FAILED,
        retryable: bool = False,
        retry_after_s: float | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, details=details)
        self.code = code  # type: ignore[misc]  # one class for every code that users' actions invent
        self.retryable = retryable  # type: ignore[misc]
        self.retry_after_s = retry_after_s


class MessageTooLarge(StreamerError):
    """A message of ours is larger than API Gateway carries. A fault of the sender, found before it is sent.

    Attributes:
        size_bytes: what was to be sent.
    """

    def __init__(self, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(
            f"A message of {size_bytes} bytes exceeds the limit of {limit_bytes}; send a link instead."
        )
        self.size_bytes = size_bytes


class MetadataTooLarge(StreamerError):
    """An action reports progress with more metadata than a message carries; raised at that very call.

    Unless the action catches it, its request fails with it.

    Attributes:
        field: the largest of the metadata.
        size_bytes: of all of it as JSON.
        limit_bytes: what it may be at most.
    """

    code = ErrorCode.PROCESSING_FAILED

    def __init__(self, field: str, *, field_bytes: int, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(
            f"The metadata of progress has {size_bytes} bytes as JSON and {limit_bytes} are sent at most; its"
            f" largest field, {field!r}, has {field_bytes}: report less, and return the rest.",
            details={"field": field, "size_bytes": size_bytes, "limit_bytes": limit_bytes},
        )
        self.field = field
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class InvalidKeySet(StreamerError):
    """The verification keys cannot be used. Never sent to a client."""


class AlreadyClaimed(StreamerError):
    """Somebody else works on the request, or it is over. Never sent to a client.

    Attributes:
        status: the request's status.
        until: epoch seconds from which somebody may claim it, or None if nobody ever may.
    """

    def __init__(self, message: str, *, status: str, until: float | None) -> None:
        super().__init__(message)
        self.status = status
        self.until = until


class Superseded(StreamerError):
    """A write was refused because this attempt no longer owns the request. Never sent to a client."""


class ContinueLater(StreamerError):
    """Ends an invocation whose time is nearly over: the action goes on in another one.

    Raised where the action stores a checkpoint. Let it pass. Never sent to a client.

    Attributes:
        checkpoint: what the next invocation restores, as plain JSON values.
    """

    def __init__(self, checkpoint: Any) -> None:
        super().__init__("The time of this invocation is nearly over; the next goes on from the checkpoint.")
        self.checkpoint = checkpoint


class CannotReplay(StreamerError):
    """The request is not in a status that can be replayed. Never sent to a client."""


class InvalidDeployment(StreamerError):
    """There is no deployment to talk to, or its file cannot be read. Never sent to a client."""
