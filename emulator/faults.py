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
    """What can be made to go wrong."""

    KILL_ENVIRONMENT = "kill-environment"
    """An environment's process is killed when an invocation has begun."""

    DELAY_RECORD = "delay-record"
    """A stream record is read `delay_s` later, and with it what follows in its shard."""

    DUPLICATE_RECORD = "duplicate-record"
    """A batch is delivered a second time after it succeeded."""

    FAIL_BACKEND_CALL = "fail-backend-call"
    """A call to the AWS back end fails with the error `code`."""

    SLOW_BACKEND_CALL = "slow-backend-call"
    """A call to the AWS back end is answered `delay_s` later."""

    REFUSE_POST = "refuse-post"
    """A POST to `@connections` is refused with the status `code`, 410 or 429."""

    DELAY_POST = "delay-post"
    """A POST to `@connections` is handled `delay_s` later."""

    CUT_CONNECTION = "cut-connection"
    """A client's connection is cut, without a close frame, when it sends a message."""


FACTS: Mapping[FaultKind, tuple[str, ...]] = {
    FaultKind.KILL_ENVIRONMENT: ("function",),
    FaultKind.DELAY_RECORD: ("table", "function"),
    FaultKind.DUPLICATE_RECORD: ("table", "function"),
    FaultKind.FAIL_BACKEND_CALL: ("service", "operation"),
    FaultKind.SLOW_BACKEND_CALL: ("service", "operation"),
    FaultKind.REFUSE_POST: ("connection_id",),
    FaultKind.DELAY_POST: ("connection_id",),
    FaultKind.CUT_CONNECTION: ("connection_id",),
}
"""What each kind can be limited to."""

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
        ValueError: a number is out of its range, or the kind has no such code.
    """
    if not 0.0 <= fault.probability <= 1.0:
        raise ValueError(f"A fault's probability is from 0 to 1, not {fault.probability}.")
    if fault.times is not None and fault.times < 1:
        raise ValueError(f"A fault strikes once or more, not {fault.times} times; None is for ever.")
    if fault.skip < 0:
        raise ValueError(f"A fault skips 0 occasions or more, not {fault.skip}.")
    if not 0.0 <= fault.delay_s < float("inf"):
        raise ValueError(f"A fault delays by 0 seconds or more, not by {fault.delay_s}.")
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
