"""Sends messages to connections: one, or many at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from logging import Logger
from threading import Lock
from typing import Protocol

from streamer.clock import Clock
from streamer.connections.retries import Delivery, Reply, RetryPolicy, Wait, decide
from streamer.connections.transport import MAX_CONNECTIONS, Transport
from streamer.errors import MessageTooLarge
from streamer.protocol.limits import MAX_MESSAGE_BYTES

__all__ = ["ConnectionManager", "Delivery", "RetryPolicy", "Subscriber"]


class Subscriber(Protocol):
    """Whom a message goes to: a connection and the endpoint that it hangs on."""

    @property
    def connection_id(self) -> str: ...

    @property
    def endpoint(self) -> str: ...


class ConnectionManager:
    """Sends messages, insists where that can help, and reports connections that are gone.

    At least once: a post whose answer was lost is sent again. Messages that one thread sends one
    after the other to a connection arrive in that order.
    """

    def __init__(
        self,
        transport: Transport,
        on_gone: Callable[[str], None],
        *,
        clock: Clock,
        sleep: Callable[[float], None],
        random: Callable[[], float],
        logger: Logger,
        policy: RetryPolicy = RetryPolicy(),  # noqa: B008  # frozen
        max_parallel: int = MAX_CONNECTIONS,
    ) -> None:
        """Make a manager; threads are started when many connections are sent to.

        Args:
            on_gone: called with the id of a connection that does not exist any more, to remove it;
                from any thread, and more than once. What it raises is logged and goes no further.
            random: returns the jitter, in [0, 1).
            max_parallel: connections that are sent to at the same time.
        """
        self._transport = transport
        self._on_gone = on_gone
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self._logger = logger
        self._policy = policy
        self._max_parallel = max_parallel
        self._pool: ThreadPoolExecutor | None = None
        self._lock = Lock()

    def send(self, endpoint: str, connection_id: str, data: bytes) -> Delivery:
        """Send one message to one connection, with retries.

        Raises:
            MessageTooLarge: more than 128 KB; nothing is sent.
        """
        _check_size(data)
        return self._insist(endpoint, connection_id, data)

    def send_many(self, subscribers: Sequence[Subscriber], data: bytes) -> list[Delivery]:
        """Send one message to many connections; one's failure does not touch another.

        Returns:
            What became of each, in the order of `subscribers`.

        Raises:
            MessageTooLarge: more than 128 KB; nothing is sent.
        """
        _check_size(data)
        if len(subscribers) < 2:
            return [self._insist(to.endpoint, to.connection_id, data) for to in subscribers]
        pool = self._threads()
        futures = [
            pool.submit(copy_context().run, self._insist, to.endpoint, to.connection_id, data)
            for to in subscribers
        ]
        return [future.result() for future in futures]

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

    def _insist(self, endpoint: str, connection_id: str, data: bytes) -> Delivery:
        try:
            return self._send(endpoint, connection_id, data)
        except Exception:
            self._logger.exception(
                "A message was not sent",
                extra={"action": "message.not_sent", "connection_id": connection_id},
            )
            return Delivery.FAILED

    def _send(self, endpoint: str, connection_id: str, data: bytes) -> Delivery:
        began = self._clock.now()
        attempt = 1
        while True:
            reply = self._transport.post(endpoint, connection_id, data)
            now = self._clock.now()
            verdict = decide(
                reply,
                attempt=attempt,
                elapsed_s=now - began,
                now=now,
                jitter=self._random(),
                policy=self._policy,
            )
            if not isinstance(verdict, Wait):
                break
            self._sleep(verdict.seconds)
            attempt += 1
        if verdict is Delivery.GONE:
            self._gone(connection_id)
        elif verdict is Delivery.FAILED:
            self._log_failure("A message was not taken", "message.not_taken", connection_id, reply, attempt)
        return verdict

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


def _check_size(data: bytes) -> None:
    if len(data) > MAX_MESSAGE_BYTES:
        raise MessageTooLarge(len(data), MAX_MESSAGE_BYTES)
