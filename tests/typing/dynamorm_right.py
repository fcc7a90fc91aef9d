"""Uses of DynamORM that type checkers accept; each `reveal` line names the type that they see."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import assert_type

import msgspec

from streamer.dynamorm import (
    Attribute,
    Condition,
    ConditionFailed,
    Create,
    Database,
    Delete,
    Key,
    KeyAttribute,
    Kinds,
    Model,
    Put,
    Query,
    Returns,
    Scan,
    Table,
    Update,
    UpdateAction,
    attribute,
    created_stamp,
    key,
    partition_key,
    version_number,
)

TABLE = Table("orders", KeyAttribute("pk"), KeyAttribute("sk"))


class Status(StrEnum):
    OPEN = "open"


@dataclass(frozen=True)
class Address:
    city: str
    tags: tuple[str, ...] = ()


class Wire(msgspec.Struct, frozen=True):
    x: int


class Order(Model, table=TABLE, partition="CUSTOMER#{customer}", sort="ORDER#{number}"):
    customer: Attribute[str]
    number: Attribute[int]
    total: Attribute[int] = attribute(default=0)
    limit: Attribute[int | None] = attribute(default=None)
    share: Attribute[float] = attribute(default=0.5)
    price: Attribute[Decimal | None] = attribute(default=None)
    status: Attribute[Status] = attribute(default=Status.OPEN)
    tags: Attribute[list[str]] = attribute(default_factory=list)
    names: Attribute[frozenset[str]] = attribute(default=frozenset())
    labels: Attribute[Mapping[str, int]] = attribute(default_factory=dict)
    address: Attribute[Address | None] = attribute(default=None)
    lines: Attribute[Sequence[Address]] = attribute(default=())
    wire: Attribute[Wire | None] = attribute(default=None)
    version: Attribute[int] = version_number()
    created_at: Attribute[datetime] = created_stamp()

    @key
    def at(self, customer: str, number: int) -> None: ...

    @partition_key
    def of_customer(self, customer: str) -> None: ...


class Owned(Model, table=TABLE, partition="CUSTOMER#{customer}", abstract=True):
    customer: Attribute[str]


class Note(Owned, sort="NOTE"):
    text: Attribute[str] = attribute(default="")

    @key
    def at(self, customer: str) -> None: ...


order = Order(customer="ann", number=7, tags=["x"], address=None)
assert_type(order.total, int)
assert_type(order.limit, int | None)
assert_type(order.address, Address | None)
assert_type(order.version, int)
assert_type(order.created_at, datetime)
assert_type(Order.total, Attribute[int])
assert_type(order.replace(total=3), Order)
assert_type(order.changed(Order.total.set(3)), Order)
assert_type(Note.customer, Attribute[str])
assert_type(Note(customer="ann").customer, str)
assert_type(Order.at("ann", 7), Key[Order])
assert_type(Order.at(customer="ann", number=7), Key[Order])
assert_type(Key.of(order), Key[Order])
assert_type(Order.of_customer("ann"), Condition)

conditions: list[Condition] = [
    Order.total == 1,
    Order.total == Order.limit,
    Order.limit == Order.total,
    Order.status == Status.OPEN,
    Order.status.is_in([Status.OPEN]),
    Order.share > 3,
    Order.price >= Decimal(3),
    Order.total.between(1, Order.limit),
    Order.tags.size() > 3,
    Order.customer.begins_with("x"),
    Order.customer.contains("x"),
    Order.names.contains("x"),
    Order.tags.contains("x"),
    Order.tags[0] == "x",
    Order.labels["k"] < 3,
    Order.address.path(lambda address: address.city) == "x",
    Order.address.path(lambda address: address.tags[0]).begins_with("x"),
    Order.lines[0].path(lambda line: line.city).exists(),
    Order.address.city == "x",
    Order.lines[0].city.exists(),
    Order.wire.x == 3,
    Order.customer.has_type("S"),
    ~(Order.total.exists() & Order.limit.does_not_exist() | Order.of_customer("ann")),
]

actions: list[UpdateAction] = [
    Order.total.set(3),
    Order.limit.set(None),
    Order.limit.set(Order.total),
    Order.total.set(Order.total + 3),
    Order.total.set(Order.total - Order.limit),
    Order.total.set(Order.total.or_else(0)),
    Order.total.set_if_absent(3),
    Order.total.increment(),
    Order.limit.decrement(3),
    Order.share.increment(0.5),
    Order.price.increment(Decimal(1)),
    Order.tags.append(["x"]),
    Order.tags.prepend(["x"]),
    Order.tags[0].remove(),
    Order.names.add(frozenset({"x"})),
    Order.names.discard(frozenset({"x"})),
    Order.labels["k"].increment(),
    Order.address.path(lambda address: address.city).set("x"),
    Order.address.city.set("x"),
]


def operations(database: Database) -> None:
    """What comes back is of the model that was asked for."""
    assert_type(database.get(Order.at("ann", 7)), Order)
    assert_type(database.find(Order.at("ann", 7)), Order | None)
    assert_type(database.update(Order.at("ann", 7), Order.total.increment()), Order)
    assert_type([*database.query(Query(Order, Order.customer == "ann"))], list[Order])
    assert_type([*database.scan(Scan(Order))], list[Order])
    assert_type(database.page(Query(Order, Order.customer == "ann"), size=3).items, list[Order])
    assert_type(database.batch_get([Order.at("ann", 7)]), list[Order | None])
    kinds = Kinds[Order | Note](Order, Note)
    assert_type([*database.query(Query(kinds, Order.customer == "ann"))], list[Order | Note])
    database.transact(
        Put(order, Order.total == 1),
        Create(order),
        Update(Key.of(order), (Order.total.increment(),)),
        Delete(Note.at("ann")),
    )


class Total(Model, table=TABLE, partition="CUSTOMER#{customer}", sort="ORDER#{number}"):
    """An order, seen from afar."""

    customer: Attribute[str]
    number: Attribute[int]
    total: Attribute[int] = attribute(default=0)


def answers(database: Database) -> None:
    """A write answers with what it was asked for."""
    at = Order.at("ann", 7)
    assert_type(database.create(order), Order)
    assert_type(database.put(order), Order)
    assert_type(database.put(order, returns=Returns.OLD), Order | None)
    assert_type(database.update(order, Order.total.set(3), returns=Returns.NEW), Order)
    assert_type(database.update(at, Order.total.set(3), returns=Returns.OLD), Order | None)
    assert_type(database.delete(order, returns=Returns.OLD), Order | None)
    assert_type(database.transact_get(at, at), list[Order | None])
    assert_type(database.get(at, projection=Total), Total)
    assert_type(database.find(at, projection=Total), Total | None)
    totals = Query(Order, Order.customer == "ann").projected(Total)
    assert_type([*database.query(totals)], list[Total])
    assert_type(database.count(totals), int)
    database.batch_write([Put(order), Delete(at)])
    try:
        database.create(order)
    except ConditionFailed as error:
        assert_type(error.item_as(Order), Order | None)
