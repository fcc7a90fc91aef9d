"""Throttling: the account's token buckets, and those of stages and routes.

A bucket is told the time, so that a rule about seconds is tested without waiting for one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from emulator.application import Stage
from emulator.clock import Clock


@dataclass(frozen=True, slots=True)
class AccountLimits:
    """What one account may do in one Region; every API of a sandbox shares it.

    Attributes:
        requests_per_s: handshakes, messages and `@connections` calls together.
        request_burst: how many of them at once.
        connections_per_s: new connections.
        connection_burst: how many of them at once. AWS does not say; one second's worth stands in, so that
            a client which opens more than that at once meets its 429 here first.

    Source:
        API Gateway quotas: 10,000 requests a second with a bucket of 5,000, shared by HTTP, REST, WebSocket
        and WebSocket callback APIs; WebSocket quotas: 500 new connections a second.
    """

    requests_per_s: float = 10_000.0
    request_burst: int = 5_000
    connections_per_s: float = 500.0
    connection_burst: int = 500


class TokenBucket:
    """Holds up to `burst` tokens, full at first, and gains `rate_per_s` tokens a second."""

    __slots__ = ("_burst", "_filled_at", "_rate_per_s", "_tokens")

    def __init__(self, rate_per_s: float, burst: int) -> None:
        self._rate_per_s = rate_per_s
        self._burst = float(burst)
        self._tokens = self._burst
        self._filled_at = 0.0

    def has_token(self, now: float) -> bool:
        """Tell whether a token is there at monotonic time `now`, in seconds."""
        self._tokens = min(self._burst, self._tokens + (now - self._filled_at) * self._rate_per_s)
        self._filled_at = now
        return self._tokens >= 1.0

    def take(self) -> None:
        """Take the token that `has_token` found."""
        self._tokens -= 1.0


def take_all(now: float, *buckets: TokenBucket) -> bool:
    """Take one token of every bucket, or none at all; tell which."""
    for bucket in buckets:
        if not bucket.has_token(now):
            return False
    for bucket in buckets:
        bucket.take()
    return True


class RouteLimits:
    """The buckets of one API's stages: one for each route of a stage that limits it.

    Source:
        API Gateway Developer Guide, "Throttling": a stage's default settings hold for each of its routes
        alone, a route's own settings go before them.
    """

    def __init__(self, stages: Sequence[Stage], route_keys: Sequence[str]) -> None:
        self._buckets = {
            (stage.name, key): TokenBucket(limit.rate_limit, limit.burst_limit)
            for stage in stages
            for key in route_keys
            if (limit := stage.route_throttling.get(key, stage.throttling)) is not None
        }

    def find(self, stage: str, route_key: str) -> TokenBucket | None:
        """Return the bucket of a route in a stage, or None where only the account limits it."""
        return self._buckets.get((stage, route_key))


class Throttle:
    """What the gateways of one sandbox share, as the APIs of one account do. Used from one event loop."""

    def __init__(self, clock: Clock, limits: AccountLimits | None = None) -> None:
        limits = limits or AccountLimits()
        self._clock = clock
        self._requests = TokenBucket(limits.requests_per_s, limits.request_burst)
        self._connections = TokenBucket(limits.connections_per_s, limits.connection_burst)

    def admit_request(self, route: TokenBucket | None = None) -> bool:
        """Tell whether a message or an `@connections` call may pass, and count it if so."""
        return take_all(self._clock.monotonic(), *_those(route, self._requests))

    def admit_connection(self, route: TokenBucket | None = None) -> bool:
        """Tell whether a handshake may pass, and count it if so; it counts as a request, too."""
        return take_all(self._clock.monotonic(), self._connections, *_those(route, self._requests))


def _those(route: TokenBucket | None, account: TokenBucket) -> tuple[TokenBucket, ...]:
    return (account,) if route is None else (route, account)
