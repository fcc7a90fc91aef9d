"""What an action is given beside its payload: who asks, the way to report progress, the clients of AWS."""

from collections.abc import Callable, Mapping
from logging import Logger
from typing import Any, Protocol

from streamer.clock import Clock
from streamer.identity import Identity
from streamer.settings import Settings


class ReportProgress(Protocol):
    """Tells the client how far a long request is."""

    def __call__(self, percentage: float, message: str = "", **metadata: Any) -> None: ...


class StoreCheckpoint(Protocol):
    """Keeps what a long request needs to go on from here."""

    def __call__(self, state: Any) -> None: ...


class ActionContext:
    """One run of an action.

    A test makes one with `streamer.testing.make_context()`.

    Attributes:
        action: the action's name.
        identity: the user whose request this is; everything that the action reads or writes is theirs.
            Of a long request it is as it was when the request was accepted, and does not end with the token.
        request_id: the request's id; the same in every attempt.
        run_id: of this run alone. What is written under both ids is overwritten by no other run, also not
            by one that was given up and still works.
        correlation_id: follows the request through every function, log and object.
        attempt: 1 for the first.
        clock: the time, also under an emulated clock.
        client: returns the boto3 client of a service by its name, made once per environment:
            `context.client("s3")`. DynamoDB's leaves it to DynamoDB to look at a request's parameters.
        remaining_s: returns the seconds that are left until this attempt is ended from outside.
        progress: `context.progress(40.0, "Read 400 rows", rows=400)`. Cheap enough for a loop: what
            comes faster than clients are told is dropped except the latest. Of a short request it
            goes nowhere. It raises `MetadataTooLarge` where no message carries the facts. It raises
            `Superseded` when this attempt no longer counts, and `CancelRequested` when the user
            cancelled the request: let these two pass.
        checkpoint: `context.checkpoint({"next_row": 400})` says what the action needs to go on from
            here, any JSON-able value. When the time of the invocation is nearly over the call ends it
            (`ContinueLater`: let it pass), and the action is called again with `restored`. Call it
            often, where the work so far is safe. Of a short request it goes nowhere.
        restored: the last checkpoint of this request; None when it begins anew.
        metadata: what the client sent beside the payload, text under text; empty where it sent none.
        logger: `context.logger.info("A constant sentence", extra={"action": "report.read"})`.
    """

    __slots__ = (
        "action",
        "attempt",
        "checkpoint",
        "client",
        "clock",
        "correlation_id",
        "identity",
        "logger",
        "metadata",
        "progress",
        "remaining_s",
        "request_id",
        "restored",
        "run_id",
        "settings",
    )

    def __init__(
        self,
        *,
        action: str,
        identity: Identity,
        request_id: str,
        run_id: str,
        correlation_id: str,
        attempt: int,
        settings: Settings,
        clock: Clock,
        client: Callable[[str], Any],
        logger: Logger,
        remaining_s: Callable[[], float],
        progress: ReportProgress | None = None,
        checkpoint: StoreCheckpoint | None = None,
        restored: Any = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self.action = action
        self.identity = identity
        self.request_id = request_id
        self.run_id = run_id
        self.correlation_id = correlation_id
        self.attempt = attempt
        self.settings = settings
        self.clock = clock
        self.client = client
        self.logger = logger
        self.remaining_s = remaining_s
        self.progress: ReportProgress = progress or _nowhere
        self.checkpoint: StoreCheckpoint = checkpoint or _not_kept
        self.restored = restored
        self.metadata: Mapping[str, str] = metadata or {}


def _nowhere(percentage: float, message: str = "", **metadata: Any) -> None:
    """Report progress of a request that has none."""


def _not_kept(state: Any) -> None:
    """Take a checkpoint of a request that is never continued."""
