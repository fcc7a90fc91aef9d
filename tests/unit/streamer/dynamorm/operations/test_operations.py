"""What the operations do when DynamoDB throttles, conflicts, or leaves work undone: on memory."""

from typing import Any

import pytest

from streamer.dynamorm import (
    Attribute,
    Backoff,
    BatchReadUnfinished,
    BatchWriteUnfinished,
    Database,
    Delete,
    DynamormError,
    InvalidRequest,
    KeyAttribute,
    Model,
    Put,
    Query,
    Retry,
    Scan,
    Table,
    Throttled,
    TransactionConflict,
    Unavailable,
    Update,
    attribute,
)
from streamer.dynamorm.memory import MemoryDynamoDB

THINGS = Table("things", KeyAttribute("pk"), KeyAttribute("sk"))


class Thing(Model, table=THINGS, partition="THING#{owner}", sort="NUMBER#{number:03}"):
    owner: Attribute[str] = attribute(default="ann")
    number: Attribute[int]
    count: Attribute[int] = attribute(default=0)


KEY = Thing.at(owner="ann", number=1)


def throttled() -> Throttled:
    return Throttled("Slow down.")


class Bench:
    """A database over memory that waits for nothing and notes what it would have waited."""

    def __init__(self, **arguments: Any) -> None:
        self.memory = MemoryDynamoDB()
        self.waits: list[float] = []
        self.retries: list[Retry] = []
        self.database = Database(
            self.memory,
            backoff=Backoff(attempts=3, base_s=0.01),
            throttling=Backoff(attempts=4, base_s=1.0, cap_s=3.0),
            sleep=self.waits.append,
            random_unit=lambda: 0.5,
            on_retry=self.retries.append,
            **arguments,
        )


@pytest.fixture
def bench() -> Bench:
    return Bench()


CALLS: dict[str, Any] = {
    "get": lambda database: database.find(KEY),
    "put": lambda database: database.put(Thing(number=1)),
    "create": lambda database: database.create(Thing(number=1)),
    "update": lambda database: database.update(KEY, Thing.count.increment()),
    "delete": lambda database: database.delete(KEY),
    "query": lambda database: [*database.query(Query(Thing, Thing.partition(owner="ann")))],
    "count": lambda database: database.count(Query(Thing, Thing.partition(owner="ann"))),
    "page": lambda database: database.page(Query(Thing, Thing.partition(owner="ann")), size=3),
    "scan": lambda database: [*database.scan(Scan(Thing))],
    "transact": lambda database: database.transact(Put(Thing(number=1))),
    "transact get": lambda database: database.transact_get(KEY),
    "batch get": lambda database: database.batch_get([KEY]),
    "batch write": lambda database: database.batch_write([Put(Thing(number=1))]),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_throttling_is_tried_again(bench: Bench, call: Any) -> None:
    """With waits that double up to the cap, each of them told."""
    bench.memory.fail_next(throttled(), throttled(), throttled())
    call(bench.database)
    assert bench.waits == [0.5, 1.0, 1.5]
    assert [retry.delay_s for retry in bench.retries] == bench.waits
    assert [retry.attempts for retry in bench.retries] == [1, 2, 3]


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
def test_throttling_ends(bench: Bench, call: Any) -> None:
    """The error says how often it was tried and how long that took."""
    bench.memory.fail_next(*(throttled() for _ in range(4)))
    with pytest.raises((Throttled, BatchReadUnfinished, BatchWriteUnfinished)) as caught:
        call(bench.database)
    assert (caught.value.attempts, caught.value.waited_s) == (4, 3.0)
    call(bench.database)


def test_conflicts_have_a_backoff_of_their_own(bench: Bench) -> None:
    """They are over in milliseconds."""
    bench.memory.fail_next(TransactionConflict("Busy."), TransactionConflict("Busy."))
    bench.database.transact(Put(Thing(number=1)))
    assert bench.waits == [0.005, 0.01]


@pytest.mark.parametrize("error", [InvalidRequest("No."), DynamormError("No.")], ids=["invalid", "other"])
def test_what_cannot_succeed_is_not_tried_again(bench: Bench, error: DynamormError) -> None:
    """It is raised as it is."""
    bench.memory.fail_next(error)
    with pytest.raises(DynamormError):
        bench.database.put(Thing(number=1))
    assert bench.waits == []


def test_a_transaction_keeps_its_token_when_it_is_tried_again() -> None:
    """So that one whose answer was lost does not happen twice."""

    class Lossy(MemoryDynamoDB):
        tokens: list[str | None]

        def transact(self, request: Any) -> None:
            super().transact(request)
            self.tokens.append(request.token)
            if len(self.tokens) < 3:
                raise Unavailable("The answer was lost.")

    memory = Lossy()
    memory.tokens = []
    tokens = iter(["first", "second"])
    database = Database(memory, sleep=lambda _: None, make_token=lambda: next(tokens))
    database.put(Thing(number=1))
    database.transact(Update(KEY, (Thing.count.increment(),)))
    assert memory.tokens == ["first"] * 3
    assert database.get(KEY).count == 1


def things(count: int) -> list[Thing]:
    return [Thing(number=number) for number in range(count)]


def keys(count: int) -> list[Any]:
    return [Thing.at(owner="ann", number=number) for number in range(count)]


def test_what_a_batch_leaves_is_sent_again(bench: Bench) -> None:
    """Together with what follows, after a wait; order is kept."""
    bench.memory.process_at_most(3, 10, 0)
    bench.database.batch_write(map(Put, things(40)))
    assert len(bench.waits) == 3
    bench.memory.process_at_most(1, 0, 99)
    assert bench.database.batch_get(keys(41)) == [*things(40), None]
    assert {retry.operation for retry in bench.retries} == {"BatchWrite", "BatchGet"}


def test_a_batch_that_gets_on_has_no_end_of_attempts(bench: Bench) -> None:
    """Only rounds without any progress use them up."""
    bench.memory.process_at_most(*[1] * 40)
    bench.database.batch_write(map(Put, things(20)))
    assert bench.database.count(Scan(Thing)) == 20
    assert set(bench.waits) == {0.5}


def test_what_a_batch_could_not_write_is_named(bench: Bench) -> None:
    """All else is written."""
    bench.memory.process_at_most(20, 0, 0, 0, 0)
    with pytest.raises(BatchWriteUnfinished) as caught:
        bench.database.batch_write([*map(Put, things(30)), Delete(Thing.at(owner="ann", number=77))])
    left = caught.value.requests
    assert [request.item for request in left if isinstance(request, Put)] == things(30)[20:]
    assert [request.key for request in left if isinstance(request, Delete)] == [
        Thing.at(owner="ann", number=77)
    ]
    assert caught.value.retryable
    assert caught.value.attempts == 4
    assert bench.database.count(Scan(Thing)) == 20
    bench.database.batch_write(left)
    assert bench.database.count(Scan(Thing)) == 30


def test_what_a_batch_could_not_read_is_named(bench: Bench) -> None:
    """With the wait that it took."""
    bench.database.batch_write(map(Put, things(5)))
    bench.memory.process_at_most(2, 0, 0, 0, 0)
    with pytest.raises(BatchReadUnfinished) as caught:
        bench.database.batch_get(keys(5))
    assert caught.value.keys == tuple(keys(5)[2:])
    assert caught.value.waited_s == sum(bench.waits) > 0


def test_a_batch_that_is_throttled_as_a_whole_names_what_is_left(bench: Bench) -> None:
    """What came before the throttling is written."""
    bench.memory.fail_next()
    original = bench.memory.batch_write
    calls = []

    def counted(request: Any) -> Any:
        calls.append(request)
        if len(calls) > 1:
            raise throttled()
        return original(request)

    bench.memory.batch_write = counted  # type: ignore[method-assign]
    with pytest.raises(BatchWriteUnfinished) as caught:
        bench.database.batch_write(map(Put, things(30)))
    assert len(caught.value.requests) == 5
    assert isinstance(caught.value.__cause__, Throttled)
    assert caught.value.attempts == 4


def test_pages_are_read_when_they_are_needed() -> None:
    """A reader who stops early pays for no more than was read."""

    class Counting(MemoryDynamoDB):
        pages = 0

        def query(self, request: Any) -> Any:
            self.pages += 1
            return super().query(request)

    memory = Counting(page_size=3)
    database = Database(memory)
    database.batch_write(map(Put, things(10)))
    found = database.query(Query(Thing, Thing.partition(owner="ann")))
    assert memory.pages == 0
    assert [next(found).number for _ in range(3)] == [0, 1, 2]
    assert memory.pages == 1
    assert next(found).number == 3
    assert memory.pages == 2


def test_a_token_is_forgotten_after_ten_minutes() -> None:
    """As DynamoDB forgets it."""
    time = [0.0]
    database = Database(MemoryDynamoDB(now=lambda: time[0]))
    database.put(Thing(number=1))
    change = Update(KEY, (Thing.count.increment(),))
    for time[0] in (0.0, 599.0, 600.5):
        database.transact(change, token="once")
    assert database.get(KEY).count == 2
