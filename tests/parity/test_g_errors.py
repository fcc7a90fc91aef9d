"""Rows G5 and G8: conditions that fail, and what is not there."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from scripts.parity_harness.tables import key, refused

CONDITION_FAILED = {
    "Code": "ConditionalCheckFailedException",
    "Message": "The conditional request failed",
}
NOT_FOUND = "ResourceNotFoundException"
STREAM = "arn:aws:dynamodb:us-east-1:000000000000:table/missing/stream/2015-05-11T21:21:33.291"
SHARD = "shardId-00000001573689847184-864758bb"


def failing(table: Any, operation: str) -> dict[str, Any]:
    """Return a write of the item `s` whose condition fails where there is one."""
    request: dict[str, Any] = {"put_item": {"Item": key("s")}}.get(operation, {"Key": key("s")})
    condition = {"ConditionExpression": "attribute_not_exists(pk)"}
    return {"TableName": table.name, **request, **condition}


@pytest.mark.row("G5")
@pytest.mark.parametrize("operation", ["put_item", "update_item", "delete_item"])
@pytest.mark.parametrize("returned", [None, "NONE", "ALL_OLD"])
def test_condition_that_fails(table: Any, operation: str, returned: str | None) -> None:
    """The error has DynamoDB's sentence, and the item only where it is asked for; nothing is written."""
    item = {**key("s"), "v": {"B": b"\x00\xff"}, "n": {"N": "1"}}
    table.put("s", v=item["v"], n=item["n"])
    more = {} if returned is None else {"ReturnValuesOnConditionCheckFailure": returned}
    with pytest.raises(ClientError) as caught:
        getattr(table.dynamodb, operation)(**failing(table, operation), **more)
    response: Any = caught.value.response
    assert response["Error"] == CONDITION_FAILED
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert response.get("Item") == (item if returned == "ALL_OLD" else None)
    assert table.get("s") == item
    assert len(table.records()) == 1


@pytest.mark.row("G5")
def test_condition_on_an_item_that_is_not_there(table: Any) -> None:
    """There is no item to return; a condition that holds of nothing lets the write pass."""
    request = {
        "TableName": table.name,
        "Key": key("s"),
        "UpdateExpression": "REMOVE v",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    with pytest.raises(ClientError) as caught:
        table.dynamodb.update_item(**request, ConditionExpression="attribute_exists(pk)")
    assert caught.value.response["Error"] == CONDITION_FAILED
    assert "Item" not in caught.value.response
    table.dynamodb.update_item(**request, ConditionExpression="attribute_not_exists(pk)")
    assert table.get("s") == key("s")


ITEM_OPERATIONS: dict[str, Any] = {
    "get_item": {"TableName": "missing", "Key": key("s")},
    "put_item": {"TableName": "missing", "Item": key("s")},
    "update_item": {"TableName": "missing", "Key": key("s")},
    "delete_item": {"TableName": "missing", "Key": key("s")},
    "scan": {"TableName": "missing"},
    "query": {
        "TableName": "missing",
        "KeyConditionExpression": "pk = :v",
        "ExpressionAttributeValues": {":v": {"S": "x"}},
    },
    "batch_get_item": {"RequestItems": {"missing": {"Keys": [key("s")]}}},
    "batch_write_item": {"RequestItems": {"missing": [{"PutRequest": {"Item": key("s")}}]}},
    "transact_get_items": {"TransactItems": [{"Get": {"TableName": "missing", "Key": key("s")}}]},
    "transact_write_items": {"TransactItems": [{"Put": {"TableName": "missing", "Item": key("s")}}]},
}


@pytest.mark.row("G8")
@pytest.mark.parametrize("operation", ITEM_OPERATIONS)
def test_items_of_a_table_that_is_not_there(parity: Any, operation: str) -> None:
    """Whatever is asked of its items, a missing table is not found, in one sentence."""
    call = getattr(parity.boto3("dynamodb"), operation)
    assert refused(call, **ITEM_OPERATIONS[operation]) == (NOT_FOUND, "Requested resource not found")


TTL = {"Enabled": True, "AttributeName": "expires"}


@pytest.mark.row("G8")
@pytest.mark.parametrize(
    ("operation", "more"),
    [
        ("describe_table", {}),
        ("update_table", {"BillingMode": "PAY_PER_REQUEST"}),
        ("delete_table", {}),
        ("describe_time_to_live", {}),
        ("update_time_to_live", {"TimeToLiveSpecification": TTL}),
    ],
)
def test_table_that_is_not_there(parity: Any, operation: str, more: Any) -> None:
    """What is about the table itself says which one is missing, or just that one is."""
    code, message = refused(getattr(parity.boto3("dynamodb"), operation), TableName="missing", **more)
    assert code == NOT_FOUND
    assert message in (
        "Requested resource not found",
        "Requested resource not found: Table: missing not found",
    )


@pytest.mark.row("G8")
@pytest.mark.parametrize(
    ("operation", "more"),
    [
        ("describe_stream", {}),
        ("get_shard_iterator", {"ShardId": SHARD, "ShardIteratorType": "LATEST"}),
    ],
)
def test_stream_that_is_not_there(parity: Any, operation: str, more: Any) -> None:
    """A missing stream is named by its ARN."""
    call = getattr(parity.boto3("dynamodbstreams"), operation)
    assert refused(call, StreamArn=STREAM, **more) == (
        NOT_FOUND,
        f"Requested resource not found: Stream: {STREAM} not found",
    )


@pytest.mark.row("G8")
def test_shard_that_is_not_there(table: Any) -> None:
    """A shard is one of its stream."""
    code, message = refused(
        table.streams.get_shard_iterator, StreamArn=table.arn, ShardId=SHARD, ShardIteratorType="LATEST"
    )
    assert code == NOT_FOUND
    assert message.startswith("Requested resource not found: Shard: ")
