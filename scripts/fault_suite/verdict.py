"""What must hold for every request after a storm, and whether it does. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from scripts.fault_suite.attempts import Run, unexplained
from scripts.fault_suite.plan import Kind, PlannedRequest

CUT_OFF = frozenset({"PROCESSING_FAILED", "SERVICE_UNAVAILABLE"})
"""Codes of a request whose every attempt was killed, or found no back end: what faults may bring about, and
`attempts` looks whether they did."""

OVER = frozenset({"COMPLETED", "FAILED", "CANCELLED"})
"""Statuses of a request that is over. As the protocol has them, and not taken from the code under test."""


class Fault(StrEnum):
    """A promise that was not kept."""

    LOST = "lost"
    """A consumer that waited has no outcome."""
    DOUBLED = "doubled"
    """A consumer that drops what it knows by `(request_id, sequence)` has more than one."""
    CHANGED = "changed"
    """The same sequence came with another content, or two consumers have different outcomes."""
    AFTER = "after the outcome"
    """Something with a higher sequence than the outcome's came."""
    FELL = "percentage fell"
    """Progress of one attempt went back."""
    WRONG = "wrong outcome"
    """It ended as nothing in the plan can make it end."""
    STUCK = "stuck"
    """What is stored is not over, or still waits for somebody."""
    UNCAUSED = "given up without cause"
    """It was given up although no fault took each of its attempts."""
    UNLIKE = "told otherwise than stored"
    """The outcome that was told is not the one that is stored."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One promise that was not kept for one request; `details` says what was seen."""

    request_id: str
    fault: Fault
    details: str


@dataclass(slots=True)
class Seen:
    """What one consumer saw of one request, in the order of arrival: messages of the protocol.

    Attributes:
        duplicates: how many came again, by their sequence, and were dropped.
    """

    messages: list[Mapping[str, Any]] = field(default_factory=list)
    duplicates: int = 0
    _known: dict[int, Mapping[str, Any]] = field(default_factory=dict)
    changed: list[int] = field(default_factory=list)

    def take(self, message: Mapping[str, Any]) -> bool:
        """Keep a message unless it is known by its sequence; return whether it was news."""
        sequence = message.get("sequence")
        if message["type"] not in ("acknowledgment", "response") and sequence is not None:
            known = self._known.get(sequence)
            if known is not None:
                self.duplicates += 1
                if _content(known) != _content(message):
                    self.changed.append(sequence)
                return False
            self._known[sequence] = message
        self.messages.append(message)
        return True

    @property
    def outcomes(self) -> list[Mapping[str, Any]]:
        """The outcomes: one, if all is well."""
        return [message for message in self.messages if is_outcome(message)]


def is_outcome(message: Mapping[str, Any]) -> bool:
    """Whether a message of a queued request is its outcome; an error without a sequence answers a message."""
    return message["type"] == "complete" or (
        message["type"] == "error" and message.get("sequence") is not None
    )


def is_given_up(stored: Mapping[str, Any] | None) -> bool:
    """Whether a request ended as faults alone can bring about: then its attempts are looked at."""
    return bool(stored and stored.get("status") == "FAILED" and stored["error"]["code"] in CUT_OFF)


def judge(
    request: PlannedRequest,
    seen: Sequence[Seen],
    stored: Mapping[str, Any] | None,
    runs: Sequence[Run] = (),
) -> Iterator[Violation]:
    """Tell what does not hold for a request.

    Args:
        seen: what each consumer saw that waited for it.
        stored: its STATE item as plain values; None where there is none, as of short ones.
        runs: the executor's invocations for it, where it was given up.
    """
    checks = _short(request, seen) if request.kind is Kind.SHORT else _long(request, seen, stored or {}, runs)
    for fault, details in checks:
        yield Violation(request.id, fault, details)


def _short(request: PlannedRequest, seen: Sequence[Seen]) -> Iterator[tuple[Fault, str]]:
    for one in seen:
        answers = [message for message in one.messages if message["type"] == "response"]
        if not answers:
            yield Fault.LOST, f"no answer; what came: {_types(one.messages)}"
        elif any(answer["data"]["echo"] != request.payload for answer in answers):
            yield Fault.WRONG, "the answer is not what was sent"


def _long(
    request: PlannedRequest, seen: Sequence[Seen], stored: Mapping[str, Any], runs: Sequence[Run]
) -> Iterator[tuple[Fault, str]]:
    status = stored.get("status", "absent")
    if status not in OVER or stored.get("undelivered") or stored.get("due"):
        yield Fault.STUCK, f"{status}, undelivered {stored.get('undelivered')}, due at {stored.get('due_at')}"
    if is_given_up(stored):
        for why in unexplained(stored, runs, own_codes=request.work.passing):
            yield Fault.UNCAUSED, why
    for one in seen:
        yield from _consumer(request, one, stored)
    outcomes = {(outcome["sequence"], outcome["type"]) for one in seen for outcome in one.outcomes}
    if len(outcomes) > 1:
        yield Fault.CHANGED, f"consumers have different outcomes: {sorted(outcomes)}"


def _consumer(request: PlannedRequest, one: Seen, stored: Mapping[str, Any]) -> Iterator[tuple[Fault, str]]:
    if one.changed:
        yield Fault.CHANGED, f"another content under the sequences {one.changed}"
    yield from (
        (Fault.FELL, f"attempt {attempt}: {percentages}") for attempt, percentages in _fallen(one.messages)
    )
    if not one.outcomes:
        yield Fault.LOST, f"no outcome; what came: {_types(one.messages)}"
        return
    sequences = [outcome["sequence"] for outcome in one.outcomes]
    if len(sequences) > 1:
        yield Fault.DOUBLED, f"outcomes with the sequences {sequences}"
    late = [message for message in one.messages if (message.get("sequence") or 0) > sequences[0]]
    if late:
        yield Fault.AFTER, f"{_types(late)} after the sequence {sequences[0]}"
    outcome = one.outcomes[0]
    if why := _is_wrong(request, outcome):
        yield Fault.WRONG, why
    if stored.get("outcome_sequence") != sequences[0]:
        yield Fault.UNLIKE, f"sequence {sequences[0]} told, {stored.get('outcome_sequence')} stored"


def _is_wrong(request: PlannedRequest, outcome: Mapping[str, Any]) -> str:
    """Return why a request cannot have ended so, "" where it can."""
    work = request.work
    if outcome["type"] == "complete":
        return "it completed although it fails for good" if work.must_fail else ""
    code = outcome["error"]["code"]
    return "" if code in CUT_OFF | work.errors else f"it failed with {code}"


def _fallen(messages: Iterable[Mapping[str, Any]]) -> Iterator[tuple[int, list[float]]]:
    """Return the attempts whose percentages, in the order of their sequences, go back."""
    attempts: dict[int, list[tuple[int, float]]] = {}
    for message in messages:
        if message["type"] == "progress":
            attempts.setdefault(message["attempt"], []).append((message["sequence"], message["percentage"]))
    for attempt, told in attempts.items():
        percentages = [percentage for _, percentage in sorted(told)]
        if percentages != sorted(percentages):
            yield attempt, percentages


def _content(message: Mapping[str, Any]) -> dict[str, Any]:
    """Return a message without what differs each time it is sent."""
    return {name: value for name, value in message.items() if name != "timestamp"}


def _types(messages: Iterable[Mapping[str, Any]]) -> str:
    return (
        ", ".join(f"{message['type']} {message.get('sequence', '')}".strip() for message in messages)
        or "nothing"
    )
