"""Declarations, and the requests that models make."""

from typing import Any

import pytest

from streamer.dynamorm import (
    Attribute,
    Backoff,
    Check,
    Condition,
    DecodingFailed,
    Delete,
    EncodingFailed,
    Get,
    Index,
    InvalidModel,
    InvalidRequest,
    KeyAttribute,
    KeyType,
    Model,
    Put,
    Query,
    Table,
    Transaction,
    Update,
    attribute,
    is_expired,
)
from streamer.dynamorm.expressions.operands import Substitutions
from streamer.dynamorm.expressions.updates import render_update

ORDERS = Table(
    "orders",
    KeyAttribute("pk"),
    KeyAttribute("sk"),
    indexes=(Index("by-day", KeyAttribute("day"), KeyAttribute("total", KeyType.NUMBER)),),
)
PEOPLE = Table("people", KeyAttribute("id", KeyType.NUMBER))


class Order(Model, table=ORDERS, partition="CUSTOMER#{customer}", sort="ORDER#{number}"):
    customer: Attribute[str]
    number: Attribute[int]
    total: Attribute[int] = attribute(default=0)
    day: Attribute[str | None] = attribute(default=None)
    tags: Attribute[frozenset[str]] = attribute(default=frozenset())
    size: Attribute[str | None] = attribute(default=None, stored_name="s")


class Person(Model, table=PEOPLE):
    id: Attribute[int]
    name: Attribute[str]


def rendered(condition: Condition) -> tuple[str, dict[str, Any]]:
    substitutions, request = Substitutions(), {}
    text = condition.render(substitutions)
    substitutions.write_to(request)
    return text, request


def test_an_instance_is_a_value() -> None:
    """Equal by its values, with defaults, and it does not change."""
    order = Order(customer="ann", number=7)
    assert order == Order(customer="ann", number=7, total=0)
    assert order != order.replace(total=1)
    assert (order.customer, order.total, order.day) == ("ann", 0, None)
    with pytest.raises(AttributeError, match="update"):
        order.total = 3  # type: ignore[misc]


def test_a_representation_shows_the_key_alone() -> None:
    """Items hold what a log must not show."""
    assert repr(Person(id=1, name="secret")) == "Person(id=1)"


def test_an_item_has_its_key_and_no_nothing() -> None:
    """None and empty sets are absent attributes; names are those that are stored."""
    item = Order(customer="a#b", number=7, size="L").to_item()
    assert item == {
        "pk": {"S": "CUSTOMER#a%23b"},
        "sk": {"S": "ORDER#7"},
        "customer": {"S": "a#b"},
        "number": {"N": "7"},
        "total": {"N": "0"},
        "s": {"S": "L"},
    }
    assert Order.from_item(item) == Order(customer="a#b", number=7, size="L")


def test_a_key_can_be_an_attribute() -> None:
    """Without a template the key attribute is the model's own, as it is."""
    assert Person.at(id=7).values == {"id": {"N": "7"}}
    assert Person(id=7, name="x").to_item() == {"id": {"N": "7"}, "name": {"S": "x"}}


def test_reading_leaves_aside_what_is_unknown() -> None:
    """An attribute of a later version is no failure."""
    item = {**Person(id=7, name="x").to_item(), "later": {"S": "?"}}
    assert Person.from_item(item) == Person(id=7, name="x")


@pytest.mark.parametrize(
    "item", [{"id": {"N": "7"}}, {"id": {"N": "7"}, "name": {"N": "1"}}], ids=["missing", "type"]
)
def test_reading_what_does_not_fit_names_the_attribute(item: Any) -> None:
    """The sentence says which attribute of which model."""
    with pytest.raises(DecodingFailed, match="name"):
        Person.from_item(item)


@pytest.mark.parametrize("arguments", [{"id": 1}, {"id": 1, "name": "x", "age": 3}], ids=["few", "many"])
def test_making_with_other_attributes_is_refused(arguments: Any) -> None:
    """As a dataclass does it."""
    with pytest.raises(TypeError, match="Person"):
        Person(**arguments)


@pytest.mark.parametrize(
    "components",
    [{}, {"customer": "a"}, {"customer": "", "number": 1}, {"customer": "a", "number": 1, "x": 1}],
    ids=["none", "few", "empty", "many"],
)
def test_a_wrong_key_is_refused(components: Any) -> None:
    """Missing, empty and unknown components are errors."""
    with pytest.raises(EncodingFailed):
        Order.at(**components)


def test_wrong_declarations_are_refused() -> None:
    """At class definition, with a sentence that says how to mend it."""
    with pytest.raises(InvalidModel, match="names no table"):

        class NoTable(Model):
            id: Attribute[int]

    with pytest.raises(InvalidModel, match=r"annotate it as Attribute"):

        class Plain(Model, table=PEOPLE):
            id: int  # type: ignore[assignment]

    with pytest.raises(InvalidModel, match="give a template"):

        class NoKey(Model, table=ORDERS):
            id: Attribute[int]

    with pytest.raises(InvalidModel, match="no attribute"):

        class Unknown(Model, table=PEOPLE, partition="{person}"):
            name: Attribute[str]

    with pytest.raises(InvalidModel, match="leave sort out"):

        class Sorted(Model, table=PEOPLE, sort="{id}"):
            id: Attribute[int]

    with pytest.raises(InvalidModel, match="keep one"):

        class Both(Model, table=PEOPLE, partition="{name}"):
            id: Attribute[int]
            name: Attribute[str]

    with pytest.raises(InvalidModel, match="has no form"):

        class Complex(Model, table=PEOPLE):
            id: Attribute[complex]

    with pytest.raises(InvalidModel, match="stored_name"):

        class Twice(Model, table=PEOPLE):
            id: Attribute[int]
            other: Attribute[int] = attribute(stored_name="id")


def test_a_condition_is_written_with_substitutions() -> None:
    """Every name and value is substituted; a name once, however often it is used."""
    condition = (Order.total >= 3) & ((Order.size == "L") | (Order.total < 1)) & Order.day.does_not_exist()
    assert rendered(condition) == (
        "#0 >= :0 AND (#1 = :1 OR #0 < :2) AND attribute_not_exists(#2)",
        {
            "ExpressionAttributeNames": {"#0": "total", "#1": "s", "#2": "day"},
            "ExpressionAttributeValues": {":0": {"N": "3"}, ":1": {"S": "L"}, ":2": {"N": "1"}},
        },
    )


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (Order.total != 1, "#0 <> :0"),
        (Order.total.between(1, 2), "#0 BETWEEN :0 AND :1"),
        (Order.total.is_in([1, 2]), "#0 IN (:0, :1)"),
        (Order.day.begins_with("2025"), "begins_with(#0, :0)"),
        (Order.tags.contains("x"), "contains(#0, :0)"),
        (Order.day.exists(), "attribute_exists(#0)"),
        (~(Order.total == 1) & Order.day.exists(), "(NOT (#0 = :0)) AND attribute_exists(#1)"),
    ],
    ids=str,
)
def test_conditions_are_written(condition: Condition, text: str) -> None:
    """Each in DynamoDB's grammar."""
    assert rendered(condition)[0] == text


def test_a_condition_is_no_truth() -> None:
    """`and`, `or`, `not`, `if` and chained comparisons would silently drop a part: they raise."""
    for use in (
        lambda: Order.total == 1 and Order.day.exists(),
        lambda: not Order.day.exists(),
        lambda: 1 < Order.total < 3,
    ):
        with pytest.raises(TypeError, match="&"):
            use()


def test_none_is_no_value_to_compare_with() -> None:
    """Absence is asked for by name."""
    with pytest.raises(InvalidModel, match="does_not_exist"):
        _ = Order.day == None  # noqa: E711


def test_updates_are_written() -> None:
    """Each clause once, in any order of actions."""
    substitutions = Substitutions()
    text = render_update(
        (
            Order.day.set("x"),
            Order.size.remove(),
            Order.total.increment(2),
            Order.tags.discard(frozenset({"a"})),
        ),
        substitutions,
    )
    assert text == "SET #0 = :0 REMOVE #1 ADD #2 :1 DELETE #3 :2"
    assert render_update((Order.day.set_if_absent("x"),), Substitutions()) == "SET #0 = if_not_exists(#0, :0)"


@pytest.mark.parametrize(
    "actions", [(), (Order.total.set(1), Order.total.increment())], ids=["none", "twice"]
)
def test_an_impossible_update_is_refused(actions: Any) -> None:
    """DynamoDB refuses overlapping paths; so do we, with a sentence."""
    with pytest.raises(InvalidModel):
        render_update(actions, Substitutions())


KEY = Order.at(customer="ann", number=7)
ENCODED_KEY = {"pk": {"S": "CUSTOMER#ann"}, "sk": {"S": "ORDER#7"}}


def test_requests_encode_themselves() -> None:
    """Each is the arguments of the low-level call."""
    assert Get(KEY, consistent=True).encode("t") == {
        "TableName": "t",
        "Key": ENCODED_KEY,
        "ConsistentRead": True,
    }
    assert Delete(KEY).encode("t") == {"TableName": "t", "Key": ENCODED_KEY}
    assert Put(Person(id=1, name="x")).encode("t") == {
        "TableName": "t",
        "Item": {"id": {"N": "1"}, "name": {"S": "x"}},
    }
    assert Update(KEY, (Order.total.set(1),), Order.total == 0).encode("t") == {
        "TableName": "t",
        "Key": ENCODED_KEY,
        "UpdateExpression": "SET #0 = :0",
        "ConditionExpression": "#0 = :1",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        "ExpressionAttributeNames": {"#0": "total"},
        "ExpressionAttributeValues": {":0": {"N": "1"}, ":1": {"N": "0"}},
    }


def test_a_transaction_names_each_table() -> None:
    """Tables have other names in the account."""
    request = Transaction((Delete(KEY), Check(Person.at(id=1), Person.name.exists())))
    encoded = request.encode(lambda table: f"live-{table.name}")["TransactItems"]
    assert [*encoded[0], *encoded[1]] == ["Delete", "ConditionCheck"]
    assert encoded[1]["ConditionCheck"]["TableName"] == "live-people"


@pytest.mark.parametrize("count", [0, 101])
def test_a_transaction_has_1_to_100_actions(count: int) -> None:
    """DynamoDB's limit."""
    with pytest.raises(InvalidRequest):
        Transaction((Delete(KEY),) * count)


def test_a_query_is_of_one_kind_of_item() -> None:
    """The partition's condition keeps to the model's sort keys."""
    assert Query(Order, Order.partition(customer="ann"), limit=3, descending=True).encode("t") == {
        "TableName": "t",
        "KeyConditionExpression": "#0 = :0 AND begins_with(#1, :1)",
        "ExpressionAttributeNames": {"#0": "pk", "#1": "sk"},
        "ExpressionAttributeValues": {":0": {"S": "CUSTOMER#ann"}, ":1": {"S": "ORDER#"}},
        "Limit": 3,
        "ScanIndexForward": False,
    }


@pytest.mark.parametrize(
    "arguments",
    [
        {"where": Order.size == "x"},
        {"where": Order.day > "x", "index": "by-day"},
        {"where": (Order.day == "x") & (Order.total != 1), "index": "by-day"},
        {"where": (Order.day == "x") & (Order.size == "L"), "index": "by-day"},
        {"where": (Order.day == "x") & (Order.total > 1) & (Order.total < 3), "index": "by-day"},
        {"where": (Order.day == "x") | (Order.total > 1), "index": "by-day"},
        {"where": Order.day == "x", "index": "by-night"},
        {"where": Order.day == "x", "index": "by-day", "consistent": True},
        {"where": Order.day == "x", "index": "by-day", "limit": 0},
    ],
    ids=["no key", "range", "unequal", "other", "two ranges", "or", "index", "consistent", "limit"],
)
def test_a_query_that_dynamodb_would_refuse_is_refused(arguments: Any) -> None:
    """Before it is sent, with a sentence."""
    with pytest.raises(InvalidModel):
        Query(Order, **arguments)


def test_backoff_has_full_jitter_and_an_end() -> None:
    """Waits are random below a bound that doubles up to a cap; then it is over."""
    backoff = Backoff(attempts=4, base_s=0.1, cap_s=0.3)
    assert [backoff.delay_s(failures, 0.5) for failures in (1, 2, 3, 4)] == pytest.approx(
        [0.05, 0.1, 0.15, None]
    )
    assert backoff.delay_s(1, 0.0) == 0


@pytest.mark.parametrize(
    ("item", "expired"),
    [
        ({"gone": {"N": "100"}}, True),
        ({"gone": {"N": "101"}}, False),
        ({"gone": {"S": "1"}}, False),
        ({}, False),
    ],
    ids=["now", "later", "no number", "never"],
)
def test_an_item_expires_at_its_second(item: Any, expired: bool) -> None:
    """From that second on it counts as absent; only a number is a time to live."""
    assert is_expired(Table("t", KeyAttribute("id"), ttl_attribute="gone"), item, 100.0) is expired
    assert not is_expired(PEOPLE, item, 100.0)
