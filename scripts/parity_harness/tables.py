"""Tables that one test makes for itself, with the clients that its rows are asked by."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError

KEYS = {"pk": "S", "sk": "S"}


class OwnTable:
    """One test's table; its calls block, for tests in which nothing else goes on.

    Attributes:
        name: which no other test uses.
        dynamodb, streams: boto3's clients.
    """

    def __init__(self, name: str, dynamodb: Any, streams: Any) -> None:
        self.name = name
        self.dynamodb = dynamodb
        self.streams = streams

    @classmethod
    def create(
        cls,
        dynamodb: Any,
        streams: Any,
        view: str | None = "NEW_AND_OLD_IMAGES",
        keys: Mapping[str, str] = KEYS,
        **more: Any,
    ) -> "OwnTable":
        """Create the table.

        Args:
            view: of its stream; None: without one.
            keys: the partition key and perhaps the sort key, each with its type.
            more: of `CreateTable`; on demand unless `ProvisionedThroughput` is among them.
        """
        name = f"own-{uuid.uuid4().hex[:12]}"
        if view is not None:
            more["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": view}
        if "ProvisionedThroughput" not in more:
            more["BillingMode"] = "PAY_PER_REQUEST"
        dynamodb.create_table(
            TableName=name,
            KeySchema=[
                {"AttributeName": key, "KeyType": kind}
                for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
            ],
            AttributeDefinitions=[
                {"AttributeName": key, "AttributeType": type_} for key, type_ in keys.items()
            ],
            **more,
        )
        return cls(name, dynamodb, streams)

    # Items

    def put(self, *sort_keys: str, pk: str = "p", **attributes: Mapping[str, Any]) -> None:
        """Put one item per sort key, in that order."""
        for sk in sort_keys:
            self.dynamodb.put_item(TableName=self.name, Item={**key(sk, pk), **attributes})

    def get(self, sk: str, pk: str = "p") -> dict[str, Any] | None:
        """Return an item, None where there is none."""
        answer = self.dynamodb.get_item(TableName=self.name, Key=key(sk, pk), ConsistentRead=True)
        found: dict[str, Any] | None = answer.get("Item")
        return found

    # The stream

    @property
    def arn(self) -> str:
        """The ARN of the newest stream."""
        return str(self.dynamodb.describe_table(TableName=self.name)["Table"]["LatestStreamArn"])

    def set_stream(self, view: str | None) -> None:
        """Enable the stream with this view, or disable it."""
        specification = {"StreamEnabled": True, "StreamViewType": view} if view else {"StreamEnabled": False}
        self.dynamodb.update_table(TableName=self.name, StreamSpecification=specification)

    def shards(self, arn: str | None = None) -> list[dict[str, Any]]:
        """Return the shards of a stream, of the newest unless told otherwise."""
        described = self.streams.describe_stream(StreamArn=arn or self.arn)
        shards: list[dict[str, Any]] = described["StreamDescription"]["Shards"]
        return shards

    def iterator(self, kind: str = "TRIM_HORIZON", **more: Any) -> str:
        """Return an iterator of the stream's first shard; `more`: `SequenceNumber` where one is needed."""
        arn = self.arn
        shard = self.shards(arn)[0]["ShardId"]
        answer = self.streams.get_shard_iterator(StreamArn=arn, ShardId=shard, ShardIteratorType=kind, **more)
        return str(answer["ShardIterator"])

    def records(self) -> list[dict[str, Any]]:
        """Return every record that the first shard keeps, page after page until one is empty."""
        found: list[dict[str, Any]] = []
        following: str | None = self.iterator()
        while following is not None:
            page = self.streams.get_records(ShardIterator=following)
            if not page["Records"]:
                break
            found += page["Records"]
            following = page.get("NextShardIterator")
        return found


def key(sk: str, pk: str = "p") -> dict[str, Any]:
    """Return the key of an item in DynamoDB's JSON."""
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def sort_keys(page: Mapping[str, Any] | Sequence[Any]) -> list[str]:
    """Return the sort keys of the records of an answer of GetRecords, or of a list of records."""
    records: Sequence[Any] = page["Records"] if isinstance(page, Mapping) else page
    return [record["dynamodb"]["Keys"]["sk"]["S"] for record in records]


def refused(call: Callable[..., Any], **request: Any) -> tuple[str, str]:
    """Return the code and the message with which a call is refused; fails where it is not."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    response = caught.value.response
    said = response["Error"]
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400, said
    return said["Code"], said["Message"]
