"""What the functions are made of, each part made once, when it is first used."""

import random
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from logging import Logger
from typing import TYPE_CHECKING, Any, Protocol

from botocore.session import Session

from streamer.clock import Clock, SystemClock
from streamer.errors import StreamerError
from streamer.lambdas.clients import Clients, client_factory
from streamer.lifecycle import Status
from streamer.observability import get_logger
from streamer.settings import Settings

if TYPE_CHECKING:
    from streamer.actions.registry import ActionRegistry
    from streamer.auth.authenticator import Authenticator
    from streamer.connections.manager import ConnectionManager
    from streamer.connections.transport import Transport
    from streamer.store import (
        ConnectionStore,
        ExpiryStore,
        MessageStore,
        RequestState,
        RequestStore,
        SubscriptionStore,
    )


class LambdaContext(Protocol):
    """What we use of the context that Lambda passes to a handler."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int: ...


Event = Mapping[str, Any]
Handler = Callable[[Event, LambdaContext], dict[str, Any]]
"""A Lambda handler: event and context in, the function's response out."""


class Services:
    """The parts of one environment: what a handler is built from.

    A part costs nothing until it is used, its import included; `build` uses what its handler needs, so
    that the work is done in Lambda's init phase. A test or another host assigns parts of its own before.

    Attributes:
        settings, clock, sleep, random: as they were passed.
        logger: the function's; lines carry what `observability.bound` says.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        function: str,
        clock: Clock | None = None,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = random.random,
        make_client: Callable[[str], Any] | None = None,
    ) -> None:
        """Make the services; nothing is opened or imported yet.

        Args:
            function: the function's short name, for its logs: `connect`.
            random: returns jitter, in [0, 1).
            make_client: returns an AWS client by boto3's name of the service; by default one that
                follows the standard AWS variables of the process.
        """
        self.settings = settings
        self.clock = clock or SystemClock()
        self.sleep = sleep
        self.random = random
        self.logger: Logger = get_logger(function, level=settings.log_level)
        self._make_client = make_client

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], *, function: str) -> "Services":
        """Make the services that a function's environment variables describe.

        Raises:
            KeyError: a variable is missing; names it.
            ValueError: a variable has a value that it cannot have.
        """
        return cls(Settings.from_environment(environment), function=function)

    def client(self, service: str) -> Any:
        """Return the AWS client of `service`, by boto3's name for it. Thread-safe; made once."""
        return self.clients.get(service)

    @cached_property
    def session(self) -> Session:
        return Session()

    @cached_property
    def clients(self) -> Clients:
        return Clients(self._make_client or client_factory(self.session))

    @cached_property
    def requests(self) -> "RequestStore":
        from streamer.store import RequestStore

        return RequestStore(self.client("dynamodb"), self.settings, self.clock, logger=self.logger)

    @cached_property
    def connections(self) -> "ConnectionStore":
        from streamer.store import ConnectionStore

        return ConnectionStore(self.client("dynamodb"), self.settings, self.clock)

    @cached_property
    def subscriptions(self) -> "SubscriptionStore":
        from streamer.store import SubscriptionStore

        return SubscriptionStore(self.client("dynamodb"), self.settings, self.clock)

    @cached_property
    def messages(self) -> "MessageStore":
        from streamer.store import MessageStore

        return MessageStore(self.client("dynamodb"), self.settings, self.clock)

    @cached_property
    def expiry(self) -> "ExpiryStore":
        from streamer.store import ExpiryStore

        return ExpiryStore(self.client("dynamodb"), self.settings, self.clock)

    @cached_property
    def registry(self) -> "ActionRegistry":
        from streamer.actions.registry import load_registry

        return load_registry(self.settings)

    @cached_property
    def transport(self) -> "Transport":
        from streamer.connections.transport import SignedTransport

        return SignedTransport.from_session(self.session)

    @cached_property
    def sender(self) -> "ConnectionManager":
        from streamer.connections.manager import ConnectionManager

        return ConnectionManager(
            self.transport,
            self.forget_connection,
            clock=self.clock,
            sleep=self.sleep,
            random=self.random,
            logger=self.logger,
            directory=self.connections,
        )

    @cached_property
    def authenticator(self) -> "Authenticator":
        from streamer.auth.authenticator import Authenticator
        from streamer.auth.key_ring import KeyRing
        from streamer.auth.secret import SecretSource

        source = SecretSource(self.client("secretsmanager"), self.settings.jwt_keys_secret)
        keys = KeyRing(source.fetch, self.clock, self.logger)
        return Authenticator(keys, self.settings, self.clock, self.logger)

    def forget_connection(self, connection_id: str) -> "list[RequestState]":
        """Remove a connection that is over, all that it subscribed to, and the requests that end with it.

        Idempotent. The connection goes first: from then on no message of it is taken. Other requests
        go on.

        Returns:
            The requests that this ended at once; those that run end when they next report.
        """
        self.connections.delete(connection_id)
        keys = self.subscriptions.list_requests(connection_id)
        ended, left = [], set()
        for ending in self.requests.list_ending_with(connection_id, keys):
            try:
                ended.append(self.requests.cancel(ending.key))
            except StreamerError:
                left.add(ending.key)  # its subscription stays: by that the next post finds it again
                self.logger.warning(
                    "A request did not end with its connection",
                    exc_info=True,
                    extra={"action": "request.not_ended", "request_id": ending.request_id},
                )
        self.subscriptions.delete_many((key for key in keys if key not in left), connection_id)
        return [state for state in ended if state.status is Status.CANCELLED and state.undelivered]
