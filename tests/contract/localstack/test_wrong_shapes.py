"""Bodies that are not what the service's description says are refused with 400, and nothing is written."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))

SERIALIZATION, VALIDATION = "SerializationException", "ValidationException"


@pytest.fixture
def send(endpoint_url: str) -> Callable[..., tuple[int, str]]:
    """Send a body as it is; returns the status and the error's code."""

    def send(operation: str, body: bytes) -> tuple[int, str]:
        headers = {
            "X-Amz-Target": f"DynamoDB_20120810.{operation}",
            "Content-Type": "application/x-amz-json-1.0",
            "Authorization": "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, "
            "SignedHeaders=host, Signature=0",
        }
        try:
            with OPENER.open(urllib.request.Request(endpoint_url, body, headers)) as answer:
                return int(answer.status), ""
        except urllib.error.HTTPError as error:
            with error:
                return error.code, str(json.load(error)["__type"]).rpartition("#")[2]

    return send


@pytest.mark.parametrize(
    "body",
    [b"{", b"[]", b"null", b"5", b'"text"', b"\xff", b'{"TableName": 5}', b'{"a":' * 100_000],
    ids=["broken", "list", "null", "number", "text", "no UTF-8", "name", "deep"],
)
@pytest.mark.parametrize("operation", ["PutItem", "ListTables"])
def test_a_body_that_is_no_object_is_refused(
    send: Callable[..., tuple[int, str]], operation: str, body: bytes
) -> None:
    """Row G13: JSON that cannot be read as the request is the client's fault."""
    if operation == "ListTables":
        body = body.replace(b"TableName", b"Limit").replace(b"5", b'"x"')
    assert send(operation, body) == (400, SERIALIZATION)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("a", SERIALIZATION),
        (["a"], SERIALIZATION),
        (None, VALIDATION),
        ({}, VALIDATION),
        ({"Q": "1"}, VALIDATION),
        ({"S": 1}, SERIALIZATION),
        ({"S": None}, VALIDATION),
        ({"S": "\ud800"}, SERIALIZATION),
        ({"N": 1}, SERIALIZATION),
        ({"B": 1}, SERIALIZATION),
        ({"B": "!!!"}, SERIALIZATION),
        ({"BOOL": "yes"}, SERIALIZATION),
        ({"BOOL": 1}, SERIALIZATION),
        ({"NULL": "yes"}, SERIALIZATION),
        ({"SS": "a"}, SERIALIZATION),
        ({"SS": ["a", 5]}, SERIALIZATION),
        ({"SS": ["a", None]}, VALIDATION),
        ({"NS": [1]}, SERIALIZATION),
        ({"BS": ["!!!"]}, SERIALIZATION),
        ({"L": {}}, SERIALIZATION),
        ({"L": ["a"]}, SERIALIZATION),
        ({"M": []}, SERIALIZATION),
        ({"M": {"x": {"L": [{"S": 1}]}}}, SERIALIZATION),
    ],
    ids=repr,
)
def test_a_value_of_another_form_is_refused(
    send: Callable[..., tuple[int, str]], dynamodb: Any, table: str, value: Any, code: str
) -> None:
    """Row G13: in an item, in a batch, in a transaction and among the values of an expression."""
    item = {**KEY, "v": value}
    update = {
        "TableName": table,
        "Key": KEY,
        "UpdateExpression": "SET v = :v",
        "ExpressionAttributeValues": {":v": value},
    }
    for operation, body in (
        ("PutItem", {"TableName": table, "Item": item}),
        ("BatchWriteItem", {"RequestItems": {table: [{"PutRequest": {"Item": item}}]}}),
        ("TransactWriteItems", {"TransactItems": [{"Put": {"TableName": table, "Item": item}}]}),
        ("UpdateItem", update),
        ("GetItem", {"TableName": table, "Key": {**KEY, "pk": value}}),
    ):
        assert send(operation, json.dumps(body).encode()) == (400, code), operation
    assert dynamodb.scan(TableName=table)["Items"] == []


@pytest.mark.parametrize(
    ("operation", "more"),
    [
        ("UpdateItem", {"Key": KEY, "UpdateExpression": 5}),
        ("UpdateItem", {"Key": [KEY]}),
        ("Query", {"Limit": "x"}),
        ("Query", {"Limit": 1.5}),
        ("Scan", {"Limit": True}),
        ("Scan", {"ConsistentRead": "yes"}),
        ("Scan", {"ExpressionAttributeNames": {"#a": 5}}),
        ("Scan", {"ExpressionAttributeNames": []}),
        ("GetItem", {"Key": KEY, "AttributesToGet": "a"}),
    ],
    ids=repr,
)
def test_a_member_of_another_type_is_refused(
    send: Callable[..., tuple[int, str]], table: str, operation: str, more: dict[str, Any]
) -> None:
    """Row G13: every member has the type of the service's description."""
    assert send(operation, json.dumps({"TableName": table, **more}).encode()) == (400, SERIALIZATION)


def test_text_that_is_no_unicode_is_refused_through_boto3(dynamodb: Any, table: str) -> None:
    """Half of a surrogate pair is no character; a whole pair is one."""
    with pytest.raises(ClientError, match=SERIALIZATION):
        dynamodb.put_item(TableName=table, Item={**KEY, "v": {"S": "\ud800"}})
    with pytest.raises(ClientError, match=SERIALIZATION):
        dynamodb.put_item(TableName=table, Item={**KEY, "\udc00": {"S": ""}})
    item = {**KEY, "v": {"S": "\U0001f600"}}
    dynamodb.put_item(TableName=table, Item=item)
    assert dynamodb.get_item(TableName=table, Key=KEY)["Item"] == item


@pytest.mark.parametrize(
    "statement",
    ["SELECT * FROM", "SELECT", "nonsense", "UPDATE", "DELETE FROM", "INSERT INTO", "SELECT * FROM t WHERE"],
)
def test_a_statement_that_cannot_be_read_is_refused(dynamodb: Any, table: str, statement: str) -> None:
    """Alone, in a batch and in a transaction."""
    told = statement.replace("FROM t", f'FROM "{table}"')
    for call in (
        lambda: dynamodb.execute_statement(Statement=told),
        lambda: dynamodb.execute_transaction(TransactStatements=[{"Statement": told}]),
        lambda: dynamodb.batch_execute_statement(Statements=[{"Statement": told}]),
    ):
        with pytest.raises(ClientError) as caught:
            call()
        error = caught.value.response["Error"]
        assert error["Code"] == VALIDATION, error
        assert error["Message"].startswith("Statement wasn't well formed, can't be processed")
