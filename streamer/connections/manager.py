"""Sends messages to connections: one, several, or all of a tenant or of users."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from logging import Logger
from threading import Lock
from typing import Protocol

from streamer.clock import Clock
from streamer.connections.breaker import CircuitBreaker
from streamer.connections.counters import Counters
from streamer.connections.fan_out import FanOut, Subscriber
from streamer.connections.posting import Poster
from streamer.connections.retries import Delivery, RetryPolicy
from streamer.connections.transport import MAX_CONNECTIONS, Transport
from streamer.dynamorm.frozen import dataclass
from streamer.errors import MessageTooLarge, ServiceUnavailable
from streamer.protocol.limits import MAX_MESSAGE_BYTES

__all__ = ["Broadcast", "ConnectionManager", "Counters", "Delivery", "Directory", "RetryPolicy", "Subscriber"]


class Directory(Protocol):
    """Knows who is connected; the ConnectionStore."""

    def list_for_tenant(self, tenant_id: str) -> Iterable[Subscriber]: ...

    def list_for_user(self, tenant_id: str, user_id: str) -> Iterable[Subscriber]: ...


@dataclass(frozen=True, slots=True)
class Broadcast:
    """What became of a broadcast.

    Attributes:
        deliveries: by connection id.
    """

    deliveries: Mapping[str, Delivery]

    def count(self, delivery: Delivery) -> int:
        """Return how many connections it ended so for."""
        return sum(each is delivery for each in self.deliveries.values())

    @property
    def is_settled(self) -> bool:
        """Whether everyone who is still connected has it."""
        return all(delivery.is_settled for delivery in self.deliveries.values())


class ConnectionManager:
    """Sends messages, insists where that can help, and reports connections that are gone. Thread-safe.

    At least once: a post whose answer was lost is sent again. Messages that one thread sends one
    after the other to a connection arrive in that order. A connection that takes nothing is left alone
    for a while, so that it holds nobody up; then one message is let through to see.
    """

    def __init__(
        self,
        transport: Transport,
        on_gone: Callable[[str], object],
        *,
        clock: Clock,
        sleep: Callable[[float], None],
        random: Callable[[], float],
        logger: Logger,
        policy: RetryPolicy = RetryPolicy(),  # noqa: B008  # frozen
        directory: Directory | None = None,
        breaker: CircuitBreaker | None = None,
        max_parallel: int = MAX_CONNECTIONS,
    ) -> None:
        """Make a manager; a thread is started when a message of several has to be insisted on.

        Args:
            on_gone: called with the id of a connection that does not exist any more, to remove it;
                from any thread, and more than once. What it raises is logged and goes no further.
            random: returns the jitter, in [0, 1).
            directory: where broadcasts find connections.
            max_parallel: threads that insist, or remove what is gone, while others are sent to.
        """
        self._transport = transport
        self._poster = Poster(
            transport,
            on_gone,
            CircuitBreaker() if breaker is None else breaker,
            clock=clock,
            sleep=sleep,
            random=random,
            logger=logger,
        )
        self._logger = logger
        self._policy = policy
        self._directory = directory
        self._max_parallel = max_parallel
        self._pool: ThreadPoolExecutor | None = None
        self._lock = Lock()

    @property
    def counters(self) -> Counters:
        """What was sent so far, and how it ended."""
        return self._poster.counters

    def send(
        self, endpoint: str, connection_id: str, data: bytes, *, within_s: float | None = None
    ) -> Delivery:
        """Send one message to one connection, with retries.

        Args:
            within_s: seconds after which it is not sent again; None: as the policy says.

        Raises:
            MessageTooLarge: more than 128 KB; nothing is sent.
        """
        _check_size(data)
        return self._poster.send(endpoint, connection_id, data, self._policy_within(within_s))

    def send_many(
        self, subscribers: Sequence[Subscriber], data: bytes, *, within_s: float | None = None
    ) -> list[Delivery]:
        """Send one message to many connections; one's failure does not touch another.

        Args:
            within_s: seconds after which it is sent to nobody any more, and nobody is waited for who has
                not taken it.

        Returns:
            What became of each, in the order of `subscribers`. Who was not waited for counts as FAILED,
            and may get it yet.

        Raises:
            MessageTooLarge: more than 128 KB; nothing is sent.
        """
        _check_size(data)
        policy = self._policy_within(within_s)
        if within_s is None and len(subscribers) < 2:  # who has time needs no thread for one
            return [self._poster.send(to.endpoint, to.connection_id, data, policy) for to in subscribers]
        sending = FanOut(self._transport, self._poster, self._threads, policy, self._logger)
        return sending.send(subscribers, data, within_s)

    def broadcast(self, data: bytes, *, tenant_id: str, user_ids: Iterable[str] | None = None) -> Broadcast:
        """Send one message to every connection of a tenant, or of some of its users.

        Who connects or leaves meanwhile may or may not get it.

        Args:
            user_ids: whose connections; None: everybody's.

        Raises:
            MessageTooLarge: more than 128 KB; nothing is sent.
            ServiceUnavailable: the connections cannot be listed for now; nothing is sent.
        """
        _check_size(data)
        if self._directory is None:
            raise TypeError("This manager has no directory; give it one to broadcast.")
        found: dict[str, Subscriber] = {}
        if user_ids is None:
            found.update((to.connection_id, to) for to in self._directory.list_for_tenant(tenant_id))
        else:
            for user_id in dict.fromkeys(user_ids):
                listed = self._directory.list_for_user(tenant_id, user_id)
                found.update((to.connection_id, to) for to in listed)
        deliveries = self.send_many([*found.values()], data)
        return Broadcast(dict(zip(found, deliveries, strict=True)))

    def is_active(self, endpoint: str, connection_id: str) -> bool:
        """Whether a connection is open, as API Gateway knows it; one that is gone is removed.

        A connection whose `$connect` is not answered yet is not open.

        Raises:
            ServiceUnavailable: API Gateway does not say, for now.
        """
        verdict, reply, attempts = self._poster.call(
            lambda: self._transport.get(endpoint, connection_id), self._policy
        )
        if verdict is Delivery.FAILED:
            self._poster.log_failure(
                "A connection was not asked after", "connection.unknown", connection_id, reply, attempts
            )
            raise ServiceUnavailable("Whether the connection is open cannot be told now; try again later.")
        if verdict is Delivery.GONE:
            self._poster.gone(connection_id)
        return verdict is Delivery.DELIVERED

    def disconnect(self, endpoint: str, connection_id: str) -> None:
        """Close a connection, as far as that is possible; one that is gone is closed already."""
        reply = self._transport.delete(endpoint, connection_id)
        if reply.status is None or not (200 <= reply.status < 300 or reply.status == 410):
            self._poster.log_failure(
                "A connection was not closed", "connection.close_failed", connection_id, reply
            )

    def close(self) -> None:
        """Wait for what is being sent and end the threads."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown()

    def _policy_within(self, within_s: float | None) -> RetryPolicy:
        return self._policy if within_s is None else self._policy.within(within_s)

    def _threads(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._max_parallel, thread_name_prefix="send")
            return self._pool


def _check_size(data: bytes) -> None:
    if len(data) > MAX_MESSAGE_BYTES:
        raise MessageTooLarge(len(data), MAX_MESSAGE_BYTES)
