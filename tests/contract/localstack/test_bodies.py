"""Bodies that no SDK would send: wrong types, broken text, broken statements. None of them is our fault."""

import json
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SERIALIZATION = "com.amazon.coral.service#SerializationException"
VALIDATION = "com.amazonaws.dynamodb.v20120810#ValidationException"
ITEM = {"pk": {"S": "a"}, "sk": {"S": "b"}}
HALF = "\ud83d"  # of a pair
NUMBER = "NUMBER_VALUE cannot be converted to String"
ODD = "Base64 encoded length is expected a multiple of 4 bytes but found: 3"
NO_TEXT = "Text with half a surrogate pair cannot be encoded as UTF-8"

Send = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def send(endpoint_url: str) -> Send:
    """Send bytes, or a value as JSON, to an operation; returns status and body."""
    place = urlsplit(endpoint_url)

    def send(operation: str, body: Any, service: str = "DynamoDB_20120810") -> tuple[int, dict[str, Any]]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {
            "X-Amz-Target": f"{service}.{operation}",
            "Content-Type": "application/x-amz-json-1.0",
            "Authorization": (
                "AWS4-HMAC-SHA256 Credential=test/20240101/us-east-1/dynamodb/aws4_request,"
                " SignedHeaders=host, Signature=0"
            ),
        }
        connection = HTTPConnection(str(place.hostname), place.port, timeout=20)
        with closing(connection):
            connection.request("POST", "/", data, headers)
            answer = connection.getresponse()
            said: dict[str, Any] = json.load(answer)
            return answer.status, said

    return send


@pytest.mark.parametrize(
    ("operation", "body", "message"),
    [
        ("GetItem", b"{", None),
        ("GetItem", b'{"TableName": "\xff"}', NO_TEXT),
        ("GetItem", [], "Unrecognized collection type"),
        ("GetItem", "text", "Unexpected value type in payload"),
        ("GetItem", {"TableName": 1}, NUMBER),
        ("GetItem", {"TableName": True}, "TRUE_VALUE cannot be converted to String"),
        ("GetItem", {"TableName": {}}, "Start of structure or map found where not expected"),
        ("GetItem", {"TableName": []}, "Unrecognized collection type class java.lang.String"),
        ("GetItem", {"Key": []}, "Unrecognized collection type java.util.Map"),
        ("GetItem", {"Key": "a"}, "Unexpected field type"),
        ("GetItem", {"Key": {"pk": "a"}}, "Unexpected value type in payload"),
        ("GetItem", {"Key": {"pk": {"S": 1.5}}}, "DECIMAL_VALUE cannot be converted to String"),
        ("GetItem", {"ConsistentRead": "yes"}, "Unexpected token received from parser"),
        ("PutItem", {"Item": {"n": {"N": 5}}}, NUMBER),
        ("PutItem", {"Item": {"n": {"L": [{"M": {"x": {"N": 5}}}]}}}, NUMBER),
        ("PutItem", {"Item": {"n": {"L": {}}}}, "Start of structure or map found where not expected"),
        ("PutItem", {"Item": {"n": {"B": 1}}}, "only base-64-encoded strings are convertible to bytes"),
        ("PutItem", {"Item": {"n": {"B": "abc"}}}, ODD),
        ("Scan", {"Limit": "5"}, "STRING_VALUE cannot be converted to Integer"),
        ("TransactWriteItems", {"TransactItems": [5]}, "Unexpected value type in payload"),
        ("CreateTable", {"KeySchema": "pk"}, "Unexpected field type"),
        ("GetItem", {"Key": {"pk": {"S": HALF}}}, NO_TEXT),
        ("PutItem", {"Item": {HALF: {"S": "a"}}}, NO_TEXT),
    ],
)
def test_wrong_types_are_refused(send: Send, operation: str, body: Any, message: str | None) -> None:
    """400 SerializationException, before any member is looked for and any table."""
    status, said = send(operation, body)
    expected = {"__type": SERIALIZATION} | ({"Message": message} if message else {})
    assert (status, said) == (400, expected)


@pytest.mark.parametrize("body", [b"{", [], {"ShardIterator": 5}, {"ShardIterator": HALF}], ids=str)
def test_streams_read_their_bodies_so_too(send: Send, body: Any) -> None:
    """The API of streams is of the same make."""
    status, said = send("GetRecords", body, "DynamoDBStreams_20120810")
    assert (status, said["__type"]) == (400, SERIALIZATION)


def test_a_null_is_as_good_as_nothing(send: Send, table: str) -> None:
    """A member that is null is absent, at the top; an attribute value of nothing but a null is empty."""
    status, said = send("PutItem", {"TableName": table, "Item": ITEM, "ConditionExpression": None})
    assert (status, said) == (200, {})
    status, said = send("PutItem", {"TableName": table, "Item": {**ITEM, "n": {"S": None}}})
    assert (status, said["__type"]) == (400, VALIDATION)


@pytest.mark.parametrize(
    ("operation", "wish"),
    [
        ("BatchWriteItem", {"RequestItems": {"T": [{"PutRequest": None}]}}),
        ("BatchWriteItem", {"RequestItems": {"T": [{"DeleteRequest": {"Key": None}}]}}),
        ("BatchGetItem", {"RequestItems": {"T": {"Keys": None}}}),
        ("TransactWriteItems", {"TransactItems": [{"Put": None}]}),
        ("TransactGetItems", {"TransactItems": [{"Get": None}]}),
    ],
    ids=["put", "key", "keys", "action", "get"],
)
def test_a_null_inside_is_as_good_as_nothing(send: Send, table: str, operation: str, wish: Any) -> None:
    """What a request consists of and is null is missing."""
    status, said = send(operation, json.loads(json.dumps(wish).replace('"T"', json.dumps(table))))
    assert (status, said["__type"]) == (400, VALIDATION), said


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("BatchWriteItem", {"T": [{"PutRequest": {"Item": ITEM}, "DeleteRequest": None}]}),
        ("BatchGetItem", {"T": {"Keys": [ITEM], "AttributesToGet": None}}),
    ],
)
def test_a_null_beside_changes_nothing(send: Send, table: str, operation: str, body: Any) -> None:
    """A member that is null beside one that is not is as if it lacked."""
    wish = json.loads(json.dumps({"RequestItems": body}).replace('"T"', json.dumps(table)))
    status, said = send(operation, wish)
    assert status == 200, said


@pytest.mark.parametrize("statement", ["SELEC nonsense", "SELECT * FROM", "INSERT INTO t VALUE {'pk':", "'"])
def test_a_statement_that_is_broken_is_refused(send: Send, table: str, statement: str) -> None:
    """PartiQL that cannot be read is a mistake of the caller; in a batch it is told in its place."""
    broken = {"Statement": statement}
    refusal = (400, {"__type": VALIDATION, "message": "Statement wasn't well formed, can't be processed"})
    assert send("ExecuteStatement", broken) == refusal
    assert send("ExecuteTransaction", {"TransactStatements": [broken]}) == refusal
    good = {"Statement": f"SELECT * FROM \"{table}\" WHERE pk = 'a' AND sk = 'b'"}
    send("PutItem", {"TableName": table, "Item": ITEM})
    status, said = send("BatchExecuteStatement", {"Statements": [broken, good]})
    assert status == 200
    assert [response.get("Error", {}).get("Code") for response in said["Responses"]] == [
        "ValidationError",
        None,
    ]
    assert said["Responses"][1]["Item"] == ITEM


REQUESTS: dict[str, Any] = {
    "GetItem": {"TableName": "T", "Key": ITEM, "ConsistentRead": True, "ProjectionExpression": "pk"},
    "PutItem": {
        "TableName": "T",
        "Item": {**ITEM, "n": {"N": "1"}, "l": {"L": [{"SS": ["x"]}]}, "m": {"M": {}}},
    },
    "UpdateItem": {
        "TableName": "T",
        "Key": ITEM,
        "UpdateExpression": "SET #a = :a",
        "ConditionExpression": "attribute_not_exists(x)",
        "ExpressionAttributeNames": {"#a": "a"},
        "ExpressionAttributeValues": {":a": {"N": "1"}},
        "ReturnValues": "ALL_NEW",
    },
    "Query": {
        "TableName": "T",
        "KeyConditionExpression": "pk = :pk",
        "ExpressionAttributeValues": {":pk": {"S": "a"}},
        "Limit": 5,
        "ScanIndexForward": False,
    },
    "Scan": {"TableName": "T", "Limit": 5, "ExclusiveStartKey": ITEM, "Segment": 0, "TotalSegments": 2},
    "TransactWriteItems": {
        "TransactItems": [{"Put": {"TableName": "T", "Item": ITEM}}],
        "ClientRequestToken": "t",
    },
    "TransactGetItems": {"TransactItems": [{"Get": {"TableName": "T", "Key": ITEM}}]},
    "BatchWriteItem": {"RequestItems": {"T": [{"PutRequest": {"Item": ITEM}}]}},
    "BatchGetItem": {"RequestItems": {"T": {"Keys": [ITEM], "ConsistentRead": True}}},
    "DescribeTable": {"TableName": "T"},
    "ListTables": {"Limit": 5, "ExclusiveStartTableName": "T"},
    "UpdateTimeToLive": {
        "TableName": "T",
        "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "x"},
    },
}
"""A good request of each operation; `T` stands for the table."""

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(), max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the path of every value in a value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inside for place in places(one, (*path, key)))]


@pytest.mark.slow
@given(data=st.data())
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_body_makes_it_fail(send: Send, table: str, data: st.DataObject) -> None:
    """A good request in which any one value is replaced by any other is answered, or refused with 400."""
    operation = data.draw(st.sampled_from(sorted(REQUESTS)))
    body = json.loads(json.dumps(REQUESTS[operation]).replace('"T"', json.dumps(table)))
    path = data.draw(st.sampled_from(places(body)))
    other = data.draw(JSON)
    if path:
        at = body
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = other
    else:
        body = other
    status, said = send(operation, body)
    assert status in (200, 400), (operation, body, said)
