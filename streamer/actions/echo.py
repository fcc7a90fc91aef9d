"""`echo`: gives back what it got."""

from typing import Any

from streamer.actions.context import ActionContext
from streamer.actions.declaration import action
from streamer.clock import timestamp


@action("echo", payload=dict[str, Any], estimated_duration_s=0.01)
def echo(payload: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Answer with the payload.

    Shape:
        `{"echo": object, "action": "echo", "received_at": str}`
    """
    return {"echo": payload, "action": "echo", "received_at": timestamp(context.clock.now())}
