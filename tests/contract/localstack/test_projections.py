"""What a projection expression takes out of an item, in every operation that has one."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}
DEEP = {"x": {"B": b"\2"}, "y": {"L": [{"N": "1"}, {"M": {"z": {"NULL": True}, "u": {"S": "u"}}}]}}
ITEM: dict[str, Any] = {
    **KEY,
    "octets": {"B": b"\0\xff"},
    "octet_set": {"BS": [b"\1", b"\xff"]},
    "number": {"N": "12345678901234567890123456789012345678"},
    "list": {"L": [{"S": "0"}, {"B": b"\3"}, {"L": [{"S": "2.0"}, {"S": "2.1"}]}]},
    "map": {"M": DEEP},
    "a.b": {"S": "a name with a dot"},
}
NAMES = {"#d": "a.b", "#l": "list", "#m": "map", "#n": "number"}


@pytest.fixture(params=["GetItem", "BatchGetItem", "TransactGetItems", "Query", "Scan"])
def projected(request: pytest.FixtureRequest, dynamodb: Any, table: str) -> Callable[[str], dict[str, Any]]:
    """Put the item; return what reads the parts of it that an expression asks for."""
    dynamodb.put_item(TableName=table, Item=ITEM)

    def read(expression: str) -> dict[str, Any]:
        names = {token: name for token, name in NAMES.items() if token in expression}
        asked = {"ProjectionExpression": expression, **({"ExpressionAttributeNames": names} if names else {})}
        match request.param:
            case "GetItem":
                answer = dynamodb.get_item(TableName=table, Key=KEY, **asked)
                return dict(answer["Item"])
            case "BatchGetItem":
                answer = dynamodb.batch_get_item(RequestItems={table: {"Keys": [KEY], **asked}})
                return dict(answer["Responses"][table][0])
            case "TransactGetItems":
                get = {"TableName": table, "Key": KEY, **asked}
                return dict(dynamodb.transact_get_items(TransactItems=[{"Get": get}])["Responses"][0]["Item"])
            case "Query":
                answer = dynamodb.query(
                    TableName=table,
                    KeyConditionExpression="pk = :pk",
                    ExpressionAttributeValues={":pk": KEY["pk"]},
                    **asked,
                )
                return dict(answer["Items"][0])
            case _:
                return dict(dynamodb.scan(TableName=table, **asked)["Items"][0])

    return read


@pytest.mark.parametrize(
    ("expression", "parts"),
    [
        ("pk, #n", {"pk": KEY["pk"], "number": ITEM["number"]}),
        ("octets,octet_set", {"octets": ITEM["octets"], "octet_set": ITEM["octet_set"]}),
        ("#d", {"a.b": ITEM["a.b"]}),
        ("#m.x", {"map": {"M": {"x": {"B": b"\2"}}}}),
        ("#m.y[1].u, #m.x", {"map": {"M": {"x": {"B": b"\2"}, "y": {"L": [{"M": {"u": {"S": "u"}}}]}}}}),
        ("#l[1]", {"list": {"L": [{"B": b"\3"}]}}),
        ("#l[2][1], #l[0]", {"list": {"L": [{"S": "0"}, {"L": [{"S": "2.1"}]}]}}),
        ("pk, #l[3], #m.gone_one, #m.x.gone_one, #n[0], absent_one", {"pk": KEY["pk"]}),
    ],
    ids=["top", "binary", "dot", "member", "members", "element", "elements", "absent"],
)
def test_the_parts_that_are_there_come(
    projected: Callable[[str], dict[str, Any]], expression: str, parts: dict[str, Any]
) -> None:
    """As they were put, elements in their order; of what is not there nothing, no empty parent either."""
    assert projected(expression) == parts


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        (
            "#m.x, #m",
            "Two document paths overlap with each other; must remove or rewrite one of these paths; "
            "path one: [map, x], path two: [map]",
        ),
        ("pk,, sk", 'Syntax error; token: ",", near: ",, sk"'),
        ("pk sk", 'Syntax error; token: "sk", near: "pk sk"'),
        ("size", "Attribute name is a reserved keyword; reserved keyword: size"),
    ],
    ids=["overlap", "commas", "space", "reserved"],
)
def test_what_is_no_projection_is_refused(
    projected: Callable[[str], dict[str, Any]], expression: str, message: str
) -> None:
    """In the words that other expressions are refused with."""
    with pytest.raises(ClientError) as refusal:
        projected(expression)
    assert refusal.value.response["Error"]["Code"] == "ValidationException"
    assert refusal.value.response["Error"]["Message"] == f"Invalid ProjectionExpression: {message}"
