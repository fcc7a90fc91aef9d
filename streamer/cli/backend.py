"""What the commands for operators reach: a deployment's requests, and those who follow them."""

import logging
import random
import time
from typing import TYPE_CHECKING, Any

from streamer.clock import Clock, SystemClock
from streamer.deployment import Deployment
from streamer.errors import StreamerError
from streamer.settings import Settings
from streamer.store import RequestState, RequestStore, SubscriptionStore

if TYPE_CHECKING:
    from streamer.actions.links import Link


def open_requests(deployment: Deployment) -> RequestStore:
    """Return the deployment's requests, counted as its functions count them."""
    return RequestStore(*_parts(deployment))


def tell(deployment: Deployment, state: RequestState) -> bool:
    """Send the outcome of a request without a result to everyone who follows it.

    Returns:
        Whether everyone who is still connected has it; if not, it is left to the sweeper: as where the
        caller's credentials do not allow to post to connections.
    """
    from streamer.connections.manager import ConnectionManager
    from streamer.delivery import OutcomeDelivery
    from streamer.deployment_clients import deployment_transport

    dynamodb, settings, clock = _parts(deployment)
    quiet = logging.Logger("streamer.cli")
    quiet.addHandler(logging.NullHandler())
    try:
        transport = deployment_transport(deployment)
        sender = ConnectionManager(
            transport,
            lambda _connection_id: None,  # what is gone the functions remove
            clock=clock,
            sleep=time.sleep,
            random=random.random,
            logger=quiet,
        )
        delivery = OutcomeDelivery(
            RequestStore(dynamodb, settings, clock),
            SubscriptionStore(dynamodb, settings, clock),
            sender,
            lambda: _no_link,
            clock,
        )
        return delivery.deliver(state.key, state)
    except StreamerError:
        return False


class _DeploymentClock:
    """The time of a deployment, which may have been advanced."""

    def __init__(self, offset_s: float, clock: Clock) -> None:
        self._offset_s = offset_s
        self._clock = clock

    def now(self) -> float:
        return self._clock.now() + self._offset_s


def _parts(deployment: Deployment) -> tuple[Any, Settings, Clock]:
    """Return what every store takes: client, settings, clock."""
    from streamer.deployment_clients import deployment_client  # boto3's import costs 0.2 s

    limits: dict[str, Any] = {
        name: limit
        for name, limit in (
            ("max_in_flight_per_user", deployment.max_in_flight_per_user),
            ("max_in_flight_per_tenant", deployment.max_in_flight_per_tenant),
        )
        if limit is not None
    }
    settings = Settings(
        connections_table=deployment.connections_table,
        requests_table=deployment.requests_table,
        subscriptions_table=deployment.subscriptions_table,
        counters_table=deployment.counters_table,
        records_table=deployment.records_table,
        bucket=deployment.bucket,
        executor_function="",
        jwt_keys_secret=deployment.jwt_keys_secret,
        **limits,
    )
    clock = _DeploymentClock(deployment.clock_offset_s, SystemClock())
    return deployment_client(deployment, "dynamodb"), settings, clock


def _no_link(link: "Link") -> str:
    raise AssertionError(f"{link} is in an outcome that has no result.")
