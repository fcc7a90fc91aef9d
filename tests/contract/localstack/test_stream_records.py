"""Stream records of the embedded engine are AWS's; moto's differ in nearly every respect tested here."""

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}
Records = Callable[[str], list[dict[str, Any]]]


def test_a_put_is_one_insert_of_awss_shape(dynamodb: Any, table: str, records: Records) -> None:
    """INSERT has no old image, version 1.1, the region and AWS's size."""
    dynamodb.put_item(TableName=table, Item={**KEY, "n": {"N": "12"}})
    (record,) = records(table)
    assert re.fullmatch(r"[0-9a-f]{32}", record.pop("eventID"))
    assert re.fullmatch(r"\d{21,40}", record["dynamodb"].pop("SequenceNumber"))
    assert record["dynamodb"].pop("ApproximateCreationDateTime").microsecond == 0
    assert record == {
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "Keys": KEY,
            "NewImage": {**KEY, "n": {"N": "12"}},
            "SizeBytes": 6 + 6 + 3,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }


def test_modify_has_both_images_and_remove_the_old_one(dynamodb: Any, table: str, records: Records) -> None:
    """Images are those of before and after; there is never an empty one."""
    dynamodb.put_item(TableName=table, Item={**KEY, "v": {"B": b"\x00\xff"}})
    dynamodb.put_item(TableName=table, Item={**KEY, "v": {"M": {"b": {"B": b"foo"}}}})
    dynamodb.delete_item(TableName=table, Key=KEY)
    _, modify, remove = (record["dynamodb"] for record in records(table))
    assert modify["OldImage"] == {**KEY, "v": {"B": b"\x00\xff"}}
    assert modify["NewImage"] == {**KEY, "v": {"M": {"b": {"B": b"foo"}}}}
    assert remove["OldImage"] == modify["NewImage"]
    assert "NewImage" not in remove


@pytest.mark.parametrize(
    ("view", "images"),
    [
        ("KEYS_ONLY", [set(), set(), set()]),
        ("NEW_IMAGE", [{"NewImage"}, {"NewImage"}, set()]),
        ("OLD_IMAGE", [set(), {"OldImage"}, {"OldImage"}]),
    ],
)
def test_images_follow_the_view(
    dynamodb: Any, make_table: Callable[..., str], records: Records, view: str, images: list[set[str]]
) -> None:
    """A record has the images that its stream's view asks for."""
    table = make_table(view)
    dynamodb.put_item(TableName=table, Item=KEY)
    dynamodb.put_item(TableName=table, Item={**KEY, "v": {"S": "x"}})
    dynamodb.delete_item(TableName=table, Key=KEY)
    assert [{"NewImage", "OldImage"} & set(record["dynamodb"]) for record in records(table)] == images


def test_a_write_that_changes_nothing_leaves_no_record(dynamodb: Any, table: str, records: Records) -> None:
    """Neither an equal put, nor an equal update, nor the deletion of nothing."""
    item = {**KEY, "n": {"N": "1"}, "s": {"SS": ["x", "y"]}}
    dynamodb.put_item(TableName=table, Item=item)
    dynamodb.put_item(TableName=table, Item={**item, "n": {"N": "1.0"}, "s": {"SS": ["y", "x"]}})
    dynamodb.update_item(
        TableName=table, Key=KEY, UpdateExpression="SET n = :n", ExpressionAttributeValues={":n": {"N": "1"}}
    )
    dynamodb.delete_item(TableName=table, Key={**KEY, "sk": {"S": "other"}})
    assert len(records(table)) == 1


def test_an_upsert_is_one_insert(dynamodb: Any, table: str, records: Records) -> None:
    """An update that makes the item is one INSERT with the whole item."""
    dynamodb.update_item(
        TableName=table, Key=KEY, UpdateExpression="SET v = :v", ExpressionAttributeValues={":v": {"S": "x"}}
    )
    (record,) = records(table)
    assert record["eventName"] == "INSERT"
    assert record["dynamodb"]["NewImage"] == {**KEY, "v": {"S": "x"}}


def test_records_name_their_region(
    client: Callable[..., Any], make_table: Callable[..., str], iterator: Callable[..., str]
) -> None:
    """`awsRegion` is where the table is."""
    dynamodb, streams = client("dynamodb", "eu-west-1"), client("dynamodbstreams", "eu-west-1")
    table = make_table("KEYS_ONLY", on=dynamodb)
    dynamodb.put_item(TableName=table, Item=KEY)
    (record,) = streams.get_records(ShardIterator=iterator(table, on=dynamodb, by=streams))["Records"]
    assert record["awsRegion"] == "eu-west-1"


def test_sequence_numbers_rise(dynamodb: Any, table: str, records: Records) -> None:
    """Later records have higher numbers."""
    for number in range(5):
        dynamodb.put_item(TableName=table, Item={**KEY, "n": {"N": str(number)}})
    numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in records(table)]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 5


def test_batches_and_partiql_write_records(dynamodb: Any, table: str, records: Records) -> None:
    """Every way to write reaches the stream, one record per changed item."""
    puts = [{"PutRequest": {"Item": {**KEY, "sk": {"S": str(number)}}}} for number in range(3)]
    dynamodb.batch_write_item(RequestItems={table: puts})
    dynamodb.execute_statement(
        Statement=f'UPDATE "{table}" SET v=? WHERE pk=? AND sk=?',
        Parameters=[{"S": "x"}, {"S": "a"}, {"S": "1"}],
    )
    assert [record["eventName"] for record in records(table)] == ["INSERT"] * 3 + ["MODIFY"]


def test_a_cancelled_transaction_leaves_no_record_and_open_iterators_go_on(
    dynamodb: Any, streams: Any, table: str, iterator: Callable[..., str]
) -> None:
    """An iterator from before a cancelled transaction delivers what comes after it."""
    open_iterator = iterator(table, "LATEST")
    put = {"Put": {"TableName": table, "Item": KEY}}
    check = {
        "TableName": table,
        "Key": {**KEY, "sk": {"S": "no"}},
        "ConditionExpression": "attribute_exists(pk)",
    }
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
        dynamodb.transact_write_items(TransactItems=[put, {"ConditionCheck": check}])
    dynamodb.put_item(TableName=table, Item={**KEY, "v": {"S": "after"}})
    answer = streams.get_records(ShardIterator=open_iterator)
    assert [record["dynamodb"]["NewImage"]["v"] for record in answer["Records"]] == [{"S": "after"}]


def test_expired_items_are_deleted_by_the_service(
    dynamodb: Any, client: Callable[..., Any], make_table: Callable[..., str], iterator: Callable[..., str]
) -> None:
    """The deletion carries DynamoDB's identity; what is not due, not a number or too old stays."""
    table = make_table("OLD_IMAGE")
    now = int(time.time())
    ages = {
        "due": {"N": str(now - 10)},
        "later": {"N": str(now + 900)},
        "text": {"S": "1"},
        "old": {"N": "1"},
    }
    for name, expires in ages.items():
        dynamodb.put_item(TableName=table, Item={**KEY, "sk": {"S": name}, "ttl": expires})
    waiting = client("dynamodbstreams", headers={"x-emulator-wait-ms": "15000"})
    latest = iterator(table, "LATEST")
    dynamodb.update_time_to_live(
        TableName=table, TimeToLiveSpecification={"Enabled": True, "AttributeName": "ttl"}
    )
    (record,) = waiting.get_records(ShardIterator=latest)["Records"]
    assert record["eventName"] == "REMOVE"
    assert record["userIdentity"] == {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
    left = dynamodb.scan(TableName=table)["Items"]
    assert {item["sk"]["S"] for item in left} == {"later", "text", "old"}


def test_a_deletion_by_a_client_has_no_identity(dynamodb: Any, table: str, records: Records) -> None:
    """`userIdentity` is on deletions by time to live only."""
    dynamodb.put_item(TableName=table, Item=KEY)
    dynamodb.delete_item(TableName=table, Key=KEY)
    assert all("userIdentity" not in record for record in records(table))


def test_concurrent_writers_lose_no_record(dynamodb: Any, table: str, records: Records) -> None:
    """Every change of one item has its record, each going on from where the one before ended."""

    def add(_: int) -> None:
        dynamodb.update_item(
            TableName=table,
            Key=KEY,
            UpdateExpression="ADD n :n",
            ExpressionAttributeValues={":n": {"N": "1"}},
        )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(80)))
    seen = [record["dynamodb"]["NewImage"]["n"]["N"] for record in records(table)]
    assert seen == [str(number) for number in range(1, 81)]


def test_a_failed_write_leaves_no_record(dynamodb: Any, table: str, records: Records) -> None:
    """Neither one whose condition fails nor one that is invalid half way."""
    with pytest.raises(ClientError):
        dynamodb.put_item(TableName=table, Item=KEY, ConditionExpression="attribute_exists(pk)")
    with pytest.raises(ClientError):
        dynamodb.update_item(
            TableName=table,
            Key=KEY,
            UpdateExpression="SET a = :a, b = :b",
            ExpressionAttributeValues={":a": {"S": "x" * 300_000}, ":b": {"S": "x" * 300_000}},
        )
    assert records(table) == []
