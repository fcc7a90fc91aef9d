"""Updates that the engine does itself, against the same updates done by moto.

A request that asks for the consumed capacity is left to moto: so the same update is played both ways.
"""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

NAMES = ["a", "b", "c", "d"]
NUMBERS = st.sampled_from(["0", "1", "-3", "10", "2.5", "0.1", "12345678901234567890123456789012345678"])
VALUES = st.one_of(
    st.builds(lambda number: {"N": number}, NUMBERS),
    st.builds(lambda text: {"S": text}, st.sampled_from(["", "x", "xy", "10"])),
    st.just({"BOOL": True}),
    st.just({"NULL": True}),
    st.just({"M": {"k": {"N": "1"}}}),
    st.just({"L": [{"S": "x"}]}),
)
PATHS = st.sampled_from(NAMES + [f"#{name}" for name in NAMES])
TOKENS = st.sampled_from([":0", ":1", ":2"])
DEFAULTED = st.builds("if_not_exists({}, {})".format, PATHS, TOKENS)
APPENDED = st.builds(
    "list_append({}, {})".format, st.one_of(PATHS, TOKENS, DEFAULTED), st.one_of(PATHS, TOKENS)
)
OPERANDS = st.one_of(PATHS, TOKENS, DEFAULTED, APPENDED)
SETS = st.one_of(
    st.builds("{} = {}".format, PATHS, OPERANDS),
    st.builds("{} = {} {} {}".format, PATHS, OPERANDS, st.sampled_from("+-"), OPERANDS),
)
CLAUSES = st.tuples(
    st.lists(SETS, max_size=3),
    st.lists(PATHS, max_size=2),
    st.lists(st.builds("{} {}".format, PATHS, TOKENS), max_size=2),
)
SIMPLE = st.one_of(
    st.builds(
        "{} {} {}".format, PATHS, st.sampled_from(["=", "<>", "<", "<=", ">", ">="]), st.one_of(PATHS, TOKENS)
    ),
    st.builds("attribute_exists({})".format, PATHS),
    st.builds("attribute_not_exists({})".format, PATHS),
    st.builds("{} BETWEEN {} AND {}".format, PATHS, TOKENS, TOKENS),
    st.builds("{} IN ({}, {})".format, PATHS, TOKENS, TOKENS),
)
CONDITIONS = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        st.builds("{} AND {}".format, inner, inner),
        st.builds("({} OR {})".format, inner, inner),
        st.builds("NOT {}".format, inner),
    ),
    max_leaves=4,
)


def expression(clauses: tuple[list[str], list[str], list[str]]) -> str:
    named = zip(("SET", "REMOVE", "ADD"), clauses, strict=True)
    return " ".join(f"{word} {', '.join(parts)}" for word, parts in named if parts)


Play = Callable[..., tuple[Any, Any]]


@pytest.fixture
def play(dynamodb: Any, table: str) -> Play:
    """Play one update on an item of its own; returns the answer and what is stored then."""

    def play(
        stored: Mapping[str, Any] | None, request: Mapping[str, Any], *, by_moto: bool
    ) -> tuple[Any, Any]:
        key = {"pk": {"S": "p"}, "sk": {"S": uuid.uuid4().hex}}
        if stored is not None:
            dynamodb.put_item(TableName=table, Item={**key, **stored})
        more = {"ReturnConsumedCapacity": "TOTAL"} if by_moto else {}
        try:
            said = dynamodb.update_item(TableName=table, Key=key, **request, **more)
            answer = said.get("Attributes", {})
        except ClientError as error:
            said = error.response
            answer = said["Error"], said.get("Item", {})
        item = dynamodb.get_item(TableName=table, Key=key).get("Item")
        return _without(key, answer), _without(key, item)

    return play


def _without(key: Mapping[str, Any], found: Any) -> Any:
    if isinstance(found, tuple):
        return found[0], _without(key, found[1])
    return found if found is None else {name: value for name, value in found.items() if name not in key}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    stored=st.none() | st.dictionaries(st.sampled_from(NAMES), VALUES),
    clauses=CLAUSES.filter(any),
    condition=st.none() | CONDITIONS,
    values=st.tuples(VALUES, VALUES, VALUES),
    returned=st.sampled_from(["NONE", "ALL_OLD", "ALL_NEW"]),
)
@example(
    stored={"a": {"N": "1"}},
    clauses=([], ["a"], []),
    condition="attribute_exists(a)",
    values=({"S": "x"},) * 3,
    returned="NONE",
)
@example(
    stored={"a": {"N": "1"}},
    clauses=(["a = b"], [], []),
    condition="a < :0 OR attribute_exists(b)",
    values=({"S": "x"},) * 3,
    returned="ALL_NEW",
)
@example(
    stored={"a": {"L": [{"S": "x"}]}},
    clauses=(["a = list_append(if_not_exists(a, :0), :1)"], [], []),
    condition=None,
    values=({"L": []}, {"L": [{"N": "1"}, {"M": {"k": {"L": []}}}]}, {"S": "x"}),
    returned="ALL_NEW",
)
def test_both_ways_have_one_result(
    play: Play, stored: Any, clauses: Any, condition: str | None, values: Any, returned: str
) -> None:
    """The same answer or error, and the same item afterwards."""
    texts = {"UpdateExpression": expression(clauses)}
    if condition is not None:
        texts["ConditionExpression"] = condition
    whole = " ".join(texts.values())
    names = {f"#{name}": name for name in NAMES if f"#{name}" in whole}
    used = {f":{number}": value for number, value in enumerate(values) if f":{number}" in whole}
    request: dict[str, Any] = {
        **texts,
        "ReturnValues": returned,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    if names:
        request["ExpressionAttributeNames"] = names
    if used:
        request["ExpressionAttributeValues"] = used
    assert play(stored, request, by_moto=False) == play(stored, request, by_moto=True)


def test_updated_values_are_those_that_the_expression_is_about(play: Play) -> None:
    """Also where the value is what it was."""
    stored = {"a": {"N": "1"}, "b": {"N": "2"}, "c": {"N": "3"}}
    request = {
        "UpdateExpression": "SET a = :1 REMOVE b ADD d :1",
        "ExpressionAttributeValues": {":1": {"N": "1"}},
    }
    new, item = play(stored, {**request, "ReturnValues": "UPDATED_NEW"}, by_moto=False)
    assert new == {"a": {"N": "1"}, "d": {"N": "1"}}
    assert item == {"a": {"N": "1"}, "c": {"N": "3"}, "d": {"N": "1"}}
    old, _ = play(stored, {**request, "ReturnValues": "UPDATED_OLD"}, by_moto=False)
    assert old == {"a": {"N": "1"}, "b": {"N": "2"}}
