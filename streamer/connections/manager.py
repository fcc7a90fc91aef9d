"""Sends messages to connections: one, several, or all of a tenant or of users."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from dataclasses import dataclass, replace
from logging import Logger
from threading import Lock
from typing import Protocol

from streamer.clock import Clock
from streamer.connections.breaker import Admission, CircuitBreaker
from streamer.connections.counters import Counters
from streamer.connections.retries import Delivery, Reply, RetryPolicy, Wait, decide
from streamer.connections.transport import MAX_CONNECTIONS, Transport
from streamer.errors import MessageTooLarge, ServiceUnavailable
from streamer.protocol.limits import MAX_MESSAGE_BYTES

__all__ = ["Broadcast", "ConnectionManager", "Counters", "Delivery", "Directory", "RetryPolicy", "Subscriber"]


class Subscriber(Protocol):
    """Whom a message goes to: a connection and the endpoint that it hangs on."""

    @property
    def connection_id(self) -> str: ...

    @property
    def endpoint(self) -> str: ...


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
        """Make a manager; threads are started when many connections are sent to.

        Args:
            on_gone: called with the id of a connection that does not exist any more, to remove it;
                from any thread, and more than once. What it raises is logged and goes no further.
            random: returns the jitter, in [0, 1).
            directory: where broadcasts find connections.
            max_parallel: connections that are sent to at the same time.
        """
        self._transport = transport
        self._on_gone = on_gone
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self._logger = logger
        self._policy = policy
        self._directory = directory
        self._breaker = breaker or CircuitBreaker()
        self._counters = Counters()
        self._max_parallel = max_parallel
        self._pool: ThreadPoolExecutor | None = None
        self._lock = Lock()

    @property
    def counters(self) -> Counters:
        """What was sent so far, and how it ended."""
        return self._counters

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
        return self._insist(endpoint, connection_id, data, self._policy_within(within_s))

    def send_many(
        self, subscribers: Sequence[Subscriber], data: bytes, *, within_s: float | None = None
    ) -> list[Delivery]:
        """Send one message to many connections; one's failure does not touch another.

        Args:
            within_s: seconds after which it is sent to nobody any more, and of several connections those
                are not waited for that have not taken it.

        Returns:
            What became of each, in the order of `subscribers`. Who was not waited for counts as FAILED,
            and may get it yet.

        Raises:
            MessageTooLarge: more than 128 KB; nothing is sent.
        """
        _check_size(data)
        policy = self._policy_within(within_s)
        if len(subscribers) < 2:
            return [self._insist(to.endpoint, to.connection_id, data, policy) for to in subscribers]
        pool = self._threads()
        futures = [
            pool.submit(copy_context().run, self._insist, to.endpoint, to.connection_id, data, policy)
            for to in subscribers
        ]
        done, late = wait(futures, within_s)
        for future in late:
            future.cancel()
        return [future.result() if future in done else Delivery.FAILED for future in futures]

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
        verdict, reply, attempts = self._try(
            lambda: self._transport.get(endpoint, connection_id), self._policy
        )
        if verdict is Delivery.FAILED:
            self._log_failure(
                "A connection was not asked after", "connection.unknown", connection_id, reply, attempts
            )
            raise ServiceUnavailable("Whether the connection is open cannot be told now; try again later.")
        if verdict is Delivery.GONE:
            self._gone(connection_id)
        return verdict is Delivery.DELIVERED

    def disconnect(self, endpoint: str, connection_id: str) -> None:
        """Close a connection, as far as that is possible; one that is gone is closed already."""
        reply = self._transport.delete(endpoint, connection_id)
        if reply.status is None or not (200 <= reply.status < 300 or reply.status == 410):
            self._log_failure("A connection was not closed", "connection.close_failed", connection_id, reply)

    def close(self) -> None:
        """Wait for what is being sent and end the threads."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown()

    def _policy_within(self, within_s: float | None) -> RetryPolicy:
        if within_s is None or within_s >= self._policy.budget_s:
            return self._policy
        return replace(self._policy, budget_s=within_s)

    def _insist(self, endpoint: str, connection_id: str, data: bytes, policy: RetryPolicy) -> Delivery:
        with self._lock:
            admission = self._breaker.admit(connection_id, self._clock.now())
        if admission is Admission.REJECT:
            delivery = Delivery.REJECTED
        else:
            if admission is Admission.PROBE:
                policy = replace(policy, attempts=1)
            delivery = self._attempt(endpoint, connection_id, data, policy)
        self._count(delivery)
        return delivery

    def _attempt(self, endpoint: str, connection_id: str, data: bytes, policy: RetryPolicy) -> Delivery:
        try:
            verdict, reply, attempts = self._try(
                lambda: self._transport.post(endpoint, connection_id, data), policy
            )
        except Exception:
            self._logger.exception(
                "A message was not sent",
                extra={"action": "message.not_sent", "connection_id": connection_id},
            )
            with self._lock:
                self._breaker.failed(connection_id, self._clock.now())
            return Delivery.FAILED
        with self._lock:
            if verdict is Delivery.FAILED and reply.may_pass:
                self._breaker.failed(connection_id, self._clock.now())
            else:  # it answered: what it refused for good is our fault, not the connection's
                self._breaker.succeeded(connection_id)
        if verdict is Delivery.GONE:
            self._gone(connection_id)
        elif verdict is Delivery.FAILED:
            self._log_failure("A message was not taken", "message.not_taken", connection_id, reply, attempts)
        return verdict

    def _try(self, call: Callable[[], Reply], policy: RetryPolicy) -> tuple[Delivery, Reply, int]:
        """Call until there is a verdict; return it with the last reply and the number of calls."""
        began = self._clock.now()
        attempt = 1
        while True:
            reply = call()
            now = self._clock.now()
            verdict = decide(
                reply,
                attempt=attempt,
                elapsed_s=now - began,
                now=now,
                jitter=self._random(),
                policy=policy,
            )
            if not isinstance(verdict, Wait):
                return verdict, reply, attempt
            self._sleep(verdict.seconds)
            attempt += 1
            with self._lock:
                self._counters = replace(self._counters, retried=self._counters.retried + 1)

    def _count(self, delivery: Delivery) -> None:
        name = _COUNTERS[delivery]
        with self._lock:
            self._counters = replace(self._counters, **{name: getattr(self._counters, name) + 1})

    def _gone(self, connection_id: str) -> None:
        try:
            self._on_gone(connection_id)
        except Exception:
            self._logger.exception(
                "A connection that is gone was not removed",
                extra={"action": "connection.not_removed", "connection_id": connection_id},
            )

    def _log_failure(
        self, message: str, action: str, connection_id: str, reply: Reply, attempts: int = 1
    ) -> None:
        self._logger.warning(
            message,
            extra={
                "action": action,
                "connection_id": connection_id,
                "status": reply.status,
                "failure": reply.failure,
                "attempts": attempts,
            },
        )

    def _threads(self) -> ThreadPoolExecutor:
        with self._lock:
            if self._pool is None:
                self._pool = ThreadPoolExecutor(self._max_parallel, thread_name_prefix="send")
            return self._pool


_COUNTERS: Mapping[Delivery, str] = {
    Delivery.DELIVERED: "sent",
    Delivery.FAILED: "failed",
    Delivery.GONE: "gone",
    Delivery.REJECTED: "rejected",
}
"""Which counter a delivery is counted in."""


def _check_size(data: bytes) -> None:
    if len(data) > MAX_MESSAGE_BYTES:
        raise MessageTooLarge(len(data), MAX_MESSAGE_BYTES)
