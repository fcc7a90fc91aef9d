"""What Lambda itself writes into a log."""

import json

import pytest

from emulator.application import LogFormat, LoggingConfig
from emulator.runtime.platform_log import InitReport, Phase, PlatformLog, Report

AT = 1_700_000_000.5

TEXT = PlatformLog("f", LoggingConfig(), "on-demand")


def records(text: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in text.splitlines()]


def json_log(system_level: str = "INFO") -> PlatformLog:
    return PlatformLog("f", LoggingConfig(format=LogFormat.JSON, system_level=system_level), "on-demand")


@pytest.mark.row("E51", "E52", "E53")
@pytest.mark.parametrize(
    ("report", "line"),
    [
        (
            Report("id", 3.01, 128, 36, init_ms=110.1),
            "Duration: 3.01 ms\tBilled Duration: 114 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB"
            "\tInit Duration: 110.10 ms\t\n",
        ),
        (
            Report("id", 1000.0, 128, 36, status="timeout"),
            "Duration: 1000.00 ms\tBilled Duration: 1000 ms\tMemory Size: 128 MB\tMax Memory Used: 36 MB"
            "\tStatus: timeout\t\n",
        ),
        (
            Report("id", 0.2, 256, 9, status="error", error_type="Runtime.ExitError"),
            "Duration: 0.20 ms\tBilled Duration: 1 ms\tMemory Size: 256 MB\tMax Memory Used: 9 MB"
            "\tStatus: error\tError Type: Runtime.ExitError\t\n",
        ),
        (
            Report("id", 1.0, 128, 9, sampled_trace="Root=1-a-b;Parent=c;Sampled=1"),
            "Duration: 1.00 ms\tBilled Duration: 1 ms\tMemory Size: 128 MB\tMax Memory Used: 9 MB\t\n"
            "XRAY TraceId: 1-a-b\tSegmentId: c\tSampled: true\t\n",
        ),
    ],
    ids=["cold", "timeout", "exit", "traced"],
)
def test_the_report_line(report: Report, line: str) -> None:
    """END and REPORT; the bill has the initialisation of a cold start in it and is rounded up."""
    assert TEXT.end(report, at=AT) == f"END RequestId: id\nREPORT RequestId: id\t{line}"


def test_the_lines_of_a_start() -> None:
    """INIT_START names the runtime (row E50), START the request and the version (row E51)."""
    assert TEXT.init_start(at=AT).startswith("INIT_START Runtime Version: python:3.")
    assert "\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:" in TEXT.init_start(at=AT)
    assert TEXT.start("id", at=AT) == "START RequestId: id Version: $LATEST\n"


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (
            InitReport(112.346, Phase.INIT, "error", "Runtime.ImportModuleError"),
            "INIT_REPORT Init Duration: 112.35 ms\tPhase: init\tStatus: error"
            "\tError Type: Runtime.ImportModuleError\n",
        ),
        (
            InitReport(10000.0, Phase.INVOKE, "timeout"),
            "INIT_REPORT Init Duration: 10000.00 ms\tPhase: invoke\tStatus: timeout\n",
        ),
    ],
    ids=["error", "timeout"],
)
def test_the_report_of_a_failed_initialisation(report: InitReport, line: str) -> None:
    """INIT_REPORT tells the phase, the status and, of an error, its type (row E33)."""
    assert TEXT.init_report(report, at=AT) == line


@pytest.mark.row("H11")
def test_the_json_format() -> None:
    """With the JSON format they are records with `time`, `type` and `record`, in this order (row H11)."""
    log = json_log()
    [start] = records(log.start("id", at=AT))
    assert list(start) == ["time", "type", "record"]
    assert start == {
        "time": "2023-11-14T22:13:20.500Z",
        "type": "platform.start",
        "record": {"requestId": "id", "version": "$LATEST"},
    }
    [init] = records(log.init_start(at=AT))
    assert init["type"] == "platform.initStart"
    assert init["record"]["initializationType"] == "on-demand"  # type: ignore[index]
    assert init["record"]["phase"] == "init"  # type: ignore[index]
    [report] = records(log.end(Report("id", 3.01, 128, 36, init_ms=110.1), at=AT))
    assert report["type"] == "platform.report"
    assert report["record"] == {
        "requestId": "id",
        "metrics": {
            "durationMs": 3.01,
            "billedDurationMs": 114,
            "memorySizeMB": 128,
            "maxMemoryUsedMB": 36,
            "initDurationMs": 110.1,
        },
        "status": "success",
    }
    trace = "Root=1-a-b;Parent=c;Sampled=1"
    [traced] = records(log.end(Report("id", 1, 128, 9, sampled_trace=trace), at=AT))
    assert traced["record"]["tracing"] == {"type": "X-Amzn-Trace-Id", "value": trace}  # type: ignore[index]


@pytest.mark.parametrize(
    ("level", "success", "failure"),
    [
        ("DEBUG", ["platform.runtimeDone", "platform.report"], ["platform.runtimeDone", "platform.report"]),
        ("INFO", ["platform.report"], ["platform.runtimeDone", "platform.report"]),
        ("WARN", [], ["platform.runtimeDone", "platform.report"]),
    ],
)
def test_the_system_level_filters(level: str, success: list[str], failure: list[str]) -> None:
    """A record below the system log level is not written; a failure is a warning."""
    log = json_log(level)
    ended = records(log.end(Report("id", 1, 128, 9), at=AT))
    failed = records(log.end(Report("id", 1, 128, 9, status="timeout"), at=AT))
    assert [record["type"] for record in ended] == success
    assert [record["type"] for record in failed] == failure
    assert bool(log.start("id", at=AT)) == (level != "WARN")
