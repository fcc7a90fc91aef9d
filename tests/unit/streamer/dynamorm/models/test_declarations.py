"""What a model may declare, and the sentence that each wrong declaration fails with."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any

import pytest

from streamer.dynamorm import (
    EPOCH_SECONDS,
    Attribute,
    DecodingFailed,
    EncodingFailed,
    Index,
    InvalidModel,
    KeyAttribute,
    KeyType,
    Model,
    NotLoaded,
    Projection,
    Query,
    Table,
    attribute,
    created_stamp,
    key,
    partition_key,
    updated_stamp,
    version_number,
)

ORDERS = Table(
    "orders",
    KeyAttribute("pk"),
    KeyAttribute("sk"),
    indexes=(
        Index("by-day", KeyAttribute("gsi1pk"), KeyAttribute("gsi1sk"), projection=Projection.KEYS_ONLY),
        Index("by-total", KeyAttribute("customer"), KeyAttribute("total", KeyType.NUMBER)),
        Index("by-shop", KeyAttribute("shop"), projection=("total",)),
    ),
    ttl_attribute="expires_at",
)
PEOPLE = Table("people", KeyAttribute("id", KeyType.NUMBER))

Moment = Annotated[datetime, EPOCH_SECONDS]


class Stamped(Model, abstract=True):
    created_at: Attribute[datetime] = created_stamp()
    updated_at: Attribute[float] = updated_stamp()
    version: Attribute[int] = version_number(stored_name="v")


class Order(
    Stamped,
    Model,
    table=ORDERS,
    partition="CUSTOMER#{customer}",
    sort="ORDER#{number:06}",
    indexes={"by-day": ("DAY#{day}", "{customer}#{number:06}")},
):
    customer: Attribute[str]
    number: Attribute[int]
    day: Attribute[date | None] = attribute(default=None)
    total: Attribute[int] = attribute(default=0)
    shop: Attribute[str | None] = attribute(default=None)
    lines: Attribute[list[str]] = attribute(default_factory=list)
    expires_at: Attribute[Moment | None] = attribute(default=None)


class GiftOrder(Order, sort="GIFT#{number:06}"):
    wishes: Attribute[str] = attribute(default="")


DAY = date(2025, 1, 2)


def test_index_keys_are_written_from_their_templates() -> None:
    """As the table's keys are, beside the attributes; a width keeps the order of numbers."""
    item = Order(customer="a#b", number=7, day=DAY).to_item()
    assert item["sk"] == {"S": "ORDER#000007"}
    assert (item["gsi1pk"], item["gsi1sk"]) == ({"S": "DAY#2025-01-02"}, {"S": "a%23b#000007"})


def test_an_index_is_sparse() -> None:
    """An item without a component of an index's keys has not that key, so it is not in the index."""
    item = Order(customer="ann", number=7).to_item()
    assert "gsi1pk" not in item
    assert "shop" not in item


def test_shared_attributes_are_inherited() -> None:
    """From an abstract model, and from a whole one, whose class arguments are inherited too."""
    assert [*GiftOrder.__schema__.attributes][:3] == ["created_at", "updated_at", "version"]
    gift = GiftOrder(customer="ann", number=7, day=DAY, wishes="joy")
    assert gift.to_item()["sk"] == {"S": "GIFT#000007"}
    assert gift.to_item()["gsi1pk"] == {"S": "DAY#2025-01-02"}
    assert GiftOrder.from_item(gift.to_item()) == gift
    assert repr(GiftOrder.total) == "GiftOrder.total"


def test_a_default_factory_makes_each_its_own() -> None:
    """Two items never share a list."""
    one, two = Order(customer="ann", number=1), Order(customer="ann", number=2)
    one.lines.append("x")
    assert two.lines == []


def test_what_is_not_written_yet_has_no_value() -> None:
    """A stamp is set when the item is written; a version is 0 before."""
    order = Order(customer="ann", number=7)
    assert order.version == 0
    with pytest.raises(NotLoaded, match="created_at"):
        _ = order.created_at
    assert not hasattr(order, "updated_at")
    assert "created_at" not in order.to_item()


def test_stamps_are_of_their_attributes_type() -> None:
    """A `datetime`, or epoch seconds."""
    schema = Order.__schema__
    assert (schema.version, schema.created_at, schema.updated_at) == ("version", "created_at", "updated_at")
    assert schema.stamp("created_at", 60.0) == datetime(1970, 1, 1, 0, 1, tzinfo=UTC)
    assert schema.stamp("updated_at", 60) == 60.0


def test_a_read_of_an_index_has_what_the_index_holds() -> None:
    """The keys are read back into the attributes that made them; the rest has no value, and says so."""
    stored = Order(customer="a#b", number=7, day=DAY, total=3).to_item()
    held = {name: stored[name] for name in ("pk", "sk", "gsi1pk", "gsi1sk")}
    only = Order.__schema__.loaded("by-day")
    order = Order.from_item(held, only=only)
    assert (order.customer, order.number, order.day) == ("a#b", 7, DAY)
    with pytest.raises(NotLoaded, match=r"no total: it was read without it.*read the whole item"):
        _ = order.total
    with pytest.raises(EncodingFailed, match="read the whole item"):
        order.to_item()
    assert repr(order) == "Order(customer='a#b', number=7)"


def test_an_index_that_projects_all_reads_all() -> None:
    """None means: whatever the item has."""
    assert Order.__schema__.loaded("by-total") is None
    assert Order.__schema__.loaded(None) is None
    assert Order.__schema__.loaded("by-shop") == {"customer", "number", "shop", "total"}
    with pytest.raises(InvalidModel, match="no index"):
        Order.__schema__.loaded("by-night")


def test_a_discriminator_tells_kinds_apart() -> None:
    """It is written with each item, and another kind is not read as this one."""

    class Note(Model, table=PEOPLE, discriminator=("kind", "note")):
        id: Attribute[int]
        text: Attribute[str] = attribute(default="")

    class Task(Model, table=PEOPLE, discriminator=("kind", "task")):
        id: Attribute[int]

    assert Note(id=1).to_item()["kind"] == {"S": "note"}
    assert Note.from_item(Note(id=1).to_item()) == Note(id=1)
    with pytest.raises(DecodingFailed, match="no Note"):
        Note.from_item(Task(id=1).to_item())


def test_a_copy_is_made_with_other_values() -> None:
    """By name, or by the changes of an update, which type checkers check."""
    order = Order(customer="ann", number=7)
    assert order.replace(total=5).total == 5
    assert order.changed(Order.total.increment(3), Order.lines.append(["x"])) == order.replace(
        total=3, lines=["x"]
    )
    with pytest.raises(TypeError, match="no attribute totl"):
        order.replace(totl=5)


def declare(
    annotations: dict[str, Any], values: dict[str, Any] | None = None, **arguments: Any
) -> type[Model]:
    body = {
        "__annotations__": {name: Attribute[kind] for name, kind in annotations.items()},
        **(values or {}),
    }
    return type(Model)("Wrong", (Model,), body, **{"table": PEOPLE, **arguments})


KEYS: Any = {"customer": str, "number": int}
TEMPLATES = {"table": ORDERS, "partition": "C#{customer}", "sort": "O#{number}"}

WRONG: dict[str, tuple[Callable[[], object], str]] = {
    "unknown component": (
        lambda: declare(KEYS, **{**TEMPLATES, "sort": "O#{nmber}"}),
        "names nmber, which is no attribute; there are customer, number",
    ),
    "component twice": (lambda: declare(KEYS, **{**TEMPLATES, "sort": "{number}#{number}"}), "twice"),
    "component not alone": (lambda: declare(KEYS, **{**TEMPLATES, "sort": "O{number}"}), "alone"),
    "digits of text": (lambda: declare(KEYS, **{**TEMPLATES, "partition": "{customer:05}"}), "no integer"),
    "digits without zero": (lambda: declare(KEYS, **{**TEMPLATES, "sort": "{number:5}"}), "with its digits"),
    "a $ in a template": (lambda: declare(KEYS, **{**TEMPLATES, "sort": "$#{number}"}), r"leave it out"),
    "missing sort": (
        lambda: declare(KEYS, table=ORDERS, partition="C#{customer}"),
        "says nothing of sk, the sort",
    ),
    "sort of a table without": (lambda: declare({"id": int}, sort="{id}"), "leave sort out"),
    "component that can be None": (
        lambda: declare({**KEYS, "customer": str | None}, **TEMPLATES),
        "take None out of its type",
    ),
    "key that can be None": (lambda: declare({"id": int | None}), "take None out of its type"),
    "component of another kind": (
        lambda: declare({**KEYS, "customer": float}, **TEMPLATES),
        "neither as text nor as an integer",
    ),
    "key of another type": (lambda: declare({"id": str}), "stored as S, but the key id is declared as N"),
    "template for a number": (lambda: declare({"n": int}, partition="{n}"), "declare the key as text"),
    "template and attribute": (
        lambda: declare({**KEYS, "pk": str}, **TEMPLATES),
        "both a template and an attribute for the key pk; keep one",
    ),
    "unknown index": (
        lambda: declare(KEYS, **TEMPLATES, indexes={"by-night": "{customer}"}),
        "no index 'by-night'; it has by-day, by-total, by-shop",
    ),
    "index without its sort key": (
        lambda: declare(KEYS, **TEMPLATES, indexes={"by-day": "DAY#{customer}"}),
        "says nothing of gsi1sk, the sort key of index by-day",
    ),
    "index with a sort key too many": (
        lambda: declare(KEYS, **TEMPLATES, indexes={"by-shop": ("{customer}", "{number}")}),
        "which has none; leave it out",
    ),
    "index key of another type": (
        lambda: declare({**KEYS, "total": str}, **TEMPLATES),
        "make the two the same",
    ),
    "index template and attribute": (
        lambda: declare({**KEYS, "gsi1pk": str}, **TEMPLATES, indexes={"by-day": ("{customer}", "{number}")}),
        "keep one",
    ),
    "mutable default": (
        lambda: declare({"id": int, "tags": list[str]}, {"tags": attribute(default=[])}),
        "default_factory=list",
    ),
    "plain mutable default": (
        lambda: declare({"id": int, "tags": dict[str, str]}, {"tags": {}}),
        "default_factory=dict",
    ),
    "default of another type": (
        lambda: declare({"id": int, "name": str}, {"name": attribute(default=3)}),
        "not of its type",
    ),
    "default None of what is never None": (
        lambda: declare({"id": int, "name": str}, {"name": attribute(default=None)}),
        "not of its type",
    ),
    "default of what can be None": (
        lambda: declare({"id": int, "name": str | None}, {"name": attribute(default="x")}),
        "make the default None",
    ),
    "default of a set": (
        lambda: declare({"id": int, "tags": frozenset[str]}, {"tags": attribute(default=frozenset({"x"}))}),
        "make the default empty",
    ),
    "one stored name": (
        lambda: declare({"id": int, "other": int}, {"other": attribute(stored_name="id")}),
        "another stored_name",
    ),
    "TTL of another type": (
        lambda: declare({**KEYS, "expires_at": datetime}, **TEMPLATES),
        r"stored as a number; make it int, or Annotated\[datetime, EPOCH_SECONDS\]",
    ),
    "version of another type": (
        lambda: declare({"id": int, "version": float}, {"version": version_number()}),
        r"make it Attribute\[int\]",
    ),
    "two versions": (
        lambda: declare({"id": int, "v": int, "w": int}, {"v": version_number(), "w": version_number()}),
        "keep one",
    ),
    "stamp of another type": (
        lambda: declare({"id": int, "at_": str}, {"at_": created_stamp()}),
        "for epoch seconds, without None",
    ),
    "version in the key": (
        lambda: declare({"id": int}, {"id": version_number()}),
        "cannot be part of the key",
    ),
    "reserved name: at": (lambda: declare({"id": int, "at": str}), 'stored_name="at"'),
    "reserved name: replace": (lambda: declare({"id": int, "replace": str}), "would hide"),
    "reserved name: partition": (lambda: declare({"id": int, "partition": str}), "would hide"),
    "private name": (lambda: declare({"id": int, "_x": str}), "would hide"),
    "no form in DynamoDB": (lambda: declare({"id": int, "z": complex}), "has no form"),
    "two types": (lambda: declare({"id": int, "z": int | str}), "one type or None"),
    "discriminator that is an attribute": (
        lambda: declare({"id": int}, discriminator=("id", "x")),
        "give it another name",
    ),
    "no table": (lambda: declare({"id": int}, table=None), "abstract=True"),
}


@pytest.mark.parametrize(("make", "sentence"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_declaration_fails_at_class_definition(make: Callable[[], object], sentence: str) -> None:
    """With a sentence that says how to mend it."""
    with pytest.raises(InvalidModel, match=sentence):
        make()


@pytest.mark.parametrize("number", [-1, 1_000_000], ids=["negative", "too wide"])
def test_a_padded_number_that_breaks_the_order_is_refused(number: int) -> None:
    """Its key would stand in the wrong place."""
    with pytest.raises(EncodingFailed, match="6 digits"):
        Order.at(customer="ann", number=number)


class Letter(Model, table=ORDERS, partition="TO#{to}", sort="{number}"):
    to: Attribute[str]
    number: Attribute[int]

    @key
    def at(self, to: str, number: int) -> None: ...

    @partition_key
    def of(self, to: str) -> None: ...


def test_a_declared_method_makes_keys() -> None:
    """With arguments by place or by name, as its signature has them."""
    expected = {"pk": {"S": "TO#ann"}, "sk": {"S": "7"}}
    assert Letter.at("ann", 7).values == Letter.at(number=7, to="ann").values == expected
    assert Query(Letter, Letter.of("ann")).where == Letter.of(to="ann")
    assert Query(Letter, Letter.of("ann")).where == Query(Letter, Letter.to == "ann").where


@pytest.mark.parametrize(
    ("args", "kwargs"),
    [((), {}), (("ann",), {}), (("ann", 7, 8), {}), (("ann", 7), {"to": "bob"}), (("ann",), {"nmber": 7})],
    ids=["none", "few", "many", "twice", "unknown"],
)
def test_a_declared_method_takes_what_it_declares(args: Any, kwargs: Any) -> None:
    """And raises what Python raises for any function."""
    with pytest.raises(TypeError):
        Letter.at(*args, **kwargs)


def test_a_method_that_is_not_of_the_key_is_refused() -> None:
    """At class definition, with the signature that it should have."""
    with pytest.raises(InvalidModel, match=r"def at\(self, to: str, number: int\) -> None"):

        class Few(Letter):
            @key
            def at(self, to: str) -> None: ...  # type: ignore[override]

    with pytest.raises(InvalidModel, match=r"def of\(self, to: str\) -> None"):

        class Other(Letter):
            @partition_key
            def of(self, to: int) -> None: ...


def test_a_component_is_of_its_attributes_type() -> None:
    """`"7"` is not the number 7, although both would make the same key."""
    with pytest.raises(EncodingFailed, match="number"):
        Order.at(customer="ann", number="7")
