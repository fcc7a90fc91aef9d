"""Rows G10 and G12: how large expressions may be, and what is looked at before conditions."""

from typing import Any

import pytest

from scripts.parity_harness.tables import key, refused

INVALID = "ValidationException"
MAX_EXPRESSION_BYTES = 4096
MAX_SUBSTITUTION_BYTES = 2 * 1024 * 1024
FAILS = "attribute_not_exists(pk)"
"""A condition that does not hold of an item that is there."""

EXPRESSIONS: dict[str, Any] = {
    "ConditionExpression": ("delete_item", "pk = :v", {"Key": key("s")}),
    "FilterExpression": ("scan", "pk = :v", {}),
    "KeyConditionExpression": ("query", "pk = :v", {}),
    "UpdateExpression": ("update_item", "SET a = :v", {"Key": key("s")}),
    "ProjectionExpression": ("get_item", "pk", {"Key": key("s")}),
}


@pytest.mark.row("G10")
@pytest.mark.parametrize("kind", EXPRESSIONS)
def test_expression_has_4_kilobytes(table: Any, kind: str) -> None:
    """4,096 bytes of text are taken, one more is refused, whichever expression it is."""
    operation, text, request = EXPRESSIONS[kind]
    table.put("s")
    if ":v" in text:
        request = {**request, "ExpressionAttributeValues": {":v": {"S": "p"}}}
    call = getattr(table.dynamodb, operation)
    call(TableName=table.name, **request, **{kind: text.ljust(MAX_EXPRESSION_BYTES)})
    table.put("s")
    too_long = text.ljust(MAX_EXPRESSION_BYTES + 1)
    assert refused(call, TableName=table.name, **request, **{kind: too_long}) == (
        INVALID,
        f"Invalid {kind}: Expression size has exceeded the maximum allowed size; expression size: 4097",
    )


@pytest.mark.row("G10")
def test_expression_has_300_operators(table: Any) -> None:
    """Comparisons, words and functions count: 300 are taken, 301 are refused."""
    request = {"TableName": table.name, "ExpressionAttributeValues": {":v": {"S": "x"}}}
    most = " OR ".join(["a = :v"] * 150) + " OR "  # 150 comparisons and 150 words
    table.dynamodb.scan(**request, FilterExpression=most.removesuffix(" OR "))
    table.dynamodb.scan(**request, FilterExpression="NOT " + most.removesuffix(" OR "))
    code, message = refused(table.dynamodb.scan, **request, FilterExpression=most + "attribute_exists(a)")
    assert code == INVALID
    assert message.startswith("Invalid FilterExpression: ")


@pytest.mark.row("G10")
def test_values_of_an_expression_have_2_megabytes(table: Any) -> None:
    """The values for the placeholders of one expression are 2 MB together."""
    size = 350_000
    whole, rest = divmod(MAX_SUBSTITUTION_BYTES - 100, size)
    values = {f":{number}": {"S": "x" * size} for number in range(whole)} | {":rest": {"S": "x" * rest}}
    request = {"TableName": table.name, "FilterExpression": f"a IN ({', '.join(values)})"}
    table.dynamodb.scan(**request, ExpressionAttributeValues=values)
    values[":rest"] = {"S": "x" * (rest + 101)}
    assert refused(table.dynamodb.scan, **request, ExpressionAttributeValues=values)[0] == INVALID


@pytest.mark.row("G10")
def test_names_of_an_expression_count_too(table: Any) -> None:
    """The 2 MB are of names and values together."""
    values = {f":{number}": {"S": "x" * 350_000} for number in range(5)}
    names = {f"#{number}": f"{number}".ljust(60_000, "x") for number in range(6)}
    compared = [f"{name} IN ({', '.join(values)})" for name in names]
    code, _ = refused(
        table.dynamodb.scan,
        TableName=table.name,
        FilterExpression=" OR ".join(compared),
        ExpressionAttributeNames=names,
        ExpressionAttributeValues=values,
    )
    assert code == INVALID


def update(table: Any, expression: str, value: Any, **more: Any) -> dict[str, Any]:
    """Return an update of the item `s` whose condition fails."""
    return {
        "TableName": table.name,
        "Key": key("s"),
        "UpdateExpression": expression,
        "ExpressionAttributeValues": {":v": value},
        "ConditionExpression": FAILS,
        **more,
    }


@pytest.mark.row("G12")
@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("SET a = :v".ljust(MAX_EXPRESSION_BYTES + 1), {"S": "x"}),
        ("SET a = :v", {"SS": []}),
        ("SET a = :v", {"N": "1" * 39}),
        ("SET a = :w", {"S": "x"}),
    ],
    ids=["too long", "empty set", "39 digits", "unknown placeholder"],
)
def test_limits_come_before_conditions(table: Any, expression: str, value: Any) -> None:
    """An expression that breaks a limit is invalid, though the condition fails as well."""
    table.put("s")
    assert refused(table.dynamodb.update_item, **update(table, "SET a = :v", {"S": "x"}))[0] == (
        "ConditionalCheckFailedException"
    )
    assert refused(table.dynamodb.update_item, **update(table, expression, value))[0] == INVALID


@pytest.mark.row("G1")
@pytest.mark.parametrize("expression", ["SET a = a + :v", "SET a = a - :v", "ADD a :v"])
@pytest.mark.parametrize(("held", "value"), [("9E+125", "9E+125"), ("1E+50", "1")])
def test_sums_that_no_number_is_are_refused(table: Any, expression: str, held: str, value: str) -> None:
    """A sum of too many digits is the same overflow as one that is too large."""
    table.put("s", a={"N": f"-{held}" if "-" in expression else held})
    request = update(table, expression, {"N": value})
    del request["ConditionExpression"]
    assert refused(table.dynamodb.update_item, **request) == (
        INVALID,
        "Number overflow. Attempting to store a number with magnitude larger than supported range",
    )


@pytest.mark.row("G12")
def test_size_of_a_put_comes_before_its_condition(table: Any) -> None:
    """An item that is too large is invalid, whatever is stored."""
    table.put("s")
    item = {**key("s"), "v": {"S": "x" * 410_000}}
    request = {"TableName": table.name, "Item": item, "ConditionExpression": FAILS}
    assert refused(table.dynamodb.put_item, **request) == (
        INVALID,
        "Item size has exceeded the maximum allowed size",
    )


@pytest.mark.row("G12")
@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("ADD a :v", {"S": "x"}),
        ("DELETE a :v", {"N": "1"}),
        ("SET a = b + :v", {"S": "x"}),
        ("SET a = list_append(b, :v)", {"S": "x"}),
        ("SET a = :v, a = :v", {"S": "x"}),
        ("SET pk = :v", {"S": "x"}),
    ],
)
def test_types_of_an_update_come_before_its_condition(table: Any, expression: str, value: Any) -> None:
    """What cannot be done with any item is invalid before an item is looked at."""
    table.put("s")
    assert refused(table.dynamodb.update_item, **update(table, expression, value))[0] == INVALID


@pytest.mark.row("G12")
@pytest.mark.parametrize(
    ("condition", "values"),
    [
        ("begins_with(sk, :v)", {":v": {"N": "1"}}),
        ("attribute_type(sk, :v)", {":v": {"S": "text"}}),
        ("sk < :v", {":v": {"L": []}}),
        ("sk BETWEEN :v AND :w", {":v": {"N": "1"}, ":w": {"S": "2"}}),
        ("sk BETWEEN :v AND :w", {":v": {"N": "2"}, ":w": {"N": "1"}}),
        ("sk = = :v", {":v": {"S": "x"}}),
        ("size(sk, pk) = :v", {":v": {"N": "1"}}),
    ],
)
def test_condition_that_no_item_can_meet(table: Any, condition: str, values: Any) -> None:
    """A condition with the wrong operands is invalid; it does not just fail."""
    request = {
        "TableName": table.name,
        "Key": key("s"),
        "ConditionExpression": condition,
        "ExpressionAttributeValues": values,
    }
    code, message = refused(table.dynamodb.delete_item, **request)
    assert code == INVALID
    assert message.startswith("Invalid ConditionExpression: ")
