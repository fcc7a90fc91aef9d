"""Rows G1, G9 and G12: what an item and a key may be."""

from typing import Any

import pytest

from scripts.parity_harness.tables import key, refused

INVALID = "ValidationException"
NUMBER = "1234567890" * 3 + "12345678"
MAX_ITEM_BYTES = 400 * 1024


def nested(levels: int) -> dict[str, Any]:
    """Return a text inside so many lists and maps."""
    value: dict[str, Any] = {"S": "x"}
    for level in range(levels):
        value = {"L": [value]} if level % 2 else {"M": {"k": value}}
    return value


@pytest.mark.row("G1")
@pytest.mark.parametrize("operation", ["put_item", "batch_write_item"])
def test_item_has_400_kilobytes_with_its_names(table: Any, operation: str) -> None:
    """The names of the attributes count: 409,600 bytes are stored, one more is refused."""
    size = MAX_ITEM_BYTES - len("pkpsksname")
    item = {**key("s"), "name": {"S": "x" * size}}
    too_large = {**key("s"), "named": {"S": "x" * size}}
    call = getattr(table.dynamodb, operation)

    def request(item: Any) -> dict[str, Any]:
        if operation == "put_item":
            return {"TableName": table.name, "Item": item}
        return {"RequestItems": {table.name: [{"PutRequest": {"Item": item}}]}}

    call(**request(item))
    assert refused(call, **request(too_large)) == (
        INVALID,
        "Item size has exceeded the maximum allowed size",
    )
    assert table.get("s") == item


@pytest.mark.row("G1")
def test_update_makes_no_item_larger_than_that(table: Any) -> None:
    """What an update makes of an item is measured, too, and has a sentence of its own."""
    size = MAX_ITEM_BYTES - len("pkpsksv")
    table.put("s", v={"S": "x" * size})
    update = {
        "TableName": table.name,
        "Key": key("s"),
        "UpdateExpression": "SET v = :v",
    }
    larger = {":v": {"S": "x" * (size + 1)}}
    assert refused(table.dynamodb.update_item, **update, ExpressionAttributeValues=larger) == (
        INVALID,
        "Item size to update has exceeded the maximum allowed size",
    )
    table.dynamodb.update_item(**update, ExpressionAttributeValues={":v": {"S": "y" * size}})
    assert table.get("s") == {**key("s"), "v": {"S": "y" * size}}


@pytest.mark.row("G1")
def test_values_are_nested_32_levels_deep(table: Any) -> None:
    """32 lists and maps inside one another are stored, 33 are refused."""
    table.put("s", v=nested(32))
    assert table.get("s") == {**key("s"), "v": nested(32)}
    item = {**key("s"), "v": nested(33)}
    code, message = refused(table.dynamodb.put_item, TableName=table.name, Item=item)
    assert code == INVALID
    assert message.startswith("Nesting Levels have exceeded supported limits")


@pytest.mark.row("G1")
def test_update_nests_no_deeper_than_that(table: Any) -> None:
    """A value of 32 levels does not go into a map, where it would be in the 33rd."""
    table.put("s", v={"M": {}})
    code, _ = refused(
        table.dynamodb.update_item,
        TableName=table.name,
        Key=key("s"),
        UpdateExpression="SET v.deep = :v",
        ExpressionAttributeValues={":v": nested(32)},
    )
    assert code == INVALID


@pytest.mark.row("G1")
@pytest.mark.parametrize("type_", ["S", "B"])
@pytest.mark.parametrize(("name", "most"), [("pk", 2048), ("sk", 1024)])
def test_keys_have_their_lengths(make_table: Any, type_: str, name: str, most: int) -> None:
    """A partition key has 1 to 2,048 bytes, a sort key 1 to 1,024; text counts in UTF-8."""
    table = make_table(None, {"pk": type_, "sk": type_})

    def value(length: int) -> dict[str, Any]:
        text = "ü" * (length // 2) + "x" * (length % 2)
        return {type_: text if type_ == "S" else text.encode()}

    def item(length: int) -> dict[str, Any]:
        return {"pk": value(1), "sk": value(1), name: value(length)}

    for length in (1, most):
        table.dynamodb.put_item(TableName=table.name, Item=item(length))
        assert table.dynamodb.get_item(TableName=table.name, Key=item(length))["Item"] == item(length)
    for length in (0, most + 1):
        assert refused(table.dynamodb.put_item, TableName=table.name, Item=item(length))[0] == INVALID
        assert refused(table.dynamodb.get_item, TableName=table.name, Key=item(length))[0] == INVALID


@pytest.mark.row("G1")
def test_numbers_have_38_digits(table: Any) -> None:
    """38 significant digits come back as they were, wherever the point is; 39 are refused."""
    for number in (NUMBER, f"-{NUMBER}", f"0.{NUMBER}", NUMBER + "0" * 60):
        table.put("s", v={"N": number})
        assert table.get("s") == {**key("s"), "v": {"N": number}}
    for value in ({"N": NUMBER + "9"}, {"NS": ["1", NUMBER + "9"]}, {"L": [{"N": f"{NUMBER}.9"}]}):
        assert refused(table.dynamodb.put_item, TableName=table.name, Item={**key("s"), "v": value}) == (
            INVALID,
            "Attempting to store more than 38 significant digits in a Number",
        )


@pytest.mark.row("G1")
@pytest.mark.parametrize("number", ["1E126", "-1E126", "1E-131", "one", "", "NaN", "Infinity"])
def test_numbers_are_in_their_range(table: Any, number: str) -> None:
    """A number is finite, and between 1E-130 and 9.99…E+125, of either sign."""
    item = {**key("s"), "v": {"N": number}}
    assert refused(table.dynamodb.put_item, TableName=table.name, Item=item)[0] == INVALID


KEYS_THAT_DO_NOT_FIT: dict[str, Any] = {
    "no sort key": {"pk": {"S": "p"}},
    "another name": {"pk": {"S": "p"}, "id": {"S": "s"}},
    "another type": {"pk": {"S": "p"}, "sk": {"N": "1"}},
    "an attribute more": {**key("s"), "v": {"S": "x"}},
    "none": {},
}


@pytest.mark.row("G9")
@pytest.mark.parametrize("wrong", KEYS_THAT_DO_NOT_FIT.values(), ids=KEYS_THAT_DO_NOT_FIT)
@pytest.mark.parametrize("operation", ["get_item", "update_item", "delete_item"])
def test_key_that_does_not_fit_the_table(table: Any, operation: str, wrong: Any) -> None:
    """A key has the attributes and the types of the table's schema, and no others."""
    call = getattr(table.dynamodb, operation)
    assert refused(call, TableName=table.name, Key=wrong) == (
        INVALID,
        "The provided key element does not match the schema",
    )


@pytest.mark.row("G9")
@pytest.mark.parametrize("operation", ["batch_get", "batch_write", "transact_get", "transact_write"])
def test_one_key_of_several_that_does_not_fit(table: Any, operation: str) -> None:
    """Batches and transactions are refused whole, with the same sentence."""
    name, dynamodb = table.name, table.dynamodb
    wrong = {"pk": {"S": "p"}}
    calls: dict[str, Any] = {
        "batch_get": (
            dynamodb.batch_get_item,
            {"RequestItems": {name: {"Keys": [key("a"), wrong]}}},
        ),
        "batch_write": (
            dynamodb.batch_write_item,
            {"RequestItems": {name: [{"PutRequest": {"Item": key("a")}}, {"DeleteRequest": {"Key": wrong}}]}},
        ),
        "transact_get": (
            dynamodb.transact_get_items,
            {
                "TransactItems": [
                    {"Get": {"TableName": name, "Key": key("a")}},
                    {"Get": {"TableName": name, "Key": wrong}},
                ]
            },
        ),
        "transact_write": (
            dynamodb.transact_write_items,
            {
                "TransactItems": [
                    {"Put": {"TableName": name, "Item": key("a")}},
                    {"Delete": {"TableName": name, "Key": wrong}},
                ]
            },
        ),
    }
    call, request = calls[operation]
    assert refused(call, **request) == (INVALID, "The provided key element does not match the schema")
    assert table.get("a") is None


@pytest.mark.row("G12")
def test_empty_values_outside_of_keys(table: Any) -> None:
    """Empty text and bytes are stored as they are, also inside of lists and maps."""
    deep = {"L": [{"S": ""}, {"B": b""}, {"M": {"k": {"S": ""}}}, {"M": {}}, {"L": []}]}
    table.put("s", text={"S": ""}, bytes={"B": b""}, deep=deep)
    item = {**key("s"), "text": {"S": ""}, "bytes": {"B": b""}, "deep": deep}
    assert table.get("s") == item
    (record,) = table.records()
    assert record["dynamodb"]["NewImage"] == item
    table.dynamodb.update_item(
        TableName=table.name,
        Key=key("s"),
        UpdateExpression="SET more = :v",
        ExpressionAttributeValues={":v": {"S": ""}},
        ConditionExpression="#t = :v",
        ExpressionAttributeNames={"#t": "text"},
    )
    assert table.get("s") == {**item, "more": {"S": ""}}


@pytest.mark.row("G12")
@pytest.mark.parametrize(("type_", "empty"), [("S", ""), ("B", b"")])
@pytest.mark.parametrize("name", ["pk", "sk"])
def test_empty_values_in_keys(make_table: Any, type_: str, empty: Any, name: str) -> None:
    """A key attribute is never empty; the sentence says which of them it is."""
    table = make_table(None, {"pk": type_, "sk": type_})
    some = "x" if type_ == "S" else b"x"
    item = {"pk": {type_: some}, "sk": {type_: some}, name: {type_: empty}}
    word = "string" if type_ == "S" else "binary"
    assert refused(table.dynamodb.put_item, TableName=table.name, Item=item) == (
        INVALID,
        "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an"
        f" empty {word} value. Key: {name}",
    )
    code, _ = refused(table.dynamodb.get_item, TableName=table.name, Key=item)
    assert code == INVALID


@pytest.mark.row("G12")
@pytest.mark.parametrize("value", [{"SS": []}, {"NS": []}, {"BS": []}], ids=str)
def test_sets_are_never_empty(table: Any, value: Any) -> None:
    """There is no empty set."""
    item = {**key("s"), "v": value}
    code, message = refused(table.dynamodb.put_item, TableName=table.name, Item=item)
    assert code == INVALID
    assert message.startswith("One or more parameter values were invalid: ")
