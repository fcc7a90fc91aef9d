"""The promises of `RequestStore` on lists and on limits, on every engine."""

import dataclasses
from typing import Any

import pytest

from streamer.dynamorm import Throttled, TransactionCancelled, TransactionConflict, Update
from streamer.dynamorm.errors import Reason
from streamer.dynamorm.operations.retries import Retrier
from streamer.errors import DuplicateRequest, InvalidMessage, RateLimited, ServiceUnavailable
from streamer.lifecycle import Status
from streamer.store import Claim, Created, RequestKey, RequestStore
from streamer.store.limits import APART_S
from streamer.store.models import Counter, tenant_key, user_key

TENANT = tenant_key("demo")
ANN = user_key("demo", "ann")


def keys(count: int, user: str = "ann") -> list[RequestKey]:
    return [RequestKey("demo", user, f"r-{number}") for number in range(count)]


# A user's requests


@pytest.fixture
def five(create: Any, clock: Any) -> list[str]:
    """Make five requests of one user, a second apart; return their ids, newest first."""
    for key in keys(5):
        create(key=key)
        clock.advance(1)
    return [key.request_id for key in reversed(keys(5))]


def test_own_requests_newest_first(create: Any, requests: Any, five: list[str]) -> None:
    """Nobody else's are among them: not another user's, not another tenant's user of the same name."""
    create(key=RequestKey("demo", "bob", "r-9"))
    create(key=RequestKey("other", "ann", "r-9"))
    page = requests.list_for_user("demo", "ann", limit=10)
    assert [state.request_id for state in page.states] == five
    assert page.cursor is None


def test_pages_follow_each_other(requests: Any, five: list[str]) -> None:
    """A cursor begins where its page ended; the last page has none, also when it is full."""
    found: list[str] = []
    cursor = None
    sizes = []
    while True:
        page = requests.list_for_user("demo", "ann", limit=2, cursor=cursor)
        found += [state.request_id for state in page.states]
        sizes.append(len(page.states))
        cursor = page.cursor
        if cursor is None:
            break
    assert (found, sizes) == (five, [2, 2, 1])
    assert requests.list_for_user("demo", "ann", limit=5).cursor is None


def test_only_one_status(requests: Any, five: list[str]) -> None:
    """A page is of as many of that status as there are, wherever they lie."""
    requests.cancel(keys(5)[0])
    requests.cancel(keys(5)[3])
    page = requests.list_for_user("demo", "ann", limit=1, status=Status.CANCELLED)
    assert [state.request_id for state in page.states] == ["r-3"]
    page = requests.list_for_user("demo", "ann", limit=1, status=Status.CANCELLED, cursor=page.cursor)
    assert [state.request_id for state in page.states] == ["r-0"]
    assert page.cursor is None


def test_a_cursor_gives_no_right(create: Any, requests: Any, five: list[str]) -> None:
    """Another's cursor shows one's own requests."""
    create(key=RequestKey("demo", "bob", "r-9"))
    cursor = requests.list_for_user("demo", "ann", limit=1).cursor
    page = requests.list_for_user("demo", "bob", limit=10, cursor=cursor)
    assert {state.user_id for state in page.states} <= {"bob"}


@pytest.mark.parametrize("cursor", ["", "x", "ä", "bnVsbA", "WzEsIiJd", "WyJhIiwiYiJd"], ids=repr)
def test_a_made_up_cursor_is_refused(requests: Any, cursor: str) -> None:
    """What is none of ours is a clear error."""
    with pytest.raises(InvalidMessage, match="cursor"):
        requests.list_for_user("demo", "ann", limit=1, cursor=cursor)


# Limits of requests in flight


@pytest.fixture
def limited(engine: Any, settings: Any, clock: Any) -> RequestStore:
    """A store that lets a user have two requests in flight and a tenant three."""
    limits = dataclasses.replace(settings, max_in_flight_per_user=2, max_in_flight_per_tenant=3)
    return RequestStore(engine, limits, clock)


@pytest.fixture
def create_in(limited: RequestStore) -> Any:
    def call(key: RequestKey, **changes: Any) -> Created:
        return limited.create(
            key,
            **{
                "action": "a",
                "payload": {},
                "correlation_id": "c",
                "connection_id": "socket-1=",
                "endpoint": "https://127.0.0.1:4444/local",
                **changes,
            },
        )

    return call


def in_flight(stores: Any, name: str) -> int:
    counter = stores.database.find(Counter.at(name=name), consistent=True)
    return 0 if counter is None else counter.in_flight


def test_a_user_has_a_limit(create_in: Any, limited: Any, stores: Any) -> None:
    """One more than allowed is refused, leaves nothing, and says when to try again."""
    first, second, third = keys(3)
    create_in(first)
    create_in(second)
    with pytest.raises(RateLimited, match="You have") as caught:
        create_in(third)
    assert caught.value.retry_after_s > 0
    assert limited.find(third) is None
    assert (in_flight(stores, ANN), in_flight(stores, TENANT)) == (2, 2)


def test_a_tenant_has_a_limit(create_in: Any, stores: Any) -> None:
    """All users of a tenant count together; another tenant is not held up."""
    for key in [*keys(2), *keys(1, "bob")]:
        create_in(key)
    with pytest.raises(RateLimited, match="Your tenant"):
        create_in(RequestKey("demo", "bob", "r-2"))
    assert in_flight(stores, user_key("demo", "bob")) == 1
    create_in(RequestKey("other", "bob", "r-1"))


ENDS = {
    "complete": lambda store, held: store.complete(held, result=1, sequence=2),
    "fail": lambda store, held: store.fail(held, code="X", message="x", details=None, sequence=2),
    "cancelled": lambda store, held: store.cancelled(held, sequence=2),
    "give up": lambda store, held: store.give_up(held.key, state=held.state, code="X", message="x"),
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
def test_what_ends_makes_room(create_in: Any, limited: Any, stores: Any, end: Any) -> None:
    """However a request ends, it counts no more."""
    first, second, third = keys(3)
    create_in(first)
    create_in(second)
    end(limited, limited.claim(first, owner="a", lease_until=9e9))
    assert (in_flight(stores, ANN), in_flight(stores, TENANT)) == (1, 1)
    create_in(third)


def test_a_cancelled_request_makes_room(create_in: Any, limited: Any, stores: Any) -> None:
    """One that is cancelled while it waits counts no more; one that is replayed counts again."""
    key = keys(1)[0]
    create_in(key)
    limited.cancel(key)
    limited.cancel(key)
    assert in_flight(stores, ANN) == 0
    limited.replay(key)
    assert in_flight(stores, ANN) == 1


def test_an_end_that_is_refused_makes_no_room(create_in: Any, limited: Any, stores: Any, clock: Any) -> None:
    """A zombie's outcome is not written, and its request still counts."""
    key = keys(1)[0]
    create_in(key)
    zombie = limited.claim(key, owner="a", lease_until=clock.now())
    limited.claim(key, owner="b", lease_until=9e9)
    with pytest.raises(Exception, match="no longer owns"):
        limited.complete(zombie, result=1, sequence=2)
    assert (in_flight(stores, ANN), in_flight(stores, TENANT)) == (1, 1)


def test_the_same_request_again_counts_once(create_in: Any, stores: Any) -> None:
    """Also at the limit: it is no further request. A duplicate is told so."""
    for key in keys(2):
        create_in(key)
        assert not create_in(key).new
    with pytest.raises(DuplicateRequest):
        create_in(keys(1)[0], payload={"other": 1})
    assert (in_flight(stores, ANN), in_flight(stores, TENANT)) == (2, 2)


def test_many_at_once_do_not_pass_the_limit(create_in: Any, stores: Any, race: Any) -> None:
    """Of several concurrent callers no more get in than there is room, and only those count.

    One that is being refused may stand in another's way for that moment.
    """
    results = race(*(lambda key=key: create_in(key) for key in keys(8)))
    made = sum(isinstance(result, Created) for result in results)
    assert made <= 2
    assert made + sum(isinstance(result, RateLimited) for result in results) == 8
    assert (in_flight(stores, ANN), in_flight(stores, TENANT)) == (made, made)


def test_counters_in_each_others_way_are_written_apart(
    create_in: Any, limited: Any, stores: Any, engine: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user whose requests conflict on the counter is served, and counted, and limited as ever."""
    transact, conflicts = engine.transact, []

    def conflicting(transaction: Any) -> None:
        if any(action.model is Counter for action in transaction.actions):
            conflicts.append(transaction)
            raise TransactionConflict("Another transaction is at the counter.")
        transact(transaction)

    monkeypatch.setattr(engine, "transact", conflicting)
    first, second, third = keys(3)
    assert create_in(first).new
    seen = len(conflicts)
    assert create_in(second).new
    with pytest.raises(RateLimited, match="You have"):
        create_in(third)
    assert len(conflicts) == seen > 0
    assert (in_flight(stores, ANN), in_flight(stores, TENANT)) == (2, 2)
    monkeypatch.undo()
    limited.cancel(first)
    clock.advance(APART_S)
    assert create_in(third).new
    assert in_flight(stores, ANN) == 2


@pytest.fixture
def refusing(engine: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Returns what lets all transactions fail; no failed call is made again."""
    monkeypatch.setattr(Retrier, "pause", lambda *_, **__: None)

    def refusing(error: Exception) -> None:
        def transact(transaction: Any) -> None:
            raise error

        monkeypatch.setattr(engine, "transact", transact)

    return refusing


UNDONE = [Throttled("The table is throttled."), TransactionConflict("Another transaction is there.")]


@pytest.mark.parametrize("error", UNDONE, ids=["throttled", "conflict"])
def test_one_that_is_not_stored_does_not_count(
    create_in: Any, stores: Any, refusing: Any, error: Exception
) -> None:
    """What was counted before is taken back where it is sure that nothing was written."""
    refusing(error)
    with pytest.raises(ServiceUnavailable):
        create_in(keys(1)[0])
    assert (in_flight(stores, ANN), in_flight(stores, TENANT)) == (0, 0)


def test_a_counter_alone_does_not_count(
    create_in: Any, stores: Any, engine: Any, refusing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where one of two counters is throttled, the other is put back."""
    refusing(TransactionConflict("The counters get in each other's way."))
    with pytest.raises(ServiceUnavailable):
        create_in(keys(1)[0])
    write = engine.write

    def throttled(request: Any) -> Any:
        if request.key == Counter.at(name=TENANT):
            raise Throttled("The table is throttled.")
        return write(request)

    monkeypatch.setattr(engine, "write", throttled)
    with pytest.raises(ServiceUnavailable):
        create_in(keys(1)[0])
    assert in_flight(stores, ANN) == 0


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
@pytest.mark.parametrize("error", UNDONE, ids=["throttled", "conflict"])
def test_an_end_that_is_not_stored_makes_no_room(
    create_in: Any, limited: Any, stores: Any, refusing: Any, end: Any, error: Exception
) -> None:
    """The request still counts, and once when its end is written again."""
    create_in(keys(1)[0])
    claim = limited.claim(keys(1)[0], owner="a", lease_until=9e9)
    refusing(error)
    with pytest.raises(ServiceUnavailable):
        end(limited, claim)
    assert (in_flight(stores, ANN), in_flight(stores, TENANT)) == (1, 1)


def test_another_refusal_is_no_limit(create_in: Any, stores: Any, refusing: Any) -> None:
    """Only the counter's own condition says that there are too many."""
    reasons = [Reason(code) for code in ("None", "ValidationError", "None", "None")]
    refusing(TransactionCancelled("The payload was refused.", reasons=reasons))
    with pytest.raises(TransactionCancelled):
        create_in(keys(1)[0])
    assert in_flight(stores, TENANT) == 0


def test_no_limit_counts_nothing(create: Any, engine: Any, settings: Any, clock: Any, stores: Any) -> None:
    """With 0 there is no counter at all."""
    none = dataclasses.replace(settings, max_in_flight_per_user=0, max_in_flight_per_tenant=0)
    store = RequestStore(engine, none, clock)
    store.create(
        keys(1)[0], action="a", payload={}, correlation_id="c", connection_id="s", endpoint="https://e/l"
    )
    assert isinstance(store.claim(keys(1)[0], owner="a", lease_until=9e9), Claim)
    assert stores.database.find(Counter.at(name=ANN)) is None


@pytest.mark.parametrize("error", [3, -1], ids=["too many", "too few"])
def test_a_wrong_counter_is_mended(create_in: Any, limited: Any, stores: Any, error: int) -> None:
    """What a crash left is mended when it was seen twice, not when it is only passing."""
    for key in keys(2):
        create_in(key)
    stores.database.write(Update(Counter.at(name=ANN), (Counter.in_flight.increment(error),)))
    assert limited.reconcile(limit=100) == {}
    assert limited.reconcile(limit=100) == {ANN: -error}
    assert in_flight(stores, ANN) == 2
    assert limited.reconcile(limit=100) == {}


def test_a_counter_that_is_missing_is_made(create: Any, limited: Any, stores: Any) -> None:
    """Requests from before there was a limit count too, after a while."""
    for key in keys(2):
        create(key=key)
    for name in (ANN, TENANT):
        stores.database.write(Update(Counter.at(name=name), (Counter.in_flight.set(0),)))
    limited.reconcile(limit=100)
    assert limited.reconcile(limit=100) == {ANN: 2, TENANT: 2}


def test_reconciling_is_bounded(create_in: Any, limited: Any) -> None:
    """With more requests than it may count it changes nothing."""
    for key in keys(2):
        create_in(key)
    assert limited.reconcile(limit=1) is None
