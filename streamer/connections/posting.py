"""One message to one connection: whether it is let through, how long it is insisted on, and what is told."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from logging import Logger
from threading import Lock

from streamer.clock import Clock
from streamer.connections.breaker import Admission, CircuitBreaker
from streamer.connections.counters import Counters
from streamer.connections.retries import Delivery, Failure, Reply, RetryPolicy, Wait, decide
from streamer.connections.transport import Transport
from streamer.dynamorm.frozen import dataclass

_COUNTERS: Mapping[Delivery, str] = {
    Delivery.DELIVERED: "sent",
    Delivery.FAILED: "failed",
    Delivery.GONE: "gone",
    Delivery.REJECTED: "rejected",
}
"""Which counter a delivery is counted in."""


@dataclass(frozen=True, slots=True)
class Post:
    """A message that was let through to a connection.

    Attributes:
        policy: how long it is insisted on; a probe is not.
        began_at: epoch seconds.
    """

    endpoint: str
    connection_id: str
    policy: RetryPolicy
    began_at: float


class Poster:
    """Brings single messages to their end, and keeps what is known of the connections. Thread-safe."""

    def __init__(
        self,
        transport: Transport,
        on_gone: Callable[[str], object],
        breaker: CircuitBreaker,
        *,
        clock: Clock,
        sleep: Callable[[float], None],
        random: Callable[[], float],
        logger: Logger,
    ) -> None:
        """Take what the ConnectionManager is given."""
        self._transport = transport
        self._on_gone = on_gone
        self._breaker = breaker
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self._logger = logger
        self._counts: Counter[str] = Counter()
        self._lock = Lock()

    @property
    def counters(self) -> Counters:
        """What was sent so far, and how it ended."""
        with self._lock:
            return Counters(**self._counts)

    def send(self, endpoint: str, connection_id: str, data: bytes, policy: RetryPolicy) -> Delivery:
        """Send a message, or reject it. Never raises."""
        post = self.admit(endpoint, connection_id, policy)
        return Delivery.REJECTED if post is None else self.insist(post, data)

    def admit(self, endpoint: str, connection_id: str, policy: RetryPolicy) -> Post | None:
        """Let a message through, or reject it. Who gets a post ends it: `answered`, `insist`, `give_up`."""
        now = self._clock.now()
        with self._lock:
            admission = self._breaker.admit(connection_id, now)
            if admission is Admission.REJECT:
                self._counts[_COUNTERS[Delivery.REJECTED]] += 1
                return None
        if admission is Admission.PROBE:
            policy = replace(policy, attempts=1)
        return Post(endpoint, connection_id, policy, now)

    def answered(self, post: Post, reply: Reply) -> Delivery | None:
        """Note the answer to the first post; return what became of it, None if it is worth insisting.

        Who learns that a connection is gone reports it: `gone`.
        """
        if reply.is_taken:
            return self._end(post, Delivery.DELIVERED, is_healthy=True)
        verdict = self._judge(reply, 1, post.policy, post.began_at)
        return None if isinstance(verdict, Wait) else self._settle(post, verdict, reply, 1)

    def give_up(self, post: Post) -> None:
        """Note that the sender's time was over before the message was taken or refused for good."""
        with self._lock:
            self._breaker.cut_off(post.connection_id)
            self._counts[_COUNTERS[Delivery.FAILED]] += 1

    def insist(self, post: Post, data: bytes, reply: Reply | None = None) -> Delivery:
        """Post until there is a verdict, and say what it is. Never raises.

        Args:
            reply: the answer, where the first post was made already.
        """
        try:
            verdict, reply, attempts = self.call(
                lambda: self._transport.post(post.endpoint, post.connection_id, data),
                post.policy,
                began_at=post.began_at,
                reply=reply,
            )
        except Exception:
            self._logger.exception(
                "A message was not sent",
                extra={"action": "message.not_sent", "connection_id": post.connection_id},
            )
            return self._end(post, Delivery.FAILED, is_healthy=False)
        self._settle(post, verdict, reply, attempts)
        if verdict is Delivery.GONE:
            self.gone(post.connection_id)
        return verdict

    def call(
        self,
        call: Callable[[], Reply],
        policy: RetryPolicy,
        *,
        began_at: float | None = None,
        reply: Reply | None = None,
    ) -> tuple[Delivery, Reply, int]:
        """Call until there is a verdict; return it with the last reply and the number of calls."""
        began_at = self._clock.now() if began_at is None else began_at
        attempt = 1
        while True:
            reply = reply or call()
            verdict = self._judge(reply, attempt, policy, began_at)
            if not isinstance(verdict, Wait):
                return verdict, reply, attempt
            self._sleep(verdict.seconds)
            reply = None
            attempt += 1
            with self._lock:
                self._counts["retried"] += 1

    def gone(self, connection_id: str) -> None:
        """Report a connection that is over. Never raises."""
        try:
            self._on_gone(connection_id)
        except Exception:
            self._logger.exception(
                "A connection that is gone was not removed",
                extra={"action": "connection.not_removed", "connection_id": connection_id},
            )

    def log_failure(
        self, message: str, action: str, connection_id: str, reply: Reply, attempts: int = 1
    ) -> None:
        """Write the line of what API Gateway did not do."""
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

    def _judge(self, reply: Reply, attempt: int, policy: RetryPolicy, began_at: float) -> Delivery | Wait:
        now = self._clock.now()
        jitter = self._random()
        return decide(reply, attempt=attempt, elapsed_s=now - began_at, now=now, jitter=jitter, policy=policy)

    def _settle(self, post: Post, verdict: Delivery, reply: Reply, attempts: int) -> Delivery:
        if verdict is Delivery.FAILED and _is_cut_short(post.policy, reply, attempts):
            self.give_up(post)
        else:
            # one that answered is healthy: what it refused for good is our fault
            self._end(post, verdict, is_healthy=not (verdict is Delivery.FAILED and reply.may_pass))
        if verdict is Delivery.FAILED:
            self.log_failure(
                "A message was not taken", "message.not_taken", post.connection_id, reply, attempts
            )
        return verdict

    def _end(self, post: Post, delivery: Delivery, *, is_healthy: bool) -> Delivery:
        with self._lock:
            if is_healthy:
                self._breaker.succeeded(post.connection_id)
            else:
                self._breaker.failed(post.connection_id, self._clock.now())
            self._counts[_COUNTERS[delivery]] += 1
        return delivery


def _is_cut_short(policy: RetryPolicy, reply: Reply, attempts: int) -> bool:
    """Whether the API answered and would be asked again, had the sender the time: its haste says nothing."""
    if reply.failure is Failure.NOT_SENT:
        return True
    return policy.is_hurried and reply.status is not None and reply.may_pass and attempts < policy.attempts
