"""The store's tests run on every implementation of its seam: in memory, and on the real DynamoDB API."""

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.config import Config

from streamer.dynamorm import Database, Engine
from streamer.dynamorm.aws import DynamoDB
from streamer.dynamorm.memory import MemoryDynamoDB
from streamer.settings import Settings
from streamer.stack import stack
from streamer.store import ConnectionStore, RequestKey, RequestStore, SubscriptionStore
from streamer.store.tables import table_names

ENDPOINT_VARIABLE = "STREAMER_TEST_DYNAMODB_ENDPOINT"
"""Names a DynamoDB that runs already, such as DynamoDB Local, to test on instead."""

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


@pytest.fixture(scope="session")
def dynamodb_endpoint(request: pytest.FixtureRequest) -> str:
    """The address of a real DynamoDB API: the one that is named, else LocalStack's."""
    if named := os.environ.get(ENDPOINT_VARIABLE):
        return named
    endpoint: str = request.getfixturevalue("localstack").endpoint_url
    return endpoint


@pytest.fixture(scope="session")
def dynamodb_client(dynamodb_endpoint: str) -> Iterator[Any]:
    """boto3's client of it. It tries nothing twice, so that no failure is hidden."""
    client = boto3.client(
        "dynamodb",
        endpoint_url=dynamodb_endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(max_pool_connections=32, retries={"total_max_attempts": 1}, proxies={}),
    )
    yield client
    client.close()


def create_tables(client: Any, settings_stack: Any) -> None:
    for table in settings_stack.tables:
        keys = [key for key in (table.partition_key, table.sort_key) if key is not None]
        index_keys = [
            key for index in table.indexes for key in (index.partition_key, index.sort_key) if key is not None
        ]
        arguments: dict[str, Any] = {
            "TableName": table.name,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": key_schema(table),
            "AttributeDefinitions": [
                {"AttributeName": name, "AttributeType": kind}
                for name, kind in {key.name: key.type.value for key in (*keys, *index_keys)}.items()
            ],
        }
        if table.indexes:
            arguments["GlobalSecondaryIndexes"] = [
                {
                    "IndexName": index.name,
                    "KeySchema": key_schema(index),
                    "Projection": {"ProjectionType": "ALL"},
                }
                for index in table.indexes
            ]
        if table.stream is not None:
            arguments["StreamSpecification"] = {
                "StreamEnabled": True,
                "StreamViewType": table.stream.value,
            }
        client.create_table(**arguments)
        client.get_waiter("table_exists").wait(
            TableName=table.name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )


def key_schema(keyed: Any) -> list[dict[str, str]]:
    schema = [{"AttributeName": keyed.partition_key.name, "KeyType": "HASH"}]
    if keyed.sort_key is not None:
        schema.append({"AttributeName": keyed.sort_key.name, "KeyType": "RANGE"})
    return schema


@pytest.fixture
def settings() -> Settings:
    """Settings whose tables no other test has."""
    return stack(f"test-{uuid.uuid4().hex[:12]}").settings


@pytest.fixture
def deployed(dynamodb_client: Any, settings: Settings) -> Iterator[Engine]:
    """The real API, with empty tables as the stack declares them."""
    declared = stack(settings.requests_table.removesuffix("-requests"))
    create_tables(dynamodb_client, declared)
    yield DynamoDB(dynamodb_client, table_names(settings))
    for table in declared.tables:
        dynamodb_client.delete_table(TableName=table.name)


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
