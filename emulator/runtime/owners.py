"""Whom an environment tells what happens to it, and whom the fleet tells what became of a call."""

from typing import TYPE_CHECKING, Protocol

from emulator.errors import EmulatorError
from emulator.runtime.invocations import Invocation, Outcome
from emulator.runtime.lifecycle import Status

if TYPE_CHECKING:
    from emulator.runtime.environment import Environment


class Owner(Protocol):
    """Who is told what happens to an environment."""

    def environment_ready(self, environment: "Environment", *, first: bool) -> None:
        """It asks for an invocation; it was not started for one."""

    def invocation_ended(self, environment: "Environment", invocation: Invocation, outcome: Outcome) -> None:
        """It has an outcome; it is finishing, or dead already."""

    def environment_ended(
        self, environment: "Environment", *, before: Status, failure: Outcome | None
    ) -> None:
        """It is of no use any more; `failure` is why it did not start, and only then set.

        Args:
            before: what it was doing.
        """

    def environment_gone(self, environment: "Environment") -> None:
        """The operating system has no such process any more; before or after `environment_ended`."""


class Calls(Protocol):
    """Who accepted the calls that the fleet runs."""

    def taken(self, environment: "Environment", invocation: Invocation) -> bool:
        """An environment runs it. False: it dies before it sees the event, which is not handed over."""

    def ended(self, environment: "Environment", invocation: Invocation, outcome: Outcome) -> None:
        """It has an outcome."""

    def refused(self, invocation: Invocation, error: EmulatorError) -> None:
        """It never ran: no process could be started."""
