"""Few messages, the latest always, the first and 100 % at once, never backwards."""

import itertools
import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamer.progress.coalescing import (
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
    """Plays steps, with a sender that takes what is due whenever it looks."""

    def __init__(self, steps: Sequence[tuple[float, float, bool]]) -> None:
        self.now = 0.0
        self.sent: list[tuple[float, Update]] = []
        self.written: list[tuple[float, Progress]] = []
        self.coalescer = Coalescer(self.now)
        for number, (delay_s, percentage, prompt) in enumerate(steps):
            self._pass(delay_s, prompt)
            self.coalescer.offer(percentage, f"update {number}", None)
            if prompt:
                self._look()
        self.rest = self.coalescer.take_rest()
        self.sent += [(self.now, update) for update in self.rest]

    def _pass(self, delay_s: float, prompt: bool) -> None:
        end = self.now + delay_s
        while prompt and (due_at := self.coalescer.due_at) is not None and due_at <= end:
            self.now = max(self.now, due_at)
            self._look()
        self.now = end

    def _look(self) -> None:
        while update := self.coalescer.take_message(self.now):
            self.sent.append((self.now, update))
            self.coalescer.sent(message_of(update))
        while message := self.coalescer.take_write(self.now):
            self.written.append((self.now, message))

    @property
    def numbers(self) -> list[int]:
        return [int(update.message.split()[1]) for _, update in self.sent]


@given(STEPS)
def test_no_second_has_more_than_ten_messages(steps: list[tuple[float, float, bool]]) -> None:
    """Whatever is offered and whenever the sender looks, also with what is sent at the end."""
    moments = [moment for moment, _ in Run(steps).sent]
    for first, eleventh in zip(moments, moments[MAX_MESSAGES_PER_S:], strict=False):
        assert eleventh - first >= 1 - 1e-9


def test_attempts_that_follow_each_other_share_the_ten() -> None:
    """The first message of an attempt waits where those before it, and their ends, took the second's ten."""
    pace = Pace()
    for number in range(MAX_MESSAGES_PER_S):
        assert pace.free_at == -math.inf
        pace.note(5.0 + number / 100)
    following = Coalescer(5.2, pace=pace)
    following.offer(0, "again", None)
    assert following.take_message(5.9) is None
    assert following.due_at == 6.0
    assert following.take_message(6.0) == Update(0.0, "again")


def test_ten_are_enough_for_a_busy_second_with_a_hundred_percent_and_an_end() -> None:
    """The two that don't wait are within the ten, wherever in a dense stream they come."""
    for end in range(1, 60):
        for complete in range(end):
            steps = [(0.02, 100.0 if number >= complete else 0.0, True) for number in range(end)]
            moments = [moment for moment, _ in Run(steps).sent]
            assert all(
                eleventh - first >= 1 - 1e-9 for first, eleventh in zip(moments, moments[10:], strict=False)
            )


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
    assert coalescer.take_rest() == [Update(100.0, "tidying up")]
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
