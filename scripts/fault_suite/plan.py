"""What a seed stands for: the requests, the faults that are declared, and what is done between. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Any

SWEEP_S = 61.0
"""Seconds after which the sweeper, which runs every minute, has run again."""

EXECUTOR_S = 12
"""The executor's timeout in a storm: so short that work is continued, and that a sweep finds leases over
while executors are still at work."""


class Kind(StrEnum):
    """What a request does."""

    SHORT = "short"
    """Answered at once by the router."""
    LONG = "long"
    """Queued, and done as soon as it is claimed."""
    PROGRESS = "with progress"
    """Takes a moment and tells of it."""
    RETRIED = "retried"
    """Its first attempt fails with an error that is worth another."""
    FAILING = "failing"
    """Fails for good."""
    CRASHING = "crashing"
    """Kills the process it runs in, once."""
    CONTINUED = "continued"
    """Is longer than an invocation, and goes on from its checkpoint in the next."""
    CANCELLED = "cancelled"
    """Its user asks for its end soon after."""


@dataclass(frozen=True, slots=True)
class Work:
    """How requests of one kind are made, and how they may end.

    Attributes:
        weight: how many of all, in relation to the other kinds.
        payload: makes one from the dice.
        errors: codes with which a request of this kind may fail for reasons of its own.
        passing: codes with which its attempts may fail before one succeeds.
        must_fail: whether it may not complete.
        metadata: of the message that sends it.
    """

    action: str
    weight: int
    payload: Callable[[Random], dict[str, Any]]
    errors: frozenset[str] = frozenset()
    passing: frozenset[str] = frozenset()
    must_fail: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)


def _sleep(dice: Random) -> dict[str, Any]:
    return {"seconds": round(dice.uniform(0.05, 0.6), 3), "steps": dice.randint(2, 12)}


WORK: Mapping[Kind, Work] = {
    Kind.SHORT: Work("echo", 20, lambda dice: {"number": dice.randrange(1_000_000)}),
    Kind.LONG: Work("noop", 40, lambda dice: {"number": dice.randrange(1_000_000)}),
    Kind.PROGRESS: Work("sleep", 20, _sleep),
    Kind.RETRIED: Work(
        "fail", 8, lambda _: {"retryable": True, "attempts": 1}, passing=frozenset({"ASKED_TO_FAIL"})
    ),
    Kind.FAILING: Work("fail", 6, lambda _: {}, frozenset({"ASKED_TO_FAIL"}), must_fail=True),
    Kind.CONTINUED: Work("delay", 3, lambda dice: {"seconds": round(EXECUTOR_S * dice.uniform(0.9, 1.4), 1)}),
    Kind.CANCELLED: Work("sleep", 6, lambda _: {"seconds": 3.0, "steps": 30}, frozenset({"CANCELLED"})),
    Kind.CRASHING: Work("kill_environment", 6, lambda dice: {"after_s": round(dice.uniform(0, 0.1), 3)}),
}
"""Every kind that is sent."""


@dataclass(frozen=True, slots=True)
class PlannedRequest:
    """One request.

    Attributes:
        user: number of the user whose it is.
        seat: number of the connection of that user that sends it.
        twice: whether it is sent again right behind, as a nervous client does.
        viewed: whether the user's other connection follows it too.
        cancel_after_s: when its end is asked for; None: never.
    """

    id: str
    kind: Kind
    payload: Mapping[str, Any]
    user: int
    seat: int
    twice: bool
    viewed: bool
    cancel_after_s: float | None = None

    @property
    def work(self) -> Work:
        return WORK[self.kind]


@dataclass(frozen=True, slots=True)
class PlannedFault:
    """A fault that is declared for the whole storm: what `Sandbox.add_fault` takes."""

    kind: str
    probability: float
    seed: int
    delay_s: float = 0.0
    code: str = ""
    where: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What it is called in a report: its kind, where it strikes, with which code."""
        return " ".join([self.kind, *self.where.values(), *([self.code] if self.code else [])])


@dataclass(frozen=True, slots=True)
class Kill:
    """End an environment of a function, one at work if there is one."""

    function: str


@dataclass(frozen=True, slots=True)
class Cut:
    """Cut an open connection: of all that are open, in order of their age, the one at this share.

    Attributes:
        by_client: whether the client's side goes, else the server's.
    """

    share: float
    by_client: bool


@dataclass(frozen=True, slots=True)
class Advance:
    """Move the sandbox's clock."""

    seconds: float


Act = Kill | Cut | Advance


@dataclass(frozen=True, slots=True)
class Plan:
    """All of it.

    Attributes:
        requests: in the order in which they are sent.
        acts: what is done before the request of this number is sent.
    """

    seed: int
    users: int
    requests: Sequence[PlannedRequest]
    faults: Sequence[PlannedFault]
    acts: Mapping[int, Sequence[Act]]


def make_plan(seed: int, requests: int, *, users: int = 6) -> Plan:
    """Return what `seed` stands for. The same seed and numbers give the same plan."""
    dice = Random(seed)
    return Plan(
        seed=seed,
        users=users,
        requests=[_request(dice, seed, number, users) for number in range(requests)],
        faults=[*_faults(dice)],
        acts={number: acts for number in range(1, requests) if (acts := [*_acts(dice, number)])},
    )


def _request(dice: Random, seed: int, number: int, users: int) -> PlannedRequest:
    kinds = list(WORK)
    (kind,) = dice.choices(kinds, [WORK[kind].weight for kind in kinds])
    return PlannedRequest(
        id=f"{seed}-{number}",
        kind=kind,
        payload=WORK[kind].payload(dice),
        user=dice.randrange(users),
        seat=dice.randrange(2),
        twice=dice.random() < 0.1,
        viewed=kind is not Kind.SHORT and dice.random() < 0.25,
        cancel_after_s=round(dice.uniform(0, 1.5), 2) if kind is Kind.CANCELLED else None,
    )


def _faults(dice: Random) -> Iterator[PlannedFault]:
    def fault(kind: str, probability: float, **further: Any) -> PlannedFault:
        return PlannedFault(kind, probability, dice.randrange(2**31), **further)

    for function, probability in (
        ("executor", 0.03),
        ("router", 0.015),
        ("processor", 0.03),
        ("connect", 0.02),
    ):
        yield fault("kill-environment", probability, where={"function": function})
        yield fault(
            "kill-environment",
            probability / 2,
            delay_s=dice.uniform(0.005, 0.2),
            where={"function": function},
        )
    yield fault("kill-environment", 0.1, where={"function": "sweeper"})
    for operation, code in (
        ("UpdateItem", "ProvisionedThroughputExceededException"),
        ("UpdateItem", "InternalServerError"),
        ("TransactWriteItems", "TransactionConflictException"),
        ("TransactWriteItems", "InternalServerError"),
        ("GetItem", "InternalServerError"),
        ("Query", "ThrottlingException"),
        ("DeleteItem", "InternalServerError"),
    ):
        where = {"service": "dynamodb", "operation": operation}
        yield fault("fail-backend-call", 0.04, code=code, where=where)
    yield fault("slow-backend-call", 0.02, delay_s=0.3, where={"service": "dynamodb"})
    yield fault("refuse-post", 0.08, code="429")
    yield fault("refuse-post", 0.01, code="410")
    yield fault("delay-post", 0.03, delay_s=0.3)
    yield fault("delay-record", 0.03, delay_s=0.7, where={"function": "processor"})
    yield fault("duplicate-record", 0.1, where={"function": "processor"})
    yield fault("cut-connection", 0.01)


def _acts(dice: Random, number: int) -> Iterator[Act]:
    if dice.random() < 0.05:
        yield Kill(dice.choice(("executor", "executor", "router", "processor")))
    if dice.random() < 0.06:
        yield Cut(dice.random(), by_client=dice.random() < 0.5)
    if number % 25 == 0:
        yield Advance(SWEEP_S)
