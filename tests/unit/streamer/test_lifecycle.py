"""The request's lifecycle: every pair of status and event."""

import itertools

import pytest

from scripts.lifecycle import README, written
from streamer.lifecycle import (
    INITIAL,
    TERMINAL,
    TRANSITIONS,
    Event,
    InvalidTransition,
    Status,
    diagram,
    sources,
    step,
    target,
)

EXPECTED = """
                CLAIM       COMPLETE   FAIL    RETRY     RELEASE  CONTINUE  CANCEL     REPLAY
    PENDING     PROCESSING  -          FAILED  -         PENDING  -         CANCELLED  -
    PROCESSING  PROCESSING  COMPLETED  FAILED  RETRYING  PENDING  PENDING   CANCELLED  -
    RETRYING    PROCESSING  -          FAILED  -         PENDING  -         CANCELLED  -
    COMPLETED   -           -          -       -         -        -         -          -
    FAILED      -           -          -       -         -        -         -          PENDING
    CANCELLED   -           -          -       -         -        -         -          PENDING
"""

_header, *_rows = [line.split() for line in EXPECTED.strip().splitlines()]
CASES = [
    (Status(row[0]), Event(event), None if end == "-" else Status(end))
    for row in _rows
    for event, end in zip(_header, row[1:], strict=True)
]


def test_the_expectation_names_every_pair() -> None:
    """No pair of status and event is left to chance."""
    assert {case[:2] for case in CASES} == set(itertools.product(Status, Event))


@pytest.mark.parametrize(("status", "event", "expected"), CASES, ids=[f"{s}-{e}" for s, e, _ in CASES])
def test_every_pair(status: Status, event: Event, expected: Status | None) -> None:
    """An event leads to its one status, or is refused with both named."""
    if expected is not None:
        assert step(status, event) is expected
        assert status in sources(event)
        return
    assert status not in sources(event)
    with pytest.raises(InvalidTransition, match=f"{event} cannot happen to a request that is {status}"):
        step(status, event)


def test_only_an_operator_leaves_a_terminal_status() -> None:
    """A request that is over stays as it is, unless it is replayed; a good outcome stays for ever."""
    assert {Status.COMPLETED, Status.FAILED, Status.CANCELLED} == TERMINAL
    assert {event for source, event in TRANSITIONS if source in TERMINAL} == {Event.REPLAY}
    assert INITIAL not in TERMINAL
    assert not any(source is Status.COMPLETED for source, _ in TRANSITIONS)


def test_an_event_has_one_target() -> None:
    """Wherever an event comes from, it leads to one status: so a write can be prepared without reading."""
    for (_, event), end in TRANSITIONS.items():
        assert target(event) is end


def test_every_status_is_reached() -> None:
    """No status is there for nothing."""
    assert {INITIAL, *TRANSITIONS.values()} == set(Status)


def test_the_diagram_shows_the_table() -> None:
    """Each transition is an arrow; ends lead out."""
    lines = [line.strip() for line in diagram().splitlines()]
    assert lines[:2] == ["stateDiagram-v2", "[*] --> PENDING"]
    assert "PROCESSING --> RETRYING: RETRY" in lines
    assert sum(": " in line for line in lines) == len(TRANSITIONS)
    assert [line for line in lines if line.endswith("[*]")] == [
        "COMPLETED --> [*]",
        "FAILED --> [*]",
        "CANCELLED --> [*]",
    ]


def test_the_readme_shows_the_table_as_it_is() -> None:
    """The section is made by `python3 -m scripts.lifecycle`: run it after a change of the table."""
    text = README.read_text()
    assert written(text) == text
    assert diagram() in text
