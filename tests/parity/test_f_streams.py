"""Rows F1 to F27: stream records and the stream API."""

import uuid
from typing import Any

import pytest


@pytest.mark.row("F1")
async def test_record_of_an_insert(parity: Any) -> None:
    """A record has exactly the members that AWS sends, in that order."""
    pk = uuid.uuid4().hex
    item = {"pk": {"S": pk}, "sk": {"S": "a"}, "data": {"B": b"foobar"}}
    await parity.call(parity.boto3("dynamodb").put_item, TableName="plain", Item=item)
    event = await parity.function("on-plain").event(lambda event: pk in str(event))
    (record,) = event["Records"]
    assert list(record) == [
        "eventID",
        "eventName",
        "eventVersion",
        "eventSource",
        "awsRegion",
        "dynamodb",
        "eventSourceARN",
    ]
    assert (record["eventName"], record["eventVersion"]) == ("INSERT", "1.1")
    assert record["dynamodb"]["NewImage"]["data"] == {"B": "Zm9vYmFy"}
