"""Requests that are wrong whatever is stored are refused as AWS refuses them, quickly and by moto."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}
INDEX = {
    "IndexName": "by-data",
    "KeySchema": [
        {"AttributeName": "data", "KeyType": "HASH"},
        {"AttributeName": "number", "KeyType": "RANGE"},
    ],
    "Projection": {"ProjectionType": "ALL"},
}
ATTRIBUTES = [
    {"AttributeName": "data", "AttributeType": "B"},
    {"AttributeName": "number", "AttributeType": "N"},
]
WAYS = pytest.mark.parametrize("way", [{}, {"ReturnConsumedCapacity": "TOTAL"}], ids=["quick", "moto"])


def refusal(call: Callable[..., Any], **request: Any) -> str:
    """Return the message with which a call is refused as invalid."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException", error
    return str(error["Message"])


@pytest.fixture
def send(client: Callable[..., Any], table: str) -> Callable[..., str]:
    """Send a body that boto3 would not send; returns the message with which it is refused."""

    def send(operation: str, body: dict[str, Any]) -> str:
        sender = client("dynamodb")
        sender.meta.events.register("before-call", lambda params, **_: params.update(body=json.dumps(body)))
        call = getattr(sender, operation)
        requests: dict[str, Any] = {
            "put_item": {"TableName": table, "Item": KEY},
            "get_item": {"TableName": table, "Key": KEY},
            "batch_write_item": {"RequestItems": {table: [{"DeleteRequest": {"Key": KEY}}]}},
            "transact_write_items": {"TransactItems": [{"Delete": {"TableName": table, "Key": KEY}}]},
        }
        return refusal(call, **requests[operation])

    return send


@pytest.mark.parametrize(
    ("operation", "body", "missing"),
    [
        ("put_item", {"Item": KEY}, ["tableName"]),
        ("get_item", {}, ["tableName", "key"]),
        ("batch_write_item", {}, ["requestItems"]),
        (
            "batch_write_item",
            {"RequestItems": {"t": [{"PutRequest": {}}]}},
            ["requestItems.t.member.1.member.putRequest.item"],
        ),
        (
            "transact_write_items",
            {"TransactItems": [{"Update": {"TableName": "t", "Key": KEY}}]},
            ["transactItems.1.member.update.updateExpression"],
        ),
    ],
)
def test_a_member_that_lacks_is_named(
    send: Callable[..., str], operation: str, body: dict[str, Any], missing: list[str]
) -> None:
    """Every member that the service's description requires, at its place."""
    found = send(operation, body)
    assert found.startswith(f"{len(missing)} validation error")
    for path in missing:
        assert f"Value null at '{path}' failed to satisfy constraint: Member must not be null" in found


@WAYS
def test_an_update_of_nothing_makes_the_item(dynamodb: Any, table: str, way: dict[str, Any]) -> None:
    """Row G12's neighbour: UpdateItem without update expression puts the key, and leaves what is there."""
    dynamodb.update_item(TableName=table, Key=KEY, **way)
    assert dynamodb.get_item(TableName=table, Key=KEY)["Item"] == KEY
    item = {**KEY, "v": {"S": "x"}}
    dynamodb.put_item(TableName=table, Item=item)
    answer = dynamodb.update_item(TableName=table, Key=KEY, ReturnValues="ALL_NEW", **way)
    assert answer["Attributes"] == item
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException):
        dynamodb.update_item(TableName=table, Key=KEY, ConditionExpression="attribute_not_exists(pk)", **way)


@WAYS
@pytest.mark.parametrize(
    ("expression", "value", "message"),
    [
        (
            "ADD a :v",
            {"S": "x"},
            "Invalid UpdateExpression: Incorrect operand type for operator or function; operator: ADD, "
            "operand type: STRING, typeSet: ALLOWED_FOR_ADD_OPERAND",
        ),
        (
            "SET m.x = m.y - :v",
            {"S": "x"},
            "Invalid UpdateExpression: Incorrect operand type for operator or function; "
            "operator or function: -, operand type: S",
        ),
        (
            "SET m.x = :v REMOVE m",
            {"S": "x"},
            "Invalid UpdateExpression: Two document paths overlap with each other; "
            "must remove or rewrite one of these paths; path one: [m, x], path two: [m]",
        ),
        (
            "SET sk = :v",
            {"S": "x"},
            "One or more parameter values were invalid: Cannot update attribute sk. "
            "This attribute is part of the key",
        ),
        ("SET a == :v", {"S": "x"}, 'Invalid UpdateExpression: Syntax error; token: "=", near: "= = :v"'),
    ],
    ids=["add", "minus", "overlap", "key", "syntax"],
)
def test_an_update_that_no_item_can_have(
    dynamodb: Any, table: str, way: dict[str, Any], expression: str, value: Any, message: str
) -> None:
    """Row G12: before its condition, which fails; likewise in a transaction."""
    request = {
        "TableName": table,
        "Key": KEY,
        "UpdateExpression": expression.replace("==", "= ="),
        "ConditionExpression": "attribute_exists(pk)",
        "ExpressionAttributeValues": {":v": value},
    }
    assert refusal(dynamodb.update_item, **request, **way) == message
    assert refusal(dynamodb.transact_write_items, TransactItems=[{"Update": request}]) == message


WRONG = "Incorrect operand type for operator or function; operator or function: {}, operand type: {}"


@pytest.mark.parametrize(
    ("condition", "value", "message"),
    [
        ("a < :v", {"BOOL": True}, WRONG.format("<", "BOOL")),
        ("NOT (a > :v)", {"NULL": True}, WRONG.format(">", "NULL")),
        ("begins_with(a, :v)", {"N": "1"}, WRONG.format("begins_with", "N")),
        ("size(a, b) = :v", {"N": "1"}, "Incorrect number of operands for operator or function;"),
        ("a = = :v", {"N": "1"}, 'Syntax error; token: "=", near: "= = :v"'),
    ],
    ids=["comparison", "negated", "function", "operands", "syntax"],
)
def test_a_condition_that_no_item_can_meet(
    dynamodb: Any, table: str, condition: str, value: Any, message: str
) -> None:
    """Row G12: in every kind of expression and operation."""
    values = {"ExpressionAttributeValues": {":v": value}}
    about: dict[str, Any] = {"TableName": table, "ConditionExpression": condition, **values}
    for call, more in (
        (dynamodb.put_item, {"Item": KEY}),
        (dynamodb.delete_item, {"Key": KEY}),
        (dynamodb.update_item, {"Key": KEY}),
        (dynamodb.update_item, {"Key": KEY, "UpdateExpression": "REMOVE m.x"}),
    ):
        assert refusal(call, **about, **more).startswith(f"Invalid ConditionExpression: {message}")
    check = {"ConditionCheck": {**about, "Key": KEY}}
    told = refusal(dynamodb.transact_write_items, TransactItems=[check])
    assert told.startswith(f"Invalid ConditionExpression: {message}")
    told = refusal(dynamodb.scan, TableName=table, FilterExpression=condition, **values)
    assert told.startswith(f"Invalid FilterExpression: {message}")


@pytest.mark.parametrize(
    ("condition", "values"),
    [
        ("pk = :v", {":v": {"N": "1"}}),
        ("pk = :p AND sk = :v", {":p": {"S": "a"}, ":v": {"N": "1"}}),
        ("pk = :p AND sk BETWEEN :v AND :w", {":p": {"S": "a"}, ":v": {"N": "1"}, ":w": {"N": "2"}}),
    ],
)
def test_a_query_is_by_the_types_of_the_keys(
    dynamodb: Any, table: str, condition: str, values: dict[str, Any]
) -> None:
    """A value of another type is a mistake, and not just in no item."""
    request = {"KeyConditionExpression": condition, "ExpressionAttributeValues": values}
    assert refusal(dynamodb.query, TableName=table, **request) == (
        "One or more parameter values were invalid: Condition parameter type does not match schema type"
    )


def test_a_query_in_an_index_is_by_the_types_of_its_keys(
    dynamodb: Any, make_table: Callable[..., str]
) -> None:
    """Values fit the index's keys, and a key to go on from fits both."""
    table = make_table(GlobalSecondaryIndexes=[INDEX], attributes=ATTRIBUTES)
    item = {**KEY, "data": {"B": b"x"}, "number": {"N": "1"}}
    dynamodb.put_item(TableName=table, Item=item)
    request = {
        "TableName": table,
        "IndexName": "by-data",
        "KeyConditionExpression": "#d = :d",
        "ExpressionAttributeNames": {"#d": "data"},
    }
    found = dynamodb.query(**request, ExpressionAttributeValues={":d": {"B": b"x"}})
    assert found["Items"] == [item]
    refusal(dynamodb.query, **request, ExpressionAttributeValues={":d": {"S": "x"}})
    refusal(
        dynamodb.query,
        **request,
        ExpressionAttributeValues={":d": {"B": b"x"}},
        ExclusiveStartKey={**item, "number": {"S": "1"}},
    )


def test_keys_of_an_index_have_their_lengths(dynamodb: Any, make_table: Callable[..., str]) -> None:
    """Row G1: bytes are measured, in a put and in an update."""
    table = make_table(GlobalSecondaryIndexes=[INDEX], attributes=ATTRIBUTES)
    item = {**KEY, "number": {"N": "1"}}
    dynamodb.put_item(TableName=table, Item={**item, "data": {"B": b"x" * 2048}})
    long = {"B": b"x" * 2049}
    refusal(dynamodb.put_item, TableName=table, Item={**item, "data": long})
    refusal(
        dynamodb.update_item,
        TableName=table,
        Key=KEY,
        UpdateExpression="SET #d = :d",
        ExpressionAttributeNames={"#d": "data"},
        ExpressionAttributeValues={":d": long},
    )


def test_time_to_live_is_set_once(dynamodb: Any, table: str) -> None:
    """Neither enabled nor disabled twice; not disabled by another name."""

    def set_to(attribute: str, *, enabled: bool) -> Any:
        specification = {"Enabled": enabled, "AttributeName": attribute}
        return {"TableName": table, "TimeToLiveSpecification": specification}

    update = dynamodb.update_time_to_live
    assert refusal(update, **set_to("expires", enabled=False)) == "TimeToLive is already disabled"
    update(**set_to("expires", enabled=True))
    assert refusal(update, **set_to("expires", enabled=True)) == "TimeToLive is already enabled"
    assert refusal(update, **set_to("other", enabled=True)) == "TimeToLive is already enabled"
    assert refusal(update, **set_to("other", enabled=False)) == (
        "TimeToLive is active on a different AttributeName: current AttributeName is expires"
    )
    update(**set_to("expires", enabled=False))
    described = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    assert described == {"TimeToLiveStatus": "DISABLED"}


def test_streams_and_shards_are_listed_a_hundred_at_a_time(
    client: Callable[..., Any], dynamodb: Any, table: str
) -> None:
    """A `Limit` is from 1 to 100."""
    streams = client("dynamodbstreams")
    arn = dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    assert len(streams.describe_stream(StreamArn=arn, Limit=100)["StreamDescription"]["Shards"]) == 1
    bound = "failed to satisfy constraint: Member must have value less than or equal to 100"
    for call, request in ((streams.describe_stream, {"StreamArn": arn}), (streams.list_streams, {})):
        assert f"Value '101' at 'limit' {bound}" in refusal(call, **request, Limit=101)


def test_a_nested_update_makes_nothing_deeper_than_32_levels(dynamodb: Any, table: str) -> None:
    """Row G1: in a transaction it is a reason."""
    deep: dict[str, Any] = {"S": "x"}
    for _ in range(31):
        deep = {"L": [deep]}
    dynamodb.put_item(TableName=table, Item={**KEY, "m": {"M": {}}})
    update = {"TableName": table, "Key": KEY, "UpdateExpression": "SET m.x = :v"}
    dynamodb.update_item(**update, ExpressionAttributeValues={":v": deep})
    action = {**update, "ExpressionAttributeValues": {":v": {"L": [deep]}}}
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as caught:
        dynamodb.transact_write_items(TransactItems=[{"Update": action}])
    (reason,) = caught.value.response["CancellationReasons"]
    assert reason["Code"] == "ValidationError"
    stored = dynamodb.get_item(TableName=table, Key=KEY)["Item"]
    assert stored["m"] == {"M": {"x": deep}}
