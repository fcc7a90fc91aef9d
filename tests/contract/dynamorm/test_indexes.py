"""Queries of keys and indexes that templates write, on every implementation of the seam."""

from datetime import date
from typing import Any

import pytest

from streamer.dynamorm import (
    Attribute,
    Condition,
    Database,
    Index,
    KeyAttribute,
    KeyType,
    Kinds,
    Model,
    NotLoaded,
    Projection,
    Put,
    Query,
    Scan,
    Table,
    attribute,
    key,
)

SHOP = Table(
    "shop",
    KeyAttribute("pk"),
    KeyAttribute("sk"),
    indexes=(
        Index("by-day", KeyAttribute("gsi1pk"), KeyAttribute("gsi1sk")),
        Index("by-total", KeyAttribute("customer"), KeyAttribute("total", KeyType.NUMBER)),
        Index("keys-by-shop", KeyAttribute("shop"), projection=Projection.KEYS_ONLY),
        Index("some-by-note", KeyAttribute("note"), projection=("total",)),
    ),
)

TABLES = (SHOP,)


class Order(
    Model,
    table=SHOP,
    partition="CUSTOMER#{customer}",
    sort="ORDER#{year}#{number:06}",
    indexes={"by-day": ("DAY#{day}", "{customer}#{number:06}")},
):
    customer: Attribute[str]
    year: Attribute[str]
    number: Attribute[int]
    day: Attribute[date | None] = attribute(default=None)
    total: Attribute[int] = attribute(default=0)
    shop: Attribute[str | None] = attribute(default=None)
    note: Attribute[str | None] = attribute(default=None)
    paid: Attribute[bool] = attribute(default=False)

    @key
    def at(self, customer: str, year: str, number: int) -> None: ...


class Profile(Model, table=SHOP, partition="CUSTOMER#{customer}", sort="PROFILE"):
    customer: Attribute[str]
    name: Attribute[str]


DAY = date(2025, 1, 2)
ANN = Order.customer == "ann"
ORDERS = [
    Order(customer="ann", year=year, number=number, total=number % 7, shop="s", note="n", day=DAY)
    for year in ("2024", "2025")
    for number in (1, 2, 9, 10, 100)
]
PROFILE = Profile(customer="ann", name="Ann")


@pytest.fixture
def shop(database: Database) -> Database:
    """Ten orders, and the profile of their customer."""
    database.batch_write(
        [Put(item) for item in [*ORDERS, PROFILE, Order(customer="a#n", year="x", number=1)]]
    )
    return database


RANGES: dict[str, tuple[Condition, list[int]]] = {
    "all": (Order.year == "2025", [1, 2, 9, 10, 100]),
    "at least": ((Order.year == "2025") & (Order.number >= 9), [9, 10, 100]),
    "more than": ((Order.year == "2025") & (Order.number > 9), [10, 100]),
    "at most": ((Order.year == "2025") & (Order.number <= 9), [1, 2, 9]),
    "between": ((Order.year == "2025") & Order.number.between(2, 10), [2, 9, 10]),
    "one": ((Order.year == "2025") & (Order.number == 9), [9]),
    "prefix": (Order.year.begins_with("2025"), [1, 2, 9, 10, 100]),
    "total": (Order.total > 2, [10, 10]),
}


@pytest.mark.parametrize(("condition", "numbers"), RANGES.values(), ids=RANGES.keys())
def test_a_range_of_a_template_is_one_of_its_values(
    shop: Database, condition: Condition, numbers: list[int]
) -> None:
    """In the order of the values, and without other kinds of item in the partition."""
    found = [*shop.query(Query(Order, ANN & condition))]
    assert [order.number for order in found] == numbers
    assert set(map(type, found)) == {Order}


def test_an_index_with_templates(shop: Database) -> None:
    """It has the items that have its components, in the order of its sort key; an update moves them."""
    query = Query(Order, (Order.day == DAY) & ANN)
    assert query.index == "by-day"
    assert [order.number for order in shop.query(query)] == [1, 1, 2, 2, 9, 9, 10, 10, 100, 100]
    shop.update(Order.at("ann", "2025", 9), Order.day.set(None))
    shop.update(Order.at("ann", "2025", 10), Order.day.set(date(2025, 3, 3)))
    assert [order.number for order in shop.query(query)] == [1, 1, 2, 2, 9, 10, 100, 100]
    assert [o.number for o in shop.query(Query(Order, Order.day == date(2025, 3, 3)))] == [10]


def test_a_projected_index_says_what_it_lacks(shop: Database) -> None:
    """The keys are read back into their attributes; what is not projected has no value."""
    first = next(shop.query(Query(Order, Order.shop == "s")))
    assert (first.customer, first.shop) == ("ann", "s")
    with pytest.raises(NotLoaded, match="paid"):
        _ = first.paid
    second = next(shop.query(Query(Order, Order.note == "n")))
    assert (second.customer, second.note, second.total) == ("ann", "n", second.number % 7)
    with pytest.raises(NotLoaded, match="shop"):
        _ = second.shop
    assert shop.get(Order.at(first.customer, first.year, first.number)).paid is False


def test_kinds_of_one_partition(shop: Database) -> None:
    """Each item as the model that it is of."""
    kinds: Kinds[Any] = Kinds[Order | Profile](Order, Profile)
    assert [*shop.query(Query(kinds, ANN))] == [*ORDERS, PROFILE]
    assert len([*shop.scan(Scan(kinds))]) == 12
    assert [*shop.scan(Scan(Profile))] == [PROFILE]
