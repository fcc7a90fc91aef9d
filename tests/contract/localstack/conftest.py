"""What the tests need to talk to LocalStack."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from emulator.localstack.process import LocalStack


@pytest.fixture
def endpoint_url(localstack: LocalStack) -> str:
    """Where the engine under test is."""
    return localstack.endpoint_url


@pytest.fixture
def client(endpoint_url: str) -> Iterator[Callable[..., Any]]:
    """Make boto3 clients, which are closed in the end."""
    made = []

    def make(service: str, region: str = "us-east-1", headers: dict[str, str] | None = None) -> Any:
        new = boto3.client(
            service,
            endpoint_url=endpoint_url,
            region_name=region,
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        new.meta.events.register("before-call", lambda params, **_: params["headers"].update(headers or {}))
        made.append(new)
        return new

    yield make
    for each in made:
        each.close()


@pytest.fixture
def dynamodb(client: Callable[..., Any]) -> Any:
    return client("dynamodb")


@pytest.fixture
def streams(client: Callable[..., Any]) -> Any:
    return client("dynamodbstreams")


@pytest.fixture
def make_table(dynamodb: Any) -> Iterator[Callable[..., str]]:
    """Make tables with keys `pk` and, unless told otherwise, `sk`; returns the name."""
    made: list[tuple[Any, str]] = []

    def make(view: str | None = None, *, sort_key: bool = True, on: Any = None, **more: Any) -> str:
        name = f"table-{uuid.uuid4().hex[:8]}"
        keys = [("pk", "HASH"), ("sk", "RANGE")][: 1 + sort_key]
        if view is not None:
            more["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": view}
        attributes = [{"AttributeName": key, "AttributeType": "S"} for key, _ in keys]
        (on or dynamodb).create_table(
            TableName=name,
            KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys],
            AttributeDefinitions=attributes + more.pop("attributes", []),
            BillingMode="PAY_PER_REQUEST",
            **more,
        )
        made.append((on or dynamodb, name))
        return name

    yield make
    for owner, name in made:
        owner.delete_table(TableName=name)


@pytest.fixture
def table(make_table: Callable[..., str]) -> str:
    """A table with a stream of both images."""
    return make_table("NEW_AND_OLD_IMAGES")


@pytest.fixture
def iterator(dynamodb: Any, streams: Any) -> Callable[..., str]:
    """Return an iterator over the stream of a table."""

    def get(table: str, kind: str = "TRIM_HORIZON", *, on: Any = None, by: Any = None, **more: str) -> str:
        arn = (on or dynamodb).describe_table(TableName=table)["Table"]["LatestStreamArn"]
        reader = by or streams
        shard = reader.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
        answer = reader.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType=kind, **more)
        return str(answer["ShardIterator"])

    return get


@pytest.fixture
def records(streams: Any, iterator: Callable[..., str]) -> Callable[[str], list[dict[str, Any]]]:
    """Return all records of a table's stream."""
    return lambda table: streams.get_records(ShardIterator=iterator(table))["Records"]
