"""Conditions and updates as the engine evaluates them itself."""

from typing import Any

import pytest
from streamer_localstack.engine.comparing import NotFlat
from streamer_localstack.engine.flat import NOTHING, compile_condition, compile_update
from streamer_localstack.engine.operands import Mistake, Scope

RESERVED = frozenset({"STATUS", "SIZE"})

ITEM: dict[str, Any] = {
    "n": {"N": "10"},
    "zero": {"N": "0"},
    "s": {"S": "banana"},
    "empty": {"S": ""},
    "b": {"B": "AAEC"},
    "flag": {"BOOL": True},
    "status": {"S": "OPEN"},
    "tags": {"SS": ["x", "y"]},
    "numbers": {"NS": ["1", "2"]},
    "list": {"L": [{"S": "first"}, {"M": {"deep": {"N": "7"}}}]},
    "map": {"M": {"k": {"S": "v"}, "inner": {"M": {"n": {"N": "1"}}}}},
}
NAMES = {"#status": "status", "#k": "k", "#missing": "missing"}
VALUES: dict[str, Any] = {
    ":9": {"N": "9"},
    ":10": {"N": "10"},
    ":7": {"N": "7"},
    ":0": {"N": "0"},
    ":s": {"S": "banana"},
    ":ban": {"S": "ban"},
    ":x": {"S": "x"},
    ":1": {"N": "1"},
    ":open": {"S": "OPEN"},
    ":bytes": {"B": "AAE="},
    ":tags": {"SS": ["y", "x"]},
    ":string": {"S": "S"},
    ":first": {"S": "first"},
    ":deep": {"M": {"deep": {"N": "7"}}},
    ":empty": {"S": ""},
    ":flag": {"BOOL": True},
    ":list": {"L": [{"S": "last"}]},
}
INCORRECT = "Incorrect operand type for operator or function; operator or function: {}, operand type: {}"


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("n = :10", True),
        ("n > :9", True),
        ("n < :9", False),
        ("n BETWEEN :9 AND :10", True),
        ("zero BETWEEN :0 AND :9", True),
        ("empty = :empty", True),
        ("n IN (:9, :10)", True),
        ("s < :9", False),
        ("s > :9", False),
        ("s <> :9", True),
        ("#missing <> :9", True),
        ("#missing = :9", False),
        ("#missing < :9", False),
        ("flag < :9", False),
        ("b > :bytes", True),
        ("tags = :tags", True),
        ("#status = :open", True),
        ("attribute_exists(s)", True),
        ("attribute_exists(map.#k)", True),
        ("attribute_exists(map.#missing)", False),
        ("attribute_exists(list[1])", True),
        ("attribute_not_exists(list[2])", True),
        ("attribute_type(s, :string)", True),
        ("attribute_type(n, :string)", False),
        ("begins_with(s, :ban)", True),
        ("begins_with(b, :bytes)", True),
        ("begins_with(n, :ban)", False),
        ("contains(:tags, #missing)", False),
        ("contains(:tags, map.#k)", False),
        ("contains(s, :ban)", True),
        ("contains(tags, :x)", True),
        ("contains(numbers, :1)", True),
        ("contains(numbers, :x)", False),
        ("contains(list, :first)", True),
        ("contains(list, :deep)", True),
        ("map.inner.n = :1", True),
        ("list[1].deep = :7", True),
        ("size(s) < :7", True),
        ("size(tags) > :1", True),
        ("size(#missing) > :1", False),
        ("NOT n = :9", True),
        ("NOT (n = :9 OR n = :10)", False),
        ("n = :9 AND n = :9 OR n = :10", True),
        ("n = :10 or n = :9 and n = :9", True),
        ("n=:10 and(s=:s)", True),
    ],
)
def test_conditions_hold_as_dynamodb_says(text: str, *, holds: bool) -> None:
    """Values of different types are never equal and never in order; what is missing only differs."""
    condition = compile_condition(text, RESERVED)
    condition.check(NAMES, VALUES)
    assert condition.holds(Scope(ITEM, NAMES, VALUES)) is holds


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("status = :open", "Attribute name is a reserved keyword; reserved keyword: status"),
        ("n", 'Syntax error; token: "<EOF>", near: "n"'),
        ("n = ", 'Syntax error; token: "<EOF>", near: "= "'),
        ("n = :9 n", 'Syntax error; token: "n", near: ":9 n"'),
        ("n = = :9", 'Syntax error; token: "=", near: "= = :9"'),
        ("n ~ :9", 'Syntax error; token: "~", near: "n ~"'),
        ("a..b = :9", 'Syntax error; token: ".", near: "..b"'),
        ("n = :9 AND", 'Syntax error; token: "<EOF>", near: "AND"'),
        ("", 'Syntax error; token: "<EOF>", near: ""'),
        ("foo(n)", "Invalid function name; function: foo"),
        ("attribute_exists(n) = :9", 'Syntax error; token: "=", near: ") = :9"'),
        (
            "n = attribute_exists(n)",
            "The function is not allowed to be used this way in an expression; function: attribute_exists",
        ),
        (
            "n = if_not_exists(n, :9)",
            "The function is not allowed in a condition expression; function: if_not_exists",
        ),
        (
            "size(n, s) = :9",
            "Incorrect number of operands for operator or function; "
            "operator or function: size, number of operands: 2",
        ),
        (
            "attribute_exists(:9)",
            "Operator or function requires a document path; operator or function: attribute_exists",
        ),
        (
            "n = n",
            "The first operand must be distinct from the remaining operands for this operator or function; "
            "operator: =, first operand: [n]",
        ),
        ("begins_with(s, :9)", INCORRECT.format("begins_with", "N")),
        ("begins_with(s, size(s))", INCORRECT.format("begins_with", "N")),
        ("attribute_type(s, :9)", INCORRECT.format("attribute_type", "N")),
        (
            "attribute_type(s, :x)",
            "Invalid attribute type name found; type: x, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
        ),
        ("n < :tags", INCORRECT.format("<", "SS")),
        ("n = :9 OR :flag >= n", INCORRECT.format(">=", "BOOL")),
        ("size(:9) = :9", INCORRECT.format("size", "N")),
        ("n BETWEEN :9 AND :deep", INCORRECT.format("BETWEEN", "M")),
        (
            "n BETWEEN :9 AND :s",
            "The BETWEEN operator requires same data type for lower and upper bounds; lower bound operand: "
            "AttributeValue: {N:9}, upper bound operand: AttributeValue: {S:banana}",
        ),
        (
            "n BETWEEN :10 AND :9",
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; lower "
            "bound operand: AttributeValue: {N:10}, upper bound operand: AttributeValue: {N:9}",
        ),
    ],
)
def test_conditions_that_no_item_can_meet_are_mistakes(text: str, message: str) -> None:
    """Grammar, functions and the types of operands: the item does not matter."""
    with pytest.raises(Mistake) as caught:
        compile_condition(text, RESERVED).check(NAMES, VALUES)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("SET n = :9", {"n": {"N": "9"}}),
        ("SET n = n + :1, s = #status", {"n": {"N": "11"}, "s": {"S": "OPEN"}}),
        ("SET n = :1 - n", {"n": {"N": "-9"}}),
        ("SET n = zero, zero = n", {"n": {"N": "0"}, "zero": {"N": "10"}}),
        ("SET #missing = if_not_exists(#missing, :0) + :1", {"missing": {"N": "1"}}),
        ("SET n = map.inner.n", {"n": {"N": "1"}}),
        ("SET list = list_append(list, :list)", {"list": {"L": [*ITEM["list"]["L"], {"S": "last"}]}}),
        ("SET s = list_append(:list, list)", {"s": {"L": [{"S": "last"}, *ITEM["list"]["L"]]}}),
        (
            "SET #missing = list_append(if_not_exists(#missing, :list), :list)",
            {"missing": {"L": [{"S": "last"}, {"S": "last"}]}},
        ),
        ("REMOVE s, n", {"s": None, "n": None}),
        ("ADD n :1, #missing :9", {"n": {"N": "11"}, "missing": {"N": "9"}}),
        ("set n = :9 remove s add zero :1", {"n": {"N": "9"}, "s": None, "zero": {"N": "1"}}),
    ],
)
def test_updates_are_made_of_what_was_there_before(text: str, changed: dict[str, Any]) -> None:
    """Every operand is the value before the update."""
    update = compile_update(text, RESERVED)
    update.check(NAMES, VALUES)
    after, touched = update.apply(Scope(ITEM, NAMES, VALUES))
    expected = {name: value for name, value in {**ITEM, **changed}.items() if value is not None}
    assert after == expected
    assert set(touched) == set(changed)


def test_nothing_is_an_update_too() -> None:
    """It leaves the attributes as they are."""
    assert NOTHING.apply(Scope(ITEM, {}, {})) == (ITEM, [])


@pytest.mark.parametrize(
    "text",
    [
        "SET map.x = :9",
        "SET n = missing",
        "SET n = s + :1",
        "ADD s :1",
        "ADD tags :tags",
        "DELETE tags :tags",
        "SET list = list_append(list, s)",
        "SET list = list_append(missing, list)",
        "REMOVE list[0], map.k",
    ],
)
def test_other_updates_are_left_alone(text: str) -> None:
    """Nested targets, sets, lists, and what is wrong only with this item."""
    update = compile_update(text, RESERVED)
    update.check(NAMES, VALUES)
    with pytest.raises(NotFlat):
        update.apply(Scope(ITEM, NAMES, VALUES))


OVERLAP = (
    "Two document paths {} with each other; must remove or rewrite one of these paths; "
    "path one: {}, path two: {}"
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("SET n = :9, n = :1", OVERLAP.format("overlap", "[n]", "[n]")),
        ("SET #status = :9 REMOVE map.k, map", OVERLAP.format("overlap", "[map, k]", "[map]")),
        ("SET #k.x = :9 REMOVE k[1]", OVERLAP.format("conflict", "[k, x]", "[k, [1]]")),
        ("SET n = :9 SET s = :s", 'The "SET" section can only be used once in an update expression;'),
        ("SET status = :9", "Attribute name is a reserved keyword; reserved keyword: status"),
        ("n = :9", 'Syntax error; token: "n", near: "n ="'),
        ("SET", 'Syntax error; token: "<EOF>", near: "SET"'),
        ("SET n = s + :1 + :9", 'Syntax error; token: "+", near: ":1 + :9"'),
        ("ADD n s", 'Syntax error; token: "s", near: "n s"'),
        ("SET n = s + :s", INCORRECT.format("+", "S")),
        ("SET n = :s - (n + :1)", INCORRECT.format("-", "S")),
        ("SET n = list_append(n, :9)", INCORRECT.format("list_append", "N")),
        ("SET n = n + list_append(n, n)", INCORRECT.format("+", "L")),
        ("SET n = size(s)", "The function is not allowed in an update expression; function: size"),
        (
            "SET n = if_not_exists(:1, :9)",
            "Operator or function requires a document path; operator or function: if_not_exists",
        ),
        (
            "ADD n :s",
            "Incorrect operand type for operator or function; operator: ADD, operand type: STRING, "
            "typeSet: ALLOWED_FOR_ADD_OPERAND",
        ),
        (
            "DELETE n :9",
            "Incorrect operand type for operator or function; operator: DELETE, operand type: NUMBER, "
            "typeSet: ALLOWED_FOR_DELETE_OPERAND",
        ),
    ],
)
def test_updates_that_no_item_can_have_are_mistakes(text: str, message: str) -> None:
    """Grammar, paths and the types of operands: the item does not matter."""
    with pytest.raises(Mistake) as caught:
        compile_update(text, RESERVED).check(NAMES, VALUES)
    assert str(caught.value) == message
