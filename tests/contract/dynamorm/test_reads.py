"""Queries, scans, counts and pages, on every implementation of the seam."""

import json
import random
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import pytest

from streamer.dynamorm import (
    Attribute,
    Database,
    DecodingFailed,
    Engine,
    Index,
    InvalidCursor,
    InvalidModel,
    InvalidRequest,
    KeyAttribute,
    KeyType,
    Model,
    NotLoaded,
    Projection,
    Put,
    Query,
    Scan,
    Table,
    attribute,
)

THINGS = Table(
    "things",
    KeyAttribute("pk"),
    KeyAttribute("sk"),
    indexes=(
        Index("due-index", KeyAttribute("due"), KeyAttribute("due_at", KeyType.NUMBER)),
        Index("keys-index", KeyAttribute("due"), projection=Projection.KEYS_ONLY),
        Index("count-index", KeyAttribute("due"), projection=("owner", "number", "count")),
        Index("expiry-index", KeyAttribute("due"), KeyAttribute("expires_at", KeyType.NUMBER)),
    ),
    ttl_attribute="expires_at",
)

TABLES = (THINGS,)


class Thing(Model, table=THINGS, partition="THING#{owner}", sort="NUMBER#{number}"):
    owner: Attribute[str]
    number: Attribute[str]
    count: Attribute[int | None] = attribute(default=None)
    due: Attribute[str | None] = attribute(default=None)
    due_at: Attribute[float | None] = attribute(default=None)
    text: Attribute[str | None] = attribute(default=None)
    expires_at: Attribute[int | None] = attribute(default=None)


class Glance(Model, table=THINGS, partition="THING#{owner}", sort="NUMBER#{number}"):
    owner: Attribute[str]
    number: Attribute[str]
    count: Attribute[int | None] = attribute(default=None)


class Note(Model, table=THINGS, partition="THING#{owner}", sort="NOTE"):
    """Another kind of item in the same partitions."""

    owner: Attribute[str]
    text: Attribute[str]


OF_ANN = Thing.partition(owner="ann")


@pytest.fixture
def ten(database: Database) -> list[Thing]:
    """Ten things of one owner, and one of another whose name begins alike."""
    things = [
        Thing(owner="ann", number=f"{n:02}", count=n, due="DUE" if n % 2 else None, due_at=100.0 - n)
        for n in range(10)
    ]
    for thing in things:
        database.write(Put(thing))
    database.write(Put(Thing(owner="ann#2", number="00")))
    return things


def query(database: Database, **arguments: Any) -> list[Any]:
    where = arguments.pop("where", None)
    condition = Thing.partition(owner="ann")
    return [*database.query(Query(Thing, condition if where is None else where, **arguments))]


def test_a_query_reads_one_partition_in_order(database: Database, ten: list[Thing]) -> None:
    """In the order of the sort key, either way."""
    assert query(database, consistent=True) == ten
    assert query(database, descending=True) == ten[::-1]


def test_a_query_stops_at_its_limit(database: Database, ten: list[Thing]) -> None:
    """The limit counts what is returned, also beside a filter."""
    assert query(database, limit=3) == ten[:3]
    assert query(database, limit=3, filter=Thing.count >= 5) == ten[5:8]


def test_a_query_goes_on_behind_a_key(engine: Engine, ten: list[Thing]) -> None:
    """A page says where the next begins, until the last."""
    where = Thing.partition(owner="ann")
    first = engine.query(Query(Thing, where, limit=4))
    assert first.after == Thing.at(owner="ann", number="03").values
    rest = engine.query(Query(Thing, where, after=first.after))
    assert [Thing.from_item(item) for item in (*first.items, *rest.items)] == ten
    back = engine.query(Query(Thing, where, after=first.after, descending=True))
    assert [Thing.from_item(item) for item in back.items] == ten[2::-1]


def test_a_query_of_a_sparse_index(database: Database, ten: list[Thing]) -> None:
    """Only items with the index's keys are in it, ordered as numbers."""
    due = Thing.due == "DUE"
    assert query(database, where=due, index="due-index") == ten[9::-2]
    some = due & (Thing.due_at <= 97.0)
    assert query(database, where=some, index="due-index", limit=2) == [ten[9], ten[7]]
    assert query(database, where=due & Thing.due_at.between(95.0, 97.0), index="due-index") == [
        ten[5],
        ten[3],
    ]


def test_a_query_reads_its_model_only(database: Database, ten: list[Thing]) -> None:
    """Also where a partition holds other kinds of items."""
    database.put(Note(owner="ann", text="x"))
    assert query(database) == ten
    assert [*database.query(Query(Note, Note.partition(owner="ann")))] == [Note(owner="ann", text="x")]


def test_a_projected_query(database: Database, engine: Engine, ten: list[Thing]) -> None:
    """Only the smaller model's attributes are read, from the table and from an index."""
    glances = [Glance(owner="ann", number=thing.number, count=thing.count) for thing in ten]
    projected = Query(Thing, OF_ANN, filter=Thing.due == "DUE").projected(Glance)
    assert [*database.query(projected)] == glances[1::2]
    assert engine.query(projected).items[0].keys() == {"pk", "sk", "owner", "number", "count"}
    indexed = Query(Thing, Thing.due == "DUE", index="due-index").projected(Glance)
    assert [*database.query(indexed)] == glances[9::-2]


def test_an_index_holds_what_it_projects(engine: Engine, ten: list[Thing]) -> None:
    """The keys of the index and of the table, and the names of the projection."""
    keys = engine.query(Query(Thing, Thing.due == "DUE", index="keys-index")).items
    assert [item.keys() for item in keys] == [{"pk", "sk", "due"}] * 5
    some = engine.query(Query(Thing, Thing.due == "DUE", index="count-index")).items
    assert [item.keys() for item in some] == [{"pk", "sk", "due", "owner", "number", "count"}] * 5


def test_what_an_index_lacks_is_not_loaded(database: Database, ten: list[Thing]) -> None:
    """Its items are partial: what they have is there, and the rest says that it was not read."""
    found = [*database.query(Query(Thing, Thing.due == "DUE", index="keys-index"))]
    assert {(thing.owner, thing.due) for thing in found} == {("ann", "DUE")}
    with pytest.raises(NotLoaded):
        found[0].text  # noqa: B018
    page = database.page(Query(Thing, Thing.due == "DUE", index="count-index"), size=2)
    assert all(thing.count in (1, 3, 5, 7, 9) for thing in page.items)
    with pytest.raises(NotLoaded):
        page.items[0].text  # noqa: B018


class Strict(Model, table=THINGS, partition="THING#{owner}", sort="NUMBER#{number}"):
    """A later version of the model, which needs a text."""

    owner: Attribute[str]
    number: Attribute[str]
    text: Attribute[str]


def test_an_item_that_does_not_fit(database: Database, ten: list[Thing]) -> None:
    """It ends the iteration, or is told of and passed over."""
    database.put(ten[3].replace(text="x"))
    request = Query(Strict, Strict.partition(owner="ann"))
    with pytest.raises(DecodingFailed, match="text"):
        [*database.query(request)]
    unreadable: list[Any] = []
    found = database.query(request, on_unreadable=lambda item, _: unreadable.append(item))
    assert [thing.number for thing in found] == ["03"]
    assert len(unreadable) == 9


def number(thing: Any) -> str:
    return thing.number  # type: ignore[no-any-return]


def test_a_scan_reads_its_model_only(database: Database, ten: list[Thing]) -> None:
    """All items of the kind, whatever their partition, and no others."""
    database.put(Note(owner="ann", text="x"))
    other = Thing(owner="ann#2", number="00")
    found = [*database.scan(Scan(Thing, consistent=True))]
    assert sorted(found, key=lambda thing: (thing.owner, thing.number)) == [*ten, other]
    assert [*database.scan(Scan(Note))] == [Note(owner="ann", text="x")]
    glances = [*database.scan(Scan(Thing, filter=Thing.count == 3).projected(Glance))]
    assert glances == [Glance(owner="ann", number="03", count=3)]


def test_a_scan_filters_and_stops(database: Database, ten: list[Thing]) -> None:
    """Its limit counts what is returned."""
    found = [*database.scan(Scan(Thing, filter=Thing.count >= 5))]
    assert sorted(found, key=number) == ten[5:]
    assert len([*database.scan(Scan(Thing, filter=Thing.count >= 5, limit=2))]) == 2
    assert len([*database.scan(Scan(Thing, limit=3, page_size=1))]) == 3
    assert len([*database.scan(Scan(Thing, index="due-index"))]) == 5


def test_a_scan_in_segments_reads_all_once(database: Database) -> None:
    """Each item is in exactly one segment, and segments are read side by side if asked to."""
    things = [Thing(owner=f"o{number}", number="1", count=number) for number in range(40)]
    database.batch_write(map(Put, things))
    parts = [[*database.scan(Scan(Thing, segment=part, segments=3, page_size=4))] for part in range(3)]
    found = [thing for part in parts for thing in part]
    assert sorted(thing.count or 0 for thing in found) == [*range(40)]
    together = [*database.scan(Scan(Thing, page_size=4), segments=3)]
    assert sorted(thing.count or 0 for thing in together) == [*range(40)]
    assert len([*database.scan(Scan(Thing, page_size=4, limit=7), segments=3)]) == 7


def test_the_threads_of_a_scan_end_with_it(database: Database) -> None:
    """Also when its reader has enough in the middle."""
    database.batch_write(Put(Thing(owner=f"o{number}", number="1")) for number in range(40))
    scan = database.scan(Scan(Thing, page_size=2), segments=4)
    next(scan)
    scan.close()  # type: ignore[attr-defined]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("dynamorm-scan")]


def test_counting(database: Database, ten: list[Thing], clock: Any) -> None:
    """What a query or a scan would return, the expired ones left out unless asked for."""
    assert database.count(Query(Thing, OF_ANN)) == 10
    assert database.count(Query(Thing, OF_ANN, page_size=3)) == 10
    assert database.count(Query(Thing, OF_ANN, limit=4)) == 4
    assert database.count(Query(Thing, OF_ANN, filter=Thing.count >= 5, limit=3)) == 3
    assert database.count(Scan(Thing)) == 11
    database.put(ten[4].replace(expires_at=int(clock.now())))
    database.put(ten[5].replace(expires_at=int(clock.now()) + 60))
    assert database.count(Query(Thing, OF_ANN)) == 9
    assert database.count(Query(Thing, OF_ANN), include_expired=True) == 10
    assert database.count(Scan(Thing, filter=Thing.count >= 4)) == 5
    database.put(ten[7].replace(expires_at=int(clock.now())))
    assert database.count(Query(Thing, Thing.due == "DUE", index="expiry-index")) == 1


def pages(database: Database, request: Any, size: int) -> list[list[Any]]:
    """All pages, each read by a database of its own, as another process would."""
    found, cursor = [], None
    while True:
        page = Database(database._engine, now=database._now).page(request, size=size, cursor=cursor)
        found.append(page.items)
        cursor = page.cursor
        if cursor is None:
            return found


@pytest.mark.parametrize("size", [1, 3, 5, 9, 10, 11])
def test_pages_are_whole_and_in_order(database: Database, ten: list[Thing], size: int) -> None:
    """Each has its size, but the last; no item is missing or comes twice."""
    found = pages(database, Query(Thing, OF_ANN), size)
    assert [thing for page in found for thing in page] == ten
    assert all(len(page) == size for page in found[:-1])
    back = pages(database, Query(Thing, OF_ANN, descending=True), size)
    assert [thing for page in back for thing in page] == ten[::-1]


@pytest.mark.parametrize("page_size", [None, 1, 2, 7])
def test_pages_of_what_a_filter_keeps(database: Database, ten: list[Thing], page_size: int | None) -> None:
    """A page is filled whatever DynamoDB reads at a time."""
    request = Query(Thing, OF_ANN, filter=Thing.due == "DUE", page_size=page_size)
    found = pages(database, request, 2)
    assert [[thing.count for thing in page] for page in found if page] == [[1, 3], [5, 7], [9]]


def test_pages_of_an_index_and_of_a_scan(database: Database, ten: list[Thing]) -> None:
    """They go on behind an item by the keys of both."""
    indexed = pages(database, Query(Thing, Thing.due == "DUE", index="due-index"), 2)
    assert [thing.count for page in indexed for thing in page] == [9, 7, 5, 3, 1]
    projected = pages(database, Query(Thing, Thing.due == "DUE", index="due-index").projected(Glance), 2)
    assert [thing.count for page in projected for thing in page] == [9, 7, 5, 3, 1]
    scanned = pages(database, Scan(Thing, filter=Thing.count >= 0), 3)
    assert sorted((thing for page in scanned for thing in page), key=number) == ten


OTHERS = {
    "partition": Query(Thing, Thing.partition(owner="bob")),
    "order": Query(Thing, OF_ANN, descending=True),
    "filter": Query(Thing, OF_ANN, filter=Thing.count == 1),
    "index": Query(Thing, Thing.due == "DUE", index="due-index"),
    "scan": Scan(Thing),
    "model": Query(Note, Note.partition(owner="ann")),
}


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS.keys())
def test_a_cursor_belongs_to_its_query(database: Database, ten: list[Thing], other: Any) -> None:
    """Given to another one it is refused before anything is read."""
    cursor = database.page(Query(Thing, OF_ANN), size=2).cursor
    with pytest.raises(InvalidCursor):
        database.page(other, size=2, cursor=cursor)


def test_a_cursor_serves_what_may_differ(database: Database, ten: list[Thing]) -> None:
    """The next page can have another size, consistency or projection."""
    cursor = database.page(Query(Thing, OF_ANN), size=2).cursor
    request = Query(Thing, OF_ANN, consistent=True, page_size=2).projected(Glance)
    page = database.page(request, size=3, cursor=cursor)
    assert [glance.count for glance in page.items] == [2, 3, 4]


def forged(key: dict[str, Any], cursor: str) -> str:
    version, digest, _ = json.loads(urlsafe_b64decode(cursor + "=="))
    return urlsafe_b64encode(json.dumps([version, digest, key]).encode()).decode().rstrip("=")


def test_a_damaged_cursor_is_refused(database: Database, ten: list[Thing]) -> None:
    """Whatever text is given: cut, changed, empty, of another version, with another key."""
    request = Query(Thing, OF_ANN)
    cursor = database.page(request, size=2).cursor
    assert cursor is not None
    old = urlsafe_b64encode(json.dumps([0, "x", {}]).encode()).decode()
    chance = random.Random(5)
    changed = ["".join(chance.choices("abcXYZ019-_=", k=chance.randrange(40))) for _ in range(30)]
    keys: list[dict[str, Any]] = [
        {"pk": {"S": "THING#ann"}},
        {"pk": {"S": "THING#ann"}, "sk": {"N": "1"}},
        {"pk": {"S": "THING#ann"}, "sk": {"S": "x"}, "more": {"S": "x"}},
        {"pk": {"S": "THING#ann"}, "sk": {"S": 7}},
        {"pk": {"S": "THING#bob"}, "sk": {"S": "NUMBER#01"}},
        {},
    ]
    for bad in ["", cursor[:-5], old, "\N{SNOWMAN}", *changed, *(forged(key, cursor) for key in keys)]:
        with pytest.raises(InvalidCursor):
            database.page(request, size=2, cursor=bad)


def test_a_page_has_its_own_limit(database: Database) -> None:
    """A query's limit beside it is refused, as is a page of nothing."""
    with pytest.raises(InvalidRequest):
        database.page(Query(Thing, OF_ANN, limit=3), size=2)
    with pytest.raises(InvalidRequest):
        database.page(Query(Thing, OF_ANN), size=0)


@pytest.mark.parametrize("size", [1, 2, 100])
def test_expired_items_leave_no_gap_in_pages(
    database: Database, ten: list[Thing], clock: Any, size: int
) -> None:
    """They are passed over, and the page is filled from behind them."""
    for thing in ten[::3]:
        database.put(thing.replace(expires_at=int(clock.now())))
    found = pages(database, Query(Thing, OF_ANN), size)
    assert [thing.count for page in found for thing in page] == [1, 2, 4, 5, 7, 8]
    assert [thing.count for thing in database.query(Query(Thing, OF_ANN, limit=4))] == [1, 2, 4, 5]
    glances = database.query(Query(Thing, OF_ANN).projected(Glance))
    assert [glance.count for glance in glances] == [1, 2, 4, 5, 7, 8]


def test_large_items_come_in_several_pages(database: Database, engine: Engine) -> None:
    """DynamoDB reads 1 MB for a page."""
    for part in range(6):
        database.put(Thing(owner="ann", number=str(part), text="x" * 300_000))
    request = Query(Thing, OF_ANN)
    first = engine.query(request)
    assert 3 <= len(first.items) <= 4
    assert first.after is not None
    assert [thing.number for thing in database.query(request)] == list("012345")
    assert database.count(request) == 6


def test_wrong_reads_are_refused_at_once() -> None:
    """When the request is made, with a sentence."""
    with pytest.raises(InvalidModel, match="consistently"):
        Scan(Thing, index="due-index", consistent=True)
    with pytest.raises(InvalidModel, match="no index"):
        Scan(Thing, index="nope")
    with pytest.raises(InvalidModel, match="segment"):
        Scan(Thing, segment=3, segments=3)
    with pytest.raises(InvalidModel, match="page size"):
        Query(Thing, OF_ANN, page_size=0)
