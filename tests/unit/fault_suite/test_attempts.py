"""A request may be given up only where faults took each of its attempts."""

from collections.abc import Mapping
from typing import Any

import pytest

from scripts.fault_suite.attempts import Run, runs_of, unexplained

Entry = dict[str, Any]


def history(*events: str) -> list[Entry]:
    """Changes one after the other, ten seconds apart from 100."""
    return [{"at": 100 + 10 * number, "event": event} for number, event in enumerate(events)]


def failures(*codes: str) -> list[Entry]:
    return [{"attempt": number, "code": code} for number, code in enumerate(codes, 1)]


def killed(*moments: float) -> list[Run]:
    """Runs of five seconds that were killed."""
    return [Run(moment, moment + 5, "killed") for moment in moments]


LOST = "PROCESSING_FAILED"
THRICE = ("CREATE", "CLAIM", "RELEASE", "CLAIM", "RELEASE", "CLAIM", "FAIL")
"""Three attempts, claimed at 110, 130 and 150."""


def why(events: tuple[str, ...], codes: tuple[str, ...], runs: list[Run], **more: Any) -> list[str]:
    stored: Mapping[str, Any] = {"history": history(*events), "failures": failures(*codes), **more}
    return [*unexplained(stored, runs, own_codes=frozenset({"BUSY"}))]


@pytest.mark.parametrize(
    ("events", "codes", "runs"),
    [
        (THRICE, (LOST, LOST, LOST), killed(110, 130, 150)),
        (
            ("CREATE", "CLAIM", "RETRY", "CLAIM", "RELEASE", "CLAIM", "FAIL"),
            ("BUSY", LOST, "SERVICE_UNAVAILABLE"),
            [*killed(130), Run(150, 155, "", failed_calls=1)],
        ),
        (
            ("CREATE", "CLAIM", "CLAIM", "RELEASE", "RELEASE", "CLAIM", "FAIL"),
            (LOST, LOST, LOST),
            killed(110, 120, 150),
        ),
        (
            (
                "CREATE",
                "CLAIM",
                "CONTINUE",
                "RELEASE",
                "CLAIM",
                "RELEASE",
                "CLAIM",
                "RELEASE",
                "CLAIM",
                "FAIL",
            ),
            (LOST, LOST, LOST),
            [Run(110, 118, ""), *killed(140, 160, 180)],
        ),
        (
            (*THRICE[:-1], "RELEASE", "CLAIM", "FAIL"),
            (LOST, LOST, LOST, LOST),
            killed(110, 130, 150),
        ),
    ],
    ids=["killed", "failed-for-now", "over-the-lease", "continued", "one-more-that-says-so"],
)
def test_every_attempt_that_was_taken_is_explained(
    events: tuple[str, ...], codes: tuple[str, ...], runs: list[Run]
) -> None:
    """By a kill of the invocation that had claimed it, by the back end, or by the action's own error."""
    assert why(events, codes, runs) == []


@pytest.mark.parametrize(
    ("events", "codes", "runs", "words"),
    [
        (THRICE, (LOST, LOST, LOST), killed(110, 150), "attempt 2"),
        (THRICE, (LOST, LOST, LOST), [*killed(110, 130), Run(150, 155, "")], "attempt 3"),
        ((*THRICE[:3], "CLAIM", "FAIL"), (LOST, LOST), killed(110, 130), "after 2 of 3"),
        (("CREATE", *["RELEASE"] * 5, "FAIL"), (), [], "after 0 of 3"),
        (("CREATE", "CLAIM", "FAIL"), (LOST,), killed(110), "after 1 of 3"),
        (
            ("CREATE", "CLAIM", "RETRY", "CLAIM", "RELEASE", "CLAIM", "FAIL"),
            ("ODD", LOST, LOST),
            killed(130, 150),
            "attempt 1 failed with ODD",
        ),
        (
            ("CREATE", "CLAIM", "RETRY", "CLAIM", "RELEASE", "CLAIM", "FAIL"),
            ("BUSY", LOST, "SERVICE_UNAVAILABLE"),
            [Run(110, 115, "", failed_calls=1), *killed(130), Run(150, 155, "")],
            "attempt 3 failed with SERVICE_UNAVAILABLE",
        ),
        (
            ("CREATE", "CLAIM", "RETRY", "CLAIM", "RETRY", "CLAIM", "FAIL"),
            ("SERVICE_UNAVAILABLE", "SERVICE_UNAVAILABLE", "SERVICE_UNAVAILABLE"),
            [Run(110, 155, "", failed_calls=2)],
            "attempt 3 failed with SERVICE_UNAVAILABLE",
        ),
    ],
    ids=[
        "no-invocation",
        "invocation-lived",
        "too-few",
        "never-claimed",
        "only-one",
        "another-code",
        "no-call-failed",
        "fewer-calls-failed",
    ],
)
def test_attempt_that_no_fault_took_is_told(
    events: tuple[str, ...], codes: tuple[str, ...], runs: list[Run], words: str
) -> None:
    """It names the attempt, or says how many there were."""
    found = why(events, codes, runs)
    assert len(found) == 1
    assert words in found[0]


def test_request_may_say_itself_how_often_it_is_begun() -> None:
    """Two attempts are all of them where the request has two."""
    assert why((*THRICE[:3], "CLAIM", "FAIL"), (LOST, LOST), killed(110, 130), max_attempts=2) == []


def entry(kind: str, at: float, **facts: Any) -> Entry:
    return {"kind": kind, "at": at, "facts": facts}


def invocation(name: str, began: float, ended: float, error: str | None, request: str = "r") -> list[Entry]:
    about = [{"request_id": request}]
    return [
        entry("lambda.start", began, function="streamer-executor", request_id=name, about=about),
        entry("lambda.end", ended, function="streamer-executor", request_id=name, error_type=error),
    ]


def test_runs_are_read_from_the_timeline() -> None:
    """Killed, overtaken by moved time, slowed down: of this request, of the executor, and no other's."""
    entries = [
        *invocation("i1", 10, 11, "Runtime.ExitError"),
        *invocation("i2", 20, 22, None),
        *invocation("other", 30, 31, "Runtime.ExitError", request="s"),
        entry("lambda.start", 32, function="streamer-sweeper", request_id="x", about=[{"request_id": "r"}]),
        entry("lambda.end", 33, function="streamer-sweeper", request_id="x", error_type="Runtime.ExitError"),
        entry("clock.advanced", 45, seconds=61),
        entry("fault.struck", 55, fault="slow-backend-call"),
    ]
    entries += [*invocation("i3", 40, 110, None), *invocation("i4", 50, 62, "Sandbox.Timedout")]
    entries += invocation("i5", 120, 132, "Sandbox.Timedout")
    losses = [run.loss for run in runs_of(entries, "r")]
    assert losses == [
        "killed",
        "",
        "time was moved past its lease",
        "slowed down until it timed out",
        "",
    ]


def test_failed_calls_are_read_from_the_timeline() -> None:
    """Those of the back end that failed while the invocation ran; they are noted a moment later."""
    struck = [entry("fault.struck", at, fault="fail-backend-call") for at in (9, 11, 12.5, 17)]
    entries = [*struck, entry("fault.struck", 11, fault="slow-backend-call")]
    entries += [*invocation("i1", 10, 12, None), *invocation("i2", 20, 22, None)]
    assert [run.failed_calls for run in runs_of(entries, "r")] == [2, 0]
