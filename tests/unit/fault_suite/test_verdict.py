"""What is held against a request after a storm."""

from collections.abc import Mapping
from typing import Any

import pytest

from scripts.fault_suite.attempts import Run
from scripts.fault_suite.plan import Kind, PlannedRequest
from scripts.fault_suite.verdict import Fault, Seen, judge

OUTCOME = 1_000_003
STORED = {"status": "COMPLETED", "outcome_sequence": OUTCOME}


def request(kind: Kind = Kind.LONG, **payload: Any) -> PlannedRequest:
    return PlannedRequest("r", kind, payload, user=0, seat=0, twice=False, viewed=False)


def message(kind: str, sequence: int | None = None, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "request_id": "r", "timestamp": "t", "sequence": sequence, **fields}


def progress(sequence: int, percentage: float, attempt: int = 1) -> dict[str, Any]:
    return message("progress", sequence, percentage=percentage, attempt=attempt)


def seen(*messages: Mapping[str, Any]) -> Seen:
    one = Seen()
    for each in messages:
        one.take(each)
    return one


def faults(one: PlannedRequest, *several: Seen, stored: Mapping[str, Any] | None = STORED) -> set[Fault]:
    return {violation.fault for violation in judge(one, several, stored)}


COMPLETE = message("complete", OUTCOME, result={})


@pytest.mark.parametrize(
    "messages",
    [
        [COMPLETE],
        [message("acknowledgment", 0), progress(1, 0), progress(2, 50), COMPLETE],
        [progress(1_000_001, 0, 2), progress(2, 50), COMPLETE],
        [COMPLETE, progress(7, 100)],
    ],
    ids=["outcome-alone", "in-order", "of-two-attempts", "late-progress-of-before"],
)
def test_nothing_is_held_against_what_went_well(messages: list[dict[str, Any]]) -> None:
    """One outcome that is the stored one, whatever came before it."""
    assert not faults(request(), seen(*messages))


def test_repeated_outcome_is_dropped_and_counted() -> None:
    """The same sequence with another timestamp is the same message; delivery is at least once."""
    one = seen(COMPLETE, {**COMPLETE, "timestamp": "later"})
    assert one.duplicates == 1
    assert not faults(request(), one)


@pytest.mark.parametrize(
    ("messages", "fault"),
    [
        ([message("acknowledgment", 0)], Fault.LOST),
        ([COMPLETE, message("complete", OUTCOME + 1, result={})], Fault.DOUBLED),
        ([COMPLETE, message("complete", OUTCOME, result={"other": 1})], Fault.CHANGED),
        ([COMPLETE, progress(OUTCOME + 1, 50)], Fault.AFTER),
        ([progress(1, 50), progress(2, 40), COMPLETE], Fault.FELL),
        ([message("error", OUTCOME, error={"code": "ODD"})], Fault.WRONG),
        ([message("complete", OUTCOME - 1, result={})], Fault.UNLIKE),
    ],
    ids=["lost", "doubled", "changed", "after", "fell", "wrong", "unlike"],
)
def test_broken_promise_is_named(messages: list[dict[str, Any]], fault: Fault) -> None:
    """Each promise has a name under which it is reported."""
    assert fault in faults(request(), seen(*messages))


@pytest.mark.parametrize(
    "stored",
    [{**STORED, "status": "PROCESSING"}, {**STORED, "undelivered": True}, {**STORED, "due": "DUE"}, None],
    ids=["not-over", "undelivered", "due", "absent"],
)
def test_request_that_still_waits_is_stuck(stored: Mapping[str, Any] | None) -> None:
    """After the sweeps nothing may be left to do for a request."""
    assert Fault.STUCK in faults(request(), seen(COMPLETE), stored=stored)


def test_consumers_with_different_outcomes_are_held_against_it() -> None:
    """Everybody who follows a request hears the same outcome."""
    other = seen(message("error", OUTCOME + 5, error={"code": "PROCESSING_FAILED"}))
    assert Fault.CHANGED in faults(request(), seen(COMPLETE), other)


def test_failure_that_was_asked_for_is_right_and_success_is_not() -> None:
    """A request that fails for good may end with its own code and with no result."""
    stored = {"status": "FAILED", "error": {"code": "ASKED_TO_FAIL"}, "outcome_sequence": OUTCOME}
    failed = seen(message("error", OUTCOME, error={"code": "ASKED_TO_FAIL"}))
    assert not faults(request(Kind.FAILING), failed, stored=stored)
    assert Fault.WRONG in faults(request(Kind.FAILING), seen(COMPLETE))


def test_every_attempt_cut_off_is_an_outcome() -> None:
    """Faults can take every attempt of a request; it is FAILED then, and says so. Else it may not be."""
    given_up = seen(message("error", OUTCOME, error={"code": "PROCESSING_FAILED"}))
    events = ("CLAIM", "RELEASE", "CLAIM", "RELEASE", "CLAIM", "FAIL")
    stored = {
        "status": "FAILED",
        "error": {"code": "PROCESSING_FAILED"},
        "outcome_sequence": OUTCOME,
        "history": [{"at": number, "event": event} for number, event in enumerate(events)],
    }
    runs = [Run(0, 1, "killed"), Run(2, 3, "killed"), Run(4, 5, "killed")]
    assert not [*judge(request(), [given_up], stored, runs)]
    found = [violation.fault for violation in judge(request(), [given_up], stored, ())]
    assert found == [Fault.UNCAUSED] * 3
    found = [violation.fault for violation in judge(request(), [given_up], stored, runs[:2])]
    assert found == [Fault.UNCAUSED], "one loss takes one attempt"


def test_short_request_has_its_answer() -> None:
    """It is answered with what was sent; an error without a sequence is no answer."""
    short = request(Kind.SHORT, number=1)
    answer = message("response", data={"echo": {"number": 1}})
    assert not faults(short, seen(answer, answer), stored=None)
    assert faults(short, seen(message("response", data={"echo": {}})), stored=None) == {Fault.WRONG}
    assert faults(short, seen(), stored=None) == {Fault.LOST}
