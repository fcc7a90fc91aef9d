"""What the service says about itself: counts, environments, and the figures of a REPORT line."""

from dataclasses import dataclass
from typing import Any

from emulator.runtime.environment import Environment
from emulator.runtime.invocations import Invocation, Outcome
from emulator.runtime.lifecycle import Status
from emulator.runtime.platform_log import Report


@dataclass(frozen=True, slots=True)
class EnvironmentInfo:
    """What is to be said of one environment; `started_at` in epoch seconds."""

    function: str
    pid: int | None
    state: str
    invocations: int
    started_at: float
    init_ms: float | None
    provisioned: bool


@dataclass(slots=True)
class Stats:
    """Counts since the service was made, except `environments`, `waiting` and `queued_events`: now."""

    invocations: int = 0
    function_errors: int = 0
    throttles: int = 0
    cold_starts: int = 0
    environments: int = 0
    waiting: int = 0
    queued_events: int = 0


def report(environment: Environment, invocation: Invocation, outcome: Outcome, duration_ms: float) -> Report:
    """Return the figures of an invocation's REPORT line.

    Args:
        duration_ms: of the whole invocation; one that timed out is said to have had its timeout (row E52).
    """
    assert invocation.log is not None
    if outcome.status == "timeout":
        duration_ms = environment.function.timeout_s * 1000
    trace = invocation.headers.get("Lambda-Runtime-Trace-Id", "")
    return Report(
        request_id=invocation.request_id,
        duration_ms=duration_ms,
        memory_mb=environment.function.memory_mb,
        max_memory_mb=environment.max_memory_mb(),
        init_ms=environment.reported_init_ms if invocation.log.cold else None,
        status=outcome.status,
        error_type=outcome.error_type,
        sampled_trace=trace if "Sampled=1" in trace else None,
    )


def end_facts(environment: Environment) -> dict[str, Any]:
    """Return what the timeline says of an environment's end, with the invocation that it cut off, if any."""
    facts: dict[str, Any] = {
        "function": environment.function.name,
        "pid": environment.pid,
        "state": environment.state_at_end.value,
        "status": environment.exit_status,
        "invocations": environment.invocations,
    }
    log = environment.log.invocation
    if environment.state_at_end is Status.BUSY and log is not None:
        facts["request_id"] = log.request_id
    return facts
