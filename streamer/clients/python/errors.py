"""Every error of the client. No error ever holds the token, a payload or the query of an address."""

from collections.abc import Mapping
from typing import Any

from streamer.protocol.messages import Retry


class ClientError(Exception):
    """What a program catches to catch them all; `str()` is a sentence for people."""

    def _render_traceback_(self) -> list[str]:
        """Return what a notebook shows: what happened, without our frames. IPython's hook."""
        return [f"{type(self).__name__}: {self}", *getattr(self, "__notes__", ())]


class InvalidOption(ClientError, ValueError):
    """The address, the token or another option cannot be used."""


class InvalidRequest(ClientError, ValueError):
    """The request cannot be sent as it is; nothing was sent."""


class MessageTooLarge(InvalidRequest):
    """The message does not fit into one frame, for which the gateway would close the connection.

    Nothing was sent.

    Attributes:
        size_bytes: of the message as JSON.
        limit_bytes: what a frame holds.
    """

    def __init__(self, action: str, *, size_bytes: int, limit_bytes: int) -> None:
        super().__init__(
            f"The message for {action} has {size_bytes} bytes and a frame holds {limit_bytes}: put the data"
            " where the server can read it, and send its name."
        )
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes


class ConnectionFailed(ClientError):
    """No WebSocket connection came about: name, network, TLS, proxy, or no WebSocket server there."""


class ConnectionRefused(ConnectionFailed):
    """The server refused the handshake.

    Attributes:
        status: the HTTP status.
        code: the error code, from the body or else from the status; None where neither says.
        retryable: whether the same handshake may succeed later.
    """

    def __init__(self, status: int, code: str | None) -> None:
        self.status = status
        self.code = code
        self.retryable = status == 429 or status >= 500
        said = f"{status} ({code})" if code else str(status)
        super().__init__(f"The server refused the connection with {said}: {_advice_on_status(status)}.")


class RequestFailed(ClientError):
    """The server answered with an error, or it is the bad outcome of long work.

    Attributes:
        code: for programs, such as `VALIDATION_ERROR`.
        message: the server's sentence.
        details: its facts.
        retry: whether and when the same request may be sent again, where the server said so.
    """

    def __init__(
        self,
        *,
        action: str,
        request_id: str,
        code: str,
        message: str,
        details: Mapping[str, Any] | None = None,
        retry: Retry | None = None,
    ) -> None:
        self.action = action
        self.request_id = request_id
        self.code = code
        self.message = message
        self.details = dict(details or {})
        self.retry = retry
        super().__init__(f"{action} failed with {code}: {message}{_advice_on_retry(retry)}")

    @property
    def retryable(self) -> bool:
        """Whether the server said that the same request may succeed later."""
        return self.retry is not None and self.retry.retryable


class GatewayFailed(RequestFailed):
    """API Gateway answered in the function's place.

    Its answer names no request: it is taken for that of the oldest unanswered one.

    Attributes:
        gateway_request_id: API Gateway's id of the call, to be found in its logs; "" where it gave none.
    """

    def __init__(self, *, action: str, request_id: str, message: str, gateway_request_id: str) -> None:
        self.gateway_request_id = gateway_request_id
        super().__init__(
            action=action,
            request_id=request_id,
            code="GATEWAY_ERROR",
            message=f'API Gateway answered "{message}" (requestId {gateway_request_id or "unknown"}): look'
            " into the function's log, and send the request again under the same id.",
        )


class DeadlineExceeded(ClientError, TimeoutError):
    """No answer, or no outcome, came in time.

    Attributes:
        deadline_s: the seconds that were given.
        acknowledged: whether the server had accepted the request; if so, it goes on there.
    """

    def __init__(self, *, action: str, request_id: str, deadline_s: float, acknowledged: bool) -> None:
        self.action = action
        self.request_id = request_id
        self.deadline_s = deadline_s
        self.acknowledged = acknowledged
        missing = (
            "was accepted, but has no outcome after"
            if acknowledged
            else "was not answered and is given up after"
        )
        super().__init__(
            f"{action} (id {request_id}) {missing} {deadline_s:g} s: send it again under the same id to learn"
            " how it stands, or give it a longer deadline."
        )


class ConnectionLost(ClientError):
    """The connection ended.

    Attributes:
        code: the close code of RFC 6455; 1006 if it broke without one.
        reason: what the other side said about it.
        action, request_id: the request that waited for it; None when a request was begun afterwards.
        acknowledged: whether the server had accepted that request; if so, it goes on there.
        is_unsent: whether that request never left here, so that it may be sent again whatever it does.
            Otherwise it may have run: long work never runs twice under one id, short work does.
    """

    def __init__(
        self,
        code: int,
        reason: str = "",
        *,
        action: str | None = None,
        request_id: str | None = None,
        acknowledged: bool = False,
        is_unsent: bool = False,
        closed_here: bool = False,
    ) -> None:
        self.code = code
        self.reason = reason
        self.action = action
        self.request_id = request_id
        self.acknowledged = acknowledged
        self.is_unsent = is_unsent
        self.closed_here = closed_here
        what = "This client was closed" if closed_here else "The connection was lost"
        said = f"{code}, {reason}" if reason else str(code)
        if request_id is None:
            super().__init__(f"{what} ({said}): connect again.")
        elif acknowledged:
            super().__init__(
                f"{what} ({said}) while {action} (id {request_id}) goes on at the server: connect again and"
                " send it under the same id for its outcome."
            )
        elif is_unsent:
            super().__init__(
                f"{what} ({said}) before {action} (id {request_id}) was sent: connect again and send it."
            )
        else:
            super().__init__(
                f"{what} ({said}) before {action} (id {request_id}) was answered: connect again and send it"
                " under the same id, if it is long work or may run twice."
            )


def _advice_on_status(status: int) -> str:
    if status == 401:
        return "get a new token and connect again"
    if status == 403:
        return "use a token whose tenant and permissions this deployment allows"
    if status == 429 or status >= 500:
        return "wait a moment and connect again"
    return "check the address, with its stage"


def _advice_on_retry(retry: Retry | None) -> str:
    if retry is None or not retry.retryable:
        return ""
    when = f" after {retry.after_s:g} s" if retry.after_s else ""
    return f" Send it again{when} under the same id."
