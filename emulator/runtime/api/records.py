"""What the API keeps of functions beside their configuration: who may call them, tags, revisions."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from emulator.account import ACCOUNT_ID
from emulator.application import AsynchronousConfig, Destination, Function
from emulator.aws_api import ApiError
from emulator.clock import Clock


@dataclass(slots=True)
class EventInvokeConfig:
    """What was said about asynchronous invocations; None: not said, so Lambda's own value holds.

    Attributes:
        modified_at: epoch seconds.
    """

    modified_at: float
    maximum_retry_attempts: int | None = None
    maximum_event_age_s: int | None = None
    on_success: Destination | None = None
    on_failure: Destination | None = None

    def asynchronous(self) -> AsynchronousConfig:
        """Return it with Lambda's own values where nothing was said."""
        own = AsynchronousConfig()
        attempts, age_s = self.maximum_retry_attempts, self.maximum_event_age_s
        return AsynchronousConfig(
            own.maximum_retry_attempts if attempts is None else attempts,
            own.maximum_event_age_s if age_s is None else age_s,
            self.on_success,
            self.on_failure,
        )


@dataclass(slots=True)
class FunctionRecord:
    """What is kept of one function.

    Attributes:
        modified_at: of its configuration, epoch seconds.
        statements: of its policy, by id.
        policy_revision_id: changes with every statement.
    """

    role: str
    modified_at: float
    revision_id: str
    policy_revision_id: str
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    statements: dict[str, dict[str, Any]] = field(default_factory=dict)
    event_invoke: EventInvokeConfig | None = None


class Records:
    """The records of all functions; they last as long as the sandbox."""

    def __init__(self, functions: Iterable[Function], *, clock: Clock, new_id: Callable[[], str]) -> None:
        self._clock = clock
        self._new_id = new_id
        self._records = {function.name: self._new(function) for function in functions}

    def __getitem__(self, name: str) -> FunctionRecord:
        return self._records[name]

    def now(self) -> float:
        """Return the time as epoch seconds."""
        return self._clock.now()

    def touch(self, record: FunctionRecord) -> None:
        """Note that the configuration of a function was changed."""
        record.modified_at, record.revision_id = self._clock.now(), self._new_id()

    def touch_policy(self, record: FunctionRecord) -> None:
        """Note that the policy of a function was changed."""
        record.policy_revision_id = self._new_id()

    def _new(self, function: Function) -> FunctionRecord:
        now, said = self._clock.now(), function.asynchronous
        event_invoke = None
        if said != AsynchronousConfig():
            event_invoke = EventInvokeConfig(
                now, said.maximum_retry_attempts, said.maximum_event_age_s, said.on_success, said.on_failure
            )
        return FunctionRecord(
            role=f"arn:aws:iam::{ACCOUNT_ID}:role/{function.name}",
            modified_at=now,
            revision_id=self._new_id(),
            policy_revision_id=self._new_id(),
            event_invoke=event_invoke,
        )


def check_revision(asked: str | None, current: str) -> None:
    """Refuse a change of what was changed meanwhile.

    Args:
        asked: the revision that the caller knows, or None: any.

    Raises:
        ApiError: 412 `PreconditionFailedException`.
    """
    if asked is not None and asked != current:
        raise ApiError(
            412,
            "PreconditionFailedException",
            "The Revision Id provided does not match the latest Revision Id. Call the"
            " GetFunction/GetAlias API to retrieve the latest Revision Id",
        )
