"""Whether a message that was not taken is sent again, and when. Pure."""

from dataclasses import replace
from datetime import UTC
from email.utils import parsedate_to_datetime
from enum import StrEnum

from streamer.dynamorm.frozen import dataclass


class Delivery(StrEnum):
    """What became of a message to one connection."""

    DELIVERED = "delivered"
    """API Gateway took it. The client may still be lost before it reads it."""

    GONE = "gone"
    """The connection is over and will never come back."""

    FAILED = "failed"
    """It was not taken, although the connection may be there."""

    REJECTED = "rejected"
    """It was not sent: the connection took nothing lately and is left alone for a while."""

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing left to do: who is still connected has it."""
        return self in (Delivery.DELIVERED, Delivery.GONE)


class Failure(StrEnum):
    """Why no answer came."""

    BAD_ENDPOINT = "bad_endpoint"
    """The endpoint is no address that can be asked."""

    NOT_CONNECTED = "not_connected"
    """The name is unknown, or nobody answers there, or not in time."""

    NO_TLS = "no_tls"
    """The server's certificate is not trusted or is another's, or TLS failed otherwise."""

    TIMED_OUT = "timed_out"
    """The request was sent, or a part of it, and no answer came in time."""

    NOT_SENT = "not_sent"
    """The time of who sends was over before the request had its turn."""

    BROKEN = "broken"
    """The connection broke before the answer had come."""

    NOT_HTTP = "not_http"
    """What came was no answer to an HTTP request."""


@dataclass(frozen=True, slots=True)
class Reply:
    """How the management API answered.

    Attributes:
        status: HTTP status; None where no answer came.
        retry_after: the header `Retry-After` as it came, or None.
        failure: why no answer came; else None.
    """

    status: int | None
    retry_after: str | None = None
    failure: Failure | None = None

    @property
    def is_taken(self) -> bool:
        """Whether it was done as asked."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def may_pass(self) -> bool:
        """Whether the same call may succeed later: throttled, failed on their side, or no answer."""
        return self.status is None or self.status == 429 or self.status >= 500


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How long to insist.

    Attributes:
        attempts: posts at most, the first included.
        base_s: upper end of the first wait; it doubles with each further one.
        cap_s: upper end of any wait that we choose ourselves.
        budget_s: no wait ends later than this after the first post began.
        is_hurried: whether the budget is that of who sends, who has no time for more.
    """

    attempts: int = 4
    base_s: float = 0.1
    cap_s: float = 2.0
    budget_s: float = 10.0
    is_hurried: bool = False

    def within(self, seconds: float) -> "RetryPolicy":
        """Return the policy of who has so much time and no more."""
        if seconds >= self.budget_s:
            return self
        return replace(self, budget_s=seconds, is_hurried=True)


@dataclass(frozen=True, slots=True)
class Wait:
    """Send again after `seconds`."""

    seconds: float


def decide(
    reply: Reply, *, attempt: int, elapsed_s: float, now: float, jitter: float, policy: RetryPolicy
) -> Delivery | Wait:
    """Judge the answer to post number `attempt`.

    429 and 5xx and no answer at all are worth another try, with exponential backoff and full
    jitter; where the service names a time, not before it. No wait follows the last attempt, and
    none is begun that the budget does not cover.

    Args:
        attempt: from 1.
        elapsed_s: since the first post began.
        now: epoch seconds.
        jitter: in [0, 1).

    Source:
        API Gateway Management API reference, `PostToConnection`, "Errors"; RFC 9110, section 10.2.3.
    """
    if reply.is_taken:
        return Delivery.DELIVERED
    if reply.status == 410:
        return Delivery.GONE
    if not reply.may_pass or reply.failure is Failure.NOT_SENT:
        return Delivery.FAILED
    if attempt >= policy.attempts:
        return Delivery.FAILED
    wanted_s = retry_after_s(reply.retry_after, now)
    if wanted_s is None:
        delay_s = jitter * min(policy.cap_s, policy.base_s * 2.0 ** (attempt - 1))
    else:
        delay_s = wanted_s + jitter * policy.base_s
    return Wait(delay_s) if elapsed_s + delay_s <= policy.budget_s else Delivery.FAILED


def retry_after_s(header: str | None, now: float) -> float | None:
    """Return the seconds that `Retry-After` asks for, None if it asks for nothing we understand.

    Source:
        RFC 9110, section 10.2.3: a number of seconds or an HTTP date.
    """
    text = (header or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9]) if len(text) <= 9 else 1e9
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - now)
