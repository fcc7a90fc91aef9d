"""Makes what actions and deliveries need of an environment's services."""

from collections.abc import Callable
from typing import Any

from streamer.actions.context import ActionContext
from streamer.actions.links import Signer, presigner
from streamer.delivery import OutcomeDelivery
from streamer.lambdas.services import Services


def context_factory(services: Services) -> Callable[..., ActionContext]:
    """Return what makes an action's context; it takes what differs from run to run."""

    def make(**run: Any) -> ActionContext:
        return ActionContext(
            settings=services.settings,
            clock=services.clock,
            client=services.client,
            logger=services.logger,
            **run,
        )

    return make


def signer_factory(services: Services) -> Callable[[], Signer]:
    """Return what makes the signer of links; the S3 client is made when the first link is signed."""

    def sign() -> Signer:
        def sign_link(link: Any) -> str:
            return presigner(services.client("s3"))(link)

        return sign_link

    return sign


def make_delivery(services: Services) -> OutcomeDelivery:
    """Return the delivery of outcomes."""
    return OutcomeDelivery(
        services.requests,
        services.subscriptions,
        services.sender,
        signer_factory(services),
        services.clock,
    )
