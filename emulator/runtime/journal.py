"""What is kept of invocations: logs, events and responses, counts."""

from collections import deque
from collections.abc import Iterable

from emulator.runtime.invocations import Invocation, Outcome
from emulator.runtime.logs import InvocationLog
from emulator.runtime.recorded import Recorded, Recorder
from emulator.runtime.reports import Stats
from emulator.telemetry import tracing
from emulator.telemetry.timeline import Timeline


class Journal:
    """Writes down every invocation that an environment takes, when it begins and when it ends.

    Args:
        max_logs: kept of each function.

    Attributes:
        stats: the counts.
    """

    def __init__(self, functions: Iterable[str], *, timeline: Timeline, max_logs: int) -> None:
        names = list(functions)
        self.stats = Stats()
        self._timeline = timeline
        self._logs: dict[str, deque[InvocationLog]] = {name: deque(maxlen=max_logs) for name in names}
        self._recorder = Recorder(names)

    def began(self, invocation: Invocation) -> None:
        """Write down an invocation that an environment has taken."""
        log = invocation.log
        assert log is not None
        self._logs[log.function].append(log)
        self.stats.invocations += 1
        self.stats.cold_starts += log.cold
        invocation.recorded = self._recorder.began(log, invocation.payload)
        self._timeline.record(
            "lambda.start",
            function=log.function,
            request_id=log.request_id,
            pid=log.pid,
            cold=log.cold,
            **tracing.of_event(invocation.payload),
        )

    def ended(self, invocation: Invocation, outcome: Outcome, *, duration_ms: float) -> None:
        """Write down what came out of it."""
        log = invocation.log
        assert log is not None
        assert invocation.recorded is not None
        log.duration_ms, log.function_error = duration_ms, outcome.function_error
        self._recorder.ended(invocation.recorded, outcome.payload)
        self.stats.function_errors += outcome.function_error is not None
        self._timeline.record(
            "lambda.end",
            function=log.function,
            request_id=log.request_id,
            pid=log.pid,
            cold=log.cold,
            duration_ms=round(duration_ms, 3),
            function_error=outcome.function_error,
            error_type=outcome.error_type,
        )

    def logs(self, function: str) -> list[InvocationLog]:
        """Return the logs of the newest invocations, oldest first."""
        return list(self._logs[function])

    def recorded(self, function: str) -> list[Recorded]:
        """Return the newest events and responses, oldest first."""
        return self._recorder.recorded(function)
