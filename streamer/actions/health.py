"""`health`: whether requests are answered, and by which version."""

from typing import Any

from streamer import __version__
from streamer.actions.context import ActionContext
from streamer.actions.declaration import action
from streamer.clock import timestamp


@action("health", payload=dict[str, Any], estimated_duration_s=0.01)
def health(payload: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    """Answer with the state of the service. Whatever the payload holds is ignored.

    Shape:
        `{"status": "healthy", "timestamp": str, "version": str}`
    """
    return {"status": "healthy", "timestamp": timestamp(context.clock.now()), "version": __version__}
