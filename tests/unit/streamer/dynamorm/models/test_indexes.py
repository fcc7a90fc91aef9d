"""Which key a query uses, what it asks, and what an update means for the keys of indexes."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.dynamorm import (
    Attribute,
    Condition,
    Database,
    DecodingFailed,
    Index,
    InvalidModel,
    KeyAttribute,
    KeyType,
    Kinds,
    Model,
    Projection,
    Put,
    Query,
    Scan,
    Table,
    Update,
    UpdateAction,
    attribute,
    created_stamp,
    partition_key,
)
from streamer.dynamorm.memory import MemoryDynamoDB

SHOP = Table(
    "shop",
    KeyAttribute("pk"),
    KeyAttribute("sk"),
    indexes=(
        Index("by-day", KeyAttribute("gsi1pk"), KeyAttribute("gsi1sk")),
        Index("by-total", KeyAttribute("customer"), KeyAttribute("total", KeyType.NUMBER)),
        Index("by-customer", KeyAttribute("customer"), KeyAttribute("shop")),
        Index("by-shop", KeyAttribute("shop"), projection=Projection.KEYS_ONLY),
    ),
)


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
    shop: Attribute[str] = attribute(default="x")
    note: Attribute[str | None] = attribute(default=None)

    @partition_key
    def of_customer(self, customer: str) -> None: ...


class Profile(Model, table=SHOP, partition="CUSTOMER#{customer}", sort="PROFILE"):
    customer: Attribute[str]
    name: Attribute[str] = attribute(default="")


DAY = date(2025, 1, 2)
ANN = Order.customer == "ann"

QUERIES: Mapping[str, tuple[list[Condition], str | None, str]] = {
    "partition": ([ANN], None, "pk = 'CUSTOMER#ann' AND begins_with(sk, 'ORDER#')"),
    "leading component": (
        [ANN, Order.year == "2025"],
        None,
        "pk = 'CUSTOMER#ann' AND begins_with(sk, 'ORDER#2025#')",
    ),
    "whole key": (
        [ANN, Order.year == "2025", Order.number == 7],
        None,
        "pk = 'CUSTOMER#ann' AND sk = 'ORDER#2025#000007'",
    ),
    "prefix of a component": (
        [ANN, Order.year.begins_with("20")],
        None,
        "pk = 'CUSTOMER#ann' AND begins_with(sk, 'ORDER#20')",
    ),
    "at least": (
        [ANN, Order.year == "2025", Order.number >= 7],
        None,
        "pk = 'CUSTOMER#ann' AND sk BETWEEN 'ORDER#2025#000007' AND 'ORDER#2025$'",
    ),
    "more than": (
        [ANN, Order.year == "2025", Order.number > 7],
        None,
        "pk = 'CUSTOMER#ann' AND sk BETWEEN 'ORDER#2025#000007\\x00' AND 'ORDER#2025$'",
    ),
    "at most": (
        [ANN, Order.year == "2025", Order.number <= 7],
        None,
        "pk = 'CUSTOMER#ann' AND sk BETWEEN 'ORDER#2025#' AND 'ORDER#2025#000007'",
    ),
    "between": (
        [ANN, Order.year == "2025", Order.number.between(1, 7)],
        None,
        "pk = 'CUSTOMER#ann' AND sk BETWEEN 'ORDER#2025#000001' AND 'ORDER#2025#000007'",
    ),
    "index": (
        [Order.day == DAY, ANN],
        "by-day",
        "gsi1pk = 'DAY#2025-01-02' AND begins_with(gsi1sk, 'ann#')",
    ),
    "index of attributes": ([ANN, Order.total > 5], "by-total", "customer = 'ann' AND total > 5"),
    "another index": ([ANN, Order.shop == "x"], "by-customer", "customer = 'ann' AND shop = 'x'"),
    "partition of an index": ([Order.shop == "x"], "by-shop", "shop = 'x'"),
}


@pytest.mark.parametrize(("conditions", "index", "text"), QUERIES.values(), ids=QUERIES.keys())
def test_the_key_follows_from_the_conditions(
    conditions: list[Condition], index: str | None, text: str
) -> None:
    """Whatever their order: the table if its key takes them all, else the one index whose key does."""
    for ordered in permutations(conditions):
        where = ordered[0]
        for condition in ordered[1:]:
            where &= condition
        query = Query(Order, where)
        assert query.index == index
        assert query.explain().expressions["KeyConditionExpression"] == text


def test_a_named_index_is_used() -> None:
    """Although the table would take the query too."""
    query = Query(Order, ANN, index="by-total")
    assert query.explain().expressions["KeyConditionExpression"] == "customer = 'ann'"


def test_explain_shows_the_request() -> None:
    """Names and values in their places, nothing sent."""
    query = Query(Order, ANN & (Order.total > 5), filter=Order.note.contains("x"), descending=True, limit=3)
    assert str(query.explain()) == (
        "Query of shop, index by-total\n"
        "  KeyConditionExpression: customer = 'ann' AND total > 5\n"
        "  FilterExpression: contains(note, 'x')\n"
        "  ScanIndexForward: False"
    )
    assert query.explain().request == query.encode("shop")


REFUSED: Mapping[str, tuple[Callable[[], object], str]] = {
    "no partition": (
        lambda: Query(Order, Order.number == 7),
        "table shop needs customer == value; index by-day needs day == value",
    ),
    "a gap": (lambda: Query(Order, ANN & (Order.number == 7)), "table shop does not take number"),
    "a range that ends no key": (lambda: Query(Order, ANN & (Order.year > "2")), "does not end the key"),
    "less than, in a template": (
        lambda: Query(Order, ANN & (Order.year == "2025") & (Order.number < 7)),
        "use <= or between",
    ),
    "no key at all": (lambda: Query(Order, ANN & (Order.note == "x")), "does not take note"),
    "or": (lambda: Query(Order, ANN | (Order.note == "x")), r"not \|; say the rest in filter"),
    "not": (lambda: Query(Order, ~ANN), "not ~; say the rest in filter"),
    "unequal": (lambda: Query(Order, ANN & (Order.year != "x")), "not !=; say the rest in filter"),
    "attributes": (lambda: Query(Order, ANN & (Order.year == Order.note)), "say the rest in filter"),
    "a component beside its key as a whole": (
        lambda: Query(Order, Order.of_customer("ann") & (Order.year == "2025")),
        "does not take year beside pk and sk as a whole; compare customer and year and number instead",
    ),
    "twice": (lambda: Query(Order, ANN & (Order.total > 1) & (Order.total < 3)), "between"),
    "consistent": (
        lambda: Query(Order, ANN & (Order.total > 5), consistent=True),
        "table shop does not take total",
    ),
    "an index that does not take it": (
        lambda: Query(Order, ANN, index="by-day"),
        "index by-day needs day == value",
    ),
    "unknown index": (lambda: Query(Order, ANN, index="by-night"), "no index"),
    "filter on the sort key": (
        lambda: Query(Order, ANN, filter=Order.year == "2025"),
        "key condition of table shop; say it in where",
    ),
    "filter on an index's key": (
        lambda: Query(Order, ANN, filter=Order.total > 5),
        "key condition of index by-total; say it in where, with index='by-total'",
    ),
    "filter on a key of the index that is read": (
        lambda: Query(Order, ANN, index="by-total", filter=Order.total > 5),
        "DynamoDB does not filter by",
    ),
    "scan of a partition": (
        lambda: Scan(Order, filter=(Order.note == "x") & ANN),
        "query it, with customer in where",
    ),
    "scan of an index's partition": (
        lambda: Scan(Order, filter=Order.day == DAY),
        "query it, with day in where, with index='by-day'",
    ),
    "update of the key": (lambda: Update(KEY, (Order.year.set("x"),)), "does not change"),
    "update of half an index key": (
        lambda: Update(KEY, (Order.day.set(Order.day),)),
        "sets all of them to values",
    ),
}

KEY = Order.at(customer="ann", year="2025", number=7)


@pytest.mark.parametrize(("make", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_what_no_key_does_is_refused(make: Callable[[], object], sentence: str) -> None:
    """With the keys that there are, and what they need."""
    with pytest.raises(InvalidModel, match=sentence):
        make()


def test_several_indexes_that_take_a_query_are_named() -> None:
    """Neither is better, so the query says which."""

    class Both(Model, table=SHOP, partition="BOTH#{number}", sort="BOTH"):
        number: Attribute[str]
        customer: Attribute[str] = attribute(default="ann")
        total: Attribute[int] = attribute(default=0)
        shop: Attribute[str] = attribute(default="x")

    with pytest.raises(InvalidModel, match="Indexes by-total, by-customer of Both all take this query"):
        Query(Both, Both.customer == "ann")
    assert Query(Both, Both.customer == "ann", index="by-total").index == "by-total"


def test_a_filter_that_no_key_does_is_a_filter() -> None:
    """Also where it compares sizes, parts, or several things."""
    kept = (Order.note == "x") | (Order.total > 5)
    assert Query(Order, ANN, filter=kept).filter == kept
    assert Query(Order, ANN, filter=Order.total > 5, consistent=True).index is None
    assert Scan(Order, filter=Order.total > 5).filter == (Order.total > 5)


def test_a_range_of_numbers_needs_their_width() -> None:
    """ "10" comes before "9": a range of such keys is none."""

    class Loose(Model, table=SHOP, partition="LOOSE", sort="LOOSE#{number}"):
        number: Attribute[int]

    with pytest.raises(InvalidModel, match=r"\{number:012\}"):
        Query(Loose, Loose.number > 3)


COMPONENT = st.text(alphabet=st.characters(exclude_categories=["Cs"]) | st.sampled_from('#$%"&'), min_size=1)


class Text(Model, table=SHOP, partition="TEXT", sort="TEXT#{name}"):
    name: Attribute[str]


class Neighbour(Model, table=SHOP, partition="TEXT", sort="TEXU"):
    name: Attribute[str] = attribute(default="x")


@given(names=st.sets(COMPONENT, max_size=8), bound=COMPONENT, high=COMPONENT)
def test_a_range_finds_what_is_in_it(names: set[str], bound: str, high: str) -> None:
    """And nothing else, whatever the texts: components keep their order in a key."""
    database = Database(MemoryDynamoDB())
    database.write(Put(Neighbour()))
    for name in names:
        database.write(Put(Text(name=name)))

    def found(condition: Condition) -> list[str]:
        return [text.name for text in database.query(Query(Text, condition))]

    def expected(test: Callable[[bytes], bool]) -> list[str]:
        return sorted((name for name in names if test(name.encode())), key=str.encode)

    assert found(Text.name >= bound) == expected(lambda name: name >= bound.encode())
    assert found(Text.name > bound) == expected(lambda name: name > bound.encode())
    assert found(Text.name <= bound) == expected(lambda name: name <= bound.encode())
    assert found(Text.name == bound) == expected(lambda name: name == bound.encode())
    assert found(Text.name.begins_with(bound)) == expected(lambda name: name.startswith(bound.encode()))
    if bound <= high:
        between = expected(lambda name: bound.encode() <= name <= high.encode())
        assert found(Text.name.between(bound, high)) == between


UPDATES: Mapping[str, tuple[tuple[UpdateAction, ...], Any]] = {
    "set": ((Order.day.set(DAY),), {"S": "DAY#2025-01-02"}),
    "gone": ((Order.day.set(None),), None),
    "removed": ((Order.day.remove(),), None),
    "if absent": ((Order.day.set_if_absent(DAY),), {"S": "DAY#1999-09-09"}),
    "another attribute": ((Order.note.set("x"),), {"S": "DAY#1999-09-09"}),
}


@pytest.mark.parametrize(("actions", "after"), UPDATES.values(), ids=UPDATES.keys())
def test_an_update_keeps_the_keys_of_indexes(actions: tuple[UpdateAction, ...], after: Any) -> None:
    """An attribute that an index's key is made of changes together with that key."""
    engine = MemoryDynamoDB()
    database = Database(engine)
    database.write(Put(Order(customer="ann", year="2025", number=7, day=date(1999, 9, 9))))
    database.update(KEY, *actions)
    (order,) = database.query(Query(Order, ANN))
    stored = order.to_item()
    assert stored.get("gsi1pk") == after
    found = [*database.query(Query(Order, Order.day == order.day))] if order.day else []
    assert found == ([order] if order.day else [])


def test_a_key_of_the_time_of_creation_is_kept_with_it() -> None:
    """A put of an item that doesn't know when it was created changes neither."""

    class Event(
        Model, table=SHOP, partition="EVENT#{id}", sort="EVENT", indexes={"by-day": ("ALL", "{at_}")}
    ):
        id: Attribute[str]
        note: Attribute[str] = attribute(default="")
        at_: Attribute[datetime] = created_stamp()

    clock = iter([60.0, 120.0])
    database = Database(MemoryDynamoDB(), now=lambda: next(clock, 180.0))
    database.write(Put(Event(id="1")))
    database.write(Put(Event(id="1", note="again")))
    (event,) = database.query(
        Query(Event, Event.at_ < datetime(1970, 1, 1, 0, 1, 30, tzinfo=UTC), index="by-day")
    )
    assert (event.note, event.at_) == ("again", datetime(1970, 1, 1, 0, 1, tzinfo=UTC))


def test_an_update_that_makes_an_item_may_say_what_its_key_says() -> None:
    """The attributes that the key is made of; an item without them is read from its key."""
    database = Database(MemoryDynamoDB())
    expected = Order(customer="ann", year="2025", number=7, total=1)
    assert database.update(KEY, Order.total.increment(1)) == expected
    assert database.update(KEY, Order.customer.set("ann")) == expected


def test_a_projected_index_is_read_for_what_it_has() -> None:
    """The rest of the item has no value, and says so."""
    database = Database(MemoryDynamoDB())
    database.write(Put(Order(customer="ann", year="2025", number=7, total=3)))
    (order,) = database.query(Query(Order, Order.shop == "x"))
    assert (order.customer, order.year, order.number, order.shop) == ("ann", "2025", 7, "x")
    assert not hasattr(order, "total")


def test_kinds_are_read_as_what_they_are() -> None:
    """The items of one partition, each as its model, in the order of their keys."""
    database = Database(MemoryDynamoDB())
    order, profile = Order(customer="ann", year="2025", number=7), Profile(customer="ann", name="Ann")
    database.write(Put(profile))
    database.write(Put(order))
    kinds = Kinds[Order | Profile](Order, Profile)
    assert [*database.query(Query(kinds, ANN))] == [order, profile]
    assert [*database.scan(Scan(kinds))] == [order, profile]
    assert [*database.query(Query(Profile, Profile.customer == "ann"))] == [profile]
    assert kinds.find_model({"pk": {"S": "CUSTOMER#ann"}, "sk": {"S": "OTHER"}}) is None
    with pytest.raises(DecodingFailed, match="The item is no Order"):
        kinds.from_item({"pk": {"S": "x"}, "sk": {"S": "y"}})


def test_the_kind_with_more_constant_text_is_meant() -> None:
    """`PROFILE` is also a `{name}`; a discriminator comes before either."""

    class Setting(Model, table=SHOP, partition="CUSTOMER#{customer}", sort="{name}"):
        customer: Attribute[str]
        name: Attribute[str]

    kinds = Kinds[Setting | Profile](Setting, Profile)
    assert kinds.find_model(Profile(customer="ann").to_item()) is Profile
    assert kinds.find_model(Setting(customer="ann", name="theme").to_item()) is Setting


def test_kinds_that_nothing_tells_apart_are_refused() -> None:
    """At once, not when the wrong one is read."""

    class Twin(Model, table=SHOP, partition="CUSTOMER#{customer}", sort="PROFILE"):
        customer: Attribute[str]

    class Other(Model, table=Table("other", KeyAttribute("id"))):
        id: Attribute[str]

    with pytest.raises(InvalidModel, match="Nothing tells"):
        Kinds(Profile, Twin)
    with pytest.raises(InvalidModel, match="several tables"):
        Kinds[Profile | Other](Profile, Other)


def test_a_discriminator_filters_a_query() -> None:
    """Where the keys of two kinds are alike."""

    class Note(Model, table=SHOP, partition="P#{owner}", sort="{id}", discriminator=("kind", "note")):
        owner: Attribute[str]
        id: Attribute[str]

    class Task(Note, discriminator=("kind", "task")):
        due: Attribute[str] = attribute(default="")

    class Sold(Order, discriminator=("kind", "sold")):
        pass

    with pytest.raises(InvalidModel, match="let it project kind"):
        Query(Sold, Sold.shop == "x")
    with pytest.raises(InvalidModel, match="let it project kind"):
        Scan(Sold, index="by-shop")

    database = Database(MemoryDynamoDB())
    database.write(Put(Note(owner="ann", id="1")))
    database.write(Put(Task(owner="ann", id="2")))
    assert [*database.query(Query(Note, Note.owner == "ann"))] == [Note(owner="ann", id="1")]
    assert [*database.scan(Scan(Task))] == [Task(owner="ann", id="2")]
    kinds = Kinds[Note | Task](Note, Task)
    assert [type(item) for item in database.query(Query(kinds, Note.owner == "ann"))] == [Note, Task]
