"""Conditions and updates are written in DynamoDB's grammar, and refused where DynamoDB would refuse them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from streamer.dynamorm import (
    Attribute,
    Condition,
    EncodingFailed,
    InvalidModel,
    KeyAttribute,
    Model,
    Table,
    UpdateAction,
    attribute,
)
from streamer.dynamorm.errors import UnknownAttribute
from streamer.dynamorm.expressions.conditions import render_condition
from streamer.dynamorm.expressions.evaluation import apply, find, holds
from streamer.dynamorm.expressions.operands import Substitutions
from streamer.dynamorm.expressions.updates import render_update

TABLE = Table("orders", KeyAttribute("pk"))


@dataclass(frozen=True)
class Address:
    city: str
    size: int = 0


class Order(Model, table=TABLE, partition="ORDER#{number}"):
    number: Attribute[str]
    total: Attribute[int] = attribute(default=0)
    limit: Attribute[int | None] = attribute(default=None)
    price: Attribute[Decimal | None] = attribute(default=None)
    note: Attribute[str | None] = attribute(default=None)
    tags: Attribute[list[str]] = attribute(default_factory=list)
    names: Attribute[frozenset[str]] = attribute(default=frozenset())
    labels: Attribute[Mapping[str, int]] = attribute(default_factory=dict)
    address: Attribute[Address | None] = attribute(default=None)
    lines: Attribute[Sequence[Address]] = attribute(default=())


ITEM = Order(
    number="7",
    total=5,
    limit=5,
    note="hello",
    tags=["a", "b", "c"],
    names=frozenset({"x", "y"}),
    labels={"k": 3},
    address=Address("Bern", 12),
    lines=(Address("Rome"),),
).to_item()


def written(condition: Condition) -> tuple[str, Mapping[str, str], Mapping[str, Any]]:
    substitutions, request = Substitutions(), {}  # type: ignore[var-annotated]
    text = render_condition(condition, substitutions)
    substitutions.write_to(request)
    return text, request["ExpressionAttributeNames"], request.get("ExpressionAttributeValues", {})


CONDITIONS: Mapping[str, tuple[Condition, str, bool]] = {
    "attribute with attribute": (Order.total == Order.limit, "#0 = #1", True),
    "attribute over attribute": (Order.total > Order.limit, "#0 > #1", False),
    "absent attribute": (Order.total >= Order.price, "#0 >= #1", False),
    "between attributes": (Order.total.between(1, Order.limit), "#0 BETWEEN :0 AND #1", True),
    "in attributes": (Order.total.is_in([9, Order.limit]), "#0 IN (:0, #1)", True),
    "size of text": (Order.note.size() == 5, "size(#0) = :0", True),
    "size of a list": (Order.tags.size() > 3, "size(#0) > :0", False),
    "size of a set": (Order.names.size().between(1, 2), "size(#0) BETWEEN :0 AND :1", True),
    "size of a map": (Order.labels.size() == 1, "size(#0) = :0", True),
    "size and number": (Order.note.size() == Order.total, "size(#0) = #1", True),
    "place of a list": (Order.tags[1] == "b", "#0[1] = :0", True),
    "place behind the end": (Order.tags[7].exists(), "attribute_exists(#0[7])", False),
    "key of a map": (Order.labels["k"] == 3, "#0.#1 = :0", True),
    "absent key": (Order.labels["z"] < 3, "#0.#1 < :0", False),
    "field": (Order.address.path(lambda address: address.city) == "Bern", "#0.#1 = :0", True),
    "field by its name": (Order.address.city == "Bern", "#0.#1 = :0", True),
    "field of a member": (Order.lines[0].city == "Rome", "#0[0].#1 = :0", True),
    "field called as a method": (Order.address.path(lambda address: address.size) == 12, "#0.#1 = :0", True),
    "field in a list": (Order.lines[0].path(lambda line: line.city).begins_with("Ro"), "", True),
    "member of a set": (Order.names.contains("x"), "contains(#0, :0)", True),
    "member of a list": (Order.tags.contains("z"), "contains(#0, :0)", False),
    "part of a text": (Order.note.contains("ell"), "contains(#0, :0)", True),
    "type": (Order.note.has_type("S"), "attribute_type(#0, :0)", True),
    "another type": (Order.note.has_type("N"), "attribute_type(#0, :0)", False),
    "type of nothing": (Order.price.has_type("N"), "attribute_type(#0, :0)", False),
}


@pytest.mark.parametrize(("condition", "text", "true"), CONDITIONS.values(), ids=CONDITIONS.keys())
def test_conditions(condition: Condition, text: str, true: bool) -> None:
    """Each is written in DynamoDB's grammar and holds of an item as DynamoDB has it."""
    if text:
        assert written(condition)[0] == text
    assert holds(condition, ITEM) is true


def test_equal_values_are_sent_once() -> None:
    """A value that occurs twice has one placeholder; `1` and `"1"` are two."""
    text, _, values = written((Order.total == 1) & (Order.limit == 1) & (Order.note == "1"))
    assert text == "#0 = :0 AND #1 = :0 AND #2 = :1"
    assert values == {":0": {"N": "1"}, ":1": {"S": "1"}}


UPDATES: Mapping[str, tuple[UpdateAction, str, Any]] = {
    "set": (Order.total.set(1), "SET #0 = :0", (Order.total, {"N": "1"})),
    "to another attribute": (Order.limit.set(Order.total), "SET #0 = #1", (Order.limit, {"N": "5"})),
    "to a sum": (Order.total.set(Order.total + 3), "SET #0 = #0 + :0", (Order.total, {"N": "8"})),
    "to a difference": (
        Order.total.set(Order.total - Order.limit),
        "SET #0 = #0 - #1",
        (Order.total, {"N": "0"}),
    ),
    "to a default": (
        Order.total.set(Order.limit.or_else(3)),
        "SET #0 = if_not_exists(#1, :0)",
        (Order.total, {"N": "5"}),
    ),
    "if absent": (
        Order.price.set_if_absent(Decimal(1)),
        "SET #0 = if_not_exists(#0, :0)",
        (Order.price, {"N": "1"}),
    ),
    "if absent, present": (
        Order.total.set_if_absent(9),
        "SET #0 = if_not_exists(#0, :0)",
        (Order.total, {"N": "5"}),
    ),
    "set to None": (Order.limit.set(None), "REMOVE #0", (Order.limit, None)),
    "set to an empty set": (Order.names.set(frozenset()), "REMOVE #0", (Order.names, None)),
    "increment": (Order.total.increment(2), "ADD #0 :0", (Order.total, {"N": "7"})),
    "increment of nothing": (Order.price.increment(Decimal(2)), "ADD #0 :0", (Order.price, {"N": "2"})),
    "decrement": (Order.total.decrement(2), "ADD #0 :0", (Order.total, {"N": "3"})),
    "increment inside": (
        Order.labels["k"].increment(),
        "SET #0.#1 = if_not_exists(#0.#1, :0) + :1",
        (Order.labels["k"], {"N": "4"}),
    ),
    "append": (
        Order.tags.append(["d"]),
        "SET #0 = list_append(if_not_exists(#0, :0), :1)",
        (Order.tags[3], {"S": "d"}),
    ),
    "prepend": (
        Order.tags.prepend(["d"]),
        "SET #0 = list_append(:0, if_not_exists(#0, :1))",
        (Order.tags[0], {"S": "d"}),
    ),
    "place of a list": (Order.tags[1].set("z"), "SET #0[1] = :0", (Order.tags[1], {"S": "z"})),
    "place behind the end": (Order.tags[9].set("z"), "SET #0[9] = :0", (Order.tags[3], {"S": "z"})),
    "remove a place": (Order.tags[1].remove(), "REMOVE #0[1]", (Order.tags[1], {"S": "c"})),
    "remove": (Order.note.remove(), "REMOVE #0", (Order.note, None)),
    "field": (
        Order.address.path(lambda address: address.city).set("Ulm"),
        "SET #0.#1 = :0",
        (Order.address.path(lambda address: address.city), {"S": "Ulm"}),
    ),
    "new key of a map": (Order.labels["z"].set(1), "SET #0.#1 = :0", (Order.labels["z"], {"N": "1"})),
    "add to a set": (Order.names.add(frozenset({"z"})), "ADD #0 :0", (Order.names, {"SS": ["x", "y", "z"]})),
    "take from a set": (Order.names.discard(frozenset({"x"})), "DELETE #0 :0", (Order.names, {"SS": ["y"]})),
}


@pytest.mark.parametrize(("action", "text", "after"), UPDATES.values(), ids=UPDATES.keys())
def test_updates(action: UpdateAction, text: str, after: tuple[Attribute[Any], Any]) -> None:
    """Each is written in DynamoDB's grammar and changes an item as DynamoDB does."""
    assert render_update([action], Substitutions()) == text
    place, value = after
    item = apply([action], ITEM)
    assert holds(place.does_not_exist() if value is None else place.exists(), item)
    if value is not None:
        assert find(item, place._path) == value


def test_places_are_counted_as_they_were() -> None:
    """Every change of one update sees the item as it was before."""
    item = apply([Order.tags[0].remove(), Order.tags[2].remove(), Order.tags[1].set("z")], ITEM)
    assert item["tags"] == {"L": [{"S": "z"}]}


REFUSED: Mapping[str, tuple[Callable[[], object], str]] = {
    "a part that isn't there": (lambda: Order.address.path(lambda a: a.zip), "no Order.address.zip"),  # type: ignore[attr-defined]
    "a place of text": (lambda: Order.total[0], r"no Order.total\[0\]"),  # type: ignore[misc]
    "a negative place": (lambda: Order.tags[-1], r"Order.tags\[-1\]"),
    "a path that computes": (lambda: Order.labels.path(lambda labels: len("x")), "only walks"),
    "a prefix of a number": (lambda: Order.total.begins_with("1"), "text or bytes"),  # type: ignore[misc]
    "a member of a number": (lambda: Order.total.contains(1), "set or a list"),  # type: ignore[misc, call-overload]
    "the size of a number": (Order.total.size, "size|text, bytes"),
    "increment of text": (Order.note.increment, "a number"),  # type: ignore[call-overload, misc]
    "append to text": (lambda: Order.note.append("x"), "a list"),
    "add to a list": (lambda: Order.tags.add(["x"]), "a set"),
    "comparison with None": (lambda: Order.note == None, "does_not_exist"),  # noqa: E711
    "a truth in a condition's place": (
        lambda: written(Order.address.size == 12),  # type: ignore[arg-type]
        r"no condition.*path\(\)",
    ),
    "101 values": (lambda: Order.total.is_in(range(101)), "1 to 100"),
    "a sum of three": (lambda: Order.total + (Order.total + 1), "two values"),
    "overlapping paths": (
        lambda: render_update([Order.tags.set([]), Order.tags[0].set("x")], Substitutions()),
        "twice",
    ),
    "an expression over 4 KB": (
        lambda: written(
            Order.labels["k" * 5].exists() & _all(Order.labels[f"{n}"].exists() for n in range(200))
        ),
        "4096",
    ),
    "over 300 operators": (lambda: written(_all(Order.total == n for n in range(152))), "300"),
}


def _all(conditions: Any) -> Condition:
    first, *rest = conditions
    for condition in rest:
        first &= condition
    return first  # type: ignore[no-any-return]


@pytest.mark.parametrize(("use", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_what_dynamodb_would_refuse_is_refused(use: Callable[[], object], sentence: str) -> None:
    """Before anything is sent, with a sentence."""
    with pytest.raises(InvalidModel, match=sentence):
        use()


def test_an_unknown_part_is_an_attribute_error_too() -> None:
    """`hasattr` and `getattr` with a default work as everywhere."""
    assert not hasattr(Order.address, "zip")
    with pytest.raises(UnknownAttribute):
        _ = Order.address.zip  # type: ignore[attr-defined]


def test_values_of_another_type_are_refused() -> None:
    """Also inside an attribute."""
    with pytest.raises(EncodingFailed, match=r"labels\['k'\]"):
        Order.labels["k"].set("x")  # type: ignore[arg-type]
    with pytest.raises(EncodingFailed, match="tags"):
        Order.tags.contains(1)  # type: ignore[arg-type]


def test_an_attribute_is_no_sequence() -> None:
    """A loop over it would never end."""
    with pytest.raises(TypeError, match="sequence"):
        list(Order.tags)  # type: ignore[call-overload]
