"""Whom an environment tells what happens to it."""

from typing import TYPE_CHECKING, Protocol

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
