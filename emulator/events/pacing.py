"""How long to wait: between polls, and after failures. Values only."""

from dataclasses import dataclass
from enum import StrEnum

AWS_POLL_INTERVAL_S = 0.25
"""Lambda polls each shard four times a second. Lambda Developer Guide, "DynamoDB polling"."""

FASTEST_POLL_S = 0.02
"""Between adaptive polls right after activity: under a frame of what a person notices. Ours."""

SLOWEST_POLL_S = 0.25
"""Between adaptive polls of an idle stream: Lambda's own rate."""

IDLE_SHARE = 0.05
"""Adaptive polls wait this part of the time for which nothing has come: idle for 5 s is the slowest. Ours."""


class Polling(StrEnum):
    """How streams are polled where GetRecords cannot wait."""

    ADAPTIVE = "adaptive"
    AWS = "aws"


def poll_pause_s(polling: Polling, *, idle_s: float) -> float:
    """Return the seconds to wait before the next poll.

    Args:
        idle_s: seconds since the stream last had a record; 0 right after one.
    """
    if polling is Polling.AWS:
        return AWS_POLL_INTERVAL_S
    if idle_s <= 0:
        return 0.0
    return min(max(idle_s * IDLE_SHARE, FASTEST_POLL_S), SLOWEST_POLL_S)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Doubling waits with jitter.

    Attributes:
        first_s: the wait after the first failure, before jitter.
        longest_s: the wait after many.
    """

    first_s: float
    longest_s: float

    def delay_s(self, failures: int, jitter: float) -> float:
        """Return the seconds to wait after `failures` (>= 1) failures in a row.

        Args:
            jitter: a random number in [0, 1); takes away up to half of the wait.
        """
        doubled = self.first_s * 2.0 ** min(failures - 1, 30)
        return min(doubled, self.longest_s) * (1.0 - jitter / 2)


UNREACHABLE = Backoff(first_s=0.1, longest_s=5.0)
"""Between attempts to reach a back end that does not answer. Ours."""
