"""One real LocalStack for every contract test that needs one, the DynamoDB that is tested on, and races."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pytest
from botocore.config import Config

from emulator.errors import BackendFailed
from emulator.localstack.process import LocalStack

START_TIMEOUT_S = 300
"""The first start makes LocalStack's environment."""

STOP_TIMEOUT_S = 30

ENDPOINT_VARIABLE = "STREAMER_TEST_DYNAMODB_ENDPOINT"
"""Names a DynamoDB that runs already, such as DynamoDB Local, to test on instead."""


@pytest.fixture(scope="session")
def localstack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A LocalStack that lives as long as the test run and looks for expired items ten times a second."""
    process = LocalStack(tmp_path_factory.mktemp("localstack"), settings={"EMULATOR_TTL_INTERVAL_S": "0.1"})
    loop = asyncio.new_event_loop()  # in a thread of its own: the tests' loops come and go
    thread = threading.Thread(target=loop.run_forever, name="localstack")
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(process.start(), loop).result(START_TIMEOUT_S)
        yield process
    except BackendFailed as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"LocalStack did not start: {error}")
    finally:
        asyncio.run_coroutine_threadsafe(process.stop(), loop).result(STOP_TIMEOUT_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def race() -> Callable[..., list[Any]]:
    """Call functions at the same moment from threads; returns results and exceptions in their order."""

    def call(*functions: Callable[[], Any]) -> list[Any]:
        barrier = threading.Barrier(len(functions), timeout=20)

        def run(function: Callable[[], Any]) -> Any:
            barrier.wait()
            try:
                return function()
            except Exception as error:  # noqa: BLE001  # the test looks at it
                return error

        with ThreadPoolExecutor(len(functions)) as pool:
            return [*pool.map(run, functions)]

    return call


@pytest.fixture(scope="session")
def dynamodb_endpoint(request: pytest.FixtureRequest) -> str:
    """The address of a real DynamoDB API: the one that is named, else LocalStack's."""
    if named := os.environ.get(ENDPOINT_VARIABLE):
        return named
    endpoint: str = request.getfixturevalue("localstack").endpoint_url
    return endpoint


@pytest.fixture(scope="session")
def connect() -> Iterator[Callable[..., Any]]:
    """Make boto3's client of an address, once. It tries nothing twice, so that no failure is hidden."""
    clients: dict[tuple[str, str], Any] = {}

    def call(endpoint: str, service: str = "dynamodb") -> Any:
        if (endpoint, service) not in clients:
            clients[endpoint, service] = boto3.client(
                service,
                endpoint_url=endpoint,
                region_name="us-east-1",
                aws_access_key_id="test",
                aws_secret_access_key="test",
                config=Config(max_pool_connections=32, retries={"total_max_attempts": 1}, proxies={}),
            )
        return clients[endpoint, service]

    yield call
    for client in clients.values():
        client.close()


@pytest.fixture(scope="session")
def dynamodb_client(connect: Callable[..., Any], dynamodb_endpoint: str) -> Any:
    """boto3's client of the one DynamoDB that is tested on."""
    return connect(dynamodb_endpoint)
