"""Clients ask about requests: where they stand, what follows, which there are; and end them."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from streamer.connections.manager import Delivery
from streamer.delivery import OutcomeDelivery
from streamer.protocol import Error, Message, Pong, Progress, Response, encode
from streamer.protocol.limits import MAX_MESSAGE_BYTES
from streamer.routing.router import Arrival, Router
from streamer.store import (
    Claim,
    Connection,
    MessageStore,
    RequestKey,
    RequestState,
    RequestStore,
    SubscriptionStore,
)
from streamer.store.limits import MESSAGE_TTL_S

KEY = RequestKey("acme", "ada", "r1")

Ask = Callable[..., Message]


@pytest.fixture
def ask(router: Router, caller: Connection) -> Ask:
    def ask(action: str, *, as_: Connection = caller, on: str = "C2=", **payload: Any) -> Message:
        body = json.dumps({"action": action, "id": "q1", "payload": payload})
        return router.answer(Arrival(body, on, "correlation-2"), as_)

    return ask


@pytest.fixture
def begin(router: Router, caller: Connection) -> Callable[..., None]:
    """Returns what queues a request of Ada's."""

    def begin(request_id: str = "r1", action: str = "noop") -> None:
        router.answer(
            Arrival(json.dumps({"action": action, "id": request_id}), "C1=", "correlation-1"), caller
        )

    return begin


@pytest.fixture
def claim(begin: Callable[..., None], requests: RequestStore) -> Claim:
    """Ada's request r1, which an executor works on."""
    begin()
    return requests.claim(KEY, owner="o", lease_until=2e9)


def data(answer: Message) -> Any:
    assert isinstance(answer, Response), answer
    return json.loads(encode(answer))["data"]


def code(answer: Message) -> str:
    assert isinstance(answer, Error), answer
    return answer.error.code


def progress(sequence: int, message: str = "") -> Progress:
    return Progress(
        request_id="r1",
        sequence=sequence,
        timestamp="2026-01-01T00:00:00.000Z",
        attempt=1,
        percentage=5,
        message=message,
    )


def test_a_request_that_waits(ask: Ask, begin: Callable[..., None]) -> None:
    """`status` says what is known of it, under the id of the question."""
    begin()
    answer = ask("status", request_id="r1")
    assert isinstance(answer, Response)
    assert answer.request_id == "q1"
    assert data(answer) == {
        "request_id": "r1",
        "user_id": "ada",
        "action": "noop",
        "status": "PENDING",
        "attempt": 0,
        "created_at": "2023-11-14T22:13:20.000Z",
        "updated_at": "2023-11-14T22:13:20.000Z",
    }


def test_a_request_that_runs(ask: Ask, claim: Claim, requests: RequestStore) -> None:
    """It is as far as it said last."""
    requests.save_progress(claim, 40.0, "Read 400 rows")
    known = data(ask("status", request_id="r1"))
    assert (known["status"], known["attempt"]) == ("PROCESSING", 1)
    assert (known["percentage"], known["message"]) == (40.0, "Read 400 rows")


def test_a_request_that_is_tried_again(ask: Ask, claim: Claim, requests: RequestStore, clock: Any) -> None:
    """The client sees why the attempt failed, and when the next one begins."""
    requests.retry(claim, due_at=clock.time + 30, code="BUSY", message="The mill is busy.")
    known = data(ask("status", request_id="r1"))
    assert (known["status"], known["next_attempt_at"]) == ("RETRYING", "2023-11-14T22:13:50.000Z")
    assert known["error"] == {"code": "BUSY", "message": "The mill is busy."}
    assert [(failure["attempt"], failure["code"]) for failure in known["failures"]] == [(1, "BUSY")]


def test_a_request_that_is_complete(ask: Ask, claim: Claim, requests: RequestStore) -> None:
    """Its result is in the answer, links signed; so is the sequence of its outcome."""
    link = {"$link": {"bucket": "b", "key": "k.csv", "filename": "k.csv"}}
    requests.complete(claim, result={"file": link}, sequence=7)
    known = data(ask("status", request_id="r1"))
    assert (known["status"], known["sequence"]) == ("COMPLETED", 7)
    assert known["result"] == {"file": "https://signed/k.csv"}
    assert "error" not in known


def test_a_result_of_nothing_is_told_apart_from_no_result(
    ask: Ask, claim: Claim, requests: RequestStore
) -> None:
    """`result` is there as null when an action returned nothing."""
    assert "result" not in data(ask("status", request_id="r1"))
    requests.complete(claim, result=None, sequence=7)
    assert data(ask("status", request_id="r1"))["result"] is None


def test_a_result_in_a_file_is_linked(ask: Ask, claim: Claim, requests: RequestStore) -> None:
    """What no message carries is linked here as in the outcome."""
    stored = {"$result": {"bucket": "b", "key": "r.json", "size_bytes": 9}}
    requests.complete(claim, result=stored, sequence=7)
    known = data(ask("status", request_id="r1"))
    assert known["result"] is None
    assert known["link"]["url"] == "https://signed/r.json"


@pytest.mark.parametrize("action", ["status", "subscribe", "cancel"])
def test_a_request_that_is_not_there(ask: Ask, subscriptions: SubscriptionStore, action: str) -> None:
    """It is NOT_FOUND, and nobody is subscribed to it."""
    assert code(ask(action, request_id="none")) == "NOT_FOUND"
    assert subscriptions.list(RequestKey("acme", "ada", "none")) == []


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("status", {}),
        ("status", {"request_id": "not one"}),
        ("status", {"request_id": "r1", "after_sequence": 1}),
        ("subscribe", {"request_id": "r1", "after_sequence": -1}),
        ("cancel", {"id": "r1"}),
        ("list", {"limit": 0}),
        ("list", {"limit": 51}),
        ("list", {"status": "LOST"}),
        ("list", {"cursor": "none of ours"}),
        ("ping", {"pong": 1}),
    ],
    ids=str,
)
def test_a_question_that_does_not_fit(ask: Ask, action: str, payload: dict[str, Any]) -> None:
    """It is refused with the id of the question."""
    answer = ask(action, **payload)
    assert code(answer) == "VALIDATION_ERROR"
    assert isinstance(answer, Error)
    assert answer.request_id == "q1"


def test_a_ping_is_answered_with_a_pong(ask: Ask) -> None:
    """It asks nothing of the tables."""
    assert ask("ping") == Pong(timestamp="2023-11-14T22:13:20.000Z")


def test_another_connection_of_the_user_follows(
    ask: Ask, claim: Claim, requests: RequestStore, subscriptions: SubscriptionStore
) -> None:
    """It gets the present state at once, and is sent what comes."""
    requests.save_progress(claim, 40.0, "Read 400 rows")
    known = data(ask("subscribe", request_id="r1"))
    assert (known["request"]["percentage"], known["messages"], known["truncated"]) == (40.0, [], False)
    assert {row.connection_id for row in subscriptions.list(KEY)} == {"C1=", "C2="}


def test_a_request_that_is_accepted_while_somebody_subscribes(
    ask: Ask,
    begin: Callable[..., None],
    requests: RequestStore,
    subscriptions: SubscriptionStore,
    delivery: OutcomeDelivery,
    outbox: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Who lost its connection before the acknowledgment, and asks on the next one, is told there, too."""
    subscribe = subscriptions.subscribe

    def before_it_is_there(key: RequestKey, *follower: str) -> None:
        is_early = requests.find(key) is None
        subscribe(key, *follower)
        if is_early:
            begin()

    monkeypatch.setattr(subscriptions, "subscribe", before_it_is_there)
    assert data(ask("subscribe", request_id="r1"))["request"]["status"] == "PENDING"
    claim = requests.claim(KEY, owner="o", lease_until=2e9)
    delivery.deliver(KEY, requests.complete(claim, result=1, sequence=7), result=1)
    assert len(outbox.messages) == 2, "one for each connection"


def test_nothing_falls_between_the_answer_and_what_follows(
    ask: Ask,
    claim: Claim,
    requests: RequestStore,
    delivery: OutcomeDelivery,
    outbox: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Work that ends when its state was just read tells its outcome to who asked, too."""
    get = requests.get

    def read_and_be_late(key: RequestKey) -> RequestState:
        state = get(key)
        delivery.deliver(key, requests.complete(claim, result=1, sequence=7), result=1)
        return state

    monkeypatch.setattr(requests, "get", read_and_be_late)
    known = data(ask("subscribe", request_id="r1"))
    assert (known["request"]["status"], known["messages"]) == ("PROCESSING", [])
    assert [message["sequence"] for message in outbox.messages] == [7, 7]  # to C1= and to C2=


def test_what_was_missed_is_told_again(ask: Ask, claim: Claim, messages: MessageStore) -> None:
    """The messages after the given sequence come in order, as they were sent."""
    log = messages.log(KEY, first=True)
    for sequence in (3, 5, 8):
        log.append(progress(sequence))
    known = data(ask("subscribe", request_id="r1", after_sequence=3))
    assert [message["sequence"] for message in known["messages"]] == [5, 8]
    assert {message["type"] for message in known["messages"]} == {"progress"}
    assert known["truncated"] is False


def test_what_cannot_be_told_again_is_said(ask: Ask, claim: Claim, messages: MessageStore) -> None:
    """A gap is named, with the state as it is."""
    log = messages.log(KEY, first=True)
    for sequence in range(1, 105):
        log.append(progress(sequence))
    known = data(ask("subscribe", request_id="r1", after_sequence=1))
    assert known["truncated"] is True
    assert known["messages"][-1]["sequence"] == 104


def test_progress_that_is_kept_no_more_is_missing(
    ask: Ask, claim: Claim, requests: RequestStore, messages: MessageStore, clock: Any
) -> None:
    """After a day there are no messages left, and the answer does not look as if there had been none."""
    messages.log(KEY, first=True).append(progress(3))
    requests.complete(claim, result=1, sequence=7)
    clock.time += MESSAGE_TTL_S + 1
    known = data(ask("subscribe", request_id="r1", after_sequence=0))
    assert [message["sequence"] for message in known["messages"]] == [7]
    assert known["truncated"] is True


def test_an_outcome_that_was_missed_comes_last(
    ask: Ask, claim: Claim, requests: RequestStore, messages: MessageStore
) -> None:
    """Whoever asks after the end has everything in one answer, the result in its own message."""
    messages.log(KEY, first=True).append(progress(3))
    requests.complete(claim, result={"n": 1}, sequence=7)
    known = data(ask("subscribe", request_id="r1", after_sequence=0))
    assert [(message["type"], message["sequence"]) for message in known["messages"]] == [
        ("progress", 3),
        ("complete", 7),
    ]
    assert known["messages"][1]["result"] == {"n": 1}
    assert "result" not in known["request"]


@pytest.mark.parametrize(("seen", "is_told"), [(None, True), (6, True), (7, False)])
def test_an_outcome_is_told_unless_it_was_seen(
    ask: Ask, claim: Claim, requests: RequestStore, seen: int | None, is_told: bool
) -> None:
    """A consumer that has the outcome does not get it a second time."""
    requests.fail(claim, code="BROKEN", message="It broke.", details=None, sequence=7)
    payload = {"request_id": "r1"} if seen is None else {"request_id": "r1", "after_sequence": seen}
    known = data(ask("subscribe", **payload))
    assert [message["type"] for message in known["messages"]] == (["error"] if is_told else [])
    assert known["request"]["status"] == "FAILED"


def test_the_answer_fits_a_message_whatever_was_missed(
    ask: Ask, claim: Claim, requests: RequestStore, messages: MessageStore
) -> None:
    """The outcome stays, older messages go, and the answer says so."""
    log = messages.log(KEY, first=True)
    for sequence in range(1, 50):
        log.append(progress(sequence, "é" * 600))
    requests.complete(claim, result="x" * 126_000, sequence=60)
    answer = ask("subscribe", request_id="r1", after_sequence=0)
    assert len(encode(answer)) <= MAX_MESSAGE_BYTES
    known = data(answer)
    assert known["messages"][-1]["type"] == "complete"
    assert known["truncated"] is True


def test_the_largest_error_fits_beside_its_request(ask: Ask, claim: Claim, requests: RequestStore) -> None:
    """The outcome says why; the state beside it says no more than that it FAILED."""
    requests.fail(claim, code="LONG", message="m" * 300, details={"a": "x" * 65_000}, sequence=7)
    answer = ask("subscribe", request_id="r1")
    assert len(encode(answer)) <= MAX_MESSAGE_BYTES
    assert data(answer)["messages"][0]["error"]["code"] == "LONG"
    assert data(answer)["request"]["status"] == "FAILED"


def test_a_request_that_waits_is_cancelled_at_once(ask: Ask, begin: Callable[..., None], outbox: Any) -> None:
    """Nothing runs any more, and whoever follows is told."""
    begin()
    assert data(ask("cancel", request_id="r1"))["status"] == "CANCELLED"
    [outcome] = outbox.messages
    assert (outcome["type"], outcome["request_id"], outcome["error"]["code"]) == ("error", "r1", "CANCELLED")


def test_a_request_that_runs_is_asked_to_end(ask: Ask, claim: Claim, outbox: Any) -> None:
    """The answer says that it was asked; its outcome comes when it ends."""
    known = data(ask("cancel", request_id="r1"))
    assert (known["status"], known["cancel_requested"]) == ("PROCESSING", True)
    assert outbox.messages == []


def test_a_request_that_is_over_stays_as_it_is(
    ask: Ask, claim: Claim, requests: RequestStore, outbox: Any
) -> None:
    """Cancelling too late changes nothing, and the outcome is not sent again."""
    requests.complete(claim, result=1, sequence=7)
    assert data(ask("cancel", request_id="r1"))["status"] == "COMPLETED"
    assert outbox.messages == []


def test_an_outcome_that_could_not_be_sent_waits_for_the_sweeper(
    ask: Ask, begin: Callable[..., None], outbox: Any, requests: RequestStore
) -> None:
    """The cancellation stands whether or not everyone could be told at once."""
    begin()
    outbox.reply = Delivery.FAILED
    assert data(ask("cancel", request_id="r1"))["status"] == "CANCELLED"
    assert requests.get(KEY).undelivered


def test_own_requests_are_listed_newest_first_in_pages(
    ask: Ask, begin: Callable[..., None], clock: Any
) -> None:
    """A cursor asks for the next page, until there is none."""
    for number in range(5):
        clock.time += 1
        begin(f"r{number}")
    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = data(ask("list", limit=2, **({"cursor": cursor} if cursor else {})))
        seen += [request["request_id"] for request in page["requests"]]
        cursor, pages = page.get("cursor"), pages + 1
    assert seen == ["r4", "r3", "r2", "r1", "r0"]
    assert pages == 3


def test_a_list_may_be_of_one_status(ask: Ask, begin: Callable[..., None], requests: RequestStore) -> None:
    """Only requests that stand there are given, without results."""
    begin("r1")
    begin("r2")
    claim = requests.claim(KEY, owner="o", lease_until=2e9)
    requests.complete(claim, result=1, sequence=7)
    [only] = data(ask("list", status="COMPLETED"))["requests"]
    assert (only["request_id"], only["sequence"], "result" in only) == ("r1", 7, False)


def test_a_full_page_fits_a_message(ask: Ask, begin: Callable[..., None], requests: RequestStore) -> None:
    """However long the words of progress and failures are."""
    for number in range(50):
        name = f"{number:03d}" + "r" * 125
        begin(name)
        claim = requests.claim(RequestKey("acme", "ada", name), owner="o", lease_until=2e9)
        requests.save_progress(claim, 1.0, "é" * 1000)
        requests.fail(claim, code="LONG", message="é" * 20_000, details={"a": "b"}, sequence=7)
    answer = ask("list", limit=50)
    assert len(data(answer)["requests"]) == 50
    assert len(encode(answer)) <= MAX_MESSAGE_BYTES


@pytest.mark.parametrize(
    ("permissions", "action", "expected"),
    [
        ([], "status", "FORBIDDEN"),
        ([], "subscribe", "FORBIDDEN"),
        ([], "cancel", "FORBIDDEN"),
        ([], "list", "FORBIDDEN"),
        (["requests:read"], "status", None),
        (["requests:read"], "subscribe", None),
        (["requests:read"], "cancel", "FORBIDDEN"),
        (["requests:read"], "list", None),
        (["requests:cancel"], "status", "FORBIDDEN"),
        (["requests:cancel"], "cancel", None),
    ],
    ids=str,
)
def test_requests_of_others_need_a_permission(
    ask: Ask, claim: Claim, caller: Connection, permissions: list[str], action: str, expected: str | None
) -> None:
    """Whoever of the same tenant may read or cancel names the user; nobody else learns anything."""
    bob = caller.replace(user_id="bob", permissions=permissions)
    payload = {"user_id": "ada"} if action == "list" else {"user_id": "ada", "request_id": "r1"}
    answer = ask(action, as_=bob, **payload)
    assert (answer.error.code if isinstance(answer, Error) else None) == expected


@pytest.mark.parametrize("action", ["status", "subscribe", "cancel"])
@pytest.mark.parametrize("user_id", ["ada", None], ids=["by-name", "same-name"])
def test_no_permission_reaches_another_tenant(
    ask: Ask,
    claim: Claim,
    caller: Connection,
    requests: RequestStore,
    subscriptions: SubscriptionStore,
    action: str,
    user_id: str | None,
) -> None:
    """Of another tenant's request everything is as if it were not there, also for a user of the same name."""
    stranger = caller.replace(tenant_id="rival", permissions=["requests:read", "requests:cancel"])
    payload = {"request_id": "r1"} if user_id is None else {"request_id": "r1", "user_id": user_id}
    assert code(ask(action, as_=stranger, **payload)) == "NOT_FOUND"
    assert not requests.get(KEY).cancel_requested
    assert [row.connection_id for row in subscriptions.list(KEY)] == ["C1="]


def test_no_list_shows_another_tenant(ask: Ask, claim: Claim, caller: Connection) -> None:
    """Nor does a cursor that another tenant was given."""
    stranger = caller.replace(tenant_id="rival", permissions=["requests:read"])
    assert data(ask("list", as_=stranger, user_id="ada"))["requests"] == []


def cursor(*place: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("action", "payload"),
    [
        ("list", {"cursor": cursor(1e300, "r1")}),
        ("list", {"cursor": cursor(-1, "r1")}),
        ("list", {"cursor": cursor(1, "a" * 1_400)}),
        ("list", {"cursor": cursor(1, "a#b")}),
        ("list", {"user_id": "u" * 5_000}),
        ("status", {"request_id": "r1", "user_id": "u" * 5_000}),
        ("subscribe", {"request_id": "r1", "user_id": "u" * 5_000}),
    ],
    ids=["late", "early", "long-id", "no-id", "list-of-long-name", "status-of-long-name", "follow-long-name"],
)
def test_what_fits_into_no_key_is_the_askers_fault(
    action: str, payload: dict[str, Any], ask: Ask, caller: Connection
) -> None:
    """A forged cursor or a name that nobody has is refused, and is no fault of the server."""
    reader = caller.replace(permissions=["requests:read"])
    assert code(ask(action, as_=reader, **payload)) == "VALIDATION_ERROR"
