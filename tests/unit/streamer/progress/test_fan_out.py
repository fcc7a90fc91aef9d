"""Everyone is told in a lane of their own: who does not read holds up nobody."""

import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from streamer.progress import FanOut
from streamer.progress.fan_out import INSIST_S

DEADLINE_S = 10.0


@dataclass(frozen=True)
class To:
    connection_id: str


class Stage:
    """Subscribers whose posts are held, or fail, until the test lets them go."""

    def __init__(self, *names: str, lanes: int = 4) -> None:
        self.names = list(names)
        self.held = {"slow": threading.Event()}
        self.taken: dict[str, list[bytes]] = {}
        self.changed = threading.Condition()
        self.error: Exception | None = None
        self.time = 0.0
        self.pool = ThreadPoolExecutor(lanes, thread_name_prefix="lane")
        self.fan_out = FanOut(
            subscribers=lambda: [To(name) for name in self.names],
            send=self._send,
            pool=self.pool,
            logger=logging.getLogger("test"),
            monotonic=lambda: self.time,
        )

    def _send(self, to: To, data: bytes) -> None:
        with self.changed:
            self.taken.setdefault(to.connection_id, []).append(data)
            self.changed.notify_all()
        if to.connection_id in self.held:
            self.held[to.connection_id].wait(DEADLINE_S)
        if self.error:
            raise self.error

    def has(self, name: str, count: int) -> bool:
        """Wait until somebody was sent so many messages."""
        with self.changed:
            return self.changed.wait_for(lambda: len(self.taken.get(name, [])) >= count, DEADLINE_S)

    def release(self) -> None:
        for held in self.held.values():
            held.set()


@pytest.fixture
def stage() -> Iterator[Stage]:
    stage = Stage("quick", "slow")
    yield stage
    stage.release()
    stage.pool.shutdown()


def test_who_does_not_read_holds_up_nobody(stage: Stage) -> None:
    """The others get every message; the slow one, when it takes one, the latest after it, and no other."""
    for number, data in enumerate((b"1", b"2", b"3"), 1):
        stage.fan_out.send(data)
        assert stage.has("quick", number)
    assert stage.taken == {"quick": [b"1", b"2", b"3"], "slow": [b"1"]}
    stage.release()
    stage.pool.shutdown()
    assert stage.fan_out.settle(0) == 0
    assert stage.taken["slow"] == [b"1", b"3"]


def test_settling_begins_nothing_afterwards(stage: Stage) -> None:
    """What waits for the slow one is dropped: what comes next is not overtaken by it."""
    stage.fan_out.send(b"1")
    assert stage.has("slow", 1)
    stage.fan_out.send(b"2")
    assert stage.fan_out.settle(0.01) == 1
    stage.release()
    stage.pool.shutdown()
    assert stage.fan_out.settle(0) == 0
    assert stage.taken["slow"] == [b"1"]


def test_who_hangs_for_long_is_not_waited_for(stage: Stage) -> None:
    """Nothing will be sent again there: the end of an attempt waits for nobody who was silent before."""
    stage.fan_out.send(b"1")
    assert stage.has("slow", 1)
    stage.time += INSIST_S
    stage.fan_out.send(b"2")  # to somebody who takes it
    assert stage.fan_out.settle(1_000_000) == 1
    assert stage.taken["quick"] == [b"1", b"2"]


def test_subscribers_that_were_listed_too_late_are_told_nothing(stage: Stage) -> None:
    """A table that answers after the attempt is settled does not bring its progress behind its outcome."""

    def slowly() -> list[To]:
        stage.fan_out.settle(0)
        return [To("quick")]

    stage.fan_out._subscribers = slowly
    stage.fan_out.send(b"1")
    stage.pool.shutdown()
    assert stage.taken == {}


def test_the_first_message_is_sent_also_where_the_last_follows_at_once() -> None:
    """Also where every thread is taken by somebody slow; what waits between them gives its place."""
    stage = Stage("slow", lanes=1)
    stage.fan_out.send(b"x")
    assert stage.has("slow", 1)
    stage.names = ["quick"]
    for data in (b"0", b"50", b"100"):
        stage.fan_out.send(data)
    stage.release()
    stage.pool.shutdown()
    assert stage.fan_out.settle(0) == 0
    assert stage.taken["quick"] == [b"0", b"100"]


def test_failure_is_logged_and_the_next_is_sent(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """A message that cannot be sent breaks nothing."""
    stage.release()
    stage.error = ValueError("too large")
    stage.names = ["quick"]
    for number in (1, 2):
        stage.fan_out.send(b"x")
        assert stage.has("quick", number)
    stage.pool.shutdown()
    assert [record.getMessage() for record in caplog.records] == ["Progress was not sent"] * 2
