"""Sending to one connection and to many, with a transport that answers by script."""

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from streamer.connections.manager import ConnectionManager, Delivery
from streamer.connections.retries import Reply
from streamer.errors import MessageTooLarge

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
class Bench:
    """A manager and everything around it."""

    script: Script
    clock: HandClock = field(default_factory=HandClock)
    gone: list[str] = field(default_factory=list)
    lines: Lines = field(default_factory=Lines)
    forget: Callable[[str], None] | None = None

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
            max_parallel=4,
        )


@pytest.fixture
def bench() -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(script: Script, **parts: Callable[[str], None]) -> Bench:
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
    it = bench(Script(c1=[Reply(None, failure="ReadTimeoutError")]))
    assert it.manager.send(ENDPOINT, "c1", b"x") is Delivery.FAILED
    assert it.lines.records[0].failure == "ReadTimeoutError"  # type: ignore[attr-defined]


def test_slow_service_ends_at_the_budget(bench: Callable[..., Bench]) -> None:
    """A service that takes 5 s to not answer gets two posts, not four: the budget is 10 s."""
    it = bench(Script(c1=[Reply(None, failure="ReadTimeoutError")]))
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
    assert sorted(it.lines.actions) == ["message.not_sent", "message.not_taken"]


def test_nobody(bench: Callable[..., Bench]) -> None:
    """Sending to nobody is nothing, and starts no thread."""
    assert bench(Script()).manager.send_many([], b"x") == []


def test_at_the_same_time(bench: Callable[..., Bench]) -> None:
    """Many connections are sent to at the same time, as many as `max_parallel`, never more."""
    it = bench(Script())
    four = threading.Barrier(4, timeout=10)
    inside, most, lock = 0, 0, threading.Lock()

    def meet(connection_id: str) -> None:
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        four.wait()
        with lock:
            inside -= 1
        four.wait()  # nobody begins the next before all four have left

    it.script.before = meet
    assert it.manager.send_many([To(str(number)) for number in range(12)], b"x") == ["delivered"] * 12
    assert most == 4


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
