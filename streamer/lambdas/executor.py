"""Runs one long request. Invoked asynchronously, without Lambda's retries: the sweeper is its safety net."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec

from streamer.lambdas.contexts import context_factory, make_delivery
from streamer.lambdas.entry_point import entry_point
from streamer.lambdas.services import Event, Handler, LambdaContext, Services
from streamer.observability import bound
from streamer.processing.executor import Executor, Invocation
from streamer.processing.work import Work, owner_of
from streamer.progress import FanOut, Pace, ProgressReporter
from streamer.progress.fan_out import INSIST_S, MAX_LANES
from streamer.protocol import Progress, encode
from streamer.store import Claim, Subscription


def build(services: Services) -> Handler:
    """Make the handler that runs requests.

    Shape:
        event: `processing.work.Work`; response `{}`.
    """
    executor = Executor(
        registry=services.registry,
        requests=services.requests,
        delivery=make_delivery(services),
        new_reporter=reporter_factory(services),
        new_context=context_factory(services),
        clock=services.clock,
        sleep=services.sleep,
        jitter=services.random,
        max_attempts=services.settings.max_attempts,
        logger=services.logger,
        is_connected=lambda connection_id: services.connections.find(connection_id) is not None,
    )
    _ = services.sender  # made now, in the init phase

    def handle(event: Event, context: LambdaContext) -> dict[str, Any]:
        work = msgspec.convert(event, Work)
        with bound(
            aws_request_id=context.aws_request_id,
            correlation_id=work.correlation_id,
            request_id=work.request_id,
            tenant_id=work.tenant_id,
            user_id=work.user_id,
        ):
            executor.execute(
                work,
                Invocation(
                    owner=owner_of(context.aws_request_id, services.random),
                    remaining_s=lambda: context.get_remaining_time_in_millis() / 1000,
                ),
            )
        return {}

    return handle


def reporter_factory(services: Services) -> Callable[[Work, Claim, Pace], ProgressReporter]:
    """Return what makes the reporter of an attempt; all of them share the threads that send."""
    lanes = ThreadPoolExecutor(MAX_LANES, thread_name_prefix="lane")

    def send_one(to: Subscription, data: bytes) -> None:
        services.sender.send(to.endpoint, to.connection_id, data, within_s=INSIST_S)

    def new_reporter(work: Work, claim: Claim, pace: Pace) -> ProgressReporter:
        fan_out = FanOut(
            subscribers=lambda: services.subscriptions.list(work.key),
            send=send_one,
            pool=lanes,
            logger=services.logger,
        )

        def send(progress: Progress) -> None:
            fan_out.send(encode(progress))

        def persist(percentage: float, message: str) -> None:
            services.requests.save_progress(claim, percentage, message)

        log = services.messages.log(work.key, first=claim.first_sequence == 1)
        return ProgressReporter(
            request_id=work.request_id,
            attempt=claim.state.attempt,
            first_sequence=claim.first_sequence,
            send=send,
            settle=fan_out.settle,
            persist=persist,
            look=lambda: services.requests.check(claim),
            keep=log.append,
            floor=claim.percentage,
            pace=pace,
            ended_at=claim.previous_ended_at,
            clock=services.clock,
            logger=services.logger,
        )

    return new_reporter


__getattr__ = entry_point(build, "executor")
