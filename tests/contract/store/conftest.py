"""The store's tests run on every implementation of its seam: in memory, and on the real DynamoDB API."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from streamer.dynamorm import Database, Engine
from streamer.dynamorm.aws import DynamoDB
from streamer.dynamorm.memory import MemoryDynamoDB
from streamer.dynamorm.tables import Tables
from streamer.dynamorm.tables.aws import DynamoDBTables
from streamer.settings import Settings
from streamer.stack import stack
from streamer.store import ConnectionStore, RequestKey, RequestStore, SubscriptionStore
from streamer.store.tables import table_names

START = 1_763_700_000.25


class ManualClock:
    """A clock that moves when it is told to."""

    def __init__(self, now: float) -> None:
        self._now = now

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds


@dataclass(frozen=True)
class Stores:
    """The stores over one engine, and what a test looks behind them with."""

    requests: RequestStore
    connections: ConnectionStore
    subscriptions: SubscriptionStore
    database: Database
    clock: ManualClock


@pytest.fixture
def settings() -> Settings:
    """Settings whose tables no other test has."""
    return stack(f"test-{uuid.uuid4().hex[:12]}").settings


@pytest.fixture
def deployed(dynamodb_client: Any, settings: Settings) -> Iterator[Engine]:
    """The real API, with empty tables as the stack declares them."""
    declared = stack(settings.requests_table.removesuffix("-requests"))
    # The tests' clock stands in the past; TTL would delete what they write.
    made = [replace(table, ttl_attribute=None) for table in declared.tables]
    tables = Tables(DynamoDBTables(dynamodb_client))
    tables.create(*made)
    yield DynamoDB(dynamodb_client, table_names(settings))
    for table in made:
        tables.delete(table)


@pytest.fixture(params=["memory", "dynamodb"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each implementation of the seam, with empty tables."""
    if request.param == "memory":
        return MemoryDynamoDB()
    engine: Engine = request.getfixturevalue("deployed")
    return engine


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def stores(engine: Engine, settings: Settings, clock: ManualClock) -> Stores:
    return Stores(
        RequestStore(engine, settings, clock),
        ConnectionStore(engine, settings, clock),
        SubscriptionStore(engine, settings, clock),
        Database(engine, now=clock.now),
        clock,
    )


@pytest.fixture
def requests(stores: Stores) -> RequestStore:
    return stores.requests


@pytest.fixture
def key() -> RequestKey:
    return RequestKey("demo", "ann", "r-1")


@pytest.fixture
def create(requests: RequestStore, key: RequestKey) -> Callable[..., Any]:
    """Create the test's request, with what a test doesn't care about filled in."""

    def call(**changes: Any) -> Any:
        return requests.create(
            changes.pop("key", key),
            **{
                "action": "generate_report",
                "payload": {"from": "2025-01-01"},
                "correlation_id": "c-1",
                "connection_id": "socket-1=",
                "endpoint": "https://127.0.0.1:4444/local",
                **changes,
            },
        )

    return call
