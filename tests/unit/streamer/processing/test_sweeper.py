"""What the sweeper puts right, on a real store in memory."""

import json
import logging
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from streamer.connections.manager import Delivery
from streamer.delivery import OutcomeDelivery
from streamer.dynamorm import Attribute, Database, Model, Put, Scan, Update
from streamer.errors import ServiceUnavailable
from streamer.lifecycle import Status
from streamer.processing.deliveries import MAX_DELIVERIES
from streamer.processing.recovery import MAX_DISPATCHES
from streamer.processing.sweeper import END_S, Sweeper
from streamer.processing.work import owner_of
from streamer.settings import Settings
from streamer.store import (
    DELIVERY_GRACE_S,
    DISPATCH_GRACE_S,
    REQUEST_TTL_S,
    REQUESTS,
    ExpiryStore,
    RequestKey,
    RequestStore,
    SubscriptionStore,
)
from streamer.store.expiry import RequestsItem
from streamer.store.models import DUE, Counter, user_key

KEY = RequestKey("acme", "ada", "r1")


@pytest.fixture
def sweeper(
    requests: RequestStore, delivery: OutcomeDelivery, clock: Any, database: Any, settings: Settings
) -> Sweeper:
    def sleep(seconds: float) -> None:
        clock.time += seconds

    return Sweeper(
        requests=requests,
        expiry=ExpiryStore(database, settings, clock),
        delivery=delivery,
        clock=clock,
        max_attempts=3,
        logger=logging.getLogger("test"),
        sleep=sleep,
    )


@pytest.fixture(autouse=True)
def _queued(requests: RequestStore) -> None:
    requests.create(
        KEY,
        action="noop",
        payload={},
        correlation_id="correlation-1",
        connection_id="C1=",
        endpoint="https://localhost:1/local",
    )


def failure(owner: str) -> dict[str, Any]:
    """The record that Lambda sends to the on-failure destination of the executor."""
    return {
        "version": "1.0",
        "requestContext": {"requestId": owner, "condition": "RetriesExhausted"},
        "requestPayload": {
            "tenant_id": "acme",
            "user_id": "ada",
            "request_id": "r1",
            "correlation_id": "correlation-1",
        },
    }


def test_a_dead_executors_request_is_free_at_once(
    sweeper: Sweeper, requests: RequestStore, clock: Any
) -> None:
    """The lease of a crashed executor does not have to end first."""
    requests.claim(KEY, owner="dead", lease_until=clock.time + 900)
    sweeper.executor_failed(failure("dead"))
    state = requests.get(KEY)
    assert (state.status, state.attempt) == (Status.PENDING, 1)


def test_a_late_failure_record_frees_nobody_elses_request(
    sweeper: Sweeper, requests: RequestStore, clock: Any
) -> None:
    """A failure of an earlier attempt leaves a live executor alone."""
    requests.claim(KEY, owner="alive", lease_until=clock.time + 900)
    sweeper.executor_failed(failure("dead"))
    assert requests.get(KEY).owner == "alive"


def test_an_executor_that_died_before_its_claim_is_followed_at_once(
    sweeper: Sweeper, requests: RequestStore, clock: Any, outbox: Any
) -> None:
    """A request that nobody claimed is dispatched again without waiting, and in the end given up."""
    dispatched = []
    for _ in range(MAX_DISPATCHES):
        sweeper.executor_failed(failure("died early"))
        state = requests.get(KEY)
        dispatched.append((state.status, state.dispatches))
    assert dispatched == [(Status.PENDING, number + 1) for number in range(MAX_DISPATCHES)]
    sweeper.executor_failed(failure("died early"))
    assert requests.get(KEY).status is Status.FAILED
    assert len(outbox.messages) == 1


def test_a_request_that_is_given_up_tells_how_the_only_attempt_failed(
    sweeper: Sweeper, requests: RequestStore, clock: Any, outbox: Any
) -> None:
    """After one attempt nobody claims it again: what failed then is not what the outcome says."""
    held = requests.claim(KEY, owner="alive", lease_until=clock.time + 900)
    requests.release(held.state, code="BUSY", message="Busy.")
    for _ in range(MAX_DISPATCHES + 1):
        sweeper.executor_failed(failure("died early"))
    (message,) = outbox.messages
    assert message["error"]["code"] == "PROCESSING_FAILED"
    assert message["error"]["details"]["attempts"] == [{"attempt": 1, "code": "BUSY", "message": "Busy."}]


def test_after_the_last_attempt_the_request_fails_and_the_client_is_told(
    sweeper: Sweeper, requests: RequestStore, clock: Any, outbox: Any
) -> None:
    """A request whose executors keep dying ends with one error."""
    for attempt in range(3):
        requests.claim(KEY, owner=f"dead-{attempt}", lease_until=clock.time + 900)
        sweeper.executor_failed(failure(f"dead-{attempt}"))
    assert requests.get(KEY).status is Status.FAILED
    assert [message["error"]["code"] for message in outbox.messages] == ["PROCESSING_FAILED"]


def test_nothing_is_done_before_it_is_due(sweeper: Sweeper) -> None:
    """A fresh request is nobody's business but the stream's."""
    assert sweeper.sweep() == {}


def test_a_lost_dispatch_is_repeated_and_in_the_end_given_up(
    sweeper: Sweeper, requests: RequestStore, clock: Any, outbox: Any
) -> None:
    """A request that no executor ever claims is put into the stream a few times, then fails."""
    remedies: list[str] = []
    for _ in range(20):
        clock.time += 60
        remedies += sweeper.sweep()
    assert remedies == ["REDISPATCH"] * 5 + ["GIVE_UP"]
    assert requests.get(KEY).status is Status.FAILED
    assert len(outbox.messages) == 1


def test_a_request_that_only_waits_is_not_given_up_soon(
    sweeper: Sweeper, requests: RequestStore, clock: Any
) -> None:
    """Where executors are short it waits in Lambda's queue: it is dispatched again ever less often."""
    for _ in range(15):
        clock.time += 60
        sweeper.sweep()
    assert requests.get(KEY).status is Status.PENDING


def test_a_retry_that_cannot_be_dispatched_does_not_keep_the_sweeper(
    sweeper: Sweeper, requests: RequestStore, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried a few times in the sweeper's time, with pauses, and left for the next run."""
    begin = clock.time

    def refuse(state: Any) -> bool:
        clock.time += 0.01  # or the test would not end where the sweeper doesn't
        raise ServiceUnavailable("The table does not answer.")

    claim = requests.claim(KEY, owner="o", lease_until=begin + 900)
    requests.retry(claim, due_at=begin + 20, code="BUSY", message="Busy.")
    monkeypatch.setattr(requests, "redispatch", refuse)
    counts = sweeper.sweep(until=begin + 50)
    assert begin + 50 <= clock.time <= begin + 60
    assert counts["NOTHING"] < 40


def test_a_lease_that_is_over_frees_the_request(sweeper: Sweeper, requests: RequestStore, clock: Any) -> None:
    """Where no failure record came, the end of the lease frees the request."""
    requests.claim(KEY, owner="dead", lease_until=clock.time + 10)
    clock.time += 11
    assert sweeper.sweep() == {"RELEASE": 1}
    assert requests.get(KEY).status is Status.PENDING


def test_an_undelivered_outcome_is_sent_again_with_its_sequence(
    sweeper: Sweeper, requests: RequestStore, clock: Any, outbox: Any
) -> None:
    """A crash between storing and sending loses no outcome."""
    claim = requests.claim(KEY, owner="o", lease_until=clock.time + 900)
    requests.complete(claim, result={"n": 1}, sequence=claim.first_sequence)
    clock.time += DELIVERY_GRACE_S + 1
    assert sweeper.sweep() == {"DELIVER": 1}
    (message,) = outbox.messages
    assert (message["type"], message["sequence"], message["result"]) == (
        "complete",
        claim.first_sequence,
        {"n": 1},
    )
    clock.time += DELIVERY_GRACE_S + 1
    assert sweeper.sweep() == {}


class BrokenState(Model, table=REQUESTS, partition="REQUEST#{name}", sort="STATE"):
    """What stands where a request should, and is none: somebody wrote it by hand."""

    name: Attribute[str]
    due: Attribute[str]
    due_at: Attribute[float]


def test_an_item_that_cannot_be_read_does_not_stop_the_sweep(
    sweeper: Sweeper,
    requests: RequestStore,
    database: Any,
    clock: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One broken item is logged; every other request that is due gets its remedy."""
    Database(database).write(Put(BrokenState(name="broken", due=DUE, due_at=clock.time - 1)))
    clock.time += DISPATCH_GRACE_S + 1
    assert sweeper.sweep() == {"REDISPATCH": 1}
    assert requests.get(KEY).dispatches == 1
    assert ("sweeper.unreadable", "REQUEST#broken") in [
        (getattr(line, "action", None), getattr(line, "item", None)) for line in caplog.records
    ]


def test_an_outcome_that_cannot_be_sent_is_not_due_at_once_again(
    sweeper: Sweeper, requests: RequestStore, clock: Any, outbox: Any
) -> None:
    """What fails to be delivered goes to the end of what is due, and keeps its mark."""
    claim = requests.claim(KEY, owner="o", lease_until=clock.time + 900)
    requests.complete(claim, result={"n": 1}, sequence=claim.first_sequence)
    outbox.reply = type(outbox.reply).FAILED
    clock.time += DELIVERY_GRACE_S + 1
    assert sweeper.sweep() == {"DELIVER": 1}
    assert sweeper.sweep() == {}
    assert requests.get(KEY).undelivered
    clock.time += DELIVERY_GRACE_S + 1
    assert sweeper.sweep() == {"DELIVER": 1}


class HangingOutbox:
    """Takes what goes to anybody but one connection; that one never answers before it is released."""

    def __init__(self, hanging: str) -> None:
        self.hanging = hanging
        self.release = threading.Event()
        self.told: queue.Queue[str] = queue.Queue()

    def send_many(
        self, subscribers: Sequence[Any], data: bytes, *, within_s: float | None = None
    ) -> list[Delivery]:
        if any(to.connection_id == self.hanging for to in subscribers):
            self.release.wait(10)
        self.told.put(json.loads(data)["request_id"])
        return [Delivery.DELIVERED] * len(subscribers)


def test_a_connection_that_hangs_holds_up_nobody_elses_outcome(
    requests: RequestStore, subscriptions: SubscriptionStore, clock: Any, database: Any, settings: Settings
) -> None:
    """The others hear theirs while it hangs; the sweep ends in its time, and its outcome stays due."""
    other = RequestKey("acme", "ada", "r2")
    requests.create(
        other, action="noop", payload={}, correlation_id="c", connection_id="C2=", endpoint="https://x/y"
    )
    for key in (KEY, other):
        claim = requests.claim(key, owner="o", lease_until=clock.time + 900)
        requests.complete(claim, result={}, sequence=claim.first_sequence)
    outbox = HangingOutbox("C1=")
    sweeper = Sweeper(
        requests=requests,
        expiry=ExpiryStore(database, settings, clock),
        delivery=OutcomeDelivery(requests, subscriptions, outbox, lambda: str, clock),
        clock=clock,
        max_attempts=3,
        logger=logging.getLogger("test"),
    )

    def remaining_s() -> float:
        assert outbox.told.get(timeout=10) == "r2"
        return END_S

    clock.time += DELIVERY_GRACE_S + 1
    assert sweeper.sweep(remaining_s=remaining_s) == {"DELIVER": 2}
    assert requests.get(KEY).undelivered
    outbox.release.set()
    assert outbox.told.get(timeout=10) == "r1"


@pytest.fixture
def hanging() -> Iterator[HangingOutbox]:
    outbox = HangingOutbox("C2=")
    yield outbox
    outbox.release.set()


@pytest.fixture
def hanging_sweeper(
    sweeper: Sweeper,
    requests: RequestStore,
    subscriptions: SubscriptionStore,
    clock: Any,
    hanging: HangingOutbox,
) -> Sweeper:
    """A sweeper whose outcomes to the connection C2= hang."""
    sweeper._delivery = OutcomeDelivery(requests, subscriptions, hanging, lambda: str, clock)
    return sweeper


def fail_many(requests: RequestStore, clock: Any, *keys: RequestKey) -> None:
    """Let requests fail, those of the connection C2=."""
    for key in keys:
        requests.create(
            key, action="noop", payload={}, correlation_id="c", connection_id="C2=", endpoint="https://x/y"
        )
        claim = requests.claim(key, owner="o", lease_until=clock.time + 900)
        requests.fail(claim, code="BROKEN", message="Broken.", details=None, sequence=claim.first_sequence)


def test_an_outcome_that_is_being_sent_is_not_begun_again(
    hanging_sweeper: Sweeper, requests: RequestStore, clock: Any, hanging: HangingOutbox
) -> None:
    """A sweep that waits for a retry finds it due again meanwhile, and leaves it to the one who sends it."""
    fail_many(requests, clock, RequestKey("acme", "ada", "r2"))
    clock.time += DELIVERY_GRACE_S + 1
    claim = requests.claim(KEY, owner="o", lease_until=clock.time + 900)
    requests.retry(claim, due_at=clock.time + DELIVERY_GRACE_S + 10, code="BUSY", message="Busy.")

    def remaining_s() -> float:
        hanging.release.set()
        return 10 + END_S

    counts = hanging_sweeper.sweep(until=clock.time + DELIVERY_GRACE_S + 15, remaining_s=remaining_s)
    assert (counts["DELIVER"], counts["REDISPATCH"]) == (1, 1)
    assert [*hanging.told.queue] == ["r2"]


def test_an_outcome_that_waits_for_its_turn_is_not_sent_after_a_replay(
    hanging_sweeper: Sweeper, requests: RequestStore, clock: Any, hanging: HangingOutbox
) -> None:
    """The outcome of the earlier run does not come while the request runs again."""
    others = [RequestKey("acme", "ada", f"other-{number}") for number in range(MAX_DELIVERIES)]
    fail_many(requests, clock, *others)
    clock.time += 1
    claim = requests.claim(KEY, owner="o", lease_until=clock.time + 900)
    requests.fail(claim, code="BROKEN", message="Broken.", details=None, sequence=claim.first_sequence)
    clock.time += DELIVERY_GRACE_S + 1

    def remaining_s() -> float:
        requests.replay(KEY)
        hanging.release.set()
        return 10 + END_S

    assert hanging_sweeper.sweep(remaining_s=remaining_s) == {"DELIVER": MAX_DELIVERIES + 1}
    assert sorted(hanging.told.queue) == [key.request_id for key in others]


def test_a_sweep_that_fails_still_waits_for_what_it_began(
    hanging_sweeper: Sweeper,
    requests: RequestStore,
    clock: Any,
    hanging: HangingOutbox,
    unavailable: Callable[..., None],
) -> None:
    """The table fails in the midst of it: the outcomes that are on their way get there."""
    fail_many(requests, clock, RequestKey("acme", "ada", "r2"))
    clock.time += DELIVERY_GRACE_S + 1
    unavailable(RequestStore, "find_next_retry")

    def remaining_s() -> float:
        hanging.release.set()
        return 10 + END_S

    with pytest.raises(ServiceUnavailable):
        hanging_sweeper.sweep(until=clock.time + 50, remaining_s=remaining_s)
    assert [*hanging.told.queue] == ["r2"]


def test_what_somebody_else_dispatched_is_not_said_to_be_dispatched(
    sweeper: Sweeper,
    requests: RequestStore,
    clock: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The log and the counts tell what this sweeper did."""
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(requests, "redispatch", lambda state: False)
    clock.time += DISPATCH_GRACE_S + 1
    assert sweeper.sweep() == {"NOTHING": 1}
    actions = {getattr(line, "action", None) for line in caplog.records}
    assert "sweeper.superseded" in actions
    assert "sweeper.redispatched" not in actions


def test_an_outcome_that_cannot_be_read_stops_no_other_delivery(
    sweeper: Sweeper, requests: RequestStore, clock: Any, outbox: Any, unavailable: Callable[..., None]
) -> None:
    """The table fails for one result: the other is delivered, and the first stays due."""
    other = RequestKey("acme", "ada", "r2")
    requests.create(
        other, action="noop", payload={}, correlation_id="c", connection_id="C1=", endpoint="https://x/y"
    )
    for key in (KEY, other):
        claim = requests.claim(key, owner="o", lease_until=clock.time + 900)
        requests.complete(claim, result={}, sequence=claim.first_sequence)
    unavailable(RequestStore, "get_result", of=KEY)
    clock.time += DELIVERY_GRACE_S + 1
    sweeper.sweep()
    assert [message["request_id"] for message in outbox.messages] == ["r2"]
    assert requests.get(KEY).undelivered


def test_a_failure_record_names_the_invocation_not_the_owner(
    sweeper: Sweeper, requests: RequestStore, clock: Any
) -> None:
    """An owner begins with the invocation's id; another invocation whose id begins alike is another."""
    requests.claim(KEY, owner=owner_of("dead", lambda: 0.5), lease_until=clock.time + 900)
    sweeper.executor_failed(failure("dea"))
    assert requests.get(KEY).status is Status.PROCESSING
    sweeper.executor_failed(failure("dead"))
    assert requests.get(KEY).status is Status.PENDING


def test_a_request_says_how_often_it_is_begun(
    sweeper: Sweeper, requests: RequestStore, clock: Any, outbox: Any
) -> None:
    """What was declared when it was accepted counts, not the settings; the client hears of every attempt."""
    key = RequestKey("acme", "ada", "r2")
    requests.create(
        key,
        action="noop",
        payload={},
        correlation_id="correlation-1",
        connection_id="C1=",
        endpoint="https://localhost:1/local",
        max_attempts=2,
    )
    for attempt in range(2):
        requests.claim(key, owner=f"dead-{attempt}", lease_until=clock.time + 10)
        clock.time += 11
        sweeper.sweep()
    state = requests.get(key)
    assert (state.status, state.attempt) == (Status.FAILED, 2)
    (message,) = [message for message in outbox.messages if message["request_id"] == "r2"]
    assert [each["attempt"] for each in message["error"]["details"]["attempts"]] == [1, 2]


def test_a_dead_executors_request_that_was_to_end_ends(
    sweeper: Sweeper, requests: RequestStore, clock: Any, outbox: Any
) -> None:
    """A wish to cancel that the action could not hear any more is carried out, once, at once."""
    requests.claim(KEY, owner="dead", lease_until=clock.time + 900)
    requests.cancel(KEY)
    sweeper.executor_failed(failure("dead"))
    sweeper.executor_failed(failure("dead"))
    assert requests.get(KEY).status is Status.CANCELLED
    assert [message["error"]["code"] for message in outbox.messages] == ["CANCELLED"]


def test_a_retry_that_becomes_due_is_dispatched_when_it_is(
    sweeper: Sweeper, requests: RequestStore, clock: Any
) -> None:
    """A sweeper that sees a retry in its minute waits for it; one that is later is left for the next."""
    begin = clock.time
    claim = requests.claim(KEY, owner="o", lease_until=clock.time + 900)
    requests.retry(claim, due_at=begin + 20, code="BUSY", message="Busy.")
    assert sweeper.sweep(until=begin + 19) == {}
    assert clock.time == begin
    assert sweeper.sweep(until=begin + 50) == {"REDISPATCH": 1}
    assert clock.time == begin + 20
    assert requests.get(KEY).status is Status.PENDING


def test_a_sweeper_beside_a_live_executor_changes_nothing(
    sweeper: Sweeper, requests: RequestStore, clock: Any
) -> None:
    """Before the lease is over the request is its executor's, whatever was due."""
    claim = requests.claim(KEY, owner="alive", lease_until=clock.time + 900)
    clock.time += 899
    assert sweeper.sweep() == {}
    requests.complete(claim, result=1, sequence=claim.first_sequence)
    assert requests.get(KEY).status is Status.COMPLETED


def test_wrong_counters_are_mended(
    sweeper: Sweeper, database: Any, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """What a crash left in a counter is gone after two sweeps."""
    name = user_key("acme", "ada")
    tables = Database(database, now=clock.now)
    tables.write(Update(Counter.at(name=name), (Counter.in_flight.increment(5),)))
    sweeper.sweep()
    sweeper.sweep()
    assert tables.get(Counter.at(name=name)).in_flight == 1
    assert "sweeper.counters_mended" in {getattr(line, "action", None) for line in caplog.records}


def test_what_has_expired_is_gone_within_an_hour(
    sweeper: Sweeper, requests: RequestStore, database: Any, clock: Any
) -> None:
    """A request that was over for seven days leaves no item; one that waits stays."""
    claim = requests.claim(KEY, owner="o", lease_until=clock.time + 900)
    requests.complete(claim, result=1, sequence=claim.first_sequence)
    requests.delivered(KEY, sequence=claim.first_sequence)
    clock.time += REQUEST_TTL_S + 60
    for _ in range(61):
        sweeper.sweep()
        clock.time += 60
    tables = Database(database, now=lambda: 0.0)
    assert [*tables.scan(Scan(RequestsItem), include_expired=True)] == []


@pytest.fixture
def unavailable(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Let a method of a store find no table, whenever or for some arguments only."""

    def unavailable(store: type, method: str, *, of: RequestKey | None = None) -> None:
        works = getattr(store, method)

        def fails(self: Any, *args: Any, **options: Any) -> Any:
            if of is None or of in args:
                raise ServiceUnavailable("The tables do not answer just now; try again later.")
            return works(self, *args, **options)

        monkeypatch.setattr(store, method, fails)

    return unavailable


def test_a_request_that_cannot_be_put_right_stops_nobody_elses(
    sweeper: Sweeper, requests: RequestStore, clock: Any, unavailable: Callable[..., None]
) -> None:
    """The table fails for one request: the other is dispatched, and the first is due in the next sweep."""
    other = RequestKey("acme", "ada", "r2")
    requests.create(
        other, action="noop", payload={}, correlation_id="c", connection_id="C1=", endpoint="https://x/y"
    )
    clock.time += DISPATCH_GRACE_S + 1
    unavailable(RequestStore, "find", of=KEY)
    assert sweeper.sweep() == {"NOTHING": 1, "REDISPATCH": 1}
    assert [key.request_id for key in requests.list_due(clock.now(), 10)] == ["r1"]


@pytest.mark.parametrize(
    ("store", "method", "action"),
    [
        (RequestStore, "reconcile", "sweeper.not_counted"),
        (ExpiryStore, "delete_expired", "sweeper.not_tidied"),
    ],
    ids=["counters", "expired-items"],
)
def test_upkeep_that_fails_does_not_fail_the_sweep(
    sweeper: Sweeper,
    clock: Any,
    unavailable: Callable[..., None],
    caplog: pytest.LogCaptureFixture,
    store: type,
    method: str,
    action: str,
) -> None:
    """What is due is put right all the same, and the log says what was left."""
    unavailable(store, method)
    clock.time += DISPATCH_GRACE_S + 1
    assert sweeper.sweep() == {"REDISPATCH": 1}
    assert action in {getattr(line, "action", None) for line in caplog.records}
