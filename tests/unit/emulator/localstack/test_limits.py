"""The limits of values, keys, items and expressions, with AWS's messages."""

from typing import Any

import pytest
from streamer_localstack.engine.expression_limits import check_expressions
from streamer_localstack.engine.limits import (
    Invalid,
    Key,
    Schema,
    check_item,
    check_key,
    check_updated,
    number,
    substitutions,
    value_of,
)

SCHEMA = Schema(Key("pk", "S"), Key("sk", "S"), {"by-due": (Key("shard", "S"), Key("due", "N"))})
KEY = {"pk": {"S": "a"}, "sk": {"S": "b"}}


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"S": "x"}
    for level in range(levels):
        value = {"M": {"a": value}} if level % 2 else {"L": [value]}
    return value


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("0", "0"),
        ("-0.00", "0"),
        ("007", "7"),
        ("1.50", "1.5"),
        ("1E2", "100"),
        ("-12e-3", "-0.012"),
        ("9" * 38, "9" * 38),
        ("1" + "0" * 125, "1" + "0" * 125),
        ("1E-130", "0." + "0" * 129 + "1"),
        ("-9." + "9" * 37 + "E+125", "-" + "9" * 38 + "0" * 88),
    ],
)
def test_numbers_are_stored_without_exponent_and_needless_zeros(text: str, stored: str) -> None:
    """Equal numbers are equal texts."""
    assert number(text) == stored


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "The parameter cannot be converted to a numeric value"),
        ("abc", "The parameter cannot be converted to a numeric value: abc"),
        ("NaN", "The parameter cannot be converted to a numeric value: NaN"),
        (" 1", "The parameter cannot be converted to a numeric value:  1"),
        ("1_0", "The parameter cannot be converted to a numeric value: 1_0"),
        ("9" * 39, "Attempting to store more than 38 significant digits in a Number"),
        ("0." + "9" * 39, "Attempting to store more than 38 significant digits in a Number"),
        (
            "1E126",
            "Number overflow. Attempting to store a number with magnitude larger than supported range",
        ),
        (
            "-1E-131",
            "Number underflow. Attempting to store a number with magnitude smaller than supported range",
        ),
    ],
)
def test_what_is_no_number_is_refused(text: str, message: str) -> None:
    """Row G1: 38 digits, and magnitudes from 1E-130 to 9.9E+125."""
    with pytest.raises(Invalid) as caught:
        number(text)
    assert str(caught.value) == message


def test_values_are_nested_thirty_two_levels_deep() -> None:
    """Row G1: 32 levels are stored, 33 are refused."""
    assert value_of(nested(32)) == nested(32)
    with pytest.raises(Invalid, match="Nesting Levels have exceeded supported limits"):
        value_of(nested(33))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "Supplied AttributeValue is empty"),
        ({"S": "a", "N": "1"}, "more than one datatypes set"),
        ({"SS": []}, "An string set  may not be empty"),
        ({"NS": []}, "An number set  may not be empty"),
        ({"BS": []}, "Binary sets should not be empty"),
        ({"SS": ["a", "a"]}, r"Input collection \[a, a\] contains duplicates\."),
        ({"NS": ["1", "1.0"]}, "Input collection contains duplicates"),
        ({"NULL": False}, "Null attribute value types must have the value of true"),
        ({"M": {"a": {"SS": []}}}, "An string set  may not be empty"),
    ],
)
def test_what_is_no_value_is_refused(value: dict[str, Any], message: str) -> None:
    """Empty sets, duplicates, two types at once."""
    with pytest.raises(Invalid, match=message):
        value_of(value)


@pytest.mark.parametrize("value", [{"S": ""}, {"B": ""}, {"L": []}, {"M": {}}, {"M": {"a": {"S": ""}}}])
def test_empty_values_are_stored(value: dict[str, Any]) -> None:
    """Row G12: empty strings, binaries, lists and maps are values."""
    assert value_of(value) == value
    check_item({**KEY, "v": value}, SCHEMA)


@pytest.mark.parametrize(
    "key",
    [
        {"pk": {"S": "a"}},
        {**KEY, "more": {"S": "x"}},
        {"pk": {"N": "1"}, "sk": {"S": "b"}},
        {"pk": {"S": "a"}, "other": {"S": "b"}},
    ],
    ids=["one missing", "one more", "another type", "another name"],
)
def test_a_key_is_the_tables(key: dict[str, Any]) -> None:
    """Row G9."""
    with pytest.raises(Invalid, match=r"^The provided key element does not match the schema$"):
        check_key(key, SCHEMA)


def test_keys_have_their_lengths() -> None:
    """Row G1: 2,048 bytes of a partition key, 1,024 of a sort key, in UTF-8, and not empty."""
    check_key({"pk": {"S": "ä" * 1024}, "sk": {"S": "x" * 1024}}, SCHEMA)
    for key, message in (
        (
            {**KEY, "pk": {"S": "ä" * 1024 + "x"}},
            "Size of hashkey has exceeded the maximum size limit of2048",
        ),
        (
            {**KEY, "sk": {"S": "x" * 1025}},
            "Aggregated size of all range keys has exceeded the size limit of1024",
        ),
        ({**KEY, "sk": {"S": ""}}, "cannot contain an empty string value. Key: sk"),
    ):
        with pytest.raises(Invalid, match=message):
            check_key(key, SCHEMA)


def test_an_item_has_400_kilobytes_with_its_names() -> None:
    """Row G1: names count, and the message tells a put from an update."""
    names = len("pk" + "a" + "sk" + "b" + "v")
    check_item({**KEY, "v": {"S": "x" * (409_600 - names)}}, SCHEMA)
    large = {**KEY, "v": {"S": "x" * (409_601 - names)}}
    with pytest.raises(Invalid, match=r"^Item size has exceeded the maximum allowed size$"):
        check_item(large, SCHEMA)
    with pytest.raises(Invalid, match=r"^Item size to update has exceeded the maximum allowed size$"):
        check_updated(large, SCHEMA)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"pk": {"S": "a"}}, "Missing the key sk in the item"),
        ({**KEY, "pk": {"N": "1"}}, "Type mismatch for key pk expected: S actual: N"),
        (
            {**KEY, "due": {"S": "x"}},
            "Type mismatch for Index Key due Expected: N Actual: S IndexName: by-due",
        ),
        ({**KEY, "shard": {"S": ""}}, "empty string value. IndexName: by-due, IndexKey: shard"),
    ],
)
def test_an_item_has_its_keys(item: dict[str, Any], message: str) -> None:
    """Those of the table must be there; those of an index have their type where they are."""
    with pytest.raises(Invalid, match=message):
        check_item(item, SCHEMA)


def test_a_bad_substitution_is_named() -> None:
    """Which of the values is wrong."""
    with pytest.raises(Invalid) as caught:
        substitutions({":ok": {"S": "x"}, ":bad": {"N": "x"}})
    assert str(caught.value) == (
        "ExpressionAttributeValues contains invalid value: "
        "The parameter cannot be converted to a numeric value: x for key :bad"
    )


@pytest.mark.parametrize(
    ("expressions", "names", "values", "message"),
    [
        (
            {"FilterExpression": "a = :a" + " " * 4096},
            None,
            {":a": {"NULL": True}},
            "Invalid FilterExpression: Expression size has exceeded the maximum allowed size; "
            "expression size: 4102",
        ),
        (
            {"ConditionExpression": " OR ".join(["a=:a"] * 151)},
            None,
            {":a": {"NULL": True}},
            "Invalid ConditionExpression: The expression has more than the 300 operators that are allowed; "
            "number of operators: 301",
        ),
        ({"UpdateExpression": " "}, None, None, "Invalid UpdateExpression: The expression can not be empty;"),
        (
            {"UpdateExpression": "SET #a = :a"},
            None,
            {":a": {"NULL": True}},
            "Invalid UpdateExpression: An expression attribute name used in the document path is not "
            "defined; attribute name: #a",
        ),
        (
            {"UpdateExpression": "SET a = :a"},
            None,
            {":b": {"NULL": True}},
            "Invalid UpdateExpression: An expression attribute value used in expression is not defined; "
            "attribute value: :a",
        ),
        (
            {"UpdateExpression": "SET a = :a"},
            {"#x": "x", "#y": "y"},
            {":a": {"NULL": True}},
            "Value provided in ExpressionAttributeNames unused in expressions: keys: {#x, #y}",
        ),
        ({}, {"#x": "x"}, None, "ExpressionAttributeNames can only be specified when using expressions"),
        ({"UpdateExpression": "REMOVE a"}, None, {}, "ExpressionAttributeValues must not be empty"),
    ],
    ids=["size", "operators", "empty", "name", "value", "unused", "none", "no values"],
)
def test_expressions_fit_what_they_name(
    expressions: dict[str, str],
    names: dict[str, str] | None,
    values: dict[str, Any] | None,
    message: str,
) -> None:
    """Row G10: 4 KB, 300 operators; each placeholder is defined and each definition used."""
    with pytest.raises(Invalid) as caught:
        check_expressions(expressions, names, values)
    assert str(caught.value) == message


def test_three_hundred_operators_are_allowed() -> None:
    """150 comparisons and 149 ORs."""
    text = " OR ".join(["a=:a"] * 150)
    check_expressions({"ConditionExpression": text}, None, {":a": {"NULL": True}})
