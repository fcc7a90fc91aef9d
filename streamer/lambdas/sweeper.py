"""Every minute, and whenever an executor fails: puts right what was left behind."""

from typing import Any

from streamer.lambdas.contexts import make_delivery
from streamer.lambdas.entry_point import entry_point
from streamer.lambdas.services import Event, Handler, LambdaContext, Services
from streamer.observability import bound
from streamer.processing.sweeper import Sweeper

RESERVE_S = 10.0
"""Seconds of an invocation that are kept to put right what is due then. Ours."""


def build(services: Services) -> Handler:
    """Make the handler of the schedule and of the executor's on-failure destination.

    Shape:
        event: EventBridge's scheduled event, or Lambda's record of a failed asynchronous invocation.
    """
    sweeper = Sweeper(
        requests=services.requests,
        expiry=services.expiry,
        delivery=make_delivery(services),
        clock=services.clock,
        max_attempts=services.settings.max_attempts,
        logger=services.logger,
        sleep=services.sleep,
    )

    def handle(event: Event, context: LambdaContext) -> dict[str, Any]:
        def remaining_s() -> float:
            return context.get_remaining_time_in_millis() / 1000

        with bound(aws_request_id=context.aws_request_id):
            if "requestPayload" not in event:
                until = services.clock.now() + remaining_s() - RESERVE_S
                return sweeper.sweep(until=until, remaining_s=remaining_s)
            with bound(correlation_id=event["requestPayload"].get("correlation_id")):
                sweeper.executor_failed(event, remaining_s=remaining_s)
        return {}

    return handle


__getattr__ = entry_point(build, "sweeper")
