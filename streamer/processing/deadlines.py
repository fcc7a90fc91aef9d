"""How the time of an invocation is shared between an action and what comes after it. Pure."""

from streamer.dynamorm.frozen import dataclass

FINISHING_S = 5.0
"""Seconds of an invocation that are kept for storing and sending the outcome. Ours."""

CONTINUING_S = 25.0
"""Seconds before an action's end from which its next checkpoint ends the invocation: so long may what lies
between two checkpoints take. Ours."""

SHORT_SHARE = 0.2
"""Of an invocation that is short, each of them takes this share at most. Ours."""


@dataclass(frozen=True, slots=True)
class Deadlines:
    """When things end, as seconds that are then left of the invocation.

    Attributes:
        stop_s: the action is ended from outside.
        continue_s: from then on its next checkpoint ends the invocation.
    """

    stop_s: float
    continue_s: float


def deadlines(remaining_s: float, *, timeout_s: float) -> Deadlines:
    """Share what is left of an invocation at the begin of an attempt.

    Args:
        timeout_s: seconds that the action may run in one invocation.
    """
    finishing_s = min(FINISHING_S, remaining_s * SHORT_SHARE)
    limit_s = max(0.0, min(timeout_s, remaining_s - finishing_s))
    stop_s = remaining_s - limit_s
    return Deadlines(stop_s, stop_s + min(CONTINUING_S, limit_s * SHORT_SHARE))
