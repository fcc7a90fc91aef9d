"""Writes of the embedded engine happen wholly or not at all, and one at a time."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from botocore.exceptions import ClientError

KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}
OTHER = {"pk": {"S": "a"}, "sk": {"S": "c"}}


def _add(table: str, key: dict[str, Any]) -> dict[str, Any]:
    values = {":n": {"N": "1"}}
    return {
        "TableName": table,
        "Key": key,
        "UpdateExpression": "ADD n :n",
        "ExpressionAttributeValues": values,
    }


def test_a_cancelled_transaction_changes_nothing(dynamodb: Any, table: str) -> None:
    """Puts, updates and deletes before the failing one are taken back; the reasons are in request order."""
    dynamodb.put_item(TableName=table, Item={**KEY, "n": {"N": "1"}})
    third = {"pk": {"S": "a"}, "sk": {"S": "d"}}
    dynamodb.put_item(TableName=table, Item=third)
    with pytest.raises(dynamodb.exceptions.TransactionCanceledException) as caught:
        dynamodb.transact_write_items(
            TransactItems=[
                {"Update": _add(table, KEY)},
                {"Delete": {"TableName": table, "Key": third}},
                {"Put": {"TableName": table, "Item": OTHER, "ConditionExpression": "attribute_exists(pk)"}},
            ]
        )
    reasons = [reason["Code"] for reason in caught.value.response["CancellationReasons"]]
    assert reasons == ["None", "None", "ConditionalCheckFailed"]
    assert dynamodb.scan(TableName=table)["Items"] == [{**KEY, "n": {"N": "1"}}, third]


def test_no_update_is_lost(dynamodb: Any, table: str) -> None:
    """Updates, transactions and transactions that are cancelled, all at once, add up."""
    failing = {
        "TableName": table,
        "Key": {**KEY, "sk": {"S": "no"}},
        "ConditionExpression": "attribute_exists(pk)",
    }

    def update(_: int) -> None:
        dynamodb.update_item(**_add(table, KEY))

    def transact(_: int) -> None:
        dynamodb.transact_write_items(
            TransactItems=[{"Update": _add(table, KEY)}, {"Update": _add(table, OTHER)}]
        )

    def cancel(_: int) -> None:
        with pytest.raises(dynamodb.exceptions.TransactionCanceledException):
            dynamodb.transact_write_items(
                TransactItems=[{"Update": _add(table, KEY)}, {"ConditionCheck": failing}]
            )

    with ThreadPoolExecutor(9) as pool:
        runs = [pool.submit(work, number) for number in range(40) for work in (update, transact, cancel)]
    for run in runs:
        run.result()
    assert dynamodb.get_item(TableName=table, Key=KEY)["Item"]["n"] == {"N": "80"}
    assert dynamodb.get_item(TableName=table, Key=OTHER)["Item"]["n"] == {"N": "40"}


def test_a_transaction_is_never_seen_half_done(dynamodb: Any, table: str) -> None:
    """A transactional read sees all items of a transaction as it left them, or none."""
    keys = [{**KEY, "sk": {"S": str(number)}} for number in range(25)]
    gets = [{"Get": {"TableName": table, "Key": key}} for key in keys]

    def write(_: int) -> None:
        dynamodb.transact_write_items(TransactItems=[{"Update": _add(table, key)} for key in keys])

    def read(_: int) -> set[str]:
        answers = dynamodb.transact_get_items(TransactItems=gets)["Responses"]
        return {answer["Item"]["n"]["N"] for answer in answers}

    write(0)
    with ThreadPoolExecutor(4) as pool:
        writes, reads = zip(*[(pool.submit(write, n), pool.submit(read, n)) for n in range(40)], strict=True)
        assert all(len(run.result()) == 1 for run in reads)
    for run in writes:
        run.result()


def test_transactions_read_up_to_100_items(dynamodb: Any, table: str) -> None:
    """AWS's limit, where moto stops at 25."""
    gets = [{"Get": {"TableName": table, "Key": {**KEY, "sk": {"S": str(number)}}}} for number in range(100)]
    assert len(dynamodb.transact_get_items(TransactItems=gets)["Responses"]) == 100


@pytest.mark.parametrize(
    ("call", "code", "message"),
    [
        ({"Key": KEY, "TableName": "missing"}, "ResourceNotFoundException", "Requested resource not found"),
        (
            {"Key": {"no": {"S": "x"}}},
            "ValidationException",
            "The provided key element does not match the schema",
        ),
    ],
    ids=["missing table", "key mismatch"],
)
def test_errors_are_awss(dynamodb: Any, table: str, call: dict[str, Any], code: str, message: str) -> None:
    """Codes and texts as AWS's."""
    with pytest.raises(ClientError) as caught:
        dynamodb.get_item(**{"TableName": table, **call})
    assert caught.value.response["Error"] == {"Code": code, "Message": message}


def test_a_failed_condition_can_return_the_item(dynamodb: Any, table: str) -> None:
    """`ConditionalCheckFailedException`, with the item where the request asks for it."""
    dynamodb.put_item(TableName=table, Item={**KEY, "v": {"S": "x"}})
    with pytest.raises(dynamodb.exceptions.ConditionalCheckFailedException) as caught:
        dynamodb.put_item(
            TableName=table,
            Item=KEY,
            ConditionExpression="attribute_not_exists(pk)",
            ReturnValuesOnConditionCheckFailure="ALL_OLD",
        )
    assert caught.value.response["Error"]["Message"] == "The conditional request failed"
    assert caught.value.response["Item"] == {**KEY, "v": {"S": "x"}}


def test_answers_have_only_what_was_asked_for(dynamodb: Any, table: str) -> None:
    """A write answers with nothing, with values, or with the capacity."""
    update = {**_add(table, KEY)}
    assert set(dynamodb.update_item(**update)) == {"ResponseMetadata"}
    assert dynamodb.update_item(**update, ReturnValues="UPDATED_NEW")["Attributes"] == {"n": {"N": "2"}}
    answer = dynamodb.put_item(TableName=table, Item=KEY, ReturnConsumedCapacity="TOTAL")
    assert answer["ConsumedCapacity"]["TableName"] == table


def test_a_backup_is_a_copy(dynamodb: Any, table: str) -> None:
    """What is written after a backup is not in it."""
    dynamodb.put_item(TableName=table, Item={**KEY, "v": {"S": "before"}})
    backup = dynamodb.create_backup(TableName=table, BackupName="one")["BackupDetails"]["BackupArn"]
    dynamodb.put_item(TableName=table, Item={**KEY, "v": {"S": "after"}})
    dynamodb.restore_table_from_backup(TargetTableName=f"{table}-restored", BackupArn=backup)
    try:
        restored = dynamodb.get_item(TableName=f"{table}-restored", Key=KEY)["Item"]
    finally:
        dynamodb.delete_table(TableName=f"{table}-restored")
    assert restored["v"] == {"S": "before"}


INDEX = {
    "IndexName": "by-due",
    "KeySchema": [
        {"AttributeName": "shard", "KeyType": "HASH"},
        {"AttributeName": "due", "KeyType": "RANGE"},
    ],
    "Projection": {"ProjectionType": "ALL"},
}


def test_queries_are_of_one_key_in_order(dynamodb: Any, make_table: Callable[..., str]) -> None:
    """Of a table and of an index: the key's items only, in order, both ways, in pages."""
    attributes = [
        {"AttributeName": "shard", "AttributeType": "S"},
        {"AttributeName": "due", "AttributeType": "N"},
    ]
    table = make_table(GlobalSecondaryIndexes=[INDEX], attributes=attributes)
    for number in (3, 10, 1, 2):
        for partition in ("a", "b"):
            item = {
                "pk": {"S": partition},
                "sk": {"S": f"{number:02}"},
                "shard": {"S": "x"},
                "due": {"N": str(number)},
            }
            dynamodb.put_item(TableName=table, Item=item)
    dynamodb.put_item(TableName=table, Item=KEY)

    def numbers(condition: str, value: str, **more: Any) -> list[str]:
        pages = dynamodb.get_paginator("query").paginate(
            TableName=table,
            KeyConditionExpression=condition,
            ExpressionAttributeValues={":v": {"S": value}, **more.pop("values", {})},
            **more,
        )
        return [item.get("due", {"N": "-"})["N"] for page in pages for item in page["Items"]]

    assert numbers("pk = :v", "b") == ["1", "2", "3", "10"]
    assert numbers("pk = :v", "b", Limit=1, ScanIndexForward=False) == ["10", "3", "2", "1"]
    assert numbers("pk = :v AND sk > :s", "b", values={":s": {"S": "02"}}) == ["3", "10"]
    assert numbers("pk = :v", "none") == []
    by_due = {
        "IndexName": "by-due",
        "values": {":d": {"N": "3"}},
        "ExpressionAttributeNames": {"#s": "shard"},
    }
    assert numbers("#s = :v AND due <= :d", "x", **by_due) == ["1", "1", "2", "2", "3", "3"]


def test_a_transactional_read_shows_what_was_asked_for(dynamodb: Any, table: str) -> None:
    """A projection, a whole item and nothing, in the order of the request."""
    dynamodb.put_item(TableName=table, Item={**KEY, "a": {"M": {"b": {"N": "1"}}}, "c": {"S": "x"}})
    dynamodb.put_item(TableName=table, Item={**OTHER, "c": {"S": "y"}})
    projection = {"ProjectionExpression": "#a", "ExpressionAttributeNames": {"#a": "a"}}
    gets = [
        {"TableName": table, "Key": KEY, **projection},
        {"TableName": table, "Key": {**KEY, "sk": {"S": "none"}}},
        {"TableName": table, "Key": OTHER},
    ]
    answers = dynamodb.transact_get_items(TransactItems=[{"Get": get} for get in gets])["Responses"]
    assert answers[0] == {"Item": {"a": {"M": {"b": {"N": "1"}}}}}
    assert answers[1] == {}
    assert answers[2] == {"Item": {**OTHER, "c": {"S": "y"}}}


def test_a_conditional_update_of_a_nested_attribute_is_seen(
    dynamodb: Any, table: str, records: Callable[[str], list[dict[str, Any]]]
) -> None:
    """Reads and the stream show what the update made, not what its condition looked at."""
    dynamodb.put_item(TableName=table, Item={**KEY, "m": {"M": {"x": {"N": "1"}}}})
    dynamodb.update_item(
        TableName=table,
        Key=KEY,
        UpdateExpression="SET m.x = :new",
        ConditionExpression="attribute_exists(pk)",
        ExpressionAttributeValues={":new": {"N": "2"}},
    )
    assert dynamodb.get_item(TableName=table, Key=KEY)["Item"]["m"] == {"M": {"x": {"N": "2"}}}
    assert [record["eventName"] for record in records(table)] == ["INSERT", "MODIFY"]
