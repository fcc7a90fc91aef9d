"""What a function of the suite is told to do: steps that the generic handler takes."""

import base64
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

Step = tuple[str, Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps in their order; each method returns new steps with one more at the end."""

    steps: tuple[Step, ...] = ()

    def _and(self, name: str, *arguments: Any) -> "Steps":
        return Steps((*self.steps, (name, arguments)))

    def returns(self, value: Any) -> "Steps":
        """Return a JSON value."""
        return self._and("give", value)

    def returns_bytes(self, value: bytes) -> "Steps":
        """Return bytes, which the runtime client passes on as they are."""
        return self._and("give_bytes", base64.b64encode(value).decode())

    def raises(self, message: str, *, kind: str = "Exception") -> "Steps":
        """Raise a built-in exception by name, or a new one of that name."""
        return self._and("fail", kind, message)

    def sleeps(self, seconds: float) -> "Steps":
        """Wait in the handler. To hold an invocation until the test has seen something, use `holds`."""
        return self._and("sleep", seconds)

    def leaves(self, status: int) -> "Steps":
        """End by `sys.exit`."""
        return self._and("leave", status)

    def aborts(self, status: int) -> "Steps":
        """End by `os._exit`."""
        return self._and("abort", status)

    def prints(self, *lines: str) -> "Steps":
        """Print lines."""
        return Steps((*self.steps, *(("say", (line,)) for line in lines)))

    def logs(self, level: str, message: str) -> "Steps":
        """Write with the root logger, `INFO` for instance."""
        return self._and("log", level, message)

    def runs(self, source: str) -> "Steps":
        """Run Python that defines `main(event, context)`; `tell(value)` gives the test a finding."""
        return self._and("run", textwrap.dedent(source))


NOTHING = Steps()
