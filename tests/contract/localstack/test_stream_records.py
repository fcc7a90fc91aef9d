"""Stream records of the embedded engine are AWS's; moto's differ in nearly every respect tested here."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}
Records = Callable[[str], list[dict[str, Any]]]


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
