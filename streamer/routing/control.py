"""What clients ask about requests: status, subscribe, cancel, list, ping."""

from collections.abc import Callable
from logging import Logger
from typing import Any

from streamer.actions.links import Signer
from streamer.actions.payloads import parse_payload
from streamer.actions.results import as_sent
from streamer.clock import Clock, timestamp
from streamer.delivery import OutcomeDelivery
from streamer.dynamorm.frozen import dataclass
from streamer.errors import Forbidden, NotFound, StreamerError
from streamer.lifecycle import TERMINAL, Status
from streamer.protocol import (
    Complete,
    ControlAction,
    Error,
    ListQuery,
    Message,
    Pong,
    RequestList,
    RequestReference,
    RequestStatus,
    Response,
    Subscribed,
    SubscribeQuery,
)
from streamer.protocol.control import QUERIES
from streamer.routing.statuses import fitted, fitted_status, listed, may_have_lost, status_of
from streamer.store import (
    Connection,
    MessageStore,
    RequestKey,
    RequestState,
    RequestStore,
    SubscriptionStore,
)

READ_PERMISSION = "requests:read"
"""What a token must grant to ask about, and to follow, the requests of others of its tenant."""

CANCEL_PERMISSION = "requests:cancel"
"""What a token must grant to cancel the requests of others of its tenant."""


CONTROL_ACTIONS = frozenset(action.value for action in ControlAction)
"""Their names, which no other action can have."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, and through which connection.

    Attributes:
        connection_id, endpoint: where what follows is sent.
    """

    tenant_id: str
    user_id: str
    permissions: frozenset[str]
    connection_id: str
    endpoint: str

    @classmethod
    def behind(cls, connection: Connection, connection_id: str) -> "Asker":
        """Return who is behind a connection."""
        return cls(
            connection.tenant_id,
            connection.user_id,
            frozenset(connection.permissions),
            connection_id,
            connection.endpoint,
        )

    def check_may_ask_about(self, user_id: str | None, permission: str) -> str:
        """Return whose requests are meant; of another tenant there is no way to mean any.

        Raises:
            Forbidden: somebody else's, and the permission is missing.
        """
        if user_id is None or user_id == self.user_id:
            return self.user_id
        if permission not in self.permissions:
            raise Forbidden(f"The requests of other users need the permission {permission}.")
        return user_id


class ControlActions:
    """Answers the control actions. They are short, and always at hand."""

    def __init__(
        self,
        *,
        requests: RequestStore,
        subscriptions: SubscriptionStore,
        messages: MessageStore,
        delivery: OutcomeDelivery,
        sign: Callable[[], Signer],
        clock: Clock,
        logger: Logger,
    ) -> None:
        self._requests = requests
        self._subscriptions = subscriptions
        self._messages = messages
        self._delivery = delivery
        self._sign = sign
        self._clock = clock
        self._logger = logger

    def answer(self, name: str, payload: dict[str, Any], asker: Asker, *, request_id: str) -> Message:
        """Answer one.

        Args:
            request_id: of this message; the request meant is in the payload.

        Raises:
            InvalidMessage: the payload doesn't fit.
            Forbidden: the request is another user's, and the permission is missing.
            NotFound: there is no such request; a short one leaves nothing to be asked about.
        """
        action = ControlAction(name)
        query: Any = parse_payload(name, QUERIES[action], payload)
        now = timestamp(self._clock.now())
        match action:
            case ControlAction.PING:
                return Pong(timestamp=now)
            case ControlAction.STATUS:
                data: Any = self.status(query, asker)
            case ControlAction.SUBSCRIBE:
                data = self.subscribe(query, asker)
            case ControlAction.CANCEL:
                data = self.cancel(query, asker)
            case ControlAction.LIST:
                data = self.list(query, asker)
        return Response(request_id=request_id, timestamp=now, success=True, data=data)

    def status(self, query: RequestReference, asker: Asker) -> RequestStatus:
        """Say where a request stands, with the result of one that is complete."""
        key = self._key(query, asker, READ_PERMISSION)
        state = self._requests.get(key)
        if state.status is not Status.COMPLETED:
            return fitted_status(status_of(state))
        result, link = as_sent(self._requests.get_result(key), self._sign(), self._clock.now())
        return fitted_status(status_of(state, result=result, link=link))

    def subscribe(self, query: SubscribeQuery, asker: Asker) -> Subscribed:
        """Let this connection be told what happens from now on, and say what happened so far.

        The subscription is written before anything is read, so that nothing falls between; what
        is sent meanwhile may come twice, with the same sequence.
        """
        key = self._key(query, asker, READ_PERMISSION)
        state = self._followed(key, asker)
        only = state.find_only_follower(self._clock.now())
        if state.status not in TERMINAL and only is not None and only.connection_id != asker.connection_id:
            state = self._followed(key, asker)  # it was not there yet when it was to learn of its follower
        seen = -1 if query.after_sequence is None else query.after_sequence
        messages, truncated = [], False
        if query.after_sequence is not None:
            replay = self._messages.after(key, query.after_sequence)
            messages = replay.messages
            truncated = replay.truncated or (not messages and may_have_lost(state, seen, self._clock.now()))
        outcome: Complete | Error | None = None
        if state.status in TERMINAL and (state.outcome_sequence or 0) > seen:
            told = self._delivery.message(key, state)
            outcome = told if isinstance(told, Complete | Error) else None
        return fitted(status_of(state), messages, outcome, truncated=truncated)

    def cancel(self, query: RequestReference, asker: Asker) -> RequestStatus:
        """End a request that waits, or ask one that runs to end. One that is over stays as it is."""
        key = self._key(query, asker, CANCEL_PERMISSION)
        state = self._requests.cancel(key)
        if state.status is Status.CANCELLED and state.undelivered:
            try:
                self._delivery.deliver(key, state)
            except StreamerError:  # the request is cancelled, and the sweeper tells who was not told
                self._logger.warning(
                    "An outcome waits for the sweeper", exc_info=True, extra={"action": "outcome.waits"}
                )
        self._logger.info("A request is to end", extra={"action": "request.cancel", "status": state.status})
        return fitted_status(status_of(state))

    def list(self, query: ListQuery, asker: Asker) -> RequestList:
        """Give a page of a user's long requests, newest first."""
        user_id = asker.check_may_ask_about(query.user_id, READ_PERMISSION)
        page = self._requests.list_for_user(
            asker.tenant_id,
            user_id,
            limit=query.limit,
            cursor=query.cursor,
            status=None if query.status is None else Status(query.status),
        )
        return RequestList(requests=[listed(state) for state in page.states], cursor=page.cursor)

    def _followed(self, key: RequestKey, asker: Asker) -> RequestState:
        """Subscribe the asker, and return the request as it is after that."""
        self._subscriptions.subscribe(key, asker.connection_id, asker.endpoint)
        try:
            return self._requests.get(key)
        except NotFound:
            self._subscriptions.delete(key, asker.connection_id)
            raise

    def _key(self, query: RequestReference, asker: Asker, permission: str) -> RequestKey:
        user_id = asker.check_may_ask_about(query.user_id, permission)
        return RequestKey(asker.tenant_id, user_id, query.request_id)
