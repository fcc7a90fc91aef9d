"""DynamoDB's limits as an application meets them, rows G1–G12."""

import copy
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.localstack.process import LocalStack

KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}
INDEX = {
    "IndexName": "by-due",
    "KeySchema": [
        {"AttributeName": "shard", "KeyType": "HASH"},
        {"AttributeName": "due", "KeyType": "RANGE"},
    ],
    "Projection": {"ProjectionType": "ALL"},
}
ATTRIBUTES = [
    {"AttributeName": "shard", "AttributeType": "S"},
    {"AttributeName": "due", "AttributeType": "N"},
]


def item(number: int, size: int = 0) -> dict[str, Any]:
    return {"pk": {"S": "a"}, "sk": {"S": f"{number:04}"}, "v": {"S": "x" * size}}


def refusal(call: Callable[..., Any], **request: Any) -> str:
    """Return the message with which a call is refused as invalid."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException", error
    return str(error["Message"])


def test_an_item_has_400_kilobytes(dynamodb: Any, table: str) -> None:
    """Row G1: of a put, of what an update makes, and of a batch."""
    size = 409_600 - len("pkaskbv")
    dynamodb.put_item(TableName=table, Item={**KEY, "v": {"S": "x" * size}})
    large = {**KEY, "v": {"S": "x" * (size + 1)}}
    message = "Item size has exceeded the maximum allowed size"
    assert refusal(dynamodb.put_item, TableName=table, Item=large) == message
    batch = {table: [{"PutRequest": {"Item": large}}]}
    assert refusal(dynamodb.batch_write_item, RequestItems=batch) == message
    update = {"TableName": table, "Key": KEY, "UpdateExpression": "SET more = :v"}
    told = refusal(dynamodb.update_item, **update, ExpressionAttributeValues={":v": {"S": "x"}})
    assert told == "Item size to update has exceeded the maximum allowed size"


def test_numbers_are_normalised(dynamodb: Any, table: str) -> None:
    """The same number written in another way is the same number."""
    dynamodb.put_item(TableName=table, Item={**KEY, "n": {"N": "1.50"}, "s": {"NS": ["1E1", "2"]}})
    found = dynamodb.get_item(TableName=table, Key=KEY)["Item"]
    assert found["n"] == {"N": "1.5"}
    assert set(found["s"]["NS"]) == {"10", "2"}
    told = refusal(dynamodb.put_item, TableName=table, Item={**KEY, "n": {"N": "1" * 39}})
    assert told == "Attempting to store more than 38 significant digits in a Number"


def test_empty_values_are_stored(dynamodb: Any, table: str) -> None:
    """Row G12: not as keys."""
    whole = {**KEY, "s": {"S": ""}, "b": {"B": b""}, "m": {"M": {"s": {"S": ""}}}, "l": {"L": []}}
    dynamodb.put_item(TableName=table, Item=whole)
    assert dynamodb.get_item(TableName=table, Key=KEY)["Item"] == whole
    told = refusal(dynamodb.put_item, TableName=table, Item={**KEY, "sk": {"S": ""}})
    assert told == (
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain "
        "an empty string value. Key: sk"
    )


def test_keys_of_an_index_have_their_type(dynamodb: Any, make_table: Callable[..., str]) -> None:
    """In a put and in an update."""
    table = make_table(GlobalSecondaryIndexes=[INDEX], attributes=ATTRIBUTES)
    told = refusal(dynamodb.put_item, TableName=table, Item={**KEY, "due": {"S": "x"}})
    assert told == (
        "One or more parameter values were invalid: Type mismatch for Index Key due Expected: N Actual: S "
        "IndexName: by-due"
    )
    told = refusal(
        dynamodb.update_item,
        TableName=table,
        Key=KEY,
        UpdateExpression="SET due = :d",
        ExpressionAttributeValues={":d": {"S": "x"}},
    )
    assert (
        told == "One or more parameter values were invalid: Type mismatch for key due expected: N actual: S"
    )
    assert "Item" not in dynamodb.get_item(TableName=table, Key=KEY)


def test_a_batch_writes_25_items(dynamodb: Any, table: str, make_table: Callable[..., str]) -> None:
    """Row G2: in one table or in several; none twice."""
    other = make_table()
    puts = [{"PutRequest": {"Item": item(number)}} for number in range(26)]
    answer = dynamodb.batch_write_item(RequestItems={table: puts[:25]})
    assert answer["UnprocessedItems"] == {}
    told = refusal(dynamodb.batch_write_item, RequestItems={table: puts})
    assert "Member must have length less than or equal to 25" in told
    told = refusal(dynamodb.batch_write_item, RequestItems={table: puts[:13], other: puts[:13]})
    assert told == "Too many items requested for the BatchWriteItem call"
    key = {name: puts[0]["PutRequest"]["Item"][name] for name in ("pk", "sk")}
    twice = [puts[0], {"DeleteRequest": {"Key": key}}]
    told = refusal(dynamodb.batch_write_item, RequestItems={table: twice})
    assert told == "Provided list of item keys contains duplicates"


def test_a_batch_reads_100_keys(dynamodb: Any, table: str) -> None:
    """Row G3: and not more than 16 MB, the rest of which is told."""
    keys = [{name: item(number)[name] for name in ("pk", "sk")} for number in range(101)]
    told = refusal(dynamodb.batch_get_item, RequestItems={table: {"Keys": keys}})
    assert "Member must have length less than or equal to 100" in told
    for number in range(50):
        dynamodb.put_item(TableName=table, Item=item(number, 400_000))
    wanted = {"Keys": keys[:50], "ConsistentRead": True}
    answer = dynamodb.batch_get_item(RequestItems={table: wanted})
    rest = answer["UnprocessedKeys"][table]
    assert len(answer["Responses"][table]) + len(rest["Keys"]) == 50
    assert len(answer["Responses"][table]) == 16 * 1024 * 1024 // 400_011
    assert rest["ConsistentRead"] is True
    assert dynamodb.batch_get_item(RequestItems={table: rest})["UnprocessedKeys"] == {}


@pytest.mark.parametrize("kind", ["query", "scan", "index"])
def test_a_page_is_a_megabyte(dynamodb: Any, make_table: Callable[..., str], kind: str) -> None:
    """Row G3: pages follow one another by their last key until everything was read once."""
    table = make_table(GlobalSecondaryIndexes=[INDEX], attributes=ATTRIBUTES)
    for number in range(7):
        more = {"shard": {"S": "x"}, "due": {"N": str(number // 2)}}
        dynamodb.put_item(TableName=table, Item={**item(number, 300_000), **more})
    request: dict[str, Any] = {"TableName": table}
    if kind == "query":
        request |= {"KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}}
    if kind == "index":
        request |= {"KeyConditionExpression": "#s = :p", "ExpressionAttributeValues": {":p": {"S": "x"}}}
        request |= {"IndexName": "by-due", "ExpressionAttributeNames": {"#s": "shard"}}
    call = dynamodb.scan if kind == "scan" else dynamodb.query
    sizes, seen = [], []
    while True:
        page = call(**request)
        sizes.append(page["Count"])
        seen += [found["sk"]["S"] for found in page["Items"]]
        if "LastEvaluatedKey" not in page:
            break
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
    assert sizes == [3, 3, 1]
    assert seen == [f"{number:04}" for number in range(7)]


def test_a_filter_comes_after_the_limit(dynamodb: Any, table: str) -> None:
    """What was looked at counts, and a full page names a key though nothing follows."""
    for number in range(4):
        dynamodb.put_item(TableName=table, Item=item(number))
    page = dynamodb.query(
        TableName=table,
        KeyConditionExpression="pk = :p AND sk >= :s",
        FilterExpression="v = :none",
        ExpressionAttributeValues={":p": {"S": "a"}, ":s": {"S": "0002"}, ":none": {"S": "none"}},
        Limit=2,
    )
    assert (page["Count"], page["ScannedCount"], page["Items"]) == (0, 2, [])
    assert page["LastEvaluatedKey"]["sk"] == {"S": "0003"}


def test_a_transaction_has_100_items(dynamodb: Any, table: str) -> None:
    """Row G4: each at most once, 4 MB in all."""
    puts = [{"Put": {"TableName": table, "Item": item(number)}} for number in range(101)]
    dynamodb.transact_write_items(TransactItems=puts[:100])
    told = refusal(dynamodb.transact_write_items, TransactItems=puts)
    assert "Member must have length less than or equal to 100" in told
    key = {name: item(0)[name] for name in ("pk", "sk")}
    check = {"TableName": table, "Key": key, "ConditionExpression": "attribute_exists(pk)"}
    told = refusal(dynamodb.transact_write_items, TransactItems=[puts[0], {"ConditionCheck": check}])
    assert told == "Transaction request cannot include multiple operations on one item"
    large = [{"Put": {"TableName": table, "Item": item(number, 400_000)}} for number in range(11)]
    refusal(dynamodb.transact_write_items, TransactItems=large)
    dynamodb.transact_write_items(TransactItems=large[:10])


def test_reasons_are_in_the_order_of_the_actions(dynamodb: Any, table: str) -> None:
    """Row G6: with the item where it was asked for, and what is wrong with an item is a reason too."""
    dynamodb.put_item(TableName=table, Item=item(1))
    dynamodb.put_item(TableName=table, Item=item(2, 409_000))
    update = {
        "TableName": table,
        "Key": {name: item(2)[name] for name in ("pk", "sk")},
        "UpdateExpression": "SET w = :w",
        "ExpressionAttributeValues": {":w": {"S": "x" * 1000}},
    }
    put = {
        "TableName": table,
        "Item": item(1),
        "ConditionExpression": "attribute_not_exists(pk)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as caught:
        dynamodb.transact_write_items(
            TransactItems=[
                {"Put": {"TableName": table, "Item": item(3)}},
                {"Put": put},
                {"Update": update},
            ]
        )
    assert caught.value.response["Error"]["Message"] == (
        "Transaction cancelled, please refer cancellation reasons for specific reasons "
        "[None, ConditionalCheckFailed, ValidationError]"
    )
    assert caught.value.response["CancellationReasons"] == [
        {"Code": "None"},
        {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed", "Item": item(1)},
        {
            "Code": "ValidationError",
            "Message": "Item size to update has exceeded the maximum allowed size",
        },
    ]
    assert dynamodb.scan(TableName=table, Select="COUNT")["Count"] == 2


async def test_a_token_makes_a_repeated_transaction_harmless(
    dynamodb: Any, table: str, localstack: LocalStack
) -> None:
    """Row G4: for ten minutes; with other parameters it is refused; one that failed may be tried again."""
    token = str(uuid.uuid4())
    update = {
        "TableName": table,
        "Key": KEY,
        "UpdateExpression": "ADD n :n",
        "ExpressionAttributeValues": {":n": {"N": "1"}},
        "ConditionExpression": "attribute_not_exists(closed)",
    }

    def transact(amount: str = "1") -> None:
        action = copy.deepcopy(update)
        action["ExpressionAttributeValues"] = {":n": {"N": amount}}
        dynamodb.transact_write_items(TransactItems=[{"Update": action}], ClientRequestToken=token)

    def stored() -> str:
        return str(dynamodb.get_item(TableName=table, Key=KEY)["Item"]["n"]["N"])

    dynamodb.put_item(TableName=table, Item={**KEY, "closed": {"BOOL": True}})
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
        transact()
    dynamodb.put_item(TableName=table, Item=KEY)
    transact()
    transact()
    assert stored() == "1"
    with pytest.raises(dynamodb.exceptions.IdempotentParameterMismatchException):
        transact("2")
    try:
        await localstack.set_clock_offset(590)
        transact()
        assert stored() == "1"
        await localstack.set_clock_offset(610)
        transact("2")
        assert stored() == "3"
    finally:
        await localstack.set_clock_offset(0)


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (
            {"FilterExpression": "v = :v" + " " * 4096, "ExpressionAttributeValues": {":v": {"S": "x"}}},
            "Invalid FilterExpression: Expression size has exceeded the maximum allowed size; "
            "expression size: 4102",
        ),
        (
            {"FilterExpression": "v = :v", "ExpressionAttributeValues": {":w": {"S": "x"}}},
            "Invalid FilterExpression: An expression attribute value used in expression is not defined; "
            "attribute value: :v",
        ),
        (
            {"ExpressionAttributeNames": {"#v": "v"}},
            "ExpressionAttributeNames can only be specified when using expressions",
        ),
    ],
    ids=["size", "undefined", "for nothing"],
)
def test_expressions_have_limits(dynamodb: Any, table: str, request_: dict[str, Any], message: str) -> None:
    """Row G10: before anything is looked at."""
    assert refusal(dynamodb.scan, TableName=table, **request_) == message


def test_a_stream_answers_with_a_thousand_records_or_a_megabyte(
    dynamodb: Any, streams: Any, table: str, iterator: Callable[..., str]
) -> None:
    """Row F20: whichever comes first, and the next iterator goes on there."""
    for first in range(100, 1200, 25):
        puts = [{"PutRequest": {"Item": item(number)}} for number in range(first, first + 25)]
        dynamodb.batch_write_item(RequestItems={table: puts})
    for number in range(4):
        dynamodb.put_item(TableName=table, Item=item(number, 390_000))
    counts, at = [], iterator(table)
    for _ in range(4):
        page = streams.get_records(ShardIterator=at)
        counts.append(len(page["Records"]))
        at = page["NextShardIterator"]
    assert counts == [1000, 102, 2, 0]
