"""Router, executor and sweeper on memory: real stores, real actions, no network."""

import json
import logging
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from streamer.actions.context import ActionContext
from streamer.actions.registry import ActionRegistry, load_registry
from streamer.connections.manager import Delivery
from streamer.delivery import OutcomeDelivery
from streamer.dynamorm.memory import MemoryDynamoDB
from streamer.routing.control import ControlActions
from streamer.routing.router import Router
from streamer.settings import Settings
from streamer.store import Connection, MessageStore, RequestStore, SubscriptionStore
from streamer.testing import MemoryS3, make_settings

NOW = 1_700_000_000.0


class StillClock:
    """A clock that is set by the test."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> float:
        return self.time


class Outbox:
    """Keeps what is sent; answers as `reply` says."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.reply = Delivery.DELIVERED

    def send_many(
        self, subscribers: Sequence[Any], data: bytes, *, within_s: float | None = None
    ) -> list[Delivery]:
        self.messages += [json.loads(data)] * len(subscribers)
        return [self.reply] * len(subscribers)


@pytest.fixture
def clock() -> StillClock:
    return StillClock()


@pytest.fixture
def settings() -> Settings:
    return make_settings(action_modules="streamer.actions,streamer.testing")


@pytest.fixture
def registry(settings: Settings) -> ActionRegistry:
    return load_registry(settings)


@pytest.fixture
def database() -> MemoryDynamoDB:
    return MemoryDynamoDB()


@pytest.fixture
def requests(database: MemoryDynamoDB, settings: Settings, clock: StillClock) -> RequestStore:
    return RequestStore(database, settings, clock)


@pytest.fixture
def subscriptions(database: MemoryDynamoDB, settings: Settings, clock: StillClock) -> SubscriptionStore:
    return SubscriptionStore(database, settings, clock)


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


def sign() -> Callable[[Any], str]:
    return lambda link: f"https://signed/{link.key}"


@pytest.fixture
def delivery(
    requests: RequestStore, subscriptions: SubscriptionStore, outbox: Outbox, clock: StillClock
) -> OutcomeDelivery:
    return OutcomeDelivery(requests, subscriptions, outbox, sign, clock)


@pytest.fixture
def s3() -> MemoryS3:
    return MemoryS3()


@pytest.fixture
def new_context(settings: Settings, clock: StillClock, s3: MemoryS3) -> Callable[..., ActionContext]:
    def new_context(**run: Any) -> ActionContext:
        return ActionContext(
            settings=settings,
            clock=clock,
            client={"s3": s3}.__getitem__,
            logger=logging.getLogger("test"),
            **run,
        )

    return new_context


@pytest.fixture
def messages(database: MemoryDynamoDB, settings: Settings, clock: StillClock) -> MessageStore:
    return MessageStore(database, settings, clock)


@pytest.fixture
def control(
    requests: RequestStore,
    subscriptions: SubscriptionStore,
    messages: MessageStore,
    delivery: OutcomeDelivery,
    clock: StillClock,
) -> ControlActions:
    return ControlActions(
        requests=requests,
        subscriptions=subscriptions,
        messages=messages,
        delivery=delivery,
        sign=sign,
        clock=clock,
        logger=logging.getLogger("test"),
    )


@pytest.fixture
def router(
    registry: ActionRegistry,
    requests: RequestStore,
    delivery: OutcomeDelivery,
    control: ControlActions,
    new_context: Callable[..., ActionContext],
    clock: StillClock,
) -> Router:
    return Router(
        registry=registry,
        requests=requests,
        delivery=delivery,
        control=control,
        new_context=new_context,
        sign=sign,
        clock=clock,
        logger=logging.getLogger("test"),
    )


@pytest.fixture
def caller() -> Connection:
    return Connection(
        connection_id="C1=",
        tenant_id="acme",
        user_id="ada",
        permissions=["read"],
        endpoint="https://localhost:1/local",
        token_expires_at=NOW + 3600,
        connected_at=NOW,
    )
