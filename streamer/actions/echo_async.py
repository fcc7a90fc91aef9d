"""`echo_async`: gives back what it got, the long way."""

import time
from typing import Any

from streamer.actions.context import ActionContext
from streamer.actions.declaration import action
from streamer.clock import timestamp

STEPS = 4
"""Steps with progress between."""

STEP_S = 0.25
"""Seconds of a step: slow enough to be watched. Ours."""


@action("echo_async", payload=dict[str, Any], estimated_duration_s=10.0, timeout_s=60.0)
def echo_async(payload: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Answer with the payload after a second, with progress at 0, 25, 50, 75 and 100 %.

    Shape:
        `{"echo": object, "action": "echo_async", "received_at": str, "processed_at": str}`
    """
    received_at = timestamp(context.clock.now())
    for step in range(STEPS):
        context.progress(100 * step / STEPS, f"Step {step + 1} of {STEPS}", step=step + 1, steps=STEPS)
        time.sleep(STEP_S)
    context.progress(100, "Done", step=STEPS, steps=STEPS)
    return {
        "echo": payload,
        "action": "echo_async",
        "received_at": received_at,
        "processed_at": timestamp(context.clock.now()),
    }
