"""What clients can ask for: how an action is declared, and those that ship.

The default of `Settings.action_modules`. Importing this imports neither boto3 nor what computes reports.
"""

from streamer.actions.bulk_operation import bulk_operation
from streamer.actions.context import ActionContext
from streamer.actions.declaration import Action, action
from streamer.actions.delay import delay
from streamer.actions.echo import echo
from streamer.actions.echo_async import echo_async
from streamer.actions.generate_report import generate_report
from streamer.actions.health import health
from streamer.actions.links import Link
from streamer.actions.middleware import Middleware, Proceed, timed
from streamer.actions.payloads import Payload
from streamer.actions.process_data import process_data
from streamer.actions.retry_policy import DEFAULT_RETRY, NO_RETRY, RetryPolicy

__all__ = [
    "DEFAULT_RETRY",
    "NO_RETRY",
    "Action",
    "ActionContext",
    "Link",
    "Middleware",
    "Payload",
    "Proceed",
    "RetryPolicy",
    "action",
    "bulk_operation",
    "delay",
    "echo",
    "echo_async",
    "generate_report",
    "health",
    "process_data",
    "timed",
]
