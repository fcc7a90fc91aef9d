"""When a client connects again, and when it gives up. Pure."""

from dataclasses import dataclass

from streamer.clients.python.errors import ClientError, ConnectionFailed, ConnectionRefused

UNAUTHORIZED_ATTEMPTS = 3
"""Handshakes in a row that may be refused with 401 where tokens come from a provider. Ours."""


@dataclass(frozen=True, slots=True)
class Reconnection:
    """How a client stays connected.

    Attributes:
        base_s: upper end of the wait before the first try; it doubles with each further one.
        cap_s: upper end of any wait.
        give_up_after_s: seconds without a connection after which the client ends.
        max_age_s: seconds after which a connection is replaced by a new one, before API Gateway closes
            it; its quota is two hours.
    """

    base_s: float = 1.0
    cap_s: float = 30.0
    give_up_after_s: float = 300.0
    max_age_s: float = 6_900.0

    def delay_s(self, failures: int, jitter: float) -> float:
        """Return how long to wait after so many failed tries: exponential backoff with full jitter.

        Args:
            jitter: in [0, 1).
        """
        return jitter * min(self.cap_s, self.base_s * 2.0 ** min(failures, 30))

    def lifetime_s(self, jitter: float) -> float:
        """Return after how long a connection is replaced: a little earlier, so that not all come at once."""
        return self.max_age_s * (1 - jitter / 20)


def is_unauthorized(error: Exception) -> bool:
    """Whether a handshake failed because its token was refused."""
    return isinstance(error, ConnectionRefused) and error.status == 401


def try_again(
    error: Exception, *, unauthorized: int, has_provider: bool, elapsed_s: float, policy: Reconnection
) -> bool:
    """Whether another try to connect can help after `error`.

    Args:
        unauthorized: handshakes in a row that were refused with 401, this one included.
        has_provider: whether the next try gets a token of its own.
        elapsed_s: since the connection was lost.
    """
    if elapsed_s >= policy.give_up_after_s:
        return False
    if is_unauthorized(error):
        return has_provider and unauthorized < UNAUTHORIZED_ATTEMPTS
    if isinstance(error, ConnectionRefused):
        return error.retryable
    return isinstance(error, ConnectionFailed) or not isinstance(error, ClientError)
