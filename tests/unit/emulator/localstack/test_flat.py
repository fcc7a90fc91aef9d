"""Conditions and updates as the engine evaluates them itself."""

from typing import Any

import pytest
from streamer_localstack.engine.comparing import NotFlat
from streamer_localstack.engine.flat import Scope, compile_condition, compile_update

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
}


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
    assert condition is not None
    assert condition(Scope(ITEM, NAMES, VALUES)) is holds


@pytest.mark.parametrize(
    "text",
    ["status = :open", "n", "n = ", "n = :9 n", "foo(n)", "(n) = :9", "n = :9 AND", "n ~ :9", "a..b = :9"],
)
def test_what_is_not_understood_is_left_alone(text: str) -> None:
    """Reserved words, mistakes and unknown functions are for moto to word."""
    assert compile_condition(text, RESERVED) is None


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("SET n = :9", {"n": {"N": "9"}}),
        ("SET n = n + :1, s = #status", {"n": {"N": "11"}, "s": {"S": "OPEN"}}),
        ("SET n = :1 - n", {"n": {"N": "-9"}}),
        ("SET n = zero, zero = n", {"n": {"N": "0"}, "zero": {"N": "10"}}),
        ("SET #missing = if_not_exists(#missing, :0) + :1", {"missing": {"N": "1"}}),
        ("SET n = map.inner.n", {"n": {"N": "1"}}),
        ("REMOVE s, n", {"s": None, "n": None}),
        ("ADD n :1, #missing :9", {"n": {"N": "11"}, "missing": {"N": "9"}}),
        ("set n = :9 remove s add zero :1", {"n": {"N": "9"}, "s": None, "zero": {"N": "1"}}),
    ],
)
def test_updates_are_made_of_what_was_there_before(text: str, changed: dict[str, Any]) -> None:
    """Every operand is the value before the update."""
    update = compile_update(text, RESERVED)
    assert update is not None
    after, touched = update.apply(Scope(ITEM, NAMES, VALUES), ["pk"])
    expected = {name: value for name, value in {**ITEM, **changed}.items() if value is not None}
    assert after == expected
    assert set(touched) == set(changed)


@pytest.mark.parametrize(
    "text",
    [
        "SET map.x = :9",
        "SET n = :9, n = :1",
        "SET pk = :9",
        "SET n = missing",
        "SET n = s + :1",
        "ADD s :1",
        "ADD tags :tags",
        "DELETE tags :tags",
        "SET n = :9 SET s = :s",
        "SET status = :9",
        "SET n = list_append(n, :9)",
        "n = :9",
        "SET",
    ],
)
def test_other_updates_are_left_alone(text: str) -> None:
    """Nested targets, sets, and what is wrong."""
    update = compile_update(text, RESERVED)
    if update is not None:
        with pytest.raises(NotFlat):
            update.apply(Scope(ITEM, NAMES, VALUES), ["pk"])
