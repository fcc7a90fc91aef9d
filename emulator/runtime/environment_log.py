"""An environment's log: what its process and Lambda write, from the start on, and for which invocation."""

from emulator.application import Function
from emulator.clock import Clock
from emulator.runtime.frames import Frames
from emulator.runtime.invocations import Invocation, Outcome
from emulator.runtime.logs import BoundedText, InvocationLog
from emulator.runtime.output import Output
from emulator.runtime.platform_log import InitReport, Phase, PlatformLog


class EnvironmentLog:
    """Writes Lambda's lines, and lets the process's output flow into the invocation that runs.

    Args:
        max_bytes: of one invocation's log.

    Attributes:
        invocation: the newest invocation's log, None before the first.
    """

    def __init__(self, function: Function, *, clock: Clock, initialization_type: str, max_bytes: int) -> None:
        self.platform = PlatformLog(function.name, function.logging, initialization_type)
        self.invocation: InvocationLog | None = None
        self._function = function
        self._clock = clock
        self._max_bytes = max_bytes
        self._init = BoundedText(max_bytes)
        self._output: Output | None = None

    def begin(self, before: str | None) -> None:
        """Begin with what an earlier process of it wrote; None: with a cold start's line."""
        text = self.platform.init_start(at=self._clock.now()) if before is None else before
        self._init.append(text.encode())

    def attach(self, descriptor: int) -> None:
        """Read the process's output; the descriptor is ours from now on."""
        self._output = Output(descriptor, Frames(self._function.logging), self._init)

    def open(self, invocation: Invocation, *, first: bool, cold: bool, pid: int | None) -> None:
        """Begin an invocation's log; the first one holds the log of the initialisation, too."""
        self.invocation = invocation.log = InvocationLog(
            function=self._function.name,
            request_id=invocation.request_id,
            started_at=self._clock.now(),
            output=self._init if first else BoundedText(self._max_bytes),
            cold=cold,
            pid=pid,
        )

    def start(self, invocation: Invocation) -> None:
        """Write that an invocation starts; what the process writes from now on is the invocation's."""
        self.drain()
        assert invocation.log is not None
        output = invocation.log.output
        output.append(self.platform.start(invocation.request_id, at=self._clock.now()).encode())
        if self._output is not None:
            self._output.log = output

    def init_failed(self, outcome: Outcome, duration_ms: float, invocation: Invocation | None) -> None:
        """Write that the initialisation failed, and where it was part of an invocation that this starts."""
        self.drain()
        status = outcome.status or "error"
        error_type = outcome.error_type or (None if status == "timeout" else "Runtime.ExitError")
        phase = Phase.INIT if invocation is None else Phase.INVOKE
        report = InitReport(duration_ms, phase, status, error_type)
        self._init.append(self.platform.init_report(report, at=self._clock.now()).encode())
        if invocation is not None:
            self.start(invocation)

    def init_text(self) -> str:
        """Return what was written before the first invocation's end."""
        return self._init.text()

    def drain(self) -> None:
        """Take in what the process has written so far."""
        if self._output is not None:
            self._output.drain()

    def close(self) -> None:
        """Read what is left and close the pipe; idempotent."""
        if self._output is not None:
            self._output.close()
