"""What Lambda itself writes into a function's log: lines, or records in the JSON format. Pure.

Sources:
    Rows E50 to E53, H11; Lambda Developer Guide, "Telemetry API event schema reference" and "System log
    level event mapping".
"""

import json
import math
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from emulator.application import LogFormat, LoggingConfig
from emulator.application.quotas import SYSTEM_LOG_LEVELS as LEVELS
from emulator.clock import timestamp
from emulator.invocation import LATEST
from emulator.runtime.variables import runtime_version_arn


class Phase(StrEnum):
    """When a function is initialised."""

    INIT = "init"
    """Ahead of its invocation."""

    INVOKE = "invoke"
    """Again, as part of the first invocation, because the first time failed (row E33)."""


@dataclass(slots=True)
class Report:
    """The figures of a REPORT line.

    Attributes:
        status: `timeout` or `error`; None where the function was run to its end.
        sampled_trace: the trace header, where it says that the trace is sampled.
    """

    request_id: str
    duration_ms: float
    memory_mb: int
    max_memory_mb: int
    init_ms: float | None = None
    status: str | None = None
    error_type: str | None = None
    sampled_trace: str | None = None

    @property
    def billed_ms(self) -> int:
        """Return whole milliseconds, those of a cold start's initialisation among them (row E52)."""
        return math.ceil(self.duration_ms + (self.init_ms or 0.0))


@dataclass(frozen=True, slots=True)
class InitReport:
    """How an initialisation went that did not end well; `status` is `error` or `timeout`."""

    duration_ms: float
    phase: Phase
    status: str
    error_type: str | None = None


class PlatformLog:
    """Writes Lambda's own lines as a function's configuration wants them.

    Args:
        initialization_type: `on-demand` or `provisioned-concurrency`.
    """

    def __init__(self, function: str, config: LoggingConfig, initialization_type: str) -> None:
        self._function = function
        self._is_json = config.format is LogFormat.JSON
        self._least = LEVELS.index(config.system_level)
        self._initialization_type = initialization_type

    def init_start(self, *, at: float) -> str:
        """Return what begins a cold start's log (row E50); `at` is epoch seconds."""
        version = f"python:{'.'.join(platform.python_version_tuple()[:2])}.v0"
        if not self._is_json:
            return f"INIT_START Runtime Version: {version}\tRuntime Version ARN: {runtime_version_arn()}\n"
        record = {
            "initializationType": self._initialization_type,
            "phase": Phase.INIT,
            "runtimeVersion": version,
            "runtimeVersionArn": runtime_version_arn(),
            "functionName": self._function,
            "functionVersion": LATEST,
        }
        return self._record("INFO", "platform.initStart", record, at)

    def init_report(self, report: InitReport, *, at: float) -> str:
        """Return what is said of an initialisation that failed (row E33)."""
        if not self._is_json:
            line = (
                f"INIT_REPORT Init Duration: {report.duration_ms:.2f} ms\tPhase: {report.phase}"
                f"\tStatus: {report.status}"
            )
            return line + (f"\tError Type: {report.error_type}\n" if report.error_type else "\n")
        record: dict[str, Any] = {
            "initializationType": self._initialization_type,
            "phase": report.phase,
            "status": report.status,
        }
        if report.error_type:
            record["errorType"] = report.error_type
        done = self._record("WARN", "platform.initRuntimeDone", record, at)
        record = {**record, "metrics": {"durationMs": round(report.duration_ms, 3)}}
        return done + self._record("WARN", "platform.initReport", record, at)

    def start(self, request_id: str, *, at: float) -> str:
        """Return the START line (row E51)."""
        if not self._is_json:
            return f"START RequestId: {request_id} Version: {LATEST}\n"
        return self._record("INFO", "platform.start", {"requestId": request_id, "version": LATEST}, at)

    def end(self, report: Report, *, at: float) -> str:
        """Return the END and REPORT lines (rows E51 to E53)."""
        return self._end_records(report, at) if self._is_json else _end_lines(report)

    def _end_records(self, report: Report, at: float) -> str:
        status = report.status or "success"
        level = "INFO" if report.status is None else "WARN"
        facts: dict[str, Any] = {"requestId": report.request_id, "status": status}
        if report.error_type is not None:
            facts["errorType"] = report.error_type
        done = {**facts, "metrics": {"durationMs": round(report.duration_ms, 3)}}
        metrics = {
            "durationMs": round(report.duration_ms, 3),
            "billedDurationMs": report.billed_ms,
            "memorySizeMB": report.memory_mb,
            "maxMemoryUsedMB": report.max_memory_mb,
        }
        if report.init_ms is not None:
            metrics["initDurationMs"] = round(report.init_ms, 3)
        record = {"requestId": report.request_id, "metrics": metrics, **facts}
        if report.sampled_trace is not None:
            record["tracing"] = {"type": "X-Amzn-Trace-Id", "value": report.sampled_trace}
        return self._record(
            "DEBUG" if report.status is None else "WARN", "platform.runtimeDone", done, at
        ) + self._record(level, "platform.report", record, at)

    def _record(self, level: str, kind: str, record: Mapping[str, Any], at: float) -> str:
        if LEVELS.index(level) < self._least:
            return ""
        return (
            json.dumps({"time": timestamp(at), "type": kind, "record": record}, separators=(",", ":")) + "\n"
        )


def _end_lines(report: Report) -> str:
    fields = [
        f"REPORT RequestId: {report.request_id}",
        f"Duration: {report.duration_ms:.2f} ms",
        f"Billed Duration: {report.billed_ms} ms",
        f"Memory Size: {report.memory_mb} MB",
        f"Max Memory Used: {report.max_memory_mb} MB",
    ]
    if report.init_ms is not None:
        fields.append(f"Init Duration: {report.init_ms:.2f} ms")
    if report.status is not None:
        fields.append(f"Status: {report.status}")
    if report.error_type is not None:
        fields.append(f"Error Type: {report.error_type}")
    lines = f"END RequestId: {report.request_id}\n" + "\t".join(fields) + "\t\n"
    if report.sampled_trace is not None:
        parts = dict(part.partition("=")[::2] for part in report.sampled_trace.split(";"))
        lines += (
            f"XRAY TraceId: {parts.get('Root', '')}\tSegmentId: {parts.get('Parent', '')}\tSampled: true\t\n"
        )
    return lines
