"""The actions that take their time: each step is told, and none is waited for twice."""

from typing import Any

import pytest

from streamer.actions import delay as delay_action
from streamer.actions import echo_async
from streamer.actions.delay import DelayPayload
from streamer.errors import ContinueLater, InvalidMessage
from streamer.testing import RecordedProgress, make_context


class PassingClock:
    """A clock that goes on by what is slept."""

    def __init__(self) -> None:
        self.time = 1000.0

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> PassingClock:
    clock = PassingClock()
    monkeypatch.setattr("time.sleep", clock.sleep)
    return clock


def test_echo_async_answers_in_four_steps(clock: PassingClock) -> None:
    """It gives back the payload and tells 0, 25, 50, 75 and 100 %."""
    progress = RecordedProgress()
    result = echo_async({"a": 1}, make_context(progress=progress, clock=clock))
    assert result == {
        "echo": {"a": 1},
        "action": "echo_async",
        "received_at": "1970-01-01T00:16:40.000Z",
        "processed_at": "1970-01-01T00:16:41.000Z",
    }
    assert [update[0] for update in progress.updates] == [0, 25, 50, 75, 100]


def test_delay_waits_by_the_clock(clock: PassingClock) -> None:
    """It ends when its time has come, and its progress rises to 100 %."""
    progress = RecordedProgress()
    result = delay_action(DelayPayload(seconds=2), make_context(progress=progress, clock=clock))
    assert clock.time == 1002
    assert result == {
        "seconds": 2,
        "began_at": "1970-01-01T00:16:40.000Z",
        "ended_at": "1970-01-01T00:16:42.000Z",
    }
    percentages = [update[0] for update in progress.updates]
    assert percentages == sorted(percentages)
    assert (percentages[0], percentages[-1]) == (0, 100)


def test_delay_goes_on_from_its_checkpoint(clock: PassingClock) -> None:
    """The invocation after it waits for the rest only."""
    kept: list[Any] = []

    def near_the_end(state: Any) -> None:
        kept.append(state)
        if len(kept) == 3:
            raise ContinueLater(state)

    with pytest.raises(ContinueLater):
        delay_action(DelayPayload(seconds=10), make_context(clock=clock, checkpoint=near_the_end))
    assert clock.time == 1001
    result = delay_action(DelayPayload(seconds=10), make_context(clock=clock, restored=kept[-1]))
    assert clock.time == 1010
    assert result["began_at"] == "1970-01-01T00:16:40.000Z"


def test_a_delay_of_nothing_is_over_at_once(clock: PassingClock) -> None:
    """Zero seconds are zero seconds."""
    delay_action(DelayPayload(seconds=0), make_context(clock=clock))
    assert clock.time == 1000


@pytest.mark.parametrize(("seconds", "is_long"), [(5, False), (5.1, True)])
def test_a_short_delay_is_answered_at_once(seconds: float, is_long: bool) -> None:
    """The estimate is the payload's own."""
    assert delay_action.is_long(DelayPayload(seconds=seconds)) is is_long


@pytest.mark.parametrize("seconds", [-1, 86_401, "5"])
def test_a_delay_that_cannot_be_meant_is_refused(seconds: Any) -> None:
    """More than a day is not waited for."""
    with pytest.raises(InvalidMessage):
        delay_action.parse({"seconds": seconds})
