"""One long request through the executor: every way it can go."""

import logging
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from streamer.actions.context import ActionContext
from streamer.actions.declaration import Action, action
from streamer.actions.registry import ActionRegistry
from streamer.actions.retry_policy import RetryPolicy
from streamer.connections.manager import Delivery
from streamer.delivery import OutcomeDelivery
from streamer.errors import ActionFailed, CancelRequested, MetadataTooLarge, StreamerError, Superseded
from streamer.lifecycle import Status
from streamer.processing.executor import Executor, Invocation
from streamer.processing.work import Work
from streamer.progress import Pace, ProgressReporter
from streamer.protocol import Progress
from streamer.store import LEASE_MARGIN_S, Claim, RequestKey, RequestStore
from streamer.testing import MemoryS3

KEY = RequestKey("acme", "ada", "r1")
WORK = Work("acme", "ada", "r1", "correlation-1")
INVOCATION = Invocation(owner="invocation-1", remaining_s=lambda: 900.0)


@pytest.fixture
def sent() -> list[Progress]:
    """The progress messages that were sent."""
    return []


@pytest.fixture
def connected() -> set[str]:
    """The connections that are open."""
    return {"C1="}


@pytest.fixture
def paces() -> list[Pace]:
    """What the attempts were given to keep."""
    return []


@pytest.fixture
def monotonic(clock: Any) -> Callable[[], float]:
    """What paces progress: time passes by itself, and where the clock is set."""
    return lambda: time.monotonic() + clock.time


@pytest.fixture
def new_executor(
    registry: ActionRegistry,
    requests: RequestStore,
    delivery: OutcomeDelivery,
    new_context: Callable[..., ActionContext],
    clock: Any,
    monotonic: Callable[[], float],
    sent: list[Progress],
    paces: list[Pace],
    connected: set[str],
) -> Callable[[], Executor]:
    """Make an executor; each is an environment of its own."""

    def new_reporter(work: Work, claim: Claim, pace: Pace) -> ProgressReporter:
        paces.append(pace)
        return ProgressReporter(
            request_id=work.request_id,
            attempt=claim.state.attempt,
            first_sequence=claim.first_sequence,
            floor=claim.percentage,
            pace=pace,
            ended_at=claim.previous_ended_at,
            send=sent.append,
            persist=lambda percentage, message: requests.save_progress(claim, percentage, message),
            look=lambda: requests.check(claim),
            clock=clock,
            monotonic=monotonic,
        )

    def sleep(seconds: float) -> None:
        clock.time += seconds

    return lambda: Executor(
        registry=registry,
        requests=requests,
        delivery=delivery,
        new_reporter=new_reporter,
        new_context=new_context,
        clock=clock,
        sleep=sleep,
        jitter=lambda: 0.5,
        max_attempts=3,
        logger=logging.getLogger("test"),
        is_connected=lambda connection_id: connection_id in connected,
    )


@pytest.fixture
def executor(new_executor: Callable[[], Executor]) -> Executor:
    return new_executor()


@pytest.fixture
def queue(requests: RequestStore) -> Callable[..., None]:
    def queue(action: str, *, max_attempts: int | None = None, **payload: Any) -> None:
        requests.create(
            KEY,
            action=action,
            payload=payload,
            max_attempts=max_attempts,
            correlation_id="correlation-1",
            connection_id="C1=",
            endpoint="https://localhost:1/local",
        )

    return queue


def test_the_result_is_stored_sent_and_the_mark_cleared(
    executor: Executor, queue: Any, requests: RequestStore, outbox: Any
) -> None:
    """A request that works ends COMPLETED, delivered, with one terminal message."""
    queue("sleep", seconds=0, steps=1)
    executor.execute(WORK, INVOCATION)
    state = requests.get(KEY)
    assert (state.status, state.undelivered, state.attempt) == (Status.COMPLETED, False, 1)
    assert [(message["type"], message["sequence"]) for message in outbox.messages] == [
        ("complete", state.outcome_sequence)
    ]


def test_what_a_request_costs(
    executor: Executor, queue: Any, database: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One call makes and counts it; it is claimed, read, ended beside its counter, and its mark cleared."""
    calls = []
    for name in ("get", "write", "query", "transact", "batch_get", "batch_write"):
        carry_out = getattr(database, name)

        def call(request: Any, name: str = name, carry_out: Any = carry_out) -> Any:
            model = "" if name == "transact" else f" {request.model.__name__}"
            calls.append(f"{name}{model}")
            return carry_out(request)

        monkeypatch.setattr(database, name, call)
    queue("noop")
    assert calls == ["transact"]
    calls.clear()
    executor.execute(WORK, INVOCATION)
    beside = sorted(calls[:2]), sorted(calls[2:4]), calls[4:]
    assert beside == (
        ["get RequestPayload", "write RequestState"],
        ["transact", "write Counter"],
        ["write RequestState"],
    )


def test_a_payload_that_came_with_the_claim_is_read(
    executor: Executor, queue: Any, requests: RequestStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A late dispatch of an expired request finds no payload, then the one of the request in its place."""
    early = threading.Event()
    get_sent, claim = requests.get_sent, requests.claim

    def read(key: RequestKey) -> Any:
        try:
            return get_sent(key)
        finally:
            early.set()

    def claim_later(*args: Any, **named: Any) -> Claim:
        assert early.wait(10)
        queue("noop")
        return claim(*args, **named)

    monkeypatch.setattr(requests, "get_sent", read)
    monkeypatch.setattr(requests, "claim", claim_later)
    executor.execute(WORK, INVOCATION)
    assert requests.get(KEY).status is Status.COMPLETED


@pytest.mark.parametrize("became", Delivery)
def test_an_undelivered_outcome_keeps_its_mark(
    executor: Executor, queue: Any, requests: RequestStore, outbox: Any, became: Delivery
) -> None:
    """One that somebody who may be there did not get stays marked, so that the sweeper sends it again."""
    queue("noop")
    outbox.reply = became
    executor.execute(WORK, INVOCATION)
    state = requests.get(KEY)
    is_missing = became in (Delivery.FAILED, Delivery.REJECTED)
    assert (state.status, state.undelivered) == (Status.COMPLETED, is_missing)


@pytest.mark.parametrize(
    ("payload", "code"),
    [({}, "ASKED_TO_FAIL"), ({"expected": False, "message": "hunter2"}, "PROCESSING_FAILED")],
    ids=["expected", "unforeseen"],
)
def test_a_failure_is_told_once(
    executor: Executor, queue: Any, requests: RequestStore, outbox: Any, payload: Any, code: str
) -> None:
    """A failed action gives one error message and a FAILED request; foreign text stays in the log."""
    queue("fail", **payload)
    executor.execute(WORK, INVOCATION)
    (message,) = outbox.messages
    assert (message["type"], message["error"]["code"]) == ("error", code)
    assert "hunter2" not in message["error"]["message"]
    assert requests.get(KEY).status is Status.FAILED


def test_a_retryable_failure_is_tried_again_in_the_same_invocation(
    executor: Executor, queue: Any, requests: RequestStore, outbox: Any, paces: list[Pace]
) -> None:
    """Short backoffs are waited out; the client hears of one outcome, and of the attempts at one pace."""
    queue("fail", retryable=True, attempts=2)
    executor.execute(WORK, INVOCATION)
    state = requests.get(KEY)
    assert (state.status, state.attempt) == (Status.COMPLETED, 3)
    assert [message["type"] for message in outbox.messages] == ["complete"]
    assert paces == [paces[0]] * 3


def test_a_client_sees_that_an_attempt_failed_and_when_the_next_begins(
    executor: Executor, queue: Any, sent: list[Progress], outbox: Any
) -> None:
    """A retry is a progress message with attempt, time of the next and the code; sequences rise."""
    queue("fail", retryable=True, attempts=2, code="BUSY")
    executor.execute(WORK, INVOCATION)
    assert [message.metadata for message in sent] == [
        {"attempt": 1, "next_attempt_at": "2023-11-14T22:13:20.500Z", "code": "BUSY"},
        {"attempt": 2, "next_attempt_at": "2023-11-14T22:13:21.500Z", "code": "BUSY"},
    ]
    sequences = [message.sequence for message in sent] + [outbox.messages[0]["sequence"]]
    assert sequences == sorted(set(sequences))


class TestPace:
    """Where time passes only while the executor sleeps."""

    @pytest.fixture
    def monotonic(self, clock: Any) -> Callable[[], float]:
        return clock.now

    @pytest.mark.parametrize("left_s", [900.0, 0.0], ids=["one invocation", "several"])
    def test_attempts_that_fail_at_once_tell_no_more_than_ten_messages_a_second(
        self,
        new_executor: Callable[[], Executor],
        queue: Any,
        registry: ActionRegistry,
        requests: RequestStore,
        clock: Any,
        sent: list[Progress],
        left_s: float,
    ) -> None:
        """Each tells its 0 % and 100 % and that another follows; that begins when there is room for it."""
        remaining_s = 0.0

        @action("busy", payload=dict[str, Any], estimated_duration_s=60, retry=RetryPolicy(base_s=0, cap_s=0))
        def busy(payload: dict[str, Any], context: ActionContext) -> None:
            nonlocal remaining_s
            context.progress(0)
            context.progress(100)
            remaining_s = left_s
            raise ActionFailed("Busy.", retryable=True)

        registry.register(busy)
        queue("busy", max_attempts=9)

        def invoke(number: int) -> None:
            nonlocal remaining_s
            remaining_s = 900.0
            new_executor().execute(WORK, Invocation(f"invocation-{number}", lambda: remaining_s))

        for number in range(9):
            invoke(number)
        assert requests.get(KEY).status is Status.FAILED
        told = [clock_of(message) for message in sent]
        assert all(later - first >= 1 for first, later in zip(told, told[10:], strict=False))
        percentages = [message.percentage for message in sent if message.metadata is None]
        assert percentages.count(100.0) == 9
        assert percentages.count(0.0) == 9 or left_s == 0

    def test_an_invocation_that_goes_on_counts_what_the_one_before_may_just_have_told(
        self, executor: Executor, queue: Any, registry: ActionRegistry, clock: Any, sent: list[Progress]
    ) -> None:
        """It tells nothing but 100 % in the second after it."""

        @action("long", payload=dict[str, Any], estimated_duration_s=600.0)
        def long(payload: dict[str, Any], context: ActionContext) -> None:
            if context.restored is None:
                context.progress(40)
                clock.time += 9.0
                context.checkpoint(1)
            context.progress(50)
            context.progress(100)

        registry.register(long)
        queue("long")
        executor.execute(WORK, invocation_of(clock, 10.0))
        clock.time += 0.9
        executor.execute(WORK, invocation_of(clock, 900.0, 2))
        assert [message.percentage for message in sent] == [40.0, 100.0]


def test_a_failure_tells_of_every_attempt(executor: Executor, queue: Any, outbox: Any) -> None:
    """FAILED comes with the errors of all its attempts."""
    queue("fail", retryable=True, code="BUSY", message="Busy.")
    executor.execute(WORK, INVOCATION)
    (message,) = outbox.messages
    assert message["error"]["details"]["attempts"] == [
        {"attempt": number, "code": "BUSY", "message": "Busy."} for number in (1, 2, 3)
    ]


def test_a_failure_tells_of_the_attempt_whose_executor_never_reported(
    executor: Executor, queue: Any, requests: RequestStore, clock: Any, outbox: Any
) -> None:
    """Its lease ran out, and whoever took over says so."""
    queue("fail", code="BUSY", message="Busy.")
    requests.claim(KEY, owner="dead", lease_until=clock.now())
    executor.execute(WORK, INVOCATION)
    (message,) = outbox.messages
    assert message["error"]["details"]["attempts"] == [
        {"attempt": 1, "code": "PROCESSING_FAILED", "message": "The attempt ended without an answer."},
        {"attempt": 2, "code": "BUSY", "message": "Busy."},
    ]


def test_the_actions_own_retry_policy_counts(
    executor: Executor, queue: Any, registry: ActionRegistry, requests: RequestStore, sent: list[Progress]
) -> None:
    """Waits are bounded as the action says."""

    @action(
        "busy",
        payload=dict[str, Any],
        estimated_duration_s=60.0,
        retry=RetryPolicy(base_s=0.2, cap_s=0.3),
    )
    def busy(payload: dict[str, Any], context: ActionContext) -> None:
        raise ActionFailed("Busy.", code="BUSY", retryable=True)

    registry.register(busy)
    queue("busy")
    executor.execute(WORK, INVOCATION)
    assert [message.metadata and message.metadata["next_attempt_at"] for message in sent] == [
        "2023-11-14T22:13:20.100Z",
        "2023-11-14T22:13:20.250Z",
    ]
    assert requests.get(KEY).status is Status.FAILED


def test_an_invocation_without_time_hands_over_to_one_that_waits(
    executor: Executor, queue: Any, requests: RequestStore, clock: Any
) -> None:
    """The stream brings the retry to another invocation at once, which begins when it is due."""
    queue("fail", retryable=True, attempts=1)
    begin = clock.time
    executor.execute(WORK, Invocation("invocation-1", remaining_s=lambda: 0.9))
    state = requests.get(KEY)
    assert (state.status, state.handed_over, state.due_at) == (Status.RETRYING, True, begin + 0.5)
    executor.execute(WORK, Invocation("invocation-2", remaining_s=lambda: 900.0))
    state = requests.get(KEY)
    assert (state.status, state.attempt, state.handed_over) == (Status.COMPLETED, 2, None)
    assert clock.time == begin + 0.5


def test_attempts_are_bounded(executor: Executor, queue: Any, requests: RequestStore) -> None:
    """What stays retryable fails after the last attempt."""
    queue("fail", retryable=True)
    executor.execute(WORK, INVOCATION)
    state = requests.get(KEY)
    assert (state.status, state.attempt) == (Status.FAILED, 3)


@pytest.mark.parametrize("most", [1, 5])
def test_a_request_says_how_many_attempts_it_has(
    executor: Executor, queue: Any, requests: RequestStore, most: int
) -> None:
    """Fewer or more than the deployment's, as its action was declared when it was accepted."""
    queue("fail", max_attempts=most, retryable=True)
    executor.execute(WORK, INVOCATION)
    state = requests.get(KEY)
    assert (state.status, state.attempt, len(state.failures)) == (Status.FAILED, most, most)


def test_a_retry_that_is_worth_no_waiting_is_put_back(
    executor: Executor, queue: Any, registry: ActionRegistry, requests: RequestStore, clock: Any
) -> None:
    """A long wait makes the request RETRYING with a due time, for the sweeper; who comes early goes again."""

    @action("slow", payload=dict[str, Any], estimated_duration_s=60.0, retry=RetryPolicy(base_s=60.0))
    def slow(payload: dict[str, Any], context: ActionContext) -> None:
        raise ActionFailed("Busy.", retryable=True)

    registry.register(slow)
    queue("slow")
    begin = clock.time
    for number in (1, 2):
        executor.execute(WORK, Invocation(f"invocation-{number}", remaining_s=lambda: 900.0))
        state = requests.get(KEY)
        assert (state.status, state.attempt, state.handed_over) == (Status.RETRYING, 1, None)
        assert (state.due_at, clock.time) == (begin + 30.0, begin)


def test_a_request_that_somebody_holds_is_left_alone(
    executor: Executor, queue: Any, requests: RequestStore, outbox: Any
) -> None:
    """A record that is delivered twice runs the action once."""
    queue("noop")
    requests.claim(KEY, owner="somebody-else", lease_until=2e9)
    executor.execute(WORK, INVOCATION)
    assert requests.get(KEY).owner == "somebody-else"
    assert outbox.messages == []


def test_a_request_that_is_gone_is_no_failure(executor: Executor, outbox: Any) -> None:
    """Work for a request that does not exist any more ends quietly."""
    executor.execute(WORK, INVOCATION)
    assert outbox.messages == []


def test_an_attempt_that_lost_its_request_sends_nothing(
    executor: Executor, queue: Any, registry: ActionRegistry, requests: RequestStore, clock: Any, outbox: Any
) -> None:
    """A zombie, whose lease ended and whose request somebody else took, writes and sends nothing."""

    def lose(payload: dict[str, Any], context: ActionContext) -> None:
        clock.time += 2_000
        requests.claim(KEY, owner="successor", lease_until=clock.time + 900)

    registry.register(Action("lose", lose, dict[str, Any], 60.0, 600.0))
    queue("lose")
    executor.execute(WORK, INVOCATION)
    assert requests.get(KEY).owner == "successor"
    assert outbox.messages == []


def test_a_result_that_no_message_carries_travels_as_a_link(
    executor: Executor, queue: Any, registry: ActionRegistry, outbox: Any, s3: MemoryS3
) -> None:
    """It is put into a file of its user, and the outcome says where."""

    @action("large", payload=dict[str, Any], estimated_duration_s=60.0)
    def large(payload: dict[str, Any], context: ActionContext) -> str:
        return "x" * 200_000

    registry.register(large)
    queue("large")
    executor.execute(WORK, INVOCATION)
    outcome = outbox.messages[0]
    assert (outcome["type"], outcome["result"]) == ("complete", None)
    assert outcome["link"]["url"] == "https://signed/outputs/tenants/acme/users/ada/results/r1/1.json"
    assert outcome["link"]["size_bytes"] == 200_002
    assert [*s3.objects.values()] == [b'"' + b"x" * 200_000 + b'"']


@pytest.mark.parametrize("caught", [False, True], ids=["left", "caught"])
def test_metadata_that_no_message_carries_fails_the_request_unless_the_action_goes_on(
    executor: Executor, queue: Any, registry: ActionRegistry, outbox: Any, caught: bool
) -> None:
    """The client is told which field was too large; it costs no other attempt."""

    @action("chatty", payload=dict[str, Any], estimated_duration_s=60.0)
    def chatty(payload: dict[str, Any], context: ActionContext) -> str:
        try:
            context.progress(10, "Read", rows=["x" * 1_000] * 200)
        except MetadataTooLarge:
            if not caught:
                raise
        return "done"

    registry.register(chatty)
    queue("chatty")
    executor.execute(WORK, INVOCATION)
    (outcome,) = outbox.messages
    if caught:
        assert outcome["result"] == "done"
    else:
        assert outcome["error"]["code"] == "PROCESSING_FAILED"
        assert "'rows'" in outcome["error"]["message"]
        assert outcome["error"]["details"]["limit_bytes"] == 120_000


def test_a_zombie_replaces_no_file_of_its_successor(
    new_executor: Callable[[], Executor],
    queue: Any,
    registry: ActionRegistry,
    clock: Any,
    outbox: Any,
    s3: MemoryS3,
) -> None:
    """An attempt whose lease is over still writes its large result, but not where the link leads."""

    @action("large", payload=dict[str, Any], estimated_duration_s=60.0)
    def large(payload: dict[str, Any], context: ActionContext) -> str:
        if context.attempt == 1:
            clock.time += 2_000
            new_executor().execute(WORK, Invocation(owner="successor", remaining_s=lambda: 900.0))
        return str(context.attempt) * 200_000

    registry.register(large)
    queue("large")
    new_executor().execute(WORK, INVOCATION)
    (outcome,) = outbox.messages
    told = outcome["link"]["url"].removeprefix("https://signed/")
    assert len(s3.objects) == 2
    assert s3.objects["test-bucket", told] == b'"' + b"2" * 200_000 + b'"'


def test_a_result_that_no_file_holds_is_a_loud_error(
    executor: Executor, queue: Any, registry: ActionRegistry, outbox: Any
) -> None:
    """A result over the hard limit fails the request with a code of its own, instead of silence."""

    @action("huge", payload=dict[str, Any], estimated_duration_s=60.0)
    def huge(payload: dict[str, Any], context: ActionContext) -> str:
        return "x" * 11_000_000

    registry.register(huge)
    queue("huge")
    executor.execute(WORK, INVOCATION)
    assert outbox.messages[0]["error"]["code"] == "RESULT_TOO_LARGE"


def test_an_action_that_overruns_its_time_is_timed_out(
    executor: Executor, queue: Any, registry: ActionRegistry, outbox: Any
) -> None:
    """An action that does not end in its time gives a TIMEOUT outcome once its attempts are used."""
    import threading

    release = threading.Event()

    @action("stuck", payload=dict[str, Any], estimated_duration_s=60.0, timeout_s=0.01)
    def stuck(payload: dict[str, Any], context: ActionContext) -> None:
        release.wait(20)

    registry.register(stuck)
    queue("stuck")
    try:
        executor.execute(WORK, INVOCATION)
    finally:
        release.set()
    assert outbox.messages[0]["error"]["code"] == "TIMEOUT"


def test_a_lease_outlasts_its_invocation(
    executor: Executor, queue: Any, registry: ActionRegistry, requests: RequestStore, clock: Any
) -> None:
    """By a margin: what still works is taken for dead by nobody, whatever the differences of clocks."""
    leases: list[float | None] = []

    @action("look", payload=dict[str, Any], estimated_duration_s=60)
    def look(payload: dict[str, Any], context: ActionContext) -> None:
        leases.append(requests.get(KEY).lease_until)

    registry.register(look)
    queue("look")
    executor.execute(WORK, Invocation(owner="invocation-1", remaining_s=lambda: 40.0))
    assert leases == [clock.now() + 40.0 + LEASE_MARGIN_S]


def test_an_action_knows_what_its_caller_may_do(
    executor: Executor, registry: ActionRegistry, requests: RequestStore, outbox: Any
) -> None:
    """A long action sees the permissions that its caller had when the request was accepted."""

    @action("may", payload=dict[str, Any], estimated_duration_s=60.0)
    def may(payload: dict[str, Any], context: ActionContext) -> list[str]:
        return sorted(context.identity.permissions)

    registry.register(may)
    requests.create(
        KEY,
        action="may",
        payload={},
        correlation_id="correlation-1",
        connection_id="C1=",
        endpoint="https://localhost:1/local",
        permissions=["write", "read"],
    )
    executor.execute(WORK, INVOCATION)
    assert outbox.messages[0]["result"] == ["read", "write"]


# Continuation


@pytest.fixture
def counting(registry: ActionRegistry, clock: Any) -> list[tuple[Any, int]]:
    """An action that counts to `payload["to"]`, a second each; returns where each of its runs began."""
    begins: list[tuple[Any, int]] = []

    @action("count", payload=dict[str, Any], estimated_duration_s=600.0)
    def count(payload: dict[str, Any], context: ActionContext) -> dict[str, Any]:
        begins.append((context.restored, context.attempt))
        start = 0 if context.restored is None else context.restored["next"]
        for number in range(start, payload["to"]):
            context.checkpoint({"next": number})
            context.progress(100 * number / payload["to"], f"Number {number}")
            clock.time += 1.0
            if payload.get("fails_at") == number and context.attempt == 1:
                raise ActionFailed("Busy.", retryable=True)
        return {"counted": payload["to"], "attempt": context.attempt}

    registry.register(count)
    return begins


def clock_of(message: Progress) -> float:
    return datetime.fromisoformat(message.timestamp).timestamp()


def invocation_of(clock: Any, seconds: float, number: int = 1) -> Invocation:
    end = clock.time + seconds
    return Invocation(f"invocation-{number}", remaining_s=lambda: end - clock.time)


def test_work_that_is_longer_than_an_invocation_goes_on_in_the_next(
    executor: Executor, queue: Any, requests: RequestStore, clock: Any, counting: Any, outbox: Any, sent: Any
) -> None:
    """Each invocation ends in time, the next begins at the checkpoint, and it is one attempt to the end."""
    queue("count", to=25)
    for number in range(1, 10):
        if requests.get(KEY).status is not Status.PENDING:
            break
        executor.execute(WORK, invocation_of(clock, 10.0, number))
    assert counting == [(None, 1), ({"next": 7}, 1), ({"next": 14}, 1), ({"next": 21}, 1)]
    state = requests.get(KEY)
    assert (state.status, state.attempt, state.continuations) == (Status.COMPLETED, 1, 3)
    assert [message["result"] for message in outbox.messages] == [{"counted": 25, "attempt": 1}]
    percentages = [message.percentage for message in sent]
    assert percentages == sorted(percentages)
    sequences = [message.sequence for message in sent] + [outbox.messages[0]["sequence"]]
    assert sequences == sorted(set(sequences))


def test_a_later_attempt_begins_at_the_checkpoint(
    executor: Executor, queue: Any, requests: RequestStore, clock: Any, counting: Any
) -> None:
    """After a failure the work goes on from what was saved last, in a new attempt."""
    queue("count", to=12, fails_at=10)
    executor.execute(WORK, invocation_of(clock, 900.0))
    assert counting == [(None, 1), ({"next": 10}, 2)]
    assert requests.get(KEY).status is Status.COMPLETED


def test_a_checkpoint_that_is_no_json_fails_the_request(
    executor: Executor, queue: Any, registry: ActionRegistry, requests: RequestStore, clock: Any
) -> None:
    """It is a clear error, not a loop of invocations."""

    @action("odd", payload=dict[str, Any], estimated_duration_s=600.0)
    def odd(payload: dict[str, Any], context: ActionContext) -> None:
        clock.time += 9.0
        context.checkpoint(float("nan"))

    registry.register(odd)
    queue("odd")
    executor.execute(WORK, invocation_of(clock, 10.0))
    state = requests.get(KEY)
    assert (state.status, (state.error or {})["code"]) == (Status.FAILED, "PROCESSING_FAILED")


# Cancellation


@pytest.mark.parametrize("tells", ["progress", "checkpoint"])
def test_a_running_action_is_cancelled_where_it_reports(
    executor: Executor,
    queue: Any,
    registry: ActionRegistry,
    requests: RequestStore,
    clock: Any,
    outbox: Any,
    tells: str,
) -> None:
    """The action ends there, the request is CANCELLED, and its client is told once."""
    after: list[str] = []

    @action("work", payload=dict[str, Any], estimated_duration_s=600.0)
    def work(payload: dict[str, Any], context: ActionContext) -> None:
        requests.cancel(KEY)
        if tells == "checkpoint":
            clock.time += 10.0
            context.checkpoint(1)
        else:
            waiting = threading.Event()
            for _ in range(1000):  # the reporter hears of it within a second, from its own thread
                context.progress(1, "x")
                waiting.wait(0.01)
        after.append("went on")

    registry.register(work)
    queue("work")
    executor.execute(WORK, INVOCATION)
    assert after == []
    assert requests.get(KEY).status is Status.CANCELLED
    assert [(message["type"], message["error"]["code"]) for message in outbox.messages] == [
        ("error", "CANCELLED")
    ]


@pytest.mark.parametrize("tells", ["progress", "checkpoint"])
def test_a_wish_is_heard_at_the_very_next_call(
    executor: Executor, queue: Any, registry: ActionRegistry, requests: RequestStore, clock: Any, tells: str
) -> None:
    """An action that reports every second or less often does no work after the call that follows the wish."""
    after: list[str] = []

    @action("work", payload=dict[str, Any], estimated_duration_s=600.0)
    def work(payload: dict[str, Any], context: ActionContext) -> None:
        clock.time += 1.0
        requests.cancel(KEY)
        if tells == "progress":
            context.progress(10)
        else:
            context.checkpoint(1)
        after.append("went on")

    registry.register(work)
    queue("work")
    executor.execute(WORK, INVOCATION)
    assert after == []
    assert requests.get(KEY).status is Status.CANCELLED


def test_a_wish_that_the_action_does_not_hear_comes_too_late(
    executor: Executor, queue: Any, registry: ActionRegistry, requests: RequestStore, outbox: Any
) -> None:
    """An action that ends without another report has done its work: its result counts."""

    @action("quick", payload=dict[str, Any], estimated_duration_s=600.0)
    def quick(payload: dict[str, Any], context: ActionContext) -> int:
        requests.cancel(KEY)
        return 7

    registry.register(quick)
    queue("quick")
    executor.execute(WORK, INVOCATION)
    assert requests.get(KEY).status is Status.COMPLETED
    assert [message["type"] for message in outbox.messages] == ["complete"]


def test_what_is_to_be_cancelled_is_not_tried_again(
    executor: Executor, queue: Any, registry: ActionRegistry, requests: RequestStore, outbox: Any
) -> None:
    """A failure that could be retried ends the request as its user wished."""

    @action("fails", payload=dict[str, Any], estimated_duration_s=600.0)
    def fails(payload: dict[str, Any], context: ActionContext) -> None:
        requests.cancel(KEY)
        raise ActionFailed("Busy.", retryable=True)

    registry.register(fails)
    queue("fails")
    executor.execute(WORK, INVOCATION)
    assert requests.get(KEY).status is Status.CANCELLED
    assert [message["error"]["code"] for message in outbox.messages] == ["CANCELLED"]


@pytest.mark.parametrize(
    ("is_open", "status"), [(True, Status.COMPLETED), (False, Status.CANCELLED)], ids=["open", "over"]
)
def test_what_was_to_end_with_its_connection_does_not_begin_without_it(
    is_open: bool,
    status: Status,
    executor: Executor,
    requests: RequestStore,
    connected: set[str],
) -> None:
    """`$disconnect` is not certain to come, and may come before the request that the connection sent."""
    requests.create(
        KEY,
        action="noop",
        payload={},
        correlation_id="correlation-1",
        connection_id="C1=",
        endpoint="https://localhost:1/local",
        cancel_on_disconnect=True,
    )
    if not is_open:
        connected.clear()
    executor.execute(WORK, INVOCATION)
    assert requests.get(KEY).status is status


def test_other_requests_go_on_without_their_connection(
    executor: Executor, queue: Any, requests: RequestStore, connected: set[str]
) -> None:
    """Nobody has to stay for them."""
    connected.clear()
    queue("noop")
    executor.execute(WORK, INVOCATION)
    assert requests.get(KEY).status is Status.COMPLETED


@pytest.mark.parametrize("error", [Superseded("s"), CancelRequested("c")], ids=["superseded", "cancelled"])
def test_what_another_requests_context_says_does_not_end_this_one(
    executor: Executor, queue: Any, registry: ActionRegistry, outbox: Any, error: StreamerError
) -> None:
    """An action that reports to a context it kept from before has failed, at once and with a word.

    The request would wait for the end of its lease; nobody took it over, and nobody cancelled it.
    """

    def mixed_up(payload: dict[str, Any], context: ActionContext) -> None:
        raise error

    registry.register(Action("mixed_up", mixed_up, dict[str, Any], 60.0, 600.0))
    queue("mixed_up")
    executor.execute(WORK, INVOCATION)
    [message] = outbox.messages
    assert message["error"]["code"] == "PROCESSING_FAILED"
    assert "another" in message["error"]["message"]
