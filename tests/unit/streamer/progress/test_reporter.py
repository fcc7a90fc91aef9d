"""The reporter sends and persists beside the work, in order, and never breaks it."""

import json
import logging
import math
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from streamer.errors import MetadataTooLarge, Superseded
from streamer.progress import Pace, ProgressReporter
from streamer.progress.coalescing import MAX_MESSAGES_PER_S
from streamer.progress.reporter import LOOK_INTERVAL_S
from streamer.protocol import Progress, encode
from streamer.protocol.limits import MAX_DEPTH, MAX_MESSAGE_BYTES, MAX_METADATA_BYTES

DEADLINE_S = 10.0
FIRST_SEQUENCE = 1_000_001


class StillClock:
    """Wall-clock and monotonic time that a test moves."""

    def __init__(self) -> None:
        self.elapsed = 0.0

    def now(self) -> float:
        return 1_700_000_000.0 + self.elapsed

    def monotonic(self) -> float:
        return self.elapsed


class Stage:
    """A reporter with a sender and a table that record, and fail when they are told to."""

    def __init__(
        self,
        *,
        monotonic: Callable[[], float] | None = None,
        keep: Callable[[Progress], None] | None = None,
        **options: Any,
    ) -> None:
        self.clock = StillClock()
        self.sent: queue.Queue[Progress] = queue.Queue()
        self.persisted: queue.Queue[tuple[float, str]] = queue.Queue()
        self.send_error: Exception | None = None
        self.persist_error: Exception | None = None
        self.looks = 0
        self.look_error: Exception | None = None
        self.kept: queue.Queue[Progress] = queue.Queue()
        self.reporter = ProgressReporter(
            request_id="r-1",
            attempt=2,
            first_sequence=FIRST_SEQUENCE,
            send=self._send,
            persist=self._persist,
            look=self._look,
            keep=keep or self.kept.put,
            clock=self.clock,
            monotonic=monotonic or self.clock.monotonic,
            **options,
        )

    def _send(self, message: Progress) -> None:
        self.sent.put(message)
        if self.send_error:
            raise self.send_error

    def _persist(self, percentage: float, message: str) -> None:
        self.persisted.put((percentage, message))
        if self.persist_error:
            raise self.persist_error

    def _look(self) -> None:
        self.looks += 1
        if self.look_error:
            raise self.look_error

    def next(self) -> Progress:
        return self.sent.get(timeout=DEADLINE_S)

    def rest(self) -> list[Progress]:
        return list(self.sent.queue)


def threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("progress-")]


@contextmanager
def staged(**options: Any) -> Iterator[Stage]:
    """Close the reporter, and see that no thread of it is left."""
    stage = Stage(**options)
    try:
        yield stage
    finally:
        stage.reporter.close()
        assert threads() == []


def test_a_message_says_how_far_which_attempt_is() -> None:
    """The message is the protocol's, with the facts as they were at the call."""
    with staged() as stage:
        facts = {"files": ["a"]}
        stage.reporter.progress(12.5, "Working", facts=facts)
        facts["files"].append("b")
        assert stage.next() == Progress(
            request_id="r-1",
            sequence=FIRST_SEQUENCE,
            timestamp="2023-11-14T22:13:20.000Z",
            attempt=2,
            percentage=12.5,
            message="Working",
            metadata={"facts": {"files": ["a"]}},
        )


def test_first_and_hundred_percent_go_without_time_passing() -> None:
    """What is between them waits for its turn, and has none."""
    with staged() as stage:
        for percentage in (0, 40, 60, 100):
            stage.reporter.progress(percentage)
        assert [stage.next().percentage, stage.next().percentage] == [0, 100]
    assert stage.rest() == []


def test_hundred_percent_wakes_the_thread_that_waits_for_something_later() -> None:
    """It doesn't wait until the thread looks again by itself, which here would be in a quarter of an hour."""
    with staged() as stage:
        stage.clock.elapsed = -1000.0
        stage.reporter.progress(0)
        assert stage.next().percentage == 0
        stage.reporter.progress(100)
        assert stage.next().percentage == 100


def test_an_update_that_waits_goes_out_without_another_call() -> None:
    """On real time: an action that falls silent has told the latest."""
    import time

    with staged(monotonic=time.monotonic) as stage:
        stage.reporter.progress(1)
        assert stage.next().percentage == 1
        stage.reporter.progress(2)
        stage.reporter.progress(3)
        assert stage.next().percentage == 3


def test_closing_sends_what_waits_before_the_outcome() -> None:
    """The outcome's sequence number is taken after `close`, and is the highest."""
    with staged() as stage:
        stage.reporter.progress(10)
        stage.next()
        stage.reporter.progress(20)
        stage.reporter.progress(30)
        stage.reporter.close()
        (last,) = stage.rest()
        assert (last.percentage, last.sequence) == (30, FIRST_SEQUENCE + 1)
        assert stage.reporter.next_sequence() == FIRST_SEQUENCE + 2
        stage.reporter.close()
        assert len(stage.rest()) == 1


def test_closing_waits_for_the_message_that_is_on_its_way() -> None:
    """After `close` nothing more is sent, so that nothing comes after the outcome."""
    stage = Stage()
    begun, go_on = threading.Event(), threading.Event()
    order: list[str] = []

    def slow(message: Progress) -> None:
        begun.set()
        go_on.wait(DEADLINE_S)
        order.append("sent")

    stage.reporter._send = slow
    stage.reporter.progress(1)
    assert begun.wait(DEADLINE_S)

    def close() -> None:
        stage.reporter.close()
        order.append("closed")

    closing = threading.Thread(target=close)
    closing.start()
    go_on.set()
    closing.join(DEADLINE_S)
    assert order == ["sent", "closed"]
    assert threads() == []


def test_closing_leaves_behind_what_does_not_end(caplog: pytest.LogCaptureFixture) -> None:
    """A message or a table that hangs does not hold up the outcome; what was to follow is dropped."""
    stage = Stage(close_s=0.01)
    begun, go_on = threading.Event(), threading.Event()

    def hang(message: Progress) -> None:
        stage.sent.put(message)
        begun.set()
        go_on.wait(DEADLINE_S)

    stage.reporter._send = hang
    stage.reporter.progress(1)
    assert begun.wait(DEADLINE_S)
    stage.reporter.progress(2)
    stage.reporter.close()
    assert not go_on.is_set()
    assert stage.reporter.next_sequence() == FIRST_SEQUENCE + 1
    go_on.set()
    for thread in threads():
        thread.join(DEADLINE_S)
    assert [message.percentage for message in stage.rest()] == [1]
    assert [getattr(record, "action", None) for record in caplog.records] == ["progress.left"]


@pytest.mark.parametrize("ending", ["close", "announce"])
def test_what_is_sent_at_the_end_does_not_hold_it_up_either(
    ending: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The last update and an announcement are left behind, too, where the subscribers cannot be listed."""
    stage = Stage(close_s=0.01)
    stage.reporter.progress(1)
    stage.next()
    stage.reporter.progress(2)
    if ending == "announce":
        stage.reporter.close()
    caplog.clear()
    go_on = threading.Event()
    over: list[str] = []

    def hang(message: Progress) -> None:
        go_on.wait(DEADLINE_S)
        over.append("hang")

    stage.reporter._send = hang
    stage.reporter.close() if ending == "close" else stage.reporter.announce("It is tried again.")
    assert over == []
    assert [getattr(record, "action", None) for record in caplog.records] == ["progress.left"]
    go_on.set()
    for thread in threads():
        thread.join(DEADLINE_S)
    assert over == ["hang"]


def test_who_was_left_behind_keeps_nothing_after_what_came_later() -> None:
    """A write that hangs over the attempt's end is not followed by the message that it was about."""
    stage = Stage(close_s=0.01)
    begun, go_on = threading.Event(), threading.Event()

    def hang(percentage: float, message: str) -> None:
        begun.set()
        go_on.wait(DEADLINE_S)

    stage.reporter._persist = hang
    stage.reporter.progress(1)
    stage.clock.elapsed = 1.0
    assert begun.wait(DEADLINE_S)
    stage.reporter.close()
    left = threads()
    stage.reporter._close_s = DEADLINE_S
    stage.reporter.announce("It is tried again.")
    go_on.set()
    for thread in left:
        thread.join(DEADLINE_S)
    assert [message.message for message in stage.kept.queue] == ["It is tried again."]


def test_messages_are_kept_by_one_thread_at_a_time() -> None:
    """Where keeping one hangs over the attempt's end, an announcement is kept neither beside nor after it."""
    begun, go_on = threading.Event(), threading.Event()
    kept: list[str] = []

    def hang(message: Progress) -> None:
        kept.append(message.message)
        begun.set()
        go_on.wait(DEADLINE_S)

    stage = Stage(close_s=0.01, keep=hang)
    stage.reporter.progress(1, "a hundredth")
    stage.clock.elapsed = 1.0
    assert begun.wait(DEADLINE_S)
    stage.reporter.close()
    stage.reporter.announce("It is tried again.")
    go_on.set()
    for thread in threads():
        thread.join(DEADLINE_S)
    assert kept == ["a hundredth"]


def test_closing_waits_for_those_who_are_being_told_but_not_for_long(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The last message is out before the outcome, except to those that do not take it: the log says so."""
    waits: list[float] = []
    stage = Stage(close_s=5.0, settle=lambda within_s: waits.append(within_s) or 2)
    stage.reporter.progress(1)
    stage.reporter.close()
    assert [message.percentage for message in stage.rest()] == [1]
    assert len(waits) == 1
    assert 0 < waits[0] <= 5.0
    assert [getattr(record, "connections", None) for record in caplog.records] == [2]


def test_an_attempt_that_is_over_ends_at_its_next_progress() -> None:
    """An action that was given up at its time limit learns so and stops."""
    stage = Stage()
    stage.reporter.close()
    with pytest.raises(Superseded):
        stage.reporter.progress(1)
    assert stage.rest() == []


def test_a_slow_subscriber_does_not_slow_the_action() -> None:
    """While a message is on its way, progress calls return; only the latest is sent after it."""
    with staged() as stage:
        begun, go_on = threading.Event(), threading.Event()
        record = stage.reporter._send

        def slow(message: Progress) -> None:
            record(message)
            begun.set()
            go_on.wait(DEADLINE_S)

        stage.reporter._send = slow
        stage.reporter.progress(0)
        assert begun.wait(DEADLINE_S)
        for percentage in range(1, 1000):
            stage.reporter.progress(percentage / 20)
        go_on.set()
        stage.reporter.close()
        assert [message.percentage for message in stage.rest()] == [0, 49.95]


def test_a_failure_to_send_does_not_reach_the_action(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and the next message is tried."""
    with staged() as stage:
        stage.send_error = ConnectionError("gone")
        stage.reporter.progress(0)
        stage.reporter.progress(100)
        stage.reporter.close()
        assert [message.percentage for message in stage.rest()] == [0, 100]
    assert [record.getMessage() for record in caplog.records] == ["Progress was not sent"] * 2
    assert all(record.levelno == logging.WARNING for record in caplog.records)


def test_progress_is_persisted_at_most_once_a_second() -> None:
    """The latest, when a second is over, without another call."""
    with staged() as stage:
        for percentage in (0, 20, 30):
            stage.reporter.progress(percentage, f"at {percentage}")
        stage.next()
        assert stage.persisted.empty()
        stage.clock.elapsed = 1.0
        assert stage.persisted.get(timeout=DEADLINE_S) == (30, "at 30")
        stage.reporter.progress(40, "at 40")
        stage.clock.elapsed = 1.9
        assert stage.next().percentage == 30
        assert stage.next().percentage == 40
        assert stage.persisted.empty()


def test_the_thread_ends_when_nothing_waits_and_begins_again() -> None:
    """An action that reports rarely holds no thread between."""
    with staged() as stage:
        for number in (1, 2):
            stage.reporter.progress(number)
            (thread,) = threads()
            stage.clock.elapsed += 2.0
            thread.join(DEADLINE_S)
            assert threads() == []
            assert stage.next().percentage == number
            assert stage.persisted.get(timeout=DEADLINE_S)[0] == number


def test_an_attempt_that_lost_its_request_stops() -> None:
    """Superseded at the table ends the attempt at its next progress call, and its messages at once."""
    with staged() as stage:
        stage.persist_error = Superseded("Another attempt took over.")
        stage.reporter.progress(1)
        stage.next()
        stage.clock.elapsed = 1.0
        stage.persisted.get(timeout=DEADLINE_S)
        for thread in threads():
            thread.join(DEADLINE_S)
        with pytest.raises(Superseded, match="Another attempt took over"):
            stage.reporter.progress(2)
    assert stage.rest() == []


def test_an_attempt_that_lost_its_request_tells_nothing_more() -> None:
    """What was waiting when the loss became known is not sent, also not at the end."""
    with staged() as stage:

        def lose(percentage: float, message: str) -> None:
            stage.reporter.progress(50, "noted while the write was on its way")
            raise Superseded("Another attempt took over.")

        stage.reporter._persist = lose
        stage.reporter.progress(1)
        (thread,) = threads()
        stage.clock.elapsed = 1.0
        thread.join(DEADLINE_S)
        stage.reporter.close()
        assert [message.percentage for message in stage.rest()] == [1]


def test_a_failure_to_persist_does_not_reach_the_action(caplog: pytest.LogCaptureFixture) -> None:
    """A table that throttles costs a log line."""
    with staged() as stage:
        stage.persist_error = ConnectionError("throttled")
        stage.reporter.progress(1)
        stage.clock.elapsed = 1.0
        stage.persisted.get(timeout=DEADLINE_S)
        stage.reporter.progress(2)
        stage.reporter.close()
        assert [message.percentage for message in stage.rest()] == [1, 2]
    assert [record.getMessage() for record in caplog.records] == ["Progress was not stored"]


def test_what_is_persisted_is_kept_as_it_was_sent() -> None:
    """Whoever missed a message gets the same one later, with its sequence and its facts."""
    with staged() as stage:
        stage.reporter.progress(1, "begun", file="a")
        sent = stage.next()
        stage.clock.elapsed = 1.0
        assert stage.kept.get(timeout=DEADLINE_S) == sent


@pytest.mark.parametrize("tells", ["progress", "check"])
def test_a_call_a_second_after_the_last_look_learns_at_once_that_it_is_to_end(tells: str) -> None:
    """It is told by the very call, not by the one after it; a second call of that moment looks no more."""
    with staged() as stage:
        for _ in range(3):
            stage.clock.elapsed += LOOK_INTERVAL_S
            stage.reporter.check()
            stage.reporter.check()
        assert stage.looks == 3
        stage.look_error = Superseded("Its user cancelled it.")
        stage.clock.elapsed += LOOK_INTERVAL_S
        with pytest.raises(Superseded, match="Its user cancelled it"):
            stage.reporter.progress(50, "half") if tells == "progress" else stage.reporter.check()
        with pytest.raises(Superseded, match="Its user cancelled it"):
            stage.reporter.progress(60)


def test_what_was_just_persisted_was_a_look() -> None:
    """An action that reports often costs the table a write a second, and no read beside it."""
    with staged() as stage:
        stage.reporter.progress(10)
        stage.next()
        stage.clock.elapsed = 1.0
        stage.persisted.get(timeout=DEADLINE_S)
        stage.clock.elapsed = 1.0 + LOOK_INTERVAL_S / 2
        stage.reporter.progress(20)
        assert stage.looks == 0


def test_a_look_holds_back_nothing_that_is_kept() -> None:
    """A call that looks is followed by the write that was due, with the message for whoever missed it."""
    with staged() as stage:
        stage.clock.elapsed = LOOK_INTERVAL_S
        stage.reporter.progress(10, "a tenth")
        assert stage.kept.get(timeout=DEADLINE_S) == stage.next()
        assert stage.persisted.get_nowait() == (10, "a tenth")
        assert stage.looks == 1


def test_a_look_that_is_not_answered_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A table that throttles costs a log line, and a second later it is looked at again."""
    with staged() as stage:
        stage.look_error = ConnectionError("throttled")
        stage.clock.elapsed = LOOK_INTERVAL_S
        stage.reporter.check()
        stage.reporter.check()
        assert stage.looks == 1
    assert [getattr(record, "action", None) for record in caplog.records] == ["progress.not_looked"]


def test_an_announcement_goes_out_at_once_and_is_kept() -> None:
    """Also after the attempt is closed, as that it is tried again; the percentage stays."""
    with staged() as stage:
        stage.reporter.progress(30, "a third")
        stage.reporter.close()
        stage.reporter.announce("It is tried again.", attempt=3, code="BUSY")
        last = stage.rest()[-1]
        assert (last.percentage, last.message) == (30, "It is tried again.")
        assert last.metadata == {"attempt": 3, "code": "BUSY"}
        assert stage.kept.get_nowait() == last
        assert stage.reporter.next_sequence() > last.sequence


def test_whatever_is_sent_counts_in_the_pace_that_attempts_share() -> None:
    """Messages of the work, what is left at its end, and announcements: the eleventh waits for its second."""
    pace = Pace()
    with staged(pace=pace) as stage:
        stage.reporter.progress(1)
        stage.next()
        stage.reporter.progress(2)
        stage.reporter.close()
        for _ in range(MAX_MESSAGES_PER_S - 2):
            assert pace.free_at() == -math.inf
            stage.reporter.announce("It is tried again.")
        assert pace.free_at() == 1.0


@pytest.mark.parametrize(("percentage", "sent"), [(50, []), (100, [100])])
def test_where_ten_just_went_an_attempt_ends_with_100_percent_or_without_a_word(
    percentage: float, sent: list[float]
) -> None:
    """Attempts that follow each other fast do not each add what is left at their end."""
    pace = Pace()
    for _ in range(MAX_MESSAGES_PER_S):
        pace.note(0.0)
    with staged(pace=pace) as stage:
        stage.reporter.progress(percentage)
        stage.reporter.close()
        assert [message.percentage for message in stage.rest()] == sent


def nested(levels: int) -> Any:
    """Return as many lists in one another."""
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("fact", [object(), nested(MAX_DEPTH)], ids=["no-json", "too-deep-to-be-read"])
def test_metadata_without_json_form_is_left_out(fact: Any, caplog: pytest.LogCaptureFixture) -> None:
    """Progress is told all the same."""
    with staged() as stage:
        stage.reporter.progress(1, "Working", file=fact)
        assert stage.next().metadata is None
    assert [record.getMessage() for record in caplog.records] == ["Progress metadata has no JSON form"]


@pytest.mark.parametrize("message", [[1, "step"], {"step": 1}, b"step", None, 5], ids=repr)
def test_a_message_that_is_no_text_is_an_error_at_the_call(message: Any) -> None:
    """A client passes over a message that is none of the protocol, and who subscribes gets it again."""
    with staged() as stage:
        with pytest.raises(TypeError, match="is text"):
            stage.reporter.progress(1, message)
        stage.reporter.progress(2, "Working")
        assert stage.next().percentage == 2


def test_half_a_character_in_a_message_does_not_keep_it_from_being_sent() -> None:
    """What Python read with `surrogateescape` has no UTF-8; the rest of the text has."""
    with staged() as stage:
        stage.reporter.progress(1, "Read f\udcfcr.csv")
        assert json.loads(encode(stage.next()))["message"] == "Read f?r.csv"


@pytest.mark.parametrize("extra", [0, 1], ids=["fits", "one-byte-more"])
def test_metadata_that_no_message_carries_is_an_error_at_the_call(extra: int) -> None:
    """It names the largest field, the size and the limit; with one byte less the message is sent."""
    facts = {"step": 3, "rows": ""}
    facts["rows"] = "x" * (MAX_METADATA_BYTES - len(json.dumps(facts, separators=(",", ":"))) + extra)
    with staged() as stage:
        if not extra:
            stage.reporter.progress(1, "\n" * 2_000, **facts)
            assert len(encode(stage.next())) < MAX_MESSAGE_BYTES
            return
        with pytest.raises(MetadataTooLarge, match=r"120001 bytes.*120000.*'rows'") as caught:
            stage.reporter.progress(1, "Working", **facts)
        assert caught.value.details == {"field": "rows", "size_bytes": 120_001, "limit_bytes": 120_000}
        stage.reporter.progress(2, "Working", step=3)
        assert stage.next().percentage == 2


def test_sequence_numbers_rise_from_every_thread() -> None:
    """Messages of many threads are in the order of their numbers, and no number comes twice."""
    with staged() as stage:
        taken: list[int] = []

        def work(worker: int) -> None:
            for number in range(200):
                stage.reporter.progress(number / 4, f"worker {worker}")
                taken.append(stage.reporter.next_sequence())

        workers = [threading.Thread(target=work, args=(worker,)) for worker in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(DEADLINE_S)
        stage.reporter.progress(100)
        stage.reporter.close()
        messages = stage.rest()
        sequences = [message.sequence for message in messages]
        assert sequences == sorted(sequences)
        assert sorted({*taken, *sequences}) == list(
            range(FIRST_SEQUENCE, FIRST_SEQUENCE + len(taken) + len(sequences))
        )
        assert messages[-1].percentage == 100
        assert stage.reporter.next_sequence() > max(*taken, *sequences)


def test_without_a_thread_to_be_had_the_latest_is_sent_at_the_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A machine at its limit of threads does not break the action."""

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    stage = Stage()
    for percentage in (0, 50, 60):
        stage.reporter.progress(percentage)
    assert stage.rest() == []
    stage.reporter.close()
    assert [message.percentage for message in stage.rest()] == [0, 60]
    assert {record.getMessage() for record in caplog.records} == {"Progress waits for a thread"}
