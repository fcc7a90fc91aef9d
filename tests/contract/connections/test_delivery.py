"""The ConnectionManager on the signed transport, against a real HTTP server."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from streamer.clock import SystemClock
from streamer.connections.breaker import CircuitBreaker
from streamer.connections.manager import ConnectionManager


@dataclass
class To:
    connection_id: str
    endpoint: str


@dataclass
class Bench:
    manager: ConnectionManager
    slept: list[float]
    gone: list[str]


@pytest.fixture
def read_timeout_s() -> float:
    """Longer than any answer here takes, on a busy machine too."""
    return 20.0


@pytest.fixture
def bench(new_transport: Callable[..., Any], read_timeout_s: float) -> Iterator[Bench]:
    slept: list[float] = []
    gone: list[str] = []
    logger = logging.Logger("test")
    logger.addHandler(logging.NullHandler())
    manager = ConnectionManager(
        new_transport(read_timeout_s=read_timeout_s), gone.append, clock=SystemClock(), sleep=slept.append,
        random=lambda: 0.0, logger=logger,
    )  # fmt: skip
    yield Bench(manager, slept, gone)
    manager.close()


def test_throttled(api: Any, answer: Callable[..., Any], bench: Bench) -> None:
    """A 429 is waited out for as long as `Retry-After` says, and the message arrives once it is taken."""
    api.answers += [answer(429, {"Retry-After": "3"}), answer(429)]
    assert bench.manager.send(api.endpoint, "c1", b"x") == "delivered"
    assert bench.slept == [3.0, 0.0]
    assert [received.body for received in api.received] == [b"x"] * 3


def test_failing(api: Any, answer: Callable[..., Any], bench: Bench) -> None:
    """A service that only fails gets four posts, all on one connection."""
    api.answers += [answer(500) for _ in range(9)]
    assert bench.manager.send(api.endpoint, "c1", b"x") == "failed"
    assert len(api.received) == 4
    assert len({received.client_port for received in api.received}) == 1


def test_gone(api: Any, answer: Callable[..., Any], bench: Bench) -> None:
    """A 410 with an empty body, as API Gateway answers, is a connection that is gone."""
    api.answers += [answer(410, {"x-amzn-ErrorType": "GoneException"})]
    assert bench.manager.send(api.endpoint, "c1", b"x") == "gone"
    assert bench.gone == ["c1"]


@pytest.mark.parametrize(("trouble", "read_timeout_s"), [("slow", 3.0), ("drop", 20.0)])
def test_answer_lost(api: Any, answer: Callable[..., Any], bench: Bench, trouble: str) -> None:
    """A message whose answer was lost is sent again, on a new connection."""
    release = threading.Event()
    api.answers += [answer(hold=release) if trouble == "slow" else answer(drop=True)]
    assert bench.manager.send(api.endpoint, "c1", b"x") == "delivered"
    release.set()
    assert [received.body for received in api.received] == [b"x", b"x"]
    assert len({received.client_port for received in api.received}) == 2


def test_many(api: Any, answer: Callable[..., Any], bench: Bench) -> None:
    """Sixteen of forty connections are posted to at the same time, and each arrives once."""
    release = threading.Event()
    api.answers += [answer(hold=release) for _ in range(16)]
    outcome: list[Any] = []
    subscribers = [To(f"c{number}", api.endpoint) for number in range(40)]
    sending = threading.Thread(target=lambda: outcome.extend(bench.manager.send_many(subscribers, b"x")))
    sending.start()
    together = api.arrived(16, within_s=10)
    release.set()
    sending.join(10)
    assert together
    assert outcome == ["delivered"] * 40
    paths = {received.path for received in api.received}
    assert paths == {f"/local/@connections/c{number}" for number in range(40)}
    assert len(api.received) == 40


def test_nobody_slow_is_waited_for(
    api: Any, answer: Callable[..., Any], new_transport: Callable[..., Any]
) -> None:
    """After that time the others' outcomes are there; the slow, and who waits behind them, failed so far."""
    release = threading.Event()
    api.answers += [answer(), *(answer(hold=release) for _ in range(4))]
    manager = ConnectionManager(
        new_transport(max_connections=4), print, clock=SystemClock(), sleep=time.sleep, random=lambda: 0.0,
        logger=logging.Logger("test"),
    )  # fmt: skip
    first = To("first", api.endpoint)
    assert manager.send_many([first], b"x") == ["delivered"]
    subscribers = [To(f"c{number}", api.endpoint) for number in range(9)]
    assert manager.send_many(subscribers, b"x", within_s=0.3) == ["failed"] * 9
    assert len(api.received) <= 1 + 4
    release.set()
    manager.close()


def test_who_did_not_get_its_turn_is_not_left_alone(
    api: Any, answer: Callable[..., Any], new_transport: Callable[..., Any]
) -> None:
    """Where the sender's time was over before a connection was asked, that says nothing about it."""
    release = threading.Event()
    api.answers += [answer(hold=release)]
    manager = ConnectionManager(
        new_transport(max_connections=1), print, clock=SystemClock(), sleep=time.sleep, random=lambda: 0.0,
        logger=logging.Logger("test"), breaker=CircuitBreaker(failures_to_open=1),
    )  # fmt: skip
    subscribers = [To("asked", api.endpoint), To("behind", api.endpoint)]
    assert manager.send_many(subscribers, b"x", within_s=1.0) == ["failed"] * 2
    release.set()
    assert manager.send_many(subscribers, b"x") == ["rejected", "delivered"]
    assert manager.counters.failed == 2
    manager.close()


def test_more_senders_than_connections(api: Any, new_transport: Callable[..., Any]) -> None:
    """Single sends and broadcasts of many threads share the connections; each message arrives, once."""
    transport = new_transport(max_connections=4)
    manager = ConnectionManager(
        transport,
        print,
        clock=SystemClock(),
        sleep=time.sleep,
        random=lambda: 0.0,
        logger=logging.Logger("test"),
    )
    subscribers = [To(f"b{number}", api.endpoint) for number in range(20)]

    def send(number: int) -> list[Any]:
        if number % 5 == 0:
            return manager.send_many(subscribers, b"x")
        return [manager.send(api.endpoint, f"s{number}", b"x")]

    with ThreadPoolExecutor(20) as senders:
        outcomes = [outcome for outcomes in senders.map(send, range(50)) for outcome in outcomes]
    manager.close()
    assert outcomes == ["delivered"] * (10 * 20 + 40)
    assert len(api.received) == manager.counters.sent == len(outcomes)
    assert len({received.client_port for received in api.received}) <= 4


def test_one_slow_answer_holds_one_connection(
    api: Any, answer: Callable[..., Any], new_transport: Callable[..., Any]
) -> None:
    """While a broadcast waits for its last answer, others send over the connections that it needs no more."""
    release = threading.Event()
    api.answers += [answer(hold=release)]
    transport = new_transport(max_connections=4)
    targets = [(api.endpoint, f"c{number}") for number in range(6)]
    with ThreadPoolExecutor(2) as senders:
        sending = senders.submit(lambda: dict(transport.post_many(targets, b"x")))
        assert api.arrived(6, within_s=10)
        beside = [senders.submit(transport.post, api.endpoint, f"s{number}", b"x") for number in range(3)]
        try:
            assert [each.result(5).status for each in beside] == [200] * 3
            assert not sending.done()
        finally:
            release.set()
        assert len(sending.result(10)) == 6
    assert len({received.client_port for received in api.received}) <= 4


def test_no_connection_in_time(
    api: Any, answer: Callable[..., Any], new_transport: Callable[..., Any]
) -> None:
    """A broadcast that gets no connection in its time has failed, and leaves nobody without one."""
    release = threading.Event()
    api.answers += [answer(hold=release) for _ in range(2)]
    transport = new_transport(max_connections=2)
    manager = ConnectionManager(
        transport,
        print,
        clock=SystemClock(),
        sleep=time.sleep,
        random=lambda: 0.0,
        logger=logging.Logger("test"),
    )
    with ThreadPoolExecutor(2) as senders:
        holding = [senders.submit(manager.send, api.endpoint, f"h{number}", b"x") for number in range(2)]
        assert api.arrived(2, within_s=10)
        subscribers = [To(f"c{number}", api.endpoint) for number in range(3)]
        assert manager.send_many(subscribers, b"x", within_s=0.1) == ["failed"] * 3
        release.set()
        assert [each.result(10) for each in holding] == ["delivered"] * 2
    assert manager.send_many(subscribers, b"x", within_s=10) == ["delivered"] * 3
    manager.close()
