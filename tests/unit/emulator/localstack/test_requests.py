"""What is looked at before an item is touched, by operation."""

from typing import Any

import pytest
from streamer_localstack.engine.limits import Invalid, Key, Schema
from streamer_localstack.engine.requests import prepare

SCHEMA = Schema(Key("pk", "S"), Key("n", "N"), {})


def key(number: object) -> dict[str, Any]:
    return {"pk": {"S": "a"}, "n": {"N": str(number)}}


def refusal(operation: str, request: dict[str, Any]) -> str:
    with pytest.raises(Invalid) as caught:
        prepare(operation, request, lambda _: SCHEMA)
    return str(caught.value)


def test_values_are_written_as_they_are_stored() -> None:
    """Numbers of items, keys and substitutions alike: equal keys are equal texts."""
    request = {
        "TableName": "t",
        "Key": key("1.0"),
        "UpdateExpression": "SET a = :a",
        "ExpressionAttributeValues": {":a": {"L": [{"N": "1e1"}]}},
    }
    prepare("UpdateItem", request, lambda _: SCHEMA)
    assert request["Key"] == key(1)
    assert request["ExpressionAttributeValues"] == {":a": {"L": [{"N": "10"}]}}


@pytest.mark.parametrize(
    ("writes", "message"),
    [
        (
            [{"PutRequest": {"Item": key(number)}} for number in range(26)],
            "Member must have length less than or equal to 25",
        ),
        (
            [{"PutRequest": {"Item": key(1)}}, {"DeleteRequest": {"Key": key("1.0")}}],
            "Provided list of item keys contains duplicates",
        ),
        ([], "Member must have length greater than or equal to 1"),
        ([{}], "exactly one of PutRequest and DeleteRequest"),
        ([{"UpdateRequest": {"Key": key(1)}}], "exactly one of PutRequest and DeleteRequest"),
        (
            [{"PutRequest": {"Item": key(1)}, "DeleteRequest": {"Key": key(1)}}],
            "exactly one of PutRequest and DeleteRequest",
        ),
        ([{"PutRequest": {"Item": {"pk": {"S": "a"}}}}], "Missing the key n in the item"),
        ([{"DeleteRequest": {"Key": {"pk": {"S": "a"}}}}], "does not match the schema"),
    ],
    ids=["too many", "one twice", "none", "nothing", "an update", "both", "no key", "no sort key"],
)
def test_a_batch_of_writes_is_looked_at_as_a_whole(writes: list[Any], message: str) -> None:
    """Rows G2, G9."""
    assert message in refusal("BatchWriteItem", {"RequestItems": {"t": writes}})


def test_the_same_key_in_two_tables_is_two_keys() -> None:
    """Row G2: only within one table is it a duplicate."""
    puts = [{"PutRequest": {"Item": key(1)}}]
    prepare("BatchWriteItem", {"RequestItems": {"t": puts, "u": puts}}, lambda _: SCHEMA)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("SET n = :v", "Cannot update attribute n. This attribute is part of the key"),
        ("SET #x.y = :v", "Cannot update attribute pk. This attribute is part of the key"),
        ("SET status = :v", "Invalid UpdateExpression: Attribute name is a reserved keyword;"),
        ("ADD a :v", "Invalid UpdateExpression: Incorrect operand type"),
    ],
)
def test_an_update_is_looked_at_without_an_item(expression: str, message: str) -> None:
    """Row G12: what it may never do; alone and in a transaction."""
    request = {
        "TableName": "t",
        "Key": key(1),
        "UpdateExpression": expression,
        "ExpressionAttributeValues": {":v": {"S": "x"}},
    }
    if "#x" in expression:
        request["ExpressionAttributeNames"] = {"#x": "pk"}
    for operation, body in (
        ("UpdateItem", request),
        ("TransactWriteItems", {"TransactItems": [{"Update": request}]}),
    ):
        with pytest.raises(Invalid) as caught:
            prepare(operation, body, lambda _: SCHEMA, frozenset({"STATUS"}))
        assert message in str(caught.value)


def test_a_batch_has_something_in_it() -> None:
    """An empty one is a mistake."""
    for operation in ("BatchWriteItem", "BatchGetItem"):
        assert "length greater than or equal to 1" in refusal(operation, {"RequestItems": {}})


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        ([], "length greater than or equal to 1"),
        (
            [{"Put": {"TableName": "t", "Item": key(number)}} for number in range(101)],
            "length less than or equal to 100",
        ),
        (
            [
                {"Put": {"TableName": "t", "Item": key(1)}},
                {
                    "Delete": {
                        "TableName": "arn:aws:dynamodb:us-east-1:000000000000:table/t",
                        "Key": key("1.0"),
                    }
                },
            ],
            "Transaction request cannot include multiple operations on one item",
        ),
        ([{"Put": {}, "Delete": {}}], "can only contain one of Check, Put, Update or Delete"),
        (
            [
                {"Put": {"TableName": "t", "Item": {**key(number), "v": {"S": "x" * 400_000}}}}
                for number in range(11)
            ],
            "4 MB",
        ),
    ],
    ids=["none", "too many", "one item twice", "two in one", "too large"],
)
def test_a_transaction_is_looked_at_as_a_whole(actions: list[Any], message: str) -> None:
    """Row G4."""
    assert message in refusal("TransactWriteItems", {"TransactItems": actions})


def test_a_token_has_its_length() -> None:
    """1 to 36 characters."""
    put = {"Put": {"TableName": "t", "Item": key(1)}}
    request = {"TransactItems": [put], "ClientRequestToken": "x" * 37}
    assert "'clientRequestToken'" in refusal("TransactWriteItems", request)


def test_a_limit_is_at_least_one() -> None:
    """Nought is a mistake."""
    assert "at 'limit'" in refusal("Scan", {"TableName": "t", "Limit": 0})


@pytest.mark.parametrize(
    ("limit", "bound"), [(-1, "greater than or equal to 1"), (101, "less than or equal to 100")]
)
def test_list_of_tables_has_its_limit(limit: int, bound: str) -> None:
    """1 to 100, in DynamoDB's words for a number that is out of bounds."""
    message = refusal("ListTables", {"Limit": limit})
    assert message.startswith(f"1 validation error detected: Value '{limit}' at 'limit'")
    assert message.endswith(f"Member must have value {bound}")
