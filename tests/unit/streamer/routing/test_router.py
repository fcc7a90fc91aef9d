"""What answers which message."""

import json
from typing import Any

import pytest

from streamer.actions import ActionContext, action
from streamer.actions.registry import ActionRegistry
from streamer.errors import RateLimited
from streamer.lifecycle import Status
from streamer.protocol import Acknowledgment, Complete, Error, Response, Retry
from streamer.protocol.limits import MAX_DEPTH, MAX_SYNC_TIMEOUT_S
from streamer.routing.router import Arrival, Router, error_message
from streamer.store import Connection, RequestKey, RequestState, RequestStore, SubscriptionStore


def arrival(message: Any) -> Arrival:
    body = message if isinstance(message, str) else json.dumps(message)
    return Arrival(body, connection_id="C1=", correlation_id="correlation-1")


def test_short_work_is_answered_with_its_result(router: Router, caller: Connection) -> None:
    """A short action's data comes back under the id that the client chose."""
    answer = router.answer(arrival({"action": "echo", "id": "r1", "payload": {"a": 1}}), caller)
    assert isinstance(answer, Response)
    assert (answer.request_id, answer.success, answer.data["echo"]) == ("r1", True, {"a": 1})


def test_an_answer_is_given_before_the_gateway_gives_one(
    router: Router, registry: ActionRegistry, caller: Connection
) -> None:
    """What may take minutes has 25 s where it is answered at once: after 29 API Gateway would answer."""

    @action("measure", payload=dict[str, Any], estimated_duration_s=lambda _: 1.0, timeout_s=600.0)
    def measure(payload: dict[str, Any], context: ActionContext) -> float:
        return context.remaining_s()

    registry.register(measure)
    answer = router.answer(arrival({"action": "measure"}), caller)
    assert isinstance(answer, Response)
    assert answer.data == MAX_SYNC_TIMEOUT_S


def test_a_short_request_leaves_no_item(router: Router, caller: Connection, requests: RequestStore) -> None:
    """Short work is not stored."""
    router.answer(arrival({"action": "echo", "id": "r1"}), caller)
    assert requests.find(RequestKey("acme", "ada", "r1")) is None


@pytest.mark.parametrize(
    ("message", "code", "request_id"),
    [
        ("{", "VALIDATION_ERROR", None),
        ("[1]", "VALIDATION_ERROR", None),
        ({"id": "r1"}, "VALIDATION_ERROR", "r1"),
        ({"action": "", "id": "r1"}, "VALIDATION_ERROR", "r1"),
        ({"action": "echo", "id": "not an id"}, "VALIDATION_ERROR", None),
        ({"action": "echo", "id": "r1", "payload": [1]}, "VALIDATION_ERROR", "r1"),
        ({"action": "echo", "id": "r1", "metadata": {"k": 1}}, "VALIDATION_ERROR", "r1"),
        ({"action": "nothing", "id": "r1"}, "INVALID_ACTION", "r1"),
        ({"action": "generate_report", "id": "r1", "payload": {}}, "VALIDATION_ERROR", "r1"),
        ({"action": "fail_now", "id": "r1"}, "ASKED_TO_FAIL", "r1"),
        ({"action": "fail_now", "id": "r1", "payload": {"expected": False}}, "PROCESSING_FAILED", "r1"),
    ],
    ids=[
        "not-json",
        "no-object",
        "no-action",
        "empty-action",
        "bad-id",
        "payload-no-object",
        "metadata-not-text",
        "unknown-action",
        "invalid-payload",
        "action-says-why",
        "action-raises",
    ],
)
def test_what_cannot_be_done_is_told_by_code_and_id(
    router: Router, caller: Connection, message: Any, code: str, request_id: str | None
) -> None:
    """Every refusal is one error message with a code, a sentence, and the id where it is known."""
    answer = router.answer(arrival(message), caller)
    assert isinstance(answer, Error)
    assert (answer.error.code, answer.request_id) == (code, request_id)
    assert answer.error.message.endswith(".")


def test_nothing_of_an_unforeseen_error_gets_out(router: Router, caller: Connection) -> None:
    """The text of an exception that the action did not mean for clients stays in the log."""
    payload = {"expected": False, "message": "password=hunter2"}
    answer = router.answer(arrival({"action": "fail_now", "payload": payload}), caller)
    assert isinstance(answer, Error)
    assert "hunter2" not in answer.error.message


def test_long_work_is_stored_and_acknowledged(
    router: Router, caller: Connection, requests: RequestStore, subscriptions: SubscriptionStore
) -> None:
    """The request is PENDING, its payload is kept, and the caller is subscribed before anything runs."""
    answer = router.answer(arrival({"action": "sleep", "id": "r1", "payload": {"seconds": 2}}), caller)
    assert isinstance(answer, Acknowledgment)
    assert (answer.request_id, answer.sequence, answer.status) == ("r1", 0, "PENDING")
    key = RequestKey("acme", "ada", "r1")
    assert requests.get_payload(key) == {"seconds": 2}
    assert requests.get(key).correlation_id == "correlation-1"
    assert requests.get(key).permissions == ["read"]
    assert [row.connection_id for row in subscriptions.list(key)] == ["C1="]


def test_a_client_may_ask_for_the_long_way(router: Router, caller: Connection) -> None:
    """Short work is queued, too, where the request says so; any other mode is refused."""
    answer = router.answer(arrival({"action": "echo", "metadata": {"mode": "async"}}), caller)
    assert isinstance(answer, Acknowledgment)
    answer = router.answer(arrival({"action": "echo", "metadata": {"mode": "asynch"}}), caller)
    assert isinstance(answer, Error)
    assert answer.error.code == "VALIDATION_ERROR"


def test_the_same_request_again_is_known(router: Router, caller: Connection, requests: RequestStore) -> None:
    """The same id with the same payload answers with the stored state instead of a second run."""
    router.answer(arrival({"action": "noop", "id": "r1"}), caller)
    requests.claim(RequestKey("acme", "ada", "r1"), owner="o", lease_until=2e9)
    answer = router.answer(arrival({"action": "noop", "id": "r1"}), caller)
    assert isinstance(answer, Acknowledgment)
    assert answer.status == "PROCESSING"


def test_a_request_that_is_over_answers_with_its_outcome(
    router: Router, caller: Connection, requests: RequestStore
) -> None:
    """Who asks again after the end gets the outcome, with its sequence number."""
    router.answer(arrival({"action": "noop", "id": "r1"}), caller)
    claim = requests.claim(RequestKey("acme", "ada", "r1"), owner="o", lease_until=2e9)
    requests.complete(claim, result={"n": 1}, sequence=claim.first_sequence)
    answer = router.answer(arrival({"action": "noop", "id": "r1"}), caller)
    assert isinstance(answer, Complete)
    assert (answer.sequence, answer.result) == (claim.first_sequence, {"n": 1})


def test_the_same_request_at_the_very_end_has_its_outcome(
    router: Router, caller: Connection, requests: RequestStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It ends between the look at it and the subscription: the answer is then what nobody will be told."""
    message = {"action": "noop", "id": "r1"}
    router.answer(arrival(message), caller)
    claim = requests.claim(RequestKey("acme", "ada", "r1"), owner="o", lease_until=2e9)
    find = requests.find

    def find_and_be_late(key: RequestKey) -> RequestState | None:
        state = find(key)
        if state is not None and state.status is Status.PROCESSING:
            requests.complete(claim, result={}, sequence=7)
        return state

    monkeypatch.setattr(requests, "find", find_and_be_late)
    answer = router.answer(arrival(message), caller)
    assert isinstance(answer, Complete)
    assert answer.sequence == 7


def test_an_id_with_another_payload_is_a_duplicate(router: Router, caller: Connection) -> None:
    """An id means one request: with another payload it is refused."""
    router.answer(arrival({"action": "sleep", "id": "r1", "payload": {"steps": 1}}), caller)
    answer = router.answer(arrival({"action": "sleep", "id": "r1", "payload": {"steps": 2}}), caller)
    assert isinstance(answer, Error)
    assert answer.error.code == "DUPLICATE_REQUEST"


def test_an_id_belongs_to_its_user(router: Router, caller: Connection) -> None:
    """Two users may choose the same id without meeting each other's request."""
    router.answer(arrival({"action": "sleep", "id": "r1", "payload": {"steps": 1}}), caller)
    bob = caller.replace(user_id="bob")
    answer = router.answer(arrival({"action": "sleep", "id": "r1", "payload": {"steps": 2}}), bob)
    assert isinstance(answer, Acknowledgment)


def test_a_client_is_told_when_to_come_again() -> None:
    """Where the server knows when another try makes sense, the error says so."""
    message = error_message(RateLimited("Wait.", retry_after_s=2.5), request_id="r1", now=0)
    assert message.error.retry == Retry(retryable=True, after_s=2.5)


def test_long_work_can_end_with_its_connection(
    router: Router, caller: Connection, requests: RequestStore
) -> None:
    """Where the client asks for it; another word is a mistake, and without it the work goes on."""
    for request_id, metadata in (("r1", {"on_disconnect": "cancel"}), ("r2", {})):
        router.answer(arrival({"action": "sleep", "id": request_id, "metadata": metadata}), caller)
    assert requests.get(RequestKey("acme", "ada", "r1")).cancel_on_disconnect == "C1="
    assert requests.get(RequestKey("acme", "ada", "r2")).cancel_on_disconnect is None
    answer = router.answer(
        arrival({"action": "sleep", "id": "r3", "metadata": {"on_disconnect": "x"}}), caller
    )
    assert isinstance(answer, Error)
    assert answer.error.code == "VALIDATION_ERROR"


@pytest.mark.parametrize("action", ["echo", "echo_async"])
@pytest.mark.parametrize("depth", [MAX_DEPTH, 480, 950, 16_000])
def test_a_payload_that_is_too_deep_is_refused(
    action: str, depth: int, router: Router, caller: Connection
) -> None:
    """As invalid, at any depth: never later, where an executor would crash over it again and again."""
    body = f'{{"action": "{action}", "payload": {{"a": {"[" * depth}{"]" * depth}}}}}'
    answer = router.answer(arrival(body), caller)
    assert isinstance(answer, Error)
    assert answer.error.code == "VALIDATION_ERROR"


def test_a_payload_as_deep_as_allowed_comes_back(router: Router, caller: Connection) -> None:
    """The limit leaves room for what is put around a payload."""
    depth = MAX_DEPTH - 1
    body = f'{{"action": "echo", "payload": {{"a": {"[" * depth}{"]" * depth}}}}}'
    assert isinstance(router.answer(arrival(body), caller), Response)
