"""Answers a message: a short action's result, or the acknowledgment of a long one."""

import hashlib
from collections.abc import Callable
from logging import Logger

from streamer.actions.context import ActionContext
from streamer.actions.links import Signer
from streamer.actions.registry import ActionRegistry
from streamer.actions.results import as_sent, carried
from streamer.actions.running import ActionRunner
from streamer.clock import Clock, timestamp
from streamer.delivery import OutcomeDelivery
from streamer.dynamorm.frozen import dataclass
from streamer.errors import Forbidden, InternalError, InvalidMessage, StreamerError
from streamer.identity import Identity
from streamer.lifecycle import TERMINAL
from streamer.protocol import (
    Acknowledgment,
    Error,
    ErrorInfo,
    Message,
    Request,
    Response,
    Retry,
    decode_request,
)
from streamer.protocol.limits import MAX_SYNC_TIMEOUT_S, MODE_KEY, ON_DISCONNECT_KEY
from streamer.routing.control import CONTROL_ACTIONS, Asker, ControlActions
from streamer.store import Connection, RequestKey, RequestStore


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message as API Gateway delivers it.

    Attributes:
        correlation_id: follows the request through every function; API Gateway's id of this message.
    """

    body: str
    connection_id: str
    correlation_id: str


def error_message(error: StreamerError, *, request_id: str | None, now: float) -> Error:
    """Return the message that tells a client of `error`."""
    return Error(
        timestamp=timestamp(now),
        success=False,
        request_id=request_id,
        error=ErrorInfo(
            code=error.code,
            message=str(error),
            details=error.details or None,
            retry=Retry(retryable=True, after_s=error.retry_after_s) if error.retryable else None,
        ),
    )


def request_id_from(correlation_id: str) -> str:
    """Return an id for a request whose client chose none: unique as API Gateway's own ids are."""
    return hashlib.sha256(correlation_id.encode()).hexdigest()[:32]


class Router:
    """Turns one message into the one message that answers it."""

    def __init__(
        self,
        *,
        registry: ActionRegistry,
        requests: RequestStore,
        delivery: OutcomeDelivery,
        control: ControlActions,
        new_context: Callable[..., ActionContext],
        sign: Callable[[], Signer],
        clock: Clock,
        logger: Logger,
    ) -> None:
        self._registry = registry
        self._requests = requests
        self._delivery = delivery
        self._control = control
        self._new_context = new_context
        self._sign = sign
        self._clock = clock
        self._logger = logger
        self._runner = ActionRunner(logger)

    def answer(self, arrival: Arrival, caller: Connection) -> Message:
        """Answer a message of an authenticated caller. Never raises: a failure is an `error` message."""
        request_id: str | None = None
        try:
            request = decode_request(arrival.body)
            request_id = request.id or request_id_from(arrival.correlation_id)
            return self._answer(arrival, caller, request, request_id)
        except InvalidMessage as error:
            return self._refused(error, request_id or error.request_id)
        except StreamerError as error:
            return self._refused(error, request_id)
        except Exception:
            self._logger.exception("A message was not answered", extra={"action": "message.failed"})
            failure = InternalError(
                "The server failed to answer, by a fault of its own; send the message again."
            )
            return error_message(failure, request_id=request_id, now=self._clock.now())

    def _answer(self, arrival: Arrival, caller: Connection, request: Request, request_id: str) -> Message:
        if request.action in CONTROL_ACTIONS:
            asker = Asker.behind(caller, arrival.connection_id)
            return self._control.answer(request.action, request.payload, asker, request_id=request_id)
        action = self._registry.get(request.action)
        if action.permission is not None and action.permission not in caller.permissions:
            raise Forbidden(f"The action {action.name} needs the permission {action.permission}.")
        payload = action.parse(request.payload)
        if action.is_long(payload) or MODE_KEY in request.metadata:
            return self._queue(arrival, caller, request, request_id)
        identity = Identity(
            caller.tenant_id, caller.user_id, frozenset(caller.permissions), caller.token_expires_at
        )
        limit_s = min(action.timeout_s, MAX_SYNC_TIMEOUT_S)
        deadline = self._clock.now() + limit_s
        context = self._new_context(
            action=action.name,
            identity=identity,
            request_id=request_id,
            run_id=arrival.correlation_id,
            correlation_id=arrival.correlation_id,
            attempt=1,
            progress=None,
            metadata=request.metadata,
            remaining_s=lambda: deadline - self._clock.now(),
        )
        stored = carried(self._runner.run(action, payload, context, limit_s=limit_s), context)
        now = self._clock.now()
        data, link = as_sent(stored, self._sign(), now)
        return Response(request_id=request_id, timestamp=timestamp(now), success=True, data=data, link=link)

    def _queue(self, arrival: Arrival, caller: Connection, request: Request, request_id: str) -> Message:
        key = RequestKey(caller.tenant_id, caller.user_id, request_id)
        created = self._requests.create(
            key,
            action=request.action,
            payload=request.payload,
            metadata=request.metadata,
            correlation_id=arrival.correlation_id,
            connection_id=arrival.connection_id,
            endpoint=caller.endpoint,
            permissions=caller.permissions,
            max_attempts=self._registry.get(request.action).retry.max_attempts,
            cancel_on_disconnect=ON_DISCONNECT_KEY in request.metadata,
        )
        self._logger.info(
            "A request was queued" if created.new else "A request came again",
            extra={
                "action": "request.queued" if created.new else "request.repeated",
                "request_id": request_id,
            },
        )
        if created.state.status in TERMINAL:
            return self._delivery.message(key, created.state)
        return Acknowledgment(
            request_id=request_id,
            sequence=0,
            timestamp=timestamp(self._clock.now()),
            status=created.state.status,
            message="The request is accepted; progress and one outcome follow."
            if created.new
            else "The request is known; what follows comes here too.",
        )

    def _refused(self, error: StreamerError, request_id: str | None) -> Message:
        self._logger.info(
            "A message was refused",
            extra={"action": "message.refused", "code": error.code, "request_id": request_id},
        )
        return error_message(error, request_id=request_id, now=self._clock.now())
