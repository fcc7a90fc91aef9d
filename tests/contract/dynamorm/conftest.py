"""DynamORM's tests run on every implementation of its seam: what one does, the others do.

A test module names its tables in `TABLES`; each test has them empty.
"""

import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from streamer.dynamorm import Database, Engine, Projection, Table
from streamer.dynamorm.aws import DynamoDB
from streamer.dynamorm.memory import MemoryDynamoDB

ENDPOINT_VARIABLE = "STREAMER_TEST_DYNAMODB_ENDPOINT"
"""Names a DynamoDB that runs already, such as DynamoDB Local; without it that part is left out."""

NOW = 1_763_700_000.25


class ManualClock:
    """A clock that moves when it is told to."""

    def __init__(self, now: float) -> None:
        self._now = now

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds


@pytest.fixture(scope="session")
def connect() -> Iterator[Callable[[str], Any]]:
    """Make boto3's client of an address, once. It tries nothing twice, so that no failure is hidden."""
    clients: dict[str, Any] = {}

    def call(endpoint: str) -> Any:
        if endpoint not in clients:
            clients[endpoint] = boto3.client(
                "dynamodb",
                endpoint_url=endpoint,
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(max_pool_connections=32, retries={"total_max_attempts": 1}, proxies={}),
            )
        return clients[endpoint]

    yield call
    for client in clients.values():
        client.close()


NAMED = os.environ.get(ENDPOINT_VARIABLE)


@pytest.fixture(params=["memory", "localstack", *(["named"] if NAMED else [])])
def engine(request: pytest.FixtureRequest, connect: Callable[[str], Any]) -> Iterator[Engine]:
    """Each implementation of the seam, with the module's tables."""
    if request.param == "memory":
        yield MemoryDynamoDB()
        return
    client = connect(
        NAMED if request.param == "named" else request.getfixturevalue("localstack").endpoint_url
    )
    names = {table.name: f"{table.name}-{uuid.uuid4().hex[:12]}" for table in request.module.TABLES}
    for table in request.module.TABLES:
        client.create_table(TableName=names[table.name], **declaration(table))
    for name in names.values():
        client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    yield DynamoDB(client, names)
    for name in names.values():
        client.delete_table(TableName=name)


def declaration(table: Table) -> dict[str, Any]:
    """Return what makes a table."""
    arguments: dict[str, Any] = {
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": key_schema(table),
        "AttributeDefinitions": [
            {"AttributeName": name, "AttributeType": kind}
            for name, kind in {key.name: key.type.value for key in table.key_attributes()}.items()
        ],
    }
    if table.indexes:
        arguments["GlobalSecondaryIndexes"] = [
            {"IndexName": index.name, "KeySchema": key_schema(index), "Projection": projection(index)}
            for index in table.indexes
        ]
    return arguments


def key_schema(keyed: Any) -> list[dict[str, str]]:
    return [
        {"AttributeName": key.name, "KeyType": kind}
        for key, kind in zip(keyed.keys, ("HASH", "RANGE"), strict=False)
    ]


def projection(index: Any) -> dict[str, Any]:
    if isinstance(index.projection, Projection):
        return {"ProjectionType": index.projection.value}
    return {"ProjectionType": "INCLUDE", "NonKeyAttributes": [*index.projection]}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def database(engine: Engine, clock: ManualClock) -> Database:
    return Database(engine, now=clock.now)
