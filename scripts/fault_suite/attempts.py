"""Whether faults took every attempt of a request that was given up. Pure.

A request may end as PROCESSING_FAILED or SERVICE_UNAVAILABLE only where each of its attempts was really taken
from it: its executor was killed, or time was moved past its lease, or the back end did not answer.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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


@dataclass(frozen=True, slots=True)
class Run:
    """One invocation of the executor for a request, times in epoch seconds.

    Attributes:
        loss: how faults ended it, or took its request from it; "" where they did neither.
    """

    began: float
    ended: float
    loss: str

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
    slowed = [
        entry["at"]
        for entry in entries
        if entry["kind"] == "fault.struck" and entry["facts"].get("fault") in DELAYS
    ]
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
        runs.append(Run(entry["at"], ended, _loss(entry["at"], ended, error, moved, slowed)))
    return runs


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
    """Tell which attempts of a request that was given up no fault took. A lost run explains one of them.

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
    for number, attempt in list(attempts.items())[:allowed]:
        code = codes.get(number, "")
        if attempt.after == "RETRY" or (attempt.after == "FAIL" and code == NO_BACK_END):
            if code != NO_BACK_END and code not in own_codes:
                yield f"attempt {number} failed with {code or 'nothing that is kept'}"
            continue
        taken_by = next((run for run in lost if run.has(attempt.claimed[-1])), None)
        if taken_by is None:
            yield f"attempt {number} ended by {attempt.after or 'nothing'}, and no fault had taken it"
        else:
            lost.remove(taken_by)


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
