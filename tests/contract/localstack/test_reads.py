"""What Query and Scan answer with: values as they were put, and capacity where it is asked for."""

from collections.abc import Callable
from typing import Any

import pytest

ITEM: dict[str, Any] = {
    "pk": {"S": "a"},
    "sk": {"S": "b"},
    "text": {"S": "Zoë"},
    "number": {"N": "-1.5"},
    "binary": {"B": b"\0\xff"},
    "texts": {"SS": ["x", "y"]},
    "numbers": {"NS": ["1", "2"]},
    "binaries": {"BS": [b"\1", b"\xff"]},
    "list": {"L": [{"M": {"inside": {"BS": [b"\2"]}}}, {"NULL": True}, {"B": b"\3"}]},
    "map": {"M": {"deep": {"L": [{"BOOL": False}]}, "empty": {"S": ""}}},
}

CONDITION = {
    "KeyConditionExpression": "pk = :pk",
    "ExpressionAttributeValues": {":pk": {"S": "a"}},
}


@pytest.fixture(params=["Query", "Scan"])
def read(request: pytest.FixtureRequest, dynamodb: Any, table: str) -> Callable[..., Any]:
    """Read the table's items of one partition, in one way or the other."""
    if request.param == "Scan":
        return lambda **more: dynamodb.scan(TableName=table, **more)
    return lambda **more: dynamodb.query(TableName=table, **CONDITION, **more)


@pytest.fixture(params=["put", "batch"])
def stored(request: pytest.FixtureRequest, dynamodb: Any, table: str) -> None:
    """Have the item in the table, in one way or the other."""
    if request.param == "put":
        dynamodb.put_item(TableName=table, Item=ITEM)
    else:
        dynamodb.batch_write_item(RequestItems={table: [{"PutRequest": {"Item": ITEM}}]})


@pytest.mark.usefixtures("stored")
def test_every_kind_of_value_is_read(read: Callable[..., Any]) -> None:
    """Also binary ones, in sets and inside of others."""
    said = read()
    assert (said["Items"], said["Count"], said["ScannedCount"]) == ([ITEM], 1, 1)
    assert "ConsumedCapacity" not in said


@pytest.mark.usefixtures("stored")
def test_a_count_has_no_items(read: Callable[..., Any]) -> None:
    """Only how many there are."""
    said = read(Select="COUNT")
    assert (said["Count"], said["ScannedCount"]) == (1, 1)
    assert "Items" not in said


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("wanted", ["TOTAL", "INDEXES"])
def test_capacity_is_told_where_it_is_asked_for(read: Callable[..., Any], table: str, wanted: str) -> None:
    """Beside the same items."""
    said = read(ReturnConsumedCapacity=wanted)
    assert said["Items"] == [ITEM]
    assert said["ConsumedCapacity"]["TableName"] == table
