"""Whatever is done and asked, a plain dictionary says what must come of it, on every implementation."""

import operator
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from streamer.dynamorm import (
    AlreadyExists,
    Attribute,
    Condition,
    ConditionFailed,
    Create,
    Database,
    Delete,
    Engine,
    KeyAttribute,
    Model,
    Put,
    Query,
    Returns,
    Scan,
    Table,
    TransactionCancelled,
    Update,
    attribute,
)
from streamer.dynamorm.memory import MemoryDynamoDB

THINGS = Table("things", KeyAttribute("pk"), KeyAttribute("sk"))

TABLES = (THINGS,)


class Thing(Model, table=THINGS, partition="THING#{owner}", sort="NUMBER#{number}"):
    owner: Attribute[str]
    number: Attribute[str]
    text: Attribute[str | None] = attribute(default=None)
    count: Attribute[int | None] = attribute(default=None)
    exact: Attribute[Decimal | None] = attribute(default=None)
    data: Attribute[bytes | None] = attribute(default=None)
    on: Attribute[bool | None] = attribute(default=None)
    tags: Attribute[frozenset[str]] = attribute(default=frozenset())


def examples(engine: Engine, *, memory: int, network: int) -> Any:
    in_memory = isinstance(engine, MemoryDynamoDB)
    return settings(
        max_examples=memory if in_memory else network,
        phases=[phase for phase in Phase if in_memory or phase is not Phase.shrink],
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6) | st.sampled_from(
    ["a", "ab", "abc", "ä", "𝄞"]
)
COUNTS = st.integers(-3, 3) | st.integers(-(10**30), 10**30)
EXACTS = st.decimals(-1000, 1000, places=3, allow_nan=False)
DATA = st.binary(max_size=3)
TAGS = st.frozensets(st.sampled_from("abcd"), max_size=3)

VALUES = st.fixed_dictionaries(
    {
        "text": st.none() | TEXTS,
        "count": st.none() | COUNTS,
        "exact": st.none() | EXACTS,
        "data": st.none() | DATA,
        "on": st.none() | st.booleans(),
        "tags": TAGS,
    }
)

Claim = tuple[Condition, Callable[[dict[str, Any]], bool]]
"""A condition, and what it means of the values of an item."""

ORDER: dict[str, Any] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def ordered(value: Any) -> Any:
    """DynamoDB orders text by its UTF-8."""
    return value.encode() if isinstance(value, str) else value


def compare(name: str, sign: str, value: Any) -> Claim:
    meant = ORDER[sign]

    def holds(values: dict[str, Any]) -> bool:
        held = values[name]
        if held is None:
            return sign == "<>"
        return bool(meant(ordered(held), ordered(value)))

    return meant(getattr(Thing, name), value), holds


def between(name: str, low: Any, high: Any) -> Claim:
    low, high = sorted((low, high), key=ordered)
    return (
        getattr(Thing, name).between(low, high),
        lambda values: values[name] is not None and ordered(low) <= ordered(values[name]) <= ordered(high),
    )


def comparisons(name: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Claim]:
    signs = st.sampled_from(["=", "<>"] if name == "on" else [*ORDER])
    simple = st.builds(partial(compare, name), signs, values)
    chosen = st.lists(values, min_size=1, max_size=4).map(
        lambda choices: (getattr(Thing, name).is_in(choices), lambda held: held[name] in choices)
    )
    return (
        simple | chosen
        if name == "on"
        else simple | chosen | st.builds(partial(between, name), values, values)
    )


SIMPLE: st.SearchStrategy[Claim] = st.one_of(
    comparisons("text", TEXTS),
    comparisons("count", COUNTS),
    comparisons("exact", EXACTS),
    comparisons("data", DATA),
    comparisons("on", st.booleans()),
    st.sampled_from(["text", "count", "exact", "data", "on"]).map(
        lambda name: (getattr(Thing, name).exists(), lambda values: values[name] is not None)
    ),
    st.sampled_from(["text", "count", "exact", "data", "on"]).map(
        lambda name: (getattr(Thing, name).does_not_exist(), lambda values: values[name] is None)
    ),
    TEXTS.filter(bool).map(
        lambda prefix: (
            Thing.text.begins_with(prefix),
            lambda values: (values["text"] or "").startswith(prefix),
        )
    ),
    TEXTS.filter(bool).map(
        lambda part: (Thing.text.contains(part), lambda values: part in (values["text"] or ""))
    ),
    st.sampled_from("abcd").map(lambda tag: (Thing.tags.contains(tag), lambda values: tag in values["tags"])),
)


def both(first: Claim, second: Claim) -> Claim:
    return first[0] & second[0], lambda values: first[1](values) and second[1](values)


def either(first: Claim, second: Claim) -> Claim:
    return first[0] | second[0], lambda values: first[1](values) or second[1](values)


def inverse(claim: Claim) -> Claim:
    return ~claim[0], lambda values: not claim[1](values)


CLAIMS = st.recursive(
    SIMPLE,
    lambda inner: st.builds(both, inner, inner) | st.builds(either, inner, inner) | st.builds(inverse, inner),
    max_leaves=6,
)


def test_conditions_mean_what_they_say(engine: Engine) -> None:
    """As a filter, and as the condition of a write."""
    database = Database(engine)

    @examples(engine, memory=300, network=25)
    @given(VALUES, st.lists(CLAIMS, min_size=1, max_size=5))
    def check(values: dict[str, Any], claims: list[Claim]) -> None:
        thing = database.put(Thing(owner="ann", number="1", **values))
        for condition, holds in claims:
            expected = [thing] if holds(values) else []
            assert [*database.query(Query(Thing, Thing.partition(owner="ann"), filter=condition))] == expected
            if expected:
                assert database.put(thing, condition=condition) == thing
            else:
                with pytest.raises(ConditionFailed):
                    database.put(thing, condition=condition)

    check()


def test_what_is_put_is_what_is_got(engine: Engine) -> None:
    """Through every way of writing and of reading."""
    database = Database(engine)
    key = Thing.at(owner="ann", number="1")

    @examples(engine, memory=200, network=25)
    @given(VALUES, VALUES)
    def check(values: dict[str, Any], others: dict[str, Any]) -> None:
        first = Thing(owner="ann", number="1", **values)
        second = Thing(owner="ann", number="1", **others)
        assert database.put(first) == first
        assert database.get(key) == first
        assert database.put(second, returns=Returns.OLD) == first
        assert database.batch_get([key]) == [second]
        database.batch_write([Put(first)])
        assert [*database.query(Query(Thing, Thing.partition(owner="ann")))] == [first]
        database.transact(Put(second))
        assert database.transact_get(key) == [second]
        assert [*database.scan(Scan(Thing))] == [second]

    check()


OWNERS = st.sampled_from(["ann", "ann#", "bob"])
NUMBERS = st.sampled_from(["1", "2", "10"])
SMALL = st.integers(-2, 2)


class Machine(RuleBasedStateMachine):
    """Items beside a dictionary that must always agree with them."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.database = Database(engine)
        self.held: dict[tuple[str, str], Thing] = {}

    @initialize()
    def empty(self) -> None:
        things = self.database.scan(Scan(Thing))
        self.database.batch_write([Delete(Thing.at(owner=t.owner, number=t.number)) for t in things])

    def key(self, owner: str, number: str) -> Any:
        return Thing.at(owner=owner, number=number)

    @rule(owner=OWNERS, number=NUMBERS, count=SMALL)
    def put(self, owner: str, number: str, count: int) -> None:
        thing = Thing(owner=owner, number=number, count=count)
        assert self.database.put(thing, returns=Returns.OLD) == self.held.get((owner, number))
        self.held[owner, number] = thing

    @rule(owner=OWNERS, number=NUMBERS, count=SMALL)
    def create(self, owner: str, number: str, count: int) -> None:
        thing = Thing(owner=owner, number=number, count=count)
        if (owner, number) in self.held:
            with pytest.raises(AlreadyExists) as caught:
                self.database.create(thing)
            assert caught.value.item_as(Thing) == self.held[owner, number]
        else:
            self.held[owner, number] = self.database.create(thing)

    @rule(owner=OWNERS, number=NUMBERS, by=SMALL, below=SMALL)
    def update(self, owner: str, number: str, by: int, below: int) -> None:
        held = self.held.get((owner, number))
        change = (self.key(owner, number), Thing.count.increment(by), Thing.tags.add(frozenset("a")))
        if held is None or (held.count or 0) >= below:
            with pytest.raises(ConditionFailed):
                self.database.update(*change, condition=Thing.count < below)
        else:
            new = held.replace(count=(held.count or 0) + by, tags=held.tags | {"a"})
            assert self.database.update(*change, condition=Thing.count < below) == new
            self.held[owner, number] = new

    @rule(owner=OWNERS, number=NUMBERS)
    def delete(self, owner: str, number: str) -> None:
        old = self.database.delete(self.key(owner, number), returns=Returns.OLD)
        assert old == self.held.pop((owner, number), None)

    @rule(owner=OWNERS, numbers=st.lists(NUMBERS, max_size=5), gone=NUMBERS, count=SMALL)
    def batch(self, owner: str, numbers: list[str], gone: str, count: int) -> None:
        things = [Thing(owner=owner, number=number, count=count) for number in numbers]
        self.database.batch_write([*map(Put, things), Delete(self.key(owner, gone))])
        self.held.update({(owner, thing.number): thing for thing in things})
        self.held.pop((owner, gone), None)

    @rule(owner=OWNERS, first=NUMBERS, second=NUMBERS, count=SMALL)
    def transact(self, owner: str, first: str, second: str, count: int) -> None:
        if first == second:
            return
        thing = Thing(owner=owner, number=first, count=count)
        increment = Update(self.key(owner, second), (Thing.count.increment(),), Thing.count >= 0)
        other = self.held.get((owner, second))
        failed = [(owner, first) in self.held, other is None or (other.count or 0) < 0]
        if any(failed):
            with pytest.raises(TransactionCancelled) as caught:
                self.database.transact(Create(thing), increment)
            assert [reason.failed for reason in caught.value.reasons] == failed
        else:
            assert other is not None
            self.database.transact(Create(thing), increment)
            self.held[owner, first] = thing
            self.held[owner, second] = other.replace(count=(other.count or 0) + 1)

    @rule(owner=OWNERS, limit=st.none() | st.integers(1, 3), descending=st.booleans())
    def query(self, owner: str, limit: int | None, descending: bool) -> None:
        expected = [self.held[key] for key in sorted(self.held, reverse=descending) if key[0] == owner]
        request = Query(Thing, Thing.partition(owner=owner), limit=limit, descending=descending)
        assert [*self.database.query(request)] == expected[:limit]
        assert self.database.count(request) == len(expected[:limit])

    @rule(owner=OWNERS, size=st.integers(1, 2))
    def pages(self, owner: str, size: int) -> None:
        expected = [self.held[key] for key in sorted(self.held) if key[0] == owner]
        found: list[Thing] = []
        cursor = None
        while True:
            page = self.database.page(Query(Thing, Thing.partition(owner=owner)), size=size, cursor=cursor)
            found += page.items
            cursor = page.cursor
            if cursor is None:
                break
        assert found == expected

    @invariant()
    def agrees(self) -> None:
        keys = [(owner, number) for owner in ("ann", "ann#", "bob") for number in ("1", "2", "10")]
        found = self.database.batch_get([self.key(*key) for key in keys], consistent=True)
        assert found == [self.held.get(key) for key in keys]


def test_any_sequence_of_operations(engine: Engine) -> None:
    """After each of them the items are what a dictionary says."""
    run_state_machine_as_test(
        partial(Machine, engine),
        settings=settings(
            examples(engine, memory=60, network=4),
            stateful_step_count=25 if isinstance(engine, MemoryDynamoDB) else 15,
        ),
    )
