"""`delay`: waits, as long work does that is longer than an invocation."""

import time
from typing import Any

from streamer.actions.context import ActionContext
from streamer.actions.declaration import action
from streamer.actions.payloads import Payload
from streamer.clock import timestamp

MAX_SECONDS = 86_400.0
"""Seconds that may be waited: a day. Ours."""

STEP_S = 0.5
"""Seconds after which it looks again at the time and says how far it is. Ours."""


class DelayPayload(Payload, frozen=True, kw_only=True):
    """How long to wait."""

    seconds: float = 30.0

    def __post_init__(self) -> None:
        if not 0 <= self.seconds <= MAX_SECONDS:
            raise ValueError(f"seconds is 0 to {MAX_SECONDS:,.0f}")


def _estimate(payload: DelayPayload) -> float:
    return payload.seconds


@action("delay", payload=DelayPayload, estimated_duration_s=_estimate)
def delay(payload: DelayPayload, context: ActionContext) -> dict[str, Any]:
    """Wait until the time has come, by the clock of the deployment; up to 5 s the answer comes at once.

    When it began is its checkpoint: what comes after a crash or in the next invocation waits for the
    rest only.

    Shape:
        `{"seconds": number, "began_at": str, "ended_at": str}`
    """
    began: float = context.clock.now() if context.restored is None else context.restored["began"]
    while (left_s := began + payload.seconds - context.clock.now()) > 0:
        context.progress(
            100 * (1 - left_s / payload.seconds), f"{left_s:.0f} s to wait", left_s=round(left_s, 1)
        )
        context.checkpoint({"began": began})
        time.sleep(min(STEP_S, left_s))
    context.progress(100, "Waited long enough", left_s=0)
    return {
        "seconds": payload.seconds,
        "began_at": timestamp(began),
        "ended_at": timestamp(context.clock.now()),
    }
