"""The promises of `RequestStore`, on every implementation of its seam."""

import json
from typing import Any

import pytest

from streamer.dynamorm import NotLoaded, Query
from streamer.errors import (
    AlreadyClaimed,
    DuplicateRequest,
    InvalidMessage,
    NotFound,
    ProcessingFailed,
    Superseded,
)
from streamer.lifecycle import Status
from streamer.store import (
    DELIVERY_GRACE_S,
    DISPATCH_GRACE_S,
    REQUEST_TTL_S,
    SEQUENCE_BLOCK,
    Claim,
    Created,
    RequestKey,
    RequestState,
    details_of,
)
from streamer.store.models import DUE

LEASE_S = 60.0


@pytest.fixture
def claim(requests: Any, key: RequestKey, clock: Any) -> Any:
    """Claim the test's request for a minute."""

    def call(owner: str = "invocation-1") -> Claim:
        return requests.claim(key, owner=owner, lease_until=clock.now() + LEASE_S)

    return call


def test_create_makes_a_request_that_waits(create: Any, requests: Any, key: RequestKey, clock: Any) -> None:
    """A new request is PENDING, due for dispatch, with its payload and its caller's subscription."""
    created = create()
    assert created.new
    assert created.state == requests.get(key)
    assert created.state.status is Status.PENDING
    assert (created.state.due, created.state.due_at) == ("DUE", clock.now() + DISPATCH_GRACE_S)
    assert (created.state.attempt, created.state.sequence, created.state.owner) == (0, 0, None)
    assert requests.get_payload(key) == {"from": "2025-01-01"}


@pytest.mark.parametrize("metadata", [None, {"": "é", "origin": "night run"}], ids=["none", "some"])
def test_what_came_beside_the_payload_is_kept(
    create: Any, requests: Any, key: RequestKey, metadata: Any
) -> None:
    """Exactly, also after a replay; the same request with other metadata is the same request."""
    create(metadata=metadata)
    assert not create(metadata={"origin": "elsewhere"}).new
    requests.cancel(key)
    requests.replay(key)
    assert requests.get_sent(key).metadata == (metadata or {})


def test_create_subscribes_the_caller(create: Any, stores: Any, key: RequestKey) -> None:
    """The caller of a new request is subscribed by the same transaction."""
    create(connection_id="socket-7=")
    (row,) = stores.subscriptions.list(key)
    assert (row.connection_id, row.endpoint) == ("socket-7=", "https://127.0.0.1:4444/local")


def test_create_again_returns_the_state_and_subscribes(
    create: Any, claim: Any, stores: Any, key: RequestKey
) -> None:
    """The same id with the same payload answers with the stored state and subscribes the caller."""
    create(payload={"a": 1, "b": 2})
    claim()
    again = create(payload={"b": 2, "a": 1}, connection_id="socket-2=", correlation_id="c-2")
    assert not again.new
    assert again.state.status is Status.PROCESSING
    assert again.state.correlation_id == "c-1"
    assert {row.connection_id for row in stores.subscriptions.list(key)} == {"socket-1=", "socket-2="}


@pytest.mark.parametrize(
    "changes", [{"payload": {"from": "2024-01-01"}}, {"action": "process_data"}], ids=["payload", "action"]
)
def test_create_refuses_a_taken_id(
    create: Any, stores: Any, key: RequestKey, changes: dict[str, Any]
) -> None:
    """Another payload or action under the same id is a duplicate; its caller is not subscribed."""
    create()
    with pytest.raises(DuplicateRequest):
        create(connection_id="socket-2=", **changes)
    assert [row.connection_id for row in stores.subscriptions.list(key)] == ["socket-1="]


def test_create_by_many_at_once_makes_one(create: Any, stores: Any, key: RequestKey, race: Any) -> None:
    """Of several concurrent callers exactly one makes the request, and all are subscribed."""
    results = race(*(lambda n=n: create(connection_id=f"socket-{n}=") for n in range(6)))
    assert [type(result) for result in results] == [Created] * 6
    assert sum(result.new for result in results) == 1
    assert len(stores.subscriptions.list(key)) == 6


def test_create_replaces_an_expired_request(
    create: Any, claim: Any, requests: Any, key: RequestKey, clock: Any
) -> None:
    """An expired item that was not deleted yet does not count: another payload may take the id."""
    create()
    requests.complete(claim(), result=1, sequence=2)
    clock.advance(REQUEST_TTL_S + 1)
    created = create(payload={"other": True})
    assert created.new
    assert requests.get_payload(key) == {"other": True}
    with pytest.raises(NotFound):
        requests.get_result(key)


def test_an_expired_request_is_absent(
    create: Any, claim: Any, requests: Any, key: RequestKey, clock: Any
) -> None:
    """An expired item counts as absent wherever it is read."""
    create()
    requests.complete(claim(), result=1, sequence=2)
    clock.advance(REQUEST_TTL_S + 1)
    assert requests.find(key) is None
    for read in (requests.get, requests.get_payload, requests.get_result):
        with pytest.raises(NotFound):
            read(key)
    with pytest.raises(NotFound):
        claim()


def test_what_was_never_there_is_not_found(requests: Any, key: RequestKey, claim: Any) -> None:
    """`get_x` raises if absent, `find_x` returns None; a claim of nothing makes nothing."""
    with pytest.raises(NotFound):
        requests.get(key)
    with pytest.raises(NotFound):
        claim()
    assert requests.find(key) is None


def test_create_refuses_a_payload_that_is_too_large(create: Any, requests: Any, key: RequestKey) -> None:
    """More than an item may hold is an error that says the sizes; nothing is written."""
    with pytest.raises(InvalidMessage, match="307200") as caught:
        create(payload={"text": "ä" * 200_000})
    assert caught.value.details["limit_bytes"] == 307_200
    assert requests.find(key) is None


def test_requests_of_different_users_are_different(create: Any, requests: Any) -> None:
    """Components are encoded, so that different triples never share a key."""
    keys = [RequestKey("a", "b#c", "d"), RequestKey("a#b", "c", "d"), RequestKey("a%23b", "c", "d")]
    for number, key in enumerate(keys):
        assert create(key=key, payload={"number": number}).new
    assert [requests.get_payload(key)["number"] for key in keys] == [0, 1, 2]
    assert [requests.get(key).key for key in keys] == keys


def test_claim_starts_an_attempt(create: Any, claim: Any, requests: Any, key: RequestKey, clock: Any) -> None:
    """A claim raises the attempt, owns the request until its lease ends, and reserves sequence numbers."""
    create()
    clock.advance(1)
    held = claim()
    assert held.state == requests.get(key)
    assert held.state.status is Status.PROCESSING
    assert (held.owner, held.attempt, held.first_sequence) == ("invocation-1", 1, 1)
    assert held.state.sequence == SEQUENCE_BLOCK
    assert held.state.lease_until == held.state.due_at == clock.now() + LEASE_S
    assert held.state.started_at == clock.now()


def test_two_claims_at_once_have_one_winner(create: Any, claim: Any, race: Any) -> None:
    """Of several concurrent callers exactly one wins."""
    create()
    results = race(*(lambda n=n: claim(f"invocation-{n}") for n in range(8)))
    assert sum(isinstance(result, Claim) for result in results) == 1
    assert sum(isinstance(result, AlreadyClaimed) for result in results) == 7


def test_the_same_owner_gets_the_same_claim(create: Any, claim: Any, clock: Any) -> None:
    """Calling again with the same owner within the lease returns the same claim."""
    create()
    first = claim()
    clock.advance(LEASE_S - 1)
    assert claim() == first


def test_a_claimed_request_says_until_when(create: Any, claim: Any, clock: Any) -> None:
    """AlreadyClaimed carries status and the moment from which somebody else may claim."""
    create()
    until = claim().state.lease_until
    with pytest.raises(AlreadyClaimed) as caught:
        claim("invocation-2")
    assert (caught.value.status, caught.value.until) == (Status.PROCESSING, until)


def test_a_lease_that_is_over_can_be_claimed(create: Any, claim: Any, clock: Any) -> None:
    """PROCESSING whose lease is over may be claimed, with the next block of sequence numbers."""
    create()
    claim()
    clock.advance(LEASE_S)
    held = claim("invocation-2")
    assert (held.attempt, held.first_sequence) == (2, SEQUENCE_BLOCK + 1)


def test_the_same_owner_after_its_lease_starts_an_attempt(create: Any, claim: Any, clock: Any) -> None:
    """After the lease even the same owner gets a new attempt, not the old claim."""
    create()
    claim()
    clock.advance(LEASE_S)
    assert claim().attempt == 2


def test_a_finished_request_cannot_be_claimed(create: Any, claim: Any, requests: Any) -> None:
    """A request that is over is never claimed again, by its own executor neither."""
    create()
    requests.complete(claim(), result=None, sequence=2)
    with pytest.raises(AlreadyClaimed) as caught:
        claim()
    assert (caught.value.status, caught.value.until) == (Status.COMPLETED, None)


def test_progress_is_stored(create: Any, claim: Any, requests: Any, key: RequestKey) -> None:
    """The last progress is what a subscriber finds in the state; the next attempt begins without one."""
    create()
    held = claim()
    requests.check(held)
    requests.save_progress(held, 12.5, "Reading rows")
    state = requests.get(key)
    assert (state.percentage, state.message) == (12.5, "Reading rows")
    requests.release(held.state)
    assert claim("invocation-2").state.percentage is None


RESULTS: list[Any] = [
    None,
    {
        "rows": 50_000,
        "mean": 0.1,
        "whole": 1.0,
        "text": 'ä "quoted" \u2028 \x00',
        "none": None,
        "flags": [True, False],
    },
    [1e308, 5e-324, -0.0, 123456789012345678901234567890123456789012345678901234567890],
    {"": "", "nested": {"empty": {}, "list": []}},
]


@pytest.mark.parametrize("result", RESULTS, ids=["null", "object", "numbers", "empty"])
def test_complete_stores_the_result_exactly(
    create: Any, claim: Any, requests: Any, key: RequestKey, result: Any
) -> None:
    """Any JSON is kept without loss, also what DynamoDB's numbers could not hold."""
    create(payload={"same": result})
    requests.complete(claim(), result=result, sequence=5)
    assert repr(requests.get_result(key)) == repr(result)
    assert repr(requests.get_payload(key)) == repr({"same": result})


def test_complete_ends_the_request(
    create: Any, claim: Any, requests: Any, key: RequestKey, clock: Any, stores: Any
) -> None:
    """A completed request is marked undelivered, due for delivery, and expires seven days after its end."""
    create()
    requests.complete(claim(), result={"ok": True}, sequence=7)
    state = requests.get(key)
    assert state.status is Status.COMPLETED
    assert (state.undelivered, state.outcome_sequence) == (True, 7)
    assert state.due_at == clock.now() + DELIVERY_GRACE_S
    assert (state.finished_at, state.lease_until) == (clock.now(), None)
    assert state.expires_at == int(clock.now()) + REQUEST_TTL_S


def test_complete_twice_is_once(create: Any, claim: Any, requests: Any, key: RequestKey, clock: Any) -> None:
    """A write whose answer was lost may be made again: it changes nothing."""
    create()
    held = claim()
    requests.complete(held, result=1, sequence=7)
    first = requests.get(key)
    clock.advance(1)
    requests.complete(held, result=1, sequence=7)
    assert requests.get(key) == first


def test_fail_ends_the_request(create: Any, claim: Any, requests: Any, key: RequestKey) -> None:
    """A failed request keeps its error and has no result."""
    create()
    requests.fail(claim(), code="NO_DATA", message="No rows.", details={"rows": 0, "share": 0.5}, sequence=3)
    state = requests.get(key)
    assert (state.status, state.undelivered, state.outcome_sequence) == (Status.FAILED, True, 3)
    assert (state.error["code"], state.error["message"]) == ("NO_DATA", "No rows.")
    assert details_of(state.error) == {"rows": 0, "share": 0.5}
    with pytest.raises(NotFound):
        requests.get_result(key)


@pytest.mark.parametrize(
    "details",
    [
        {"n": 1e-200},
        {"n": 10**60},
        {"a": json.loads("[" * 40 + "]" * 40)},
    ],
    ids=["tiny-number", "long-number", "deep"],
)
def test_details_that_a_dynamodb_map_has_no_form_for_are_kept(
    details: Any, create: Any, claim: Any, requests: Any, key: RequestKey
) -> None:
    """An action's own error is stored whatever JSON it says: else nobody would ever hear of it."""
    create()
    requests.fail(claim(), code="OWN", message="m", details=details, sequence=3)
    assert details_of(requests.get(key).error) == details


@pytest.mark.parametrize(
    "result", [float("nan"), {"open": object()}, "x" * 400_000], ids=["nan", "object", "large"]
)
def test_a_result_that_cannot_be_stored_changes_nothing(
    create: Any, claim: Any, requests: Any, key: RequestKey, result: Any
) -> None:
    """What is no JSON or too large is a clear error, and the attempt still owns the request."""
    create()
    held = claim()
    with pytest.raises(ProcessingFailed):
        requests.complete(held, result=result, sequence=2)
    assert requests.get(key) == held.state


WRITES = {
    "check": lambda requests, held: requests.check(held),
    "save_progress": lambda requests, held: requests.save_progress(held, 50, "half"),
    "complete": lambda requests, held: requests.complete(held, result="old", sequence=2),
    "fail": lambda requests, held: requests.fail(held, code="X", message="x", details=None, sequence=2),
    "retry": lambda requests, held: requests.retry(held, due_at=0.0, code="X", message="x"),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_a_zombie_writes_nothing(
    create: Any, claim: Any, requests: Any, key: RequestKey, clock: Any, write: Any
) -> None:
    """Every write of an attempt is refused once another attempt has claimed the request."""
    create()
    zombie = claim("invocation-1")
    clock.advance(LEASE_S)
    held = claim("invocation-2")
    with pytest.raises(Superseded):
        write(requests, zombie)
    assert requests.get(key) == held.state
    with pytest.raises(NotFound):
        requests.get_result(key)


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_an_ended_attempt_writes_nothing(
    create: Any, claim: Any, requests: Any, key: RequestKey, write: Any
) -> None:
    """An attempt that put the request back owns it no more, although nobody else does yet."""
    create()
    held = claim()
    requests.release(held.state)
    before = requests.get(key)
    with pytest.raises(Superseded):
        write(requests, held)
    assert requests.get(key) == before


def test_retry_puts_the_request_back_until_it_is_due(
    create: Any, claim: Any, requests: Any, key: RequestKey, clock: Any
) -> None:
    """A request in RETRYING is claimed when it is due, not before; also by the same owner."""
    create()
    due_at = clock.now() + 10
    requests.retry(claim(), due_at=due_at, code="BUSY", message="Busy.")
    state = requests.get(key)
    assert (state.status, state.due_at, state.owner) == (Status.RETRYING, due_at, None)
    assert state.error == {"code": "BUSY", "message": "Busy."}
    with pytest.raises(AlreadyClaimed) as caught:
        claim()
    assert (caught.value.status, caught.value.until) == (Status.RETRYING, due_at)
    clock.advance(10)
    assert claim().attempt == 2


def test_delivered_clears_the_mark(
    create: Any, claim: Any, requests: Any, key: RequestKey, clock: Any
) -> None:
    """A delivered outcome is due no more; saying it again, or of another outcome, changes nothing."""
    create()
    requests.complete(claim(), result=1, sequence=7)
    requests.delivered(key, sequence=6)
    assert requests.get(key).undelivered
    requests.delivered(key, sequence=7)
    state = requests.get(key)
    assert (state.undelivered, state.due, state.due_at, state.status) == (False, None, None, Status.COMPLETED)
    requests.delivered(key, sequence=7)
    assert requests.get(key) == state
    assert requests.list_due(clock.now() + 1e6, 10) == []


def test_delivered_of_nothing_makes_nothing(requests: Any, key: RequestKey) -> None:
    """A request that is gone is not made anew by the mark of its delivery."""
    requests.delivered(key, sequence=7)
    assert requests.find(key) is None


def test_release_lets_the_request_wait_again(
    create: Any, claim: Any, requests: Any, key: RequestKey, clock: Any
) -> None:
    """A released request is PENDING without an owner, and the next claim is the next attempt."""
    create()
    held = claim()
    clock.advance(1)
    assert requests.release(held.state)
    state = requests.get(key)
    assert (state.status, state.owner, state.lease_until) == (Status.PENDING, None, None)
    assert state.due_at == clock.now() + DISPATCH_GRACE_S
    assert claim("invocation-2").attempt == 2


@pytest.mark.parametrize(("owner", "attempt"), [("other", 1), ("invocation-1", 2)], ids=["owner", "attempt"])
def test_release_is_fenced(
    create: Any, claim: Any, requests: Any, key: RequestKey, owner: str, attempt: int
) -> None:
    """Only the attempt that owns the request is released."""
    create()
    held = claim()
    assert not requests.release(held.state.replace(owner=owner, attempt=attempt))
    assert requests.get(key) == held.state


def test_release_against_complete_has_one_winner(create: Any, claim: Any, requests: Any, race: Any) -> None:
    """Of a release and a completion at the same moment exactly one happens."""
    for number in range(5):
        key = RequestKey("demo", "ann", f"race-{number}")
        create(key=key)
        held = requests.claim(key, owner="a", lease_until=9e9)
        released, completed = race(
            lambda held=held: requests.release(held.state),
            lambda held=held: requests.complete(held, result=1, sequence=2),
        )
        if released:
            assert isinstance(completed, Superseded)
            assert requests.get(key).status is Status.PENDING
        else:
            assert isinstance(completed, RequestState)
            assert requests.get(key).status is Status.COMPLETED


def test_redispatch_puts_a_waiting_request_into_the_stream(
    create: Any, requests: Any, key: RequestKey, clock: Any
) -> None:
    """A redispatch changes the item, so that a stream record follows, and counts."""
    state = create().state
    clock.advance(DISPATCH_GRACE_S)
    assert requests.redispatch(state)
    after = requests.get(key)
    assert (after.status, after.dispatches) == (Status.PENDING, state.dispatches + 1)
    assert after.due_at == clock.now() + DISPATCH_GRACE_S
    assert not requests.redispatch(state), "what was read is not what is there"


def test_redispatch_by_two_sweepers_happens_once(create: Any, requests: Any, clock: Any, race: Any) -> None:
    """The write is conditional on the due time that was read."""
    state = create().state
    clock.advance(DISPATCH_GRACE_S)
    results = race(*[lambda: requests.redispatch(state)] * 4)
    assert sorted(results) == [False, False, False, True]


def test_redispatch_of_a_retry_waits_until_it_is_due(
    create: Any, claim: Any, requests: Any, key: RequestKey, clock: Any
) -> None:
    """RETRYING becomes PENDING when it is due, and is left alone before."""
    create()
    requests.retry(claim(), due_at=clock.now() + 10, code="BUSY", message="Busy.")
    state = requests.get(key)
    assert not requests.redispatch(state)
    clock.advance(10)
    assert requests.redispatch(state)
    assert requests.get(key).status is Status.PENDING


def test_redispatch_leaves_a_claimed_request_alone(
    create: Any, claim: Any, requests: Any, key: RequestKey
) -> None:
    """A request that was claimed since it was read is not dispatched again."""
    waiting = create().state
    held = claim()
    assert not requests.redispatch(waiting)
    assert not requests.redispatch(held.state)
    assert requests.get(key) == held.state


def test_a_claim_counts_dispatches_anew(create: Any, claim: Any, requests: Any) -> None:
    """`dispatches` tells how often a request was dispatched without being claimed."""
    requests.redispatch(create().state)
    assert claim().state.dispatches == 0


def test_give_up_fails_a_request(create: Any, claim: Any, requests: Any, key: RequestKey, clock: Any) -> None:
    """A request given up is FAILED, undelivered, with a sequence number above all that were reserved."""
    create()
    state = claim().state
    after = requests.give_up(key, state=state, code="PROCESSING_FAILED", message="Gave up.")
    assert after == requests.get(key)
    assert (after.status, after.undelivered, after.outcome_sequence) == (
        Status.FAILED,
        True,
        SEQUENCE_BLOCK + 1,
    )
    assert after.error == {"code": "PROCESSING_FAILED", "message": "Gave up."}


def test_give_up_of_a_request_that_nobody_claimed(create: Any, requests: Any, key: RequestKey) -> None:
    """A request that is never claimed can be given up too."""
    after = requests.give_up(key, state=create().state, code="X", message="x")
    assert (after.status, after.outcome_sequence) == (Status.FAILED, 1)


def test_give_up_is_fenced(create: Any, claim: Any, requests: Any, key: RequestKey, clock: Any) -> None:
    """A request that was claimed, put back or ended since it was read is not given up."""
    waiting = create().state
    held = claim()
    assert requests.give_up(key, state=waiting, code="X", message="x") is None
    clock.advance(LEASE_S)
    newer = claim("invocation-2")
    assert requests.give_up(key, state=held.state, code="X", message="x") is None
    requests.complete(newer, result=1, sequence=newer.first_sequence)
    assert requests.give_up(key, state=newer.state, code="X", message="x") is None
    assert requests.give_up(key, state=requests.get(key), code="X", message="x") is None
    assert requests.get(key).status is Status.COMPLETED


def test_give_up_against_complete_has_one_winner(create: Any, requests: Any, race: Any) -> None:
    """Of giving up and completing at the same moment exactly one is the outcome."""
    for number in range(5):
        key = RequestKey("demo", "ann", f"race-{number}")
        create(key=key)
        held = requests.claim(key, owner="a", lease_until=9e9)
        given_up, completed = race(
            lambda key=key, held=held: requests.give_up(key, state=held.state, code="X", message="x"),
            lambda held=held: requests.complete(held, result=1, sequence=2),
        )
        state = requests.get(key)
        if isinstance(given_up, RequestState):
            assert isinstance(completed, Superseded)
            assert (state.status, state.outcome_sequence) == (Status.FAILED, SEQUENCE_BLOCK + 1)
        else:
            assert given_up is None
            assert isinstance(completed, RequestState)
            assert (state.status, state.outcome_sequence) == (Status.COMPLETED, 2)


def test_list_due_finds_what_is_due_first(create: Any, requests: Any, clock: Any) -> None:
    """Requests that something must be done about, the longest due first, at most as many as asked for."""
    keys = [RequestKey("demo", "ann", f"r-{number}") for number in range(4)]
    for key in keys:
        create(key=key)
        clock.advance(10)
    now = clock.now() - 40 + DISPATCH_GRACE_S + 20
    assert requests.list_due(now, 10) == keys[:3]
    assert requests.list_due(now, 2) == keys[:2]


def test_what_is_claimed_is_due_when_its_lease_ends(
    create: Any, claim: Any, requests: Any, key: RequestKey, clock: Any
) -> None:
    """The sweeper finds a request whose executor went silent, not one that is being worked on."""
    create()
    claim()
    assert requests.list_due(clock.now() + LEASE_S - 1, 10) == []
    assert requests.list_due(clock.now() + LEASE_S, 10) == [key]


def test_the_due_index_holds_what_its_readers_need(create: Any, requests: Any, stores: Any) -> None:
    """Keys and status: a write of progress, the most frequent one, does not touch it."""
    create()
    (row,) = stores.database.query(Query(RequestState, RequestState.due == DUE, index="due-index"))
    assert (row.key, row.status) == (RequestKey("demo", "ann", "r-1"), Status.PENDING)
    for name in ("percentage", "message", "updated_at", "history"):
        with pytest.raises(NotLoaded):
            getattr(row, name)
