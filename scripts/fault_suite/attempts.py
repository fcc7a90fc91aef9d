"""Whether faults took every attempt of a request that was given up. Pure.

A request may end as PROCESSING_FAILED or SERVICE_UNAVAILABLE only where each of its attempts was really taken
from it: its executor was killed, or time was moved past its lease, or the back end did not answer.
"""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from emulator.telemetry.tracing import related

MAX_ATTEMPTS = 3
"""How often a request is begun that does not say it itself: as the sandbox is deployed."""

NO_BACK_END = "SERVICE_UNAVAILABLE"
"""The code of an attempt that failed because a call to the back end did."""

CLOCKS_DIFFER_S = 2.0
"""Seconds by which the time that a function notes may differ from the timeline's."""

KILLED = "Runtime.ExitError"
"""How Lambda calls the end of an invocation whose process ended."""

TIMED_OUT = "Sandbox.Timedout"
"""And of one that took longer than its function may."""

DELAYS = frozenset({"slow-backend-call", "delay-post"})
"""Faults that make an invocation take longer."""

FAILURE = "fail-backend-call"
"""The fault that fails a call to the back end; whose call it was, nobody knows."""


@dataclass(frozen=True, slots=True)
class Run:
    """One invocation of the executor for a request, times in epoch seconds.

    Attributes:
        loss: how faults ended it, or took its request from it; "" where they did neither.
        failed_calls: how many calls to the back end faults failed while it ran.
    """

    began: float
    ended: float
    loss: str
    failed_calls: int = 0

    def has(self, moment: float) -> bool:
        """Whether something that was noted at this moment may be of this run."""
        return self.began - CLOCKS_DIFFER_S <= moment <= self.ended + CLOCKS_DIFFER_S


@dataclass(slots=True)
class _Attempt:
    """One attempt as the request's history tells it.

    Attributes:
        claimed: moments at which an executor took it: one, and one more for each continuation.
        after: the event that ended it.
    """

    claimed: list[float]
    after: str = ""


def runs_of(entries: Sequence[Mapping[str, Any]], request_id: str) -> list[Run]:
    """Return the executor's invocations for a request, from the timeline."""
    moved = [entry["at"] for entry in entries if entry["kind"] == "clock.advanced"]
    slowed = _struck(entries, DELAYS)
    failed = _struck(entries, {FAILURE})
    own = [
        entry
        for entry in related(entries, request_id)
        if entry["kind"] in ("lambda.start", "lambda.end") and entry["facts"]["function"].endswith("executor")
    ]
    ends = {entry["facts"]["request_id"]: entry for entry in own if entry["kind"] == "lambda.end"}
    runs = []
    for entry in own:
        if entry["kind"] != "lambda.start":
            continue
        end = ends.get(entry["facts"]["request_id"])
        ended = entries[-1]["at"] if end is None else end["at"]
        error = None if end is None else end["facts"]["error_type"]
        failed_calls = sum(entry["at"] <= moment <= ended + CLOCKS_DIFFER_S for moment in failed)
        runs.append(Run(entry["at"], ended, _loss(entry["at"], ended, error, moved, slowed), failed_calls))
    return runs


def _struck(entries: Iterable[Mapping[str, Any]], faults: Container[str]) -> list[float]:
    """Return when one of these faults struck; the back end's are noted a moment later."""
    return [
        entry["at"]
        for entry in entries
        if entry["kind"] == "fault.struck" and entry["facts"].get("fault") in faults
    ]


def _loss(
    began: float, ended: float, error: str | None, moved: Iterable[float], slowed: Iterable[float]
) -> str:
    if error == KILLED:
        return "killed"
    if any(began <= moment <= ended for moment in moved):
        return "time was moved past its lease"
    if error == TIMED_OUT and any(began <= moment <= ended for moment in slowed):
        return "slowed down until it timed out"
    return ""


def unexplained(
    stored: Mapping[str, Any], runs: Sequence[Run], *, own_codes: frozenset[str]
) -> Iterator[str]:
    """Tell which attempts of a request that was given up no fault took.

    A lost run explains one of them, and so does a failed call one that says it found no back end.

    Args:
        stored: its STATE item as plain values.
        own_codes: with which its action fails attempts for reasons of its own.
    """
    attempts = _attempts(stored)
    allowed = int(stored.get("max_attempts") or MAX_ATTEMPTS)
    if len(attempts) < allowed:
        yield f"it was given up after {len(attempts)} of {allowed} attempts"
    codes = {int(each["attempt"]): each["code"] for each in stored.get("failures", ())}
    lost = [run for run in runs if run.loss]
    failed = [run for run in runs for _ in range(run.failed_calls)]
    for number, attempt in list(attempts.items())[:allowed]:
        code = codes.get(number, "")
        if attempt.after == "RETRY" or (attempt.after == "FAIL" and code == NO_BACK_END):
            if code == NO_BACK_END:
                if not _take(failed, attempt.claimed[-1]):
                    yield f"attempt {number} failed with {code}, and no fault had failed a call"
            elif code not in own_codes:
                yield f"attempt {number} failed with {code or 'nothing that is kept'}"
        elif not _take(lost, attempt.claimed[-1]):
            yield f"attempt {number} ended by {attempt.after or 'nothing'}, and no fault had taken it"


def _take(runs: list[Run], claimed: float) -> bool:
    """Use up one of these runs for what was claimed at this moment; False if there is none."""
    found = next((run for run in runs if run.has(claimed)), None)
    if found is not None:
        runs.remove(found)
    return found is not None


def _attempts(stored: Mapping[str, Any]) -> dict[int, _Attempt]:
    """Return the attempts by number, read from the history; a continuation is no new one."""
    attempts: dict[int, _Attempt] = {}
    number = 0
    goes_on = False
    for entry in stored.get("history", ()):
        if entry["event"] == "CLAIM":
            if number in attempts and not attempts[number].after and not goes_on:
                attempts[number].after = "CLAIM"
            if goes_on:
                attempts[number].claimed.append(float(entry["at"]))
            else:
                number += 1
                attempts[number] = _Attempt([float(entry["at"])])
            goes_on = False
        elif entry["event"] == "CONTINUE":
            goes_on = True
        elif number in attempts and not attempts[number].after and not goes_on:
            attempts[number].after = entry["event"]
    return attempts
