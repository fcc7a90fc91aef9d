"""Items as our parser reads them, beside botocore's own parser, with botocore's own model of DynamoDB."""

import json
from base64 import b64encode
from typing import Any

import pytest
from botocore.parsers import ResponseParserFactory
from botocore.session import Session
from hypothesis import given
from hypothesis import strategies as st

from streamer.lambdas.item_parser import ItemParserFactory

_MODEL = Session().get_service_model("dynamodb")
_STREAMS = Session().get_service_model("dynamodbstreams")

_text = st.text(max_size=5)
_number = st.integers().map(str)
_bytes = st.binary(max_size=5).map(lambda data: b64encode(data).decode())
_scalars = st.one_of(
    st.builds(lambda value: {"S": value}, _text),
    st.builds(lambda value: {"N": value}, _number),
    st.builds(lambda value: {"B": value}, _bytes),
    st.builds(lambda value: {"BOOL": value}, st.booleans()),
    st.just({"NULL": True}),
    st.builds(lambda value: {"SS": value}, st.lists(_text, min_size=1, max_size=3)),
    st.builds(lambda value: {"NS": value}, st.lists(_number, min_size=1, max_size=3)),
    st.builds(lambda value: {"BS": value}, st.lists(_bytes, min_size=1, max_size=3)),
)
_values = st.recursive(
    _scalars,
    lambda inner: st.one_of(
        st.builds(lambda value: {"L": value}, st.lists(inner, max_size=3)),
        st.builds(lambda value: {"M": value}, st.dictionaries(_text, inner, max_size=3)),
    ),
    max_leaves=8,
)
_items = st.dictionaries(_text, _values, max_size=4)


def parse(factory: ResponseParserFactory, operation: str, answer: Any, *, status: int = 200) -> Any:
    model = _STREAMS if operation == "GetRecords" else _MODEL
    shape = model.operation_model(operation).output_shape
    response = {"status_code": status, "headers": {}, "body": json.dumps(answer).encode()}
    return factory.create_parser("json").parse(response, shape)


def assert_same(operation: str, answer: Any, *, status: int = 200) -> None:
    theirs = parse(ResponseParserFactory(), operation, answer, status=status)
    assert parse(ItemParserFactory(), operation, answer, status=status) == theirs


@given(item=_items)
def test_items(item: dict[str, Any]) -> None:
    """Whatever is in an item, it is read as botocore reads it: alone, in lists, and in lists by table."""
    assert_same("GetItem", {"Item": item, "ConsumedCapacity": {"TableName": "t", "CapacityUnits": 0.5}})
    assert_same("Query", {"Items": [item, item], "Count": 2, "LastEvaluatedKey": item})
    assert_same("BatchGetItem", {"Responses": {"t": [item]}, "UnprocessedKeys": {"t": {"Keys": [item]}}})
    assert_same("TransactGetItems", {"Responses": [{"Item": item}, {}]})
    assert_same("UpdateItem", {"Attributes": item})
    assert_same("GetRecords", {"Records": [{"dynamodb": {"NewImage": item, "SizeBytes": 3}}]})


@pytest.mark.parametrize(
    ("code", "more"),
    [
        ("ConditionalCheckFailedException", {"Item": {"a": {"B": "YQ=="}}}),
        (
            "TransactionCanceledException",
            {
                "CancellationReasons": [
                    {"Code": "ConditionalCheckFailed", "Item": {"a": {"N": "1"}}},
                    {"Code": "None"},
                ]
            },
        ),
        ("ProvisionedThroughputExceededException", {}),
    ],
)
def test_errors(code: str, more: dict[str, Any]) -> None:
    """An error, with the items that it may tell of, is read as botocore reads it."""
    assert_same(
        "PutItem", {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "m", **more}, status=400
    )


def test_nothing_else_is_touched() -> None:
    """Other answers of the same protocol, and other protocols, are botocore's."""
    assert_same("DescribeTable", {"Table": {"TableName": "t", "CreationDateTime": 1.7e9, "KeySchema": []}})
    assert type(ItemParserFactory().create_parser("rest-json")).__module__ == "botocore.parsers"
