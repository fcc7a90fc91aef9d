"""Few messages, the latest always, the first and 100 % at once, never backwards."""

import itertools
import math
from collections.abc import Sequence

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streamer.progress.coalescing import (
    KEPT,
    MAX_MESSAGE_LENGTH,
    MAX_MESSAGES_PER_S,
    PERSIST_INTERVAL_S,
    SEND_INTERVAL_S,
    Coalescer,
    Pace,
    Ratchet,
    Update,
)
from streamer.protocol import Progress

STEPS = st.lists(
    st.tuples(
        st.floats(0, 0.4) | st.sampled_from([0.0, 0.001, SEND_INTERVAL_S, 1.0, 3.0]),
        st.floats(0, 130) | st.sampled_from([0.0, 50.0, 100.0]),
        st.booleans(),
    ),
    min_size=1,
    max_size=80,
)
"""Seconds since the one before, the percentage, whether the sender looks before the next."""


def message_of(update: Update) -> Progress:
    """What the sender makes of an update."""
    return Progress(
        request_id="r",
        sequence=1,
        timestamp="",
        attempt=1,
        percentage=update.percentage,
        message=update.message,
    )


class Run:
    """Plays the steps of an attempt, with a sender that takes what is due whenever it looks."""

    def __init__(
        self,
        steps: Sequence[tuple[float, float, bool]],
        *,
        now: float = 0.0,
        floor: float = 0.0,
        pace: Pace | None = None,
    ) -> None:
        self.now = now
        self.pace = pace or Pace()
        self.sent: list[tuple[float, Update]] = []
        self.written: list[tuple[float, Progress]] = []
        self.coalescer = Coalescer(self.now, floor=floor, pace=self.pace)
        for number, (delay_s, percentage, prompt) in enumerate(steps):
            self._pass(delay_s, prompt)
            self.coalescer.offer(percentage, f"update {number}", None)
            if prompt:
                self._look()
        while (update := self.coalescer.take_rest(self.now)) is not None:
            self._send(update)

    def announce(self) -> None:
        self._send(Update(self.coalescer.percentage, "announcement -1"))

    def _send(self, update: Update) -> None:
        self.pace.note(self.now)
        self.sent.append((self.now, update))

    def _pass(self, delay_s: float, prompt: bool) -> None:
        end = self.now + delay_s
        while prompt and (due_at := self.coalescer.due_at) is not None and due_at <= end:
            self.now = max(self.now, due_at)
            self._look()
        self.now = end

    def _look(self) -> None:
        while update := self.coalescer.take_message(self.now):
            self._send(update)
            self.coalescer.sent(message_of(update))
        while message := self.coalescer.take_write(self.now):
            self.written.append((self.now, message))

    @property
    def numbers(self) -> list[int]:
        return [int(update.message.split()[1]) for _, update in self.sent]


@given(STEPS)
def test_no_second_has_more_than_ten_messages(steps: list[tuple[float, float, bool]]) -> None:
    """Whatever is offered and whenever the sender looks, also with what is sent at the end."""
    assert_at_most_ten_a_second([moment for moment, _ in Run(steps).sent])


def assert_at_most_ten_a_second(moments: Sequence[float]) -> None:
    for first, eleventh in zip(moments, moments[MAX_MESSAGES_PER_S:], strict=False):
        assert eleventh - first >= 1 - 1e-9


def dense_steps(count: int, complete: int) -> list[tuple[float, float, bool]]:
    """Return so many updates, 20 ms apart, which say 100 % from the one with the number `complete`."""
    return [(0.02, 100.0 if number >= complete else 0.0, True) for number in range(count)]


DENSE = st.builds(dense_steps, st.integers(1, 60), st.integers(0, 80))

ATTEMPTS = st.lists(st.tuples(STEPS | DENSE, st.sampled_from([0.0, 0.01, 0.5, 2.0])), min_size=2, max_size=4)
"""The steps of attempts, and the backoff after each."""


@settings(max_examples=50)
@given(ATTEMPTS)
def test_no_second_has_more_than_ten_messages_of_all_attempts_here(
    attempts: list[tuple[list[tuple[float, float, bool]], float]],
) -> None:
    """Each ends with what is left and an announcement; the next begins when there is room, and at once."""
    pace, now = Pace(), 0.0
    moments: list[float] = []
    for steps, delay_s in attempts:
        run = Run(steps, now=now, pace=pace)
        numbers = run.numbers
        assert (numbers[0], numbers[-1]) == (0, len(steps) - 1)
        assert run.sent[0][0] == now + steps[0][0] or not steps[0][2]
        begins_at = max(run.now + delay_s, pace.free_at(KEPT + 1))
        run.announce()
        moments += [moment for moment, _ in run.sent]
        now = begins_at
    assert_at_most_ten_a_second(moments)


@settings(max_examples=50)
@given(ATTEMPTS)
@example([(dense_steps(60, 59), 0.01), *[(dense_steps(2, 0), 0.01)] * 4])
def test_no_second_has_more_than_ten_messages_of_an_attempt_that_goes_on_elsewhere(
    parts: list[tuple[list[tuple[float, float, bool]], float]],
) -> None:
    """Nobody there knows what was told here, but when that was over, and how far it was."""
    now = floor = 0.0
    moments: list[float] = []
    for number, (steps, delay_s) in enumerate(parts):
        pace = Pace()
        if number:
            pace.assume(now - parts[number - 1][1])
        run = Run(steps, now=now, floor=floor, pace=pace)
        moments += [moment for moment, _ in run.sent]
        now, floor = run.now + delay_s, run.coalescer.percentage
    run.announce()
    moments.append(run.now)
    assert_at_most_ten_a_second(moments)


def test_attempts_that_follow_each_other_share_the_ten() -> None:
    """The first message of an attempt waits where those before it, and their ends, took the second's ten."""
    pace = Pace()
    for number in range(MAX_MESSAGES_PER_S - KEPT):
        assert pace.free_at(KEPT) == -math.inf
        pace.note(5.0 + number / 100)
    following = Coalescer(5.2, pace=pace)
    following.offer(0, "again", None)
    assert following.take_message(5.9) is None
    assert following.due_at == 6.0
    assert following.take_message(6.0) == Update(0.0, "again")


def test_ten_are_enough_for_a_busy_second_with_a_hundred_percent_and_an_end() -> None:
    """Those that don't wait are within the ten, wherever in a dense stream they come."""
    for end in range(1, 60):
        for complete in range(end):
            run = Run(dense_steps(end, complete))
            run.announce()
            assert_at_most_ten_a_second([moment for moment, _ in run.sent])


@given(STEPS)
def test_the_last_update_is_always_sent_and_order_is_kept(steps: list[tuple[float, float, bool]]) -> None:
    """What is sent is a selection of what was offered, in its order, from the first to the last."""
    numbers = Run(steps).numbers
    assert numbers == sorted(set(numbers))
    assert numbers[0] == 0
    assert numbers[-1] == len(steps) - 1


@given(STEPS)
def test_percentages_never_fall(steps: list[tuple[float, float, bool]]) -> None:
    """Within 0 to 100, and what is sent is the highest so far."""
    run = Run(steps)
    sent = [update.percentage for _, update in run.sent]
    assert sent == sorted(sent)
    assert all(0 <= percentage <= 100 for percentage in sent)
    offered = [percentage for _, percentage, _ in steps]
    for number, percentage in zip(run.numbers, sent, strict=True):
        assert percentage == pytest.approx(min(100, max(offered[: number + 1])), abs=0.011)


@given(STEPS)
def test_the_first_hundred_percent_is_sent(steps: list[tuple[float, float, bool]]) -> None:
    """It is never replaced by a later update, and what is offered first neither."""
    numbers = Run(steps).numbers
    complete = [number for number, (_, percentage, _) in enumerate(steps) if percentage >= 100]
    assert not complete or complete[0] in numbers


@given(STEPS)
def test_the_table_is_written_once_a_second(steps: list[tuple[float, float, bool]]) -> None:
    """The first write waits, too, because the claim has just written."""
    moments = [0.0] + [moment for moment, _ in Run(steps).written]
    for one, next_one in itertools.pairwise(moments):
        assert next_one - one >= PERSIST_INTERVAL_S - 1e-9


@given(STEPS)
def test_what_is_written_was_sent(steps: list[tuple[float, float, bool]]) -> None:
    """The table holds a selection of the messages, in their order."""
    run = Run(steps)
    sent = [update.message for _, update in run.sent]
    written = [message.message for _, message in run.written]
    assert written == [message for message in sent if message in written]


def test_what_waits_goes_out_when_its_time_has_come() -> None:
    """The latest of several, and due without another offer."""
    coalescer = Coalescer(0.0)
    for percentage in (1, 2, 3):
        coalescer.offer(percentage, "", None)
        if percentage == 1:
            assert coalescer.take_message(5.0) == Update(1.0, "")
    coalescer.sent(message_of(Update(1.0, "")))
    assert coalescer.take_message(5.0 + SEND_INTERVAL_S / 2) is None
    assert coalescer.due_at == PERSIST_INTERVAL_S
    assert coalescer.take_write(5.0) == message_of(Update(1.0, ""))
    assert coalescer.due_at == 5.0 + SEND_INTERVAL_S
    assert coalescer.take_message(5.0 + SEND_INTERVAL_S) == Update(3.0, "")
    coalescer.sent(message_of(Update(3.0, "")))
    assert coalescer.due_at == 5.0 + PERSIST_INTERVAL_S


def test_work_goes_on_from_the_percentage_it_had() -> None:
    """A job that continues in another invocation does not fall back."""
    coalescer = Coalescer(0.0, floor=40.0)
    assert coalescer.offer(10, "", None).percentage == 40.0
    assert coalescer.offer(60, "", None).percentage == coalescer.percentage == 60.0


def test_first_and_hundred_percent_are_due_at_once_and_in_order() -> None:
    """Both are sent, although no time has passed between them."""
    coalescer = Coalescer(0.0)
    coalescer.offer(0, "begin", None)
    coalescer.offer(40, "dropped", None)
    coalescer.offer(100, "end", None)
    coalescer.offer(100, "tidying up", None)
    assert coalescer.due_at == -math.inf
    assert coalescer.take_message(0.0) == Update(0.0, "begin")
    assert coalescer.take_message(0.0) == Update(100.0, "end")
    assert coalescer.take_message(0.0) is None
    assert coalescer.take_rest(0.0) == Update(100.0, "tidying up")
    assert coalescer.take_rest(0.0) is None
    assert coalescer.due_at is None


@pytest.mark.parametrize(
    ("offered", "kept"),
    [
        ([-5], 0),
        ([130], 100),
        ([50, 20], 50),
        ([50, math.nan], 50),
        ([math.inf], 100),
        ([-math.inf], 0),
        ([100 / 3], 33.33),
        ([99.999], 99.99),
        ([100, 5], 100),
    ],
    ids=str,
)
def test_percentages_are_clamped(offered: list[float], kept: float) -> None:
    """0 to 100 with two decimals; 100 only where the work says so."""
    ratchet = Ratchet()
    assert [ratchet.advance(percentage) for percentage in offered][-1] == kept


def test_a_long_message_is_shortened() -> None:
    """It is stored in a small item."""
    coalescer = Coalescer(0.0)
    coalescer.offer(1, "x" * (MAX_MESSAGE_LENGTH + 1), None)
    update = coalescer.take_message(0.0)
    assert update is not None
    assert len(update.message) == MAX_MESSAGE_LENGTH
    assert update.message.endswith("x…")
