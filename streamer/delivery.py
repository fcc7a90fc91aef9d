"""Telling subscribers: a message goes to everyone who follows a request, an outcome until it got there."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from streamer.actions.links import Signer
from streamer.actions.results import as_sent
from streamer.clock import Clock, timestamp
from streamer.connections.manager import Delivery, Subscriber
from streamer.errors import ErrorCode, ResultTooLarge
from streamer.lifecycle import Status
from streamer.protocol import Complete, Error, ErrorInfo, Message, encode
from streamer.protocol.limits import MAX_MESSAGE_BYTES
from streamer.store import Failure, RequestKey, RequestState, RequestStore, SubscriptionStore, details_of
from streamer.store.history import failure_of

PATIENCE_S = 4.0
"""Seconds in which an outcome is sent again where it was not taken, and for which somebody slow is waited
for; the rest is the sweeper's. Ours: it fits into what an executor keeps for its end."""


class Sender(Protocol):
    """Sends one message to many connections; the ConnectionManager."""

    def send_many(
        self, subscribers: Sequence[Subscriber], data: bytes, *, within_s: float | None = None
    ) -> Sequence[Delivery]: ...


def outcome_message(state: RequestState, result: Any, *, sign: Signer, now: float) -> Message:
    """Return the message that tells the outcome of a request that is over.

    Args:
        state: in a terminal status, with its `outcome_sequence`.
        result: what was stored of a COMPLETED request, links unsigned; else None.
    """
    sequence = state.outcome_sequence
    if sequence is None:
        raise ValueError(f"Request {state.request_id} is {state.status}: it has no outcome yet.")
    if state.status is Status.COMPLETED:
        value, link = as_sent(result, sign, now)
        return Complete(
            request_id=state.request_id,
            sequence=sequence,
            timestamp=timestamp(now),
            success=True,
            result=value,
            link=link,
        )
    error = state.error or {"code": ErrorCode.PROCESSING_FAILED, "message": "The request failed."}
    return Error(
        request_id=state.request_id,
        sequence=sequence,
        timestamp=timestamp(now),
        success=False,
        error=ErrorInfo(code=error["code"], message=error["message"], details=_details(state, error)),
    )


def _details(state: RequestState, error: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return an error's own details, with how each attempt failed unless this error is the only one."""
    details = details_of(error)
    if state.status is Status.FAILED and not _is_told_by(error, state.failures):
        details["attempts"] = [
            {"attempt": failure.attempt, "code": failure.code, "message": failure.message}
            for failure in state.failures
        ]
    return details or None


def _is_told_by(error: Mapping[str, Any], failures: Sequence[Failure]) -> bool:
    return not failures or failures == (
        failure_of(failures[0].attempt, code=error["code"], message=error["message"], now=failures[0].at),
    )


def too_large(what: str, size_bytes: int) -> ResultTooLarge:
    """Return the error of an action whose `what`, "result" for example, fits into no message."""
    return ResultTooLarge(
        f"The {what} has {size_bytes} bytes and a message holds {MAX_MESSAGE_BYTES}; return a link instead."
    )


class OutcomeDelivery:
    """Sends stored outcomes and clears their `undelivered` mark.

    Delivering the same outcome twice sends the same message with the same sequence, so that a
    consumer can tell; no outcome is skipped.
    """

    def __init__(
        self,
        requests: RequestStore,
        subscriptions: SubscriptionStore,
        sender: Sender,
        sign: Callable[[], Signer],
        clock: Clock,
    ) -> None:
        self._requests = requests
        self._subscriptions = subscriptions
        self._sender = sender
        self._sign = sign
        self._clock = clock

    def message(self, key: RequestKey, state: RequestState) -> Message:
        """Return the outcome message of a request that is over."""
        result = self._requests.get_result(key) if state.status is Status.COMPLETED else None
        return outcome_message(state, result, sign=self._sign(), now=self._clock.now())

    def deliver(self, key: RequestKey, state: RequestState, *, result: Any = None) -> bool:
        """Send the outcome to every present subscriber, all at once; nobody slow is waited for long.

        Args:
            state: as the end of the request left it, or as it was read since.
            result: the stored result where the caller has it, so that it is not read again.

        Returns:
            Whether everyone who is still connected has it; if not, the mark stays and the sweeper
            tries again.
        """
        if result is None:
            message = self.message(key, state)
        else:
            message = outcome_message(state, result, sign=self._sign(), now=self._clock.now())
        only = state.find_only_follower(self._clock.now())
        subscribers = [only] if only is not None else self._subscriptions.list(key)
        deliveries = (
            self._sender.send_many(subscribers, encode(message), within_s=PATIENCE_S) if subscribers else []
        )
        complete = all(delivery.is_settled for delivery in deliveries)
        if complete and state.outcome_sequence is not None:
            self._requests.delivered(key, sequence=state.outcome_sequence)
        return complete
