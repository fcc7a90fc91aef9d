"""What the store's writes leave in the stream, which dispatches what waits. On the real API only."""

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from streamer.stack import WAITING_REQUESTS
from streamer.store import RequestKey


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> Any:
    """The store's fixtures run on the real API here: memory has no stream."""
    return request.getfixturevalue("deployed")


@pytest.fixture
def passed(
    dynamodb_endpoint: str, dynamodb_client: Any, settings: Any
) -> Iterator[Callable[[], list[tuple[str, str]]]]:
    """Return event name and request of the records that pass the processor's filter, oldest first."""
    streams = boto3.client(
        "dynamodbstreams",
        endpoint_url=dynamodb_endpoint,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )

    def read() -> list[tuple[str, str]]:
        table = dynamodb_client.describe_table(TableName=settings.requests_table)["Table"]
        arn = table["LatestStreamArn"]
        shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]["ShardId"]
        iterator = streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON")[
            "ShardIterator"
        ]
        wanted = WAITING_REQUESTS["dynamodb"]["NewImage"]
        return [
            (record["eventName"], record["dynamodb"]["NewImage"]["request_id"]["S"])
            for record in streams.get_records(ShardIterator=iterator)["Records"]
            if record["eventName"] in WAITING_REQUESTS["eventName"]
            and all(
                record["dynamodb"]["NewImage"].get(name, {}).get("S") in pattern["S"]
                for name, pattern in wanted.items()
            )
        ]

    yield read
    streams.close()


def test_what_waits_passes_the_filter_and_nothing_else_does(
    create: Any, requests: Any, key: RequestKey, clock: Any, passed: Any
) -> None:
    """Creating, releasing and dispatching again each wake the processor once; work and outcomes never do."""
    create()
    create()
    assert passed() == [("INSERT", "r-1")]
    held = requests.claim(key, owner="a", lease_until=clock.now() + 60)
    requests.save_progress(held, 1, "one")
    assert len(passed()) == 1
    requests.release(held.state)
    assert passed()[1:] == [("MODIFY", "r-1")]
    requests.redispatch(requests.get(key))
    requests.redispatch(requests.get(key))
    assert passed()[2:] == [("MODIFY", "r-1")] * 2
    held = requests.claim(key, owner="a", lease_until=clock.now() + 60)
    requests.retry(held, due_at=clock.now(), code="X", message="x")
    assert len(passed()) == 4
    requests.redispatch(requests.get(key))
    assert len(passed()) == 5
    held = requests.claim(key, owner="b", lease_until=clock.now() + 60)
    requests.complete(held, result={}, sequence=held.first_sequence)
    requests.delivered(key, sequence=held.first_sequence)
    assert len(passed()) == 5
