"""Sending to one connection and to many, with a transport that answers by script."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field

import pytest

from streamer.connections.breaker import COOL_DOWN_S, CircuitBreaker
from streamer.connections.manager import Broadcast, ConnectionManager, Counters, Delivery
from streamer.connections.retries import Failure, Reply
from streamer.errors import MessageTooLarge, ServiceUnavailable

ENDPOINT = "https://gateway/local"


@dataclass
class HandClock:
    """Time that passes only by sleeping."""

    time: float = 1_700_000_000.0
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


class Script:
    """A transport whose answers are written down: a list per connection, the last one for ever."""

    def __init__(self, **answers: list[Reply | Exception]) -> None:
        self.answers = answers
        self.posts: list[tuple[str, str, bytes]] = []
        self.deleted: list[str] = []
        self.bounds: list[float | None] = []
        self.before: Callable[[str], None] = lambda connection_id: None
        self._lock = threading.Lock()

    def post(self, endpoint: str, connection_id: str, data: bytes) -> Reply:
        self.before(connection_id)
        with self._lock:
            self.posts.append((endpoint, connection_id, data))
            answers = self.answers.get(connection_id, [Reply(200)])
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def post_many(
        self, targets: Iterable[tuple[str, str]], data: bytes, *, within_s: float | None = None
    ) -> Iterator[tuple[int, Reply]]:
        self.bounds.append(within_s)
        for number, (endpoint, connection_id) in enumerate(targets):
            yield number, self.post(endpoint, connection_id, data)

    def get(self, endpoint: str, connection_id: str) -> Reply:
        return self.post(endpoint, connection_id, b"")

    def delete(self, endpoint: str, connection_id: str) -> Reply:
        self.deleted.append(connection_id)
        return self.answers.get(connection_id, [Reply(204)])[0]  # type: ignore[return-value]


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def actions(self) -> list[str]:
        return [record.action for record in self.records]  # type: ignore[attr-defined]


@dataclass
class To:
    connection_id: str
    endpoint: str = ENDPOINT


@dataclass
class People:
    """A directory: connection ids by user, of one tenant."""

    connected: dict[str, list[str]]

    def list_for_tenant(self, tenant_id: str) -> list[To]:
        return [to for user in self.connected for to in self.list_for_user(tenant_id, user)]

    def list_for_user(self, tenant_id: str, user_id: str) -> list[To]:
        return [To(each) for each in self.connected.get(user_id, ())] if tenant_id == "acme" else []


@dataclass
class Bench:
    """A manager and everything around it."""

    script: Script
    clock: HandClock = field(default_factory=HandClock)
    gone: list[str] = field(default_factory=list)
    lines: Lines = field(default_factory=Lines)
    forget: Callable[[str], None] | None = None
    people: People | None = None
    breaker: CircuitBreaker | None = None
    max_parallel: int = 4

    def __post_init__(self) -> None:
        logger = logging.Logger("test")
        logger.addHandler(self.lines)
        self.manager = ConnectionManager(
            self.script,
            self.forget or self.gone.append,
            clock=self.clock,
            sleep=self.clock.sleep,
            random=lambda: 0.5,
            logger=logger,
            directory=self.people,
            breaker=self.breaker,
            max_parallel=self.max_parallel,
        )


@pytest.fixture
def bench() -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(script: Script, **parts: object) -> Bench:
        made.append(Bench(script, **parts))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for each in made:
        each.manager.close()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("send")]


def test_delivered(bench: Callable[..., Bench]) -> None:
    """A message that is taken is posted once, as it is, without a wait or a log line."""
    it = bench(Script())
    assert it.manager.send(ENDPOINT, "c1", b"hello") is Delivery.DELIVERED
    assert it.script.posts == [(ENDPOINT, "c1", b"hello")]
    assert (it.clock.slept, it.lines.records) == ([], [])


def test_throttled_then_delivered(bench: Callable[..., Bench]) -> None:
    """Throttling and failures of the service are waited out: with jitter, and as long as the service asks."""
    it = bench(Script(c1=[Reply(429), Reply(503), Reply(429, retry_after="2"), Reply(200)]))
    assert it.manager.send(ENDPOINT, "c1", b"x") is Delivery.DELIVERED
    assert it.clock.slept == [0.05, 0.1, 2.05]


def test_given_up(bench: Callable[..., Bench]) -> None:
    """After four posts a message has failed; there is no wait after the last one, and one line says so."""
    it = bench(Script(c1=[Reply(429, retry_after="1")]))
    assert it.manager.send(ENDPOINT, "c1", b"x") is Delivery.FAILED
    assert len(it.script.posts) == 4
    assert len(it.clock.slept) == 3
    (line,) = it.lines.records
    assert (line.levelname, line.action, line.status, line.attempts) == (  # type: ignore[attr-defined]
        "WARNING", "message.not_taken", 429, 4,
    )  # fmt: skip


def test_no_answer(bench: Callable[..., Bench]) -> None:
    """A post without an answer is sent again; if none ever comes the line says why."""
    it = bench(Script(c1=[Reply(None, failure=Failure.TIMED_OUT)]))
    assert it.manager.send(ENDPOINT, "c1", b"x") is Delivery.FAILED
    assert it.lines.records[0].failure == "timed_out"  # type: ignore[attr-defined]


def test_slow_service_ends_at_the_budget(bench: Callable[..., Bench]) -> None:
    """A service that takes 5 s to not answer gets two posts, not four: the budget is 10 s."""
    it = bench(Script(c1=[Reply(None, failure=Failure.TIMED_OUT)]))
    it.script.before = lambda connection_id: setattr(it.clock, "time", it.clock.time + 5)
    assert it.manager.send(ENDPOINT, "c1", b"x") is Delivery.FAILED
    assert len(it.script.posts) == 2


def test_gone(bench: Callable[..., Bench]) -> None:
    """A connection that is gone is reported once and not tried again."""
    it = bench(Script(c1=[Reply(410)]))
    assert it.manager.send(ENDPOINT, "c1", b"x") is Delivery.GONE
    assert (it.gone, len(it.script.posts)) == (["c1"], 1)


def test_gone_but_not_removed(bench: Callable[..., Bench]) -> None:
    """Where removing a connection fails the delivery still says gone, and the failure is logged."""

    def forget(connection_id: str) -> None:
        raise OSError("no table")

    it = bench(Script(c1=[Reply(410)]), forget=forget)
    assert it.manager.send(ENDPOINT, "c1", b"x") is Delivery.GONE
    assert it.lines.actions == ["connection.not_removed"]


@pytest.mark.parametrize("size", [131_073, 1_000_000])
def test_too_large(bench: Callable[..., Bench], size: int) -> None:
    """A message over 128 KB is a loud error that names its size, and nothing is sent."""
    it = bench(Script())
    with pytest.raises(MessageTooLarge, match=str(size)):
        it.manager.send(ENDPOINT, "c1", b"x" * size)
    with pytest.raises(MessageTooLarge):
        it.manager.send_many([To("c1"), To("c2")], b"x" * size)
    with pytest.raises(MessageTooLarge):
        it.manager.send_many([], b"x" * size)
    assert it.script.posts == []


def test_largest(bench: Callable[..., Bench]) -> None:
    """A message of exactly 128 KB is sent."""
    assert bench(Script()).manager.send(ENDPOINT, "c1", b"x" * 131_072) is Delivery.DELIVERED


def test_many_outcomes(bench: Callable[..., Bench]) -> None:
    """Each connection has its own outcome, in the order asked; one's failure does not touch another."""
    it = bench(Script(b=[Reply(410)], c=[Reply(403)], d=[Reply(500), Reply(200)], e=[ValueError("broken")]))
    outcomes = it.manager.send_many([To(name) for name in "abcdef"], b"x")
    assert outcomes == ["delivered", "gone", "failed", "delivered", "failed", "delivered"]
    assert it.gone == ["b"]
    assert sorted(it.lines.actions) == ["message.not_sent", "message.not_taken", "messages.one_by_one"]


def test_nobody_who_is_insisted_on_is_waited_for(bench: Callable[..., Bench]) -> None:
    """After that time the others' outcomes are there; who has not taken it failed, and may get it yet."""
    release, insisting = threading.Event(), threading.Event()
    it = bench(Script(slow=[Reply(429, retry_after="0"), Reply(200)]))

    def hold(connection_id: str) -> None:
        if threading.current_thread().name.startswith("send"):
            insisting.set()
            release.wait(10)
        elif connection_id == "a":
            assert insisting.wait(10)

    it.script.before = hold
    assert it.manager.send_many([To("slow"), To("a")], b"x", within_s=1.0) == ["failed", "delivered"]
    release.set()
    it.manager.close()
    assert [connection_id for _, connection_id, _ in it.script.posts] == ["slow", "a", "slow"]


@pytest.fixture
def busy(bench: Callable[..., Bench]) -> Iterator[Bench]:
    """A manager whose only thread insists on `busy`, until the test is over, as soon as that is sent to."""
    release = threading.Event()
    script = Script(busy=[Reply(429, retry_after="0"), Reply(200)])
    made = bench(script, breaker=CircuitBreaker(failures_to_open=1), max_parallel=1)
    script.before = lambda _: threading.current_thread().name.startswith("send") and release.wait(10)
    yield made
    release.set()


def test_a_probe_that_nobody_waits_for_is_decided(busy: Bench) -> None:
    """However short the time and busy the threads: a probe ends, so that the next message may be one."""
    busy.script.answers["bad"] = [Reply(500), Reply(500), Reply(200)]
    assert busy.manager.send(ENDPOINT, "bad", b"x", within_s=0.0) is Delivery.FAILED
    busy.clock.time += COOL_DOWN_S
    assert busy.manager.send_many([To("busy"), To("bad")], b"x", within_s=0.5) == ["failed", "failed"]
    busy.clock.time += COOL_DOWN_S
    assert busy.manager.send(ENDPOINT, "bad", b"x") is Delivery.DELIVERED


def test_a_probe_that_is_not_begun_is_none(busy: Bench) -> None:
    """Where a fault leaves a probe to a thread and none gets free in time, the next message is the probe."""
    busy.script.answers["bad"] = [Reply(500), RuntimeError("boom"), Reply(200)]
    assert busy.manager.send(ENDPOINT, "bad", b"x", within_s=0.0) is Delivery.FAILED
    busy.clock.time += COOL_DOWN_S
    assert busy.manager.send_many([To("busy"), To("bad")], b"x", within_s=0.5) == ["failed", "failed"]
    assert busy.manager.send(ENDPOINT, "bad", b"x") is Delivery.DELIVERED


def test_who_is_not_insisted_on_in_time_is_counted_and_not_left_alone(busy: Bench) -> None:
    """A message that is given up has failed; that says nothing about the connection, which gets the next."""
    busy.script.answers["late"] = [Reply(429, retry_after="0"), Reply(200)]
    assert busy.manager.send_many([To("busy"), To("late")], b"x", within_s=0.5) == ["failed", "failed"]
    assert busy.manager.counters.failed == 1
    assert busy.manager.send(ENDPOINT, "late", b"x") is Delivery.DELIVERED


def test_gone_is_told_before_it_is_removed(busy: Bench) -> None:
    """Who is gone is told as gone also where it cannot be removed within the time; that is done later."""
    busy.script.answers["gone"] = [Reply(410)]
    assert busy.manager.send_many([To("busy"), To("gone")], b"x", within_s=0.5) == ["failed", "gone"]
    assert busy.gone == []


def test_the_only_one_is_not_waited_for_either(bench: Callable[..., Bench]) -> None:
    """Also a single post ends with the time that there is for it, not with the transport's own."""
    it = bench(Script())
    it.manager.send_many([To("c1")], b"x", within_s=4.0)
    it.manager.send_many([To("c1")], b"x")
    assert it.script.bounds == [4.0]


def test_the_only_one_who_is_insisted_on_is_not_waited_for(bench: Callable[..., Bench]) -> None:
    """Where the second post hangs its outcome is not waited for."""
    release = threading.Event()
    it = bench(Script(slow=[Reply(429, retry_after="0"), Reply(200)]))
    posts: list[bool] = []

    def hold(connection_id: str) -> None:
        posts.append(True)
        if len(posts) == 2:
            release.wait(10)

    it.script.before = hold
    assert it.manager.send_many([To("slow")], b"x", within_s=0.5) == ["failed"]
    release.set()


def test_not_sent_again_after_its_time(bench: Callable[..., Bench]) -> None:
    """Whoever sends may say for how long it is worth another try."""
    it = bench(Script(c1=[Reply(None, failure=Failure.TIMED_OUT)]))
    it.script.before = lambda _: it.clock.sleep(5.0)
    assert it.manager.send(ENDPOINT, "c1", b"x", within_s=1.0) is Delivery.FAILED
    assert len(it.script.posts) == 1


def test_the_time_is_that_of_the_whole_sending(
    bench: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who has its turn late is insisted on for what is left of the time, not for all of it anew."""
    it = bench(Script(late=[Reply(429, retry_after="1"), Reply(200)]))
    monotonic, passed = time.monotonic, [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + passed[0])
    it.script.before = lambda connection_id: passed.append(passed.pop() + 3.9 * (connection_id == "early"))
    assert it.manager.send_many([To("early"), To("late")], b"x", within_s=4.0) == ["delivered", "failed"]
    it.manager.close()
    assert [connection_id for _, connection_id, _ in it.script.posts] == ["early", "late"]


def test_nobody(bench: Callable[..., Bench]) -> None:
    """Sending to nobody is nothing, and starts no thread."""
    assert bench(Script()).manager.send_many([], b"x") == []


def test_insisting_at_the_same_time(bench: Callable[..., Bench]) -> None:
    """Many are insisted on at the same time, as many as `max_parallel`, never more; nobody waits for them."""
    names = [str(number) for number in range(12)]
    it = bench(Script(**{name: [Reply(429, retry_after="0"), Reply(200)] for name in names}))
    four = threading.Barrier(4, timeout=10)
    posted = threading.Event()
    inside, most, lock = 0, 0, threading.Lock()

    def meet(connection_id: str) -> None:
        nonlocal inside, most
        if connection_id == "last":
            posted.set()
        if not threading.current_thread().name.startswith("send"):
            return
        posted.wait(10)
        with lock:
            inside += 1
            most = max(most, inside)
        four.wait()
        with lock:
            inside -= 1
        four.wait()  # nobody begins the next before all four have left

    it.script.before = meet
    subscribers = [To(name) for name in [*names, "last"]]
    assert it.manager.send_many(subscribers, b"x") == ["delivered"] * 13
    assert (most, posted.is_set()) == (4, True)


def test_insisting_keeps_the_context(bench: Callable[..., Bench]) -> None:
    """What is insisted on in another thread is logged with the ids of the caller's context."""
    request = ContextVar("request", default="")
    it = bench(Script(a=[Reply(429), Reply(200)]))
    seen: list[str] = []
    it.script.before = lambda connection_id: seen.append(request.get())
    token = request.set("r1")
    it.manager.send_many([To("a"), To("b")], b"x")
    request.reset(token)
    assert seen == ["r1"] * 3


def test_many_with_one_in_trouble(bench: Callable[..., Bench]) -> None:
    """A broadcast leaves alone who is left alone, and probes it once, without retries, when that is over."""
    it = bench(Script(bad=[Reply(500)]))
    subscribers = [To("a"), To("bad"), To("b")]
    for _ in range(3):
        assert it.manager.send_many(subscribers, b"x") == ["delivered", "failed", "delivered"]
    it.script.posts.clear()
    assert it.manager.send_many(subscribers, b"x") == ["delivered", "rejected", "delivered"]
    it.clock.time += COOL_DOWN_S
    assert it.manager.send_many(subscribers, b"x") == ["delivered", "failed", "delivered"]
    assert [connection_id for _, connection_id, _ in it.script.posts] == ["a", "b", "a", "bad", "b"]
    assert it.manager.counters == Counters(sent=10, failed=4, rejected=1, retried=9)


def test_endpoint_of_each(bench: Callable[..., Bench]) -> None:
    """Each message goes to the endpoint of its own connection."""
    it = bench(Script())
    it.manager.send_many([To("a"), To("b", "https://other/prod")], b"x")
    assert sorted(it.script.posts) == [
        ("https://gateway/local", "a", b"x"),
        ("https://other/prod", "b", b"x"),
    ]


@pytest.mark.parametrize(
    ("reply", "lines"), [(Reply(204), 0), (Reply(410), 0), (Reply(403), 1), (Reply(None), 1)]
)
def test_disconnect(bench: Callable[..., Bench], reply: Reply, lines: int) -> None:
    """Closing a connection works on one that is gone; a failure is logged and goes no further."""
    it = bench(Script(c1=[reply]))
    it.manager.disconnect(ENDPOINT, "c1")
    assert it.script.deleted == ["c1"]
    assert len(it.lines.records) == lines


@pytest.mark.parametrize(
    ("users", "reached"),
    [
        (None, {"a1", "a2", "b1"}),
        (["ann"], {"a1", "a2"}),
        (["ben", "ann", "ben"], {"a1", "a2", "b1"}),
        (["eve"], set()),
    ],
    ids=["the tenant", "a user", "users", "nobody"],
)
def test_a_broadcast_reaches_the_tenant_or_its_users(
    bench: Callable[..., Bench], users: list[str] | None, reached: set[str]
) -> None:
    """Everybody of the tenant, or every connection of the named users, once."""
    script = Script()
    manager = bench(script, people=People({"ann": ["a1", "a2"], "ben": ["b1"]})).manager
    outcome = manager.broadcast(b"x", tenant_id="acme", user_ids=users)
    assert {connection_id for _, connection_id, _ in script.posts} == reached == set(outcome.deliveries)
    assert len(script.posts) == len(reached)
    assert outcome.is_settled
    assert manager.broadcast(b"x", tenant_id="other", user_ids=users).deliveries == {}


def test_a_broadcast_tells_what_became_of_each(bench: Callable[..., Bench]) -> None:
    """One that is gone and one that fails are told apart from those that got it."""
    people = People({"ann": ["here", "gone", "failing"]})
    made = bench(Script(gone=[Reply(410)], failing=[Reply(403)]), people=people)
    outcome = made.manager.broadcast(b"x", tenant_id="acme")
    assert outcome == Broadcast(
        {"here": Delivery.DELIVERED, "gone": Delivery.GONE, "failing": Delivery.FAILED}
    )
    assert (outcome.count(Delivery.GONE), outcome.is_settled) == (1, False)
    assert made.gone == ["gone"]


def test_a_connection_that_takes_nothing_is_left_alone(bench: Callable[..., Bench]) -> None:
    """After three sends that failed with all their retries, nothing is posted until the cool-down is over."""
    made = bench(Script(bad=[Reply(500)]))
    for _ in range(3):
        assert made.manager.send(ENDPOINT, "bad", b"x") is Delivery.FAILED
    posts = len(made.script.posts)
    assert made.manager.send(ENDPOINT, "bad", b"x") is Delivery.REJECTED
    assert made.manager.send(ENDPOINT, "good", b"x") is Delivery.DELIVERED
    assert len(made.script.posts) == posts + 1
    assert made.clock.slept != []


def test_the_breaker_that_is_given_decides(bench: Callable[..., Bench]) -> None:
    """Who wants a connection to be left alone at its first failure gives a breaker that says so."""
    made = bench(Script(bad=[Reply(500)]), breaker=CircuitBreaker(failures_to_open=1))
    assert made.manager.send(ENDPOINT, "bad", b"x") is Delivery.FAILED
    assert made.manager.send(ENDPOINT, "bad", b"x") is Delivery.REJECTED


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply(429, retry_after="1"), Delivery.DELIVERED),
        (Reply(503, retry_after="2"), Delivery.DELIVERED),
        (Reply(429), Delivery.REJECTED),
        (Reply(None, failure=Failure.TIMED_OUT), Delivery.REJECTED),
    ],
    ids=["has-no-time", "fails-and-has-no-time", "tried-often", "no-answer"],
)
def test_a_sender_without_time_to_wait_closes_no_connection_for_others(
    bench: Callable[..., Bench], reply: Reply, outcome: Delivery
) -> None:
    """Progress that may not wait as long as the API asks does not keep the outcome from being sent."""
    made = bench(Script(c=[reply]))
    for _ in range(3):
        assert made.manager.send(ENDPOINT, "c", b"progress", within_s=1.0) is Delivery.FAILED
    made.script.answers["c"] = [reply, Reply(200)]
    assert made.manager.send_many([To("c")], b"outcome", within_s=4.0) == [outcome]
    assert made.manager.counters.failed == 3


def test_a_probe_is_one_post(bench: Callable[..., Bench]) -> None:
    """After the cool-down one post decides, without retries: failed it waits again, taken it is over."""
    made = bench(Script(bad=[Reply(500)]))
    for _ in range(3):
        made.manager.send(ENDPOINT, "bad", b"x")
    made.clock.time += COOL_DOWN_S
    made.script.posts.clear()
    assert made.manager.send(ENDPOINT, "bad", b"x") is Delivery.FAILED
    assert len(made.script.posts) == 1
    assert made.manager.send(ENDPOINT, "bad", b"x") is Delivery.REJECTED
    made.clock.time += COOL_DOWN_S
    made.script.answers["bad"] = [Reply(200)]
    assert made.manager.send(ENDPOINT, "bad", b"x") is Delivery.DELIVERED
    assert made.manager.send(ENDPOINT, "bad", b"x") is Delivery.DELIVERED


def test_only_one_probe_is_under_way(bench: Callable[..., Bench]) -> None:
    """While a probe has no answer, nothing else goes to that connection."""
    made = bench(Script(bad=[Reply(500)]))
    for _ in range(3):
        made.manager.send(ENDPOINT, "bad", b"x")
    made.clock.time += COOL_DOWN_S
    beside: list[Delivery] = []

    def look(connection_id: str) -> None:
        if len(beside) == 0:
            beside.append(made.manager.send(ENDPOINT, connection_id, b"y"))

    made.script.before = look
    made.manager.send(ENDPOINT, "bad", b"x")
    assert beside == [Delivery.REJECTED]


@pytest.mark.parametrize("status", [400, 403, 413])
def test_a_refusal_for_good_says_nothing_about_the_connection(
    bench: Callable[..., Bench], status: int
) -> None:
    """What is our own fault does not make a connection be left alone."""
    made = bench(Script(c=[Reply(status)]))
    assert [made.manager.send(ENDPOINT, "c", b"x") for _ in range(5)] == [Delivery.FAILED] * 5


def test_a_fault_of_the_transport_counts_as_a_failure(bench: Callable[..., Bench]) -> None:
    """An exception is a failure too, and a probe that raises does not stay under way for ever."""
    made = bench(Script(c=[RuntimeError("boom")]))
    for _ in range(3):
        made.manager.send(ENDPOINT, "c", b"x")
    for _ in range(2):
        made.clock.time += COOL_DOWN_S
        assert made.manager.send(ENDPOINT, "c", b"x") is Delivery.FAILED


def test_everything_is_counted(bench: Callable[..., Bench]) -> None:
    """Each message is counted once by its end, and each further post as a retry."""
    made = bench(Script(gone=[Reply(410)], bad=[Reply(500)], slow=[Reply(429), Reply(200)]))
    for connection_id in ("ok", "gone", "slow", "bad", "bad", "bad", "bad"):
        made.manager.send(ENDPOINT, connection_id, b"x")
    assert made.manager.counters == Counters(sent=2, gone=1, failed=3, rejected=1, retried=1 + 3 * 3)


@pytest.mark.parametrize(
    ("answers", "active"),
    [([Reply(200)], True), ([Reply(410)], False), ([Reply(429), Reply(200)], True)],
    ids=["open", "gone", "throttled first"],
)
def test_is_active(bench: Callable[..., Bench], answers: list[Reply], active: bool) -> None:
    """A connection is active if API Gateway says so; one that is gone is removed."""
    made = bench(Script(c=answers))
    assert made.manager.is_active(ENDPOINT, "c") is active
    assert made.gone == ([] if active else ["c"])


def test_is_active_does_not_guess(bench: Callable[..., Bench]) -> None:
    """Where API Gateway gives no answer, that is said, and nothing is removed."""
    made = bench(Script(c=[Reply(None, failure=Failure.TIMED_OUT)]))
    with pytest.raises(ServiceUnavailable):
        made.manager.is_active(ENDPOINT, "c")
    assert made.gone == []
