"""Faults on purpose: what is to go wrong, how often, by seed.

The parts of the emulator ask `Faults.strike` at the places where something can go wrong; the answer is
None unless a fault was declared for that place.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from random import Random
from typing import Any


class FaultKind(StrEnum):
    """What can be made to go wrong; `KINDS` says what each of them does. Every strike is on the timeline."""

    KILL_ENVIRONMENT = "kill-environment"
    DELAY_RECORD = "delay-record"
    DUPLICATE_RECORD = "duplicate-record"
    FAIL_BACKEND_CALL = "fail-backend-call"
    SLOW_BACKEND_CALL = "slow-backend-call"
    REFUSE_POST = "refuse-post"
    DELAY_POST = "delay-post"
    CUT_CONNECTION = "cut-connection"


class Need(StrEnum):
    """Whether a kind of fault takes a value beside its own."""

    NONE = ""
    OPTIONAL = "optional"
    NEEDED = "needed"


@dataclass(frozen=True, slots=True)
class Kind:
    """What is to be known of a kind of fault.

    Attributes:
        does: what goes wrong, on one line.
        limits: names of the facts that it can be limited to.
        delay: whether it takes `delay_s`.
        code: whether it takes `code`.
    """

    does: str
    limits: tuple[str, ...]
    delay: Need = Need.NONE
    code: Need = Need.NONE


KINDS: Mapping[FaultKind, Kind] = {
    FaultKind.KILL_ENVIRONMENT: Kind(
        "an environment's process is killed before its function sees an event, or the delay later",
        ("function",),
        delay=Need.OPTIONAL,
    ),
    FaultKind.DELAY_RECORD: Kind(
        "a stream record is read later, and with it what follows in its shard",
        ("table", "function"),
        delay=Need.NEEDED,
    ),
    FaultKind.DUPLICATE_RECORD: Kind(
        "a batch is delivered a second time after it succeeded", ("table", "function")
    ),
    FaultKind.FAIL_BACKEND_CALL: Kind(
        "a call to the AWS back end fails, with InternalServerError if no code is given",
        ("service", "operation"),
        code=Need.OPTIONAL,
    ),
    FaultKind.SLOW_BACKEND_CALL: Kind(
        "a call to the AWS back end is answered later", ("service", "operation"), delay=Need.NEEDED
    ),
    FaultKind.REFUSE_POST: Kind(
        "a POST to @connections is refused with the status 410 or, by its code, 429",
        ("connection_id",),
        code=Need.OPTIONAL,
    ),
    FaultKind.DELAY_POST: Kind(
        "a POST to @connections is handled later", ("connection_id",), delay=Need.NEEDED
    ),
    FaultKind.CUT_CONNECTION: Kind(
        "a client's connection is cut, without a close frame, when it sends a message", ("connection_id",)
    ),
}
"""Every kind, as it is told to people."""

POST_REFUSALS = ("410", "429")
"""What the `code` of a refused post may be; the first one if it names none."""

BACKEND_KINDS = (FaultKind.FAIL_BACKEND_CALL, FaultKind.SLOW_BACKEND_CALL)
"""The kinds that strike in the back end's process, and not where they are declared."""

OWN_REQUESTS = "streamer-emulator-itself"
"""In the user agent of the emulator's own requests to the back end: faults are meant for applications."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One declared fault.

    Attributes:
        where: facts that must be equal for the fault to strike, such as `{"function": "executor"}`.
        probability: of striking each time it could, 0 to 1.
        times: how often it strikes at most; None: for ever.
        skip: how often it could strike and does not, before it may.
        delay_s: of the kinds that delay.
        code: of the kinds that refuse or fail; an error code or HTTP status.
        seed: of the dice that `probability` is thrown with.
    """

    kind: FaultKind
    where: Mapping[str, str] = field(default_factory=dict)
    probability: float = 1.0
    times: int | None = 1
    skip: int = 0
    delay_s: float = 0.0
    code: str = ""
    seed: int = 0


def check(fault: Fault) -> None:
    """See that a fault can strike at all.

    Raises:
        ValueError: a number is out of its range, a delay is missing, or the kind has no such delay or code.
    """
    kind = KINDS[fault.kind]
    if not 0.0 <= fault.probability <= 1.0:
        raise ValueError(f"A fault's probability is from 0 to 1, not {fault.probability}.")
    if fault.times is not None and fault.times < 1:
        raise ValueError(f"A fault strikes once or more, not {fault.times} times; None is for ever.")
    if fault.skip < 0:
        raise ValueError(f"A fault skips 0 occasions or more, not {fault.skip}.")
    if not 0.0 <= fault.delay_s < float("inf"):
        raise ValueError(f"A fault delays by 0 seconds or more, not by {fault.delay_s}.")
    if kind.delay is Need.NEEDED and not fault.delay_s:
        raise ValueError(f"A fault {fault.kind} needs delay_s, the seconds of its delay (--delay).")
    if kind.delay is Need.NONE and fault.delay_s:
        raise ValueError(f"A fault {fault.kind} takes no delay_s.")
    if kind.code is Need.NONE and fault.code:
        raise ValueError(f"A fault {fault.kind} takes no code.")
    if fault.kind is FaultKind.REFUSE_POST and fault.code not in ("", *POST_REFUSALS):
        raise ValueError(f"A post is refused with {' or '.join(POST_REFUSALS)}, not with {fault.code!r}.")


class _Armed:
    def __init__(self, fault_id: str, fault: Fault) -> None:
        self.id = fault_id
        self.fault = fault
        self.struck = 0
        self.seen = 0
        self._random = Random(fault.seed)  # noqa: S311

    def decide(self, facts: Mapping[str, str]) -> bool:
        fault = self.fault
        if any(facts.get(name) != value for name, value in fault.where.items()):
            return False
        if fault.times is not None and self.struck >= fault.times:
            return False
        self.seen += 1
        strikes = self.seen > fault.skip and self._random.random() < fault.probability
        self.struck += strikes
        return strikes


Struck = Callable[[Fault, Mapping[str, str]], None]


class Faults:
    """The declared faults. Used from one thread.

    Args:
        struck: is told of every strike, with the facts of the place.
    """

    def __init__(self, struck: Struck | None = None) -> None:
        self._tell = struck
        self._armed: dict[FaultKind, list[_Armed]] = {}
        self._count = 0

    def add(self, fault: Fault) -> str:
        """Declare a fault; returns its id."""
        self._count += 1
        fault_id = f"fault-{self._count}"
        self._armed.setdefault(fault.kind, []).append(_Armed(fault_id, fault))
        return fault_id

    def remove(self, fault_id: str) -> None:
        """Take a fault back. Raises KeyError where there is none of that id."""
        for armed in self._armed.values():
            for one in armed:
                if one.id == fault_id:
                    armed.remove(one)
                    return
        raise KeyError(fault_id)

    def clear(self) -> None:
        """Take every fault back."""
        self._armed.clear()

    def strike(self, kind: FaultKind, **facts: str) -> Fault | None:
        """Return the fault that strikes here and now, or None. Counts as one occasion for each that fits."""
        for armed in self._armed.get(kind, ()):
            if armed.decide(facts):
                if self._tell is not None:
                    self._tell(armed.fault, facts)
                return armed.fault
        return None

    def of_kinds(self, *kinds: FaultKind) -> Sequence[Fault]:
        """Return the declared faults of some kinds, in the order in which they were declared."""
        return [armed.fault for kind in kinds for armed in self._armed.get(kind, ())]

    def describe(self) -> list[dict[str, Any]]:
        """Return every fault as JSON: its id, its fields, how often it struck."""
        return [
            {"id": armed.id, "struck": armed.struck, **asdict(armed.fault)}
            for kind in self._armed.values()
            for armed in kind
        ]
