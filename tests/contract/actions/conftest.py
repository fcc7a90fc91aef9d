"""An S3 for each test: the one in memory, and LocalStack's in a process of its own."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config

from emulator.localstack.process import LocalStack
from streamer.testing import MemoryS3


@dataclass(frozen=True)
class Store:
    """An S3 client and an empty bucket of its own."""

    client: Any
    bucket: str


@pytest.fixture(scope="session")
def make_localstack_client(localstack: LocalStack) -> Callable[[str], Any]:
    """Makes clients as the functions do, with LocalStack's address and dummy credentials."""

    def make(service: str) -> Any:
        return boto3.session.Session().client(
            service,
            endpoint_url=localstack.endpoint_url,
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
