"""An S3 for each test: the one in memory, and LocalStack's in a process of its own."""

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config

from emulator.errors import BackendFailed
from emulator.localstack.process import LocalStack
from streamer.testing import MemoryS3

START_TIMEOUT_S = 300
"""The first start makes LocalStack's environment."""

STOP_TIMEOUT_S = 30


@dataclass(frozen=True)
class Store:
    """An S3 client and an empty bucket of its own."""

    client: Any
    bucket: str


@pytest.fixture(scope="session")
def aws_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a LocalStack that lives as long as the test run."""
    localstack = LocalStack(tmp_path_factory.mktemp("localstack"))
    loop = asyncio.new_event_loop()  # in a thread of its own: the tests' loops come and go
    thread = threading.Thread(target=loop.run_forever, name="localstack")
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(localstack.start(), loop).result(START_TIMEOUT_S)
        yield localstack.endpoint_url
    except BackendFailed as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"LocalStack did not start: {error}")
    finally:
        asyncio.run_coroutine_threadsafe(localstack.stop(), loop).result(STOP_TIMEOUT_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture(scope="session")
def make_localstack_client(aws_endpoint: str) -> Callable[[str], Any]:
    """Makes clients as `streamer.actions.clients` does, with LocalStack's address and dummy credentials."""

    def make(service: str) -> Any:
        return boto3.session.Session().client(
            service,
            endpoint_url=aws_endpoint,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(signature_version="s3v4", proxies={}),
        )

    return make


@pytest.fixture(params=["memory", "localstack"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """The same seam over both."""
    bucket = f"contract-{uuid4().hex[:12]}"
    if request.param == "memory":
        yield Store(MemoryS3(), bucket)
        return
    client = request.getfixturevalue("make_localstack_client")("s3")
    client.create_bucket(Bucket=bucket)
    yield Store(client, bucket)
    for found in client.list_objects_v2(Bucket=bucket).get("Contents", []):
        client.delete_object(Bucket=bucket, Key=found["Key"])
    client.delete_bucket(Bucket=bucket)
    client.close()
