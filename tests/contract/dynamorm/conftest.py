"""DynamORM's tests run on every implementation of its seam: what one does, the others do.

A test module names its tables in `TABLES`; each test has them empty.
"""

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.config import Config

from streamer.dynamorm import Database, Engine
from streamer.dynamorm.aws import DynamoDB
from streamer.dynamorm.memory import MemoryDynamoDB
from streamer.dynamorm.tables import Tables
from streamer.dynamorm.tables.aws import DynamoDBTables

NOW = 1_763_700_000.25


class ManualClock:
    """A clock that moves when it is told to."""

    def __init__(self, now: float) -> None:
        self._now = now

    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds


NAMED = os.environ.get("STREAMER_TEST_DYNAMODB_ENDPOINT")
"""A DynamoDB that runs already, such as DynamoDB Local; without it that part is left out."""


@pytest.fixture(params=["memory", "localstack", *(["named"] if NAMED else [])])
def client(request: pytest.FixtureRequest, connect: Callable[..., Any]) -> Any:
    """boto3's client of each real DynamoDB API, and None for the one in memory."""
    if request.param == "memory":
        return None
    return connect(NAMED if request.param == "named" else request.getfixturevalue("localstack").endpoint_url)


@pytest.fixture
def engine(request: pytest.FixtureRequest, client: Any) -> Iterator[Engine]:
    """Each implementation of the seam, with the module's tables."""
    if client is None:
        yield MemoryDynamoDB()
        return
    names = {table.name: f"{table.name}-{uuid.uuid4().hex[:12]}" for table in request.module.TABLES}
    tables = Tables(DynamoDBTables(client, names))
    # The tests' clock stands in the past; TTL would delete what they write.
    made = [replace(table, ttl_attribute=None) for table in request.module.TABLES]
    tables.create(*made)
    if request.node.callspec.params["client"] == "named":
        yield DynamoDB(client, names)
    else:
        yield request.getfixturevalue("open_engine")(names, client.meta.endpoint_url)
    for table in made:
        tables.delete(table)


@pytest.fixture
def open_engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[dict[str, str], str], DynamoDB]]:
    """Open DynamoDB as a user without a client of their own does. It tries nothing twice."""
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(variable, "test")
    config = Config(max_pool_connections=32, retries={"total_max_attempts": 1}, proxies={})
    opened: list[DynamoDB] = []

    def call(names: dict[str, str], endpoint_url: str) -> DynamoDB:
        opened.append(DynamoDB.open(names, region_name="us-east-1", endpoint_url=endpoint_url, config=config))
        return opened[-1]

    yield call
    for engine in opened:
        engine.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def database(engine: Engine, clock: ManualClock) -> Database:
    return Database(engine, now=clock.now)
