"""The life of an environment."""

import pytest

from emulator.runtime.lifecycle import TRANSITIONS, Event, IllegalTransition, Status, step


def test_the_life_of_one_environment() -> None:
    """Started, idle, busy, finishing, idle again, dead."""
    status = Status.STARTING
    seen = [
        status := step(status, event)
        for event in (Event.ASKED, Event.ASSIGNED, Event.ANSWERED, Event.ASKED, Event.ENDED)
    ]
    assert seen == [Status.IDLE, Status.BUSY, Status.FINISHING, Status.IDLE, Status.DEAD]


@pytest.mark.parametrize("status", list(Status))
def test_every_status_can_end(status: Status) -> None:
    """A process can end at any time, and dead stays dead."""
    assert step(status, Event.ENDED) is Status.DEAD


@pytest.mark.parametrize(
    ("status", "event"), [(s, e) for s in Status for e in Event if (s, e) not in TRANSITIONS]
)
def test_everything_else_is_illegal(status: Status, event: Event) -> None:
    """What the table does not name is a mistake, with both named in the message."""
    with pytest.raises(IllegalTransition, match=f"{status}.*{event}"):
        step(status, event)
