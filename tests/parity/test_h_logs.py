"""Rows H6 to H13: metrics in logs, and logs as JSON."""

import json
import re
from typing import Any

import pytest

METRIC = {
    "_aws": {
        "Timestamp": 1_700_000_000_000,
        "CloudWatchMetrics": [
            {
                "Namespace": "parity",
                "Dimensions": [["service"]],
                "Metrics": [{"Name": "taken", "Unit": "Count", "StorageResolution": 60}],
            }
        ],
    },
    "service": "suite",
    "taken": 1.0,
}

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d"


async def lines(parity: Any, function: str) -> tuple[list[str], str]:
    """Invoke a function; return what was logged in that invocation, and its id."""
    answer = await parity.invoke(function)
    request_id = answer["ResponseMetadata"]["RequestId"]
    log = await parity.log(function, request_id)
    return log.splitlines(), request_id


@pytest.mark.row("H6", "H7")
@pytest.mark.parametrize("function", ["invoked", "json-logs"])
async def test_embedded_metric_is_printed_as_it_is(parity: Any, steps: Any, function: str) -> None:
    """A metric that a handler prints is a line of its own in both formats, nothing before or after it."""
    printed = json.dumps(METRIC)
    parity.function(function).does(steps.prints("before", printed, "after"))
    log, _ = await lines(parity, function)
    at = log.index("before")
    assert log[at : at + 3] == ["before", printed, "after"]


@pytest.mark.row("H7")
async def test_embedded_metric_by_the_logger_is_none(parity: Any, steps: Any) -> None:
    """Through `logging` the object would stand behind a prefix, where CloudWatch finds no metric."""
    printed = json.dumps(METRIC)
    parity.function("invoked").does(steps.logs("WARNING", printed))
    log, request_id = await lines(parity, "invoked")
    [line] = [line for line in log if printed in line]
    assert re.fullmatch(rf"\[WARNING\]\t{TIME}\.\d{{3}}Z\t{request_id}\t{re.escape(printed)}", line)


@pytest.mark.row("H8")
@pytest.mark.parametrize(
    ("function", "variables"),
    [
        ("invoked", [None, None, "WARNING"]),
        ("json-logs", ["JSON", "INFO", "INFO"]),
        ("json-warnings", ["JSON", "WARN", "WARN"]),
    ],
)
async def test_variables_of_the_format(parity: Any, function: str, variables: list[str | None]) -> None:
    """With JSON logs two variables say so, and the root logger has the level; with text there are none."""
    parity.function(function).runs(
        """
        import logging, os
        def main(event, context):
            level = logging.getLevelName(logging.getLogger().level)
            tell([os.environ.get("AWS_LAMBDA_LOG_FORMAT"), os.environ.get("AWS_LAMBDA_LOG_LEVEL"), level])
        """
    )
    await parity.invoke(function)
    one = await parity.function(function).invocation()
    found = await parity.function(function).finding(one)
    assert found == [*variables[:2], {"WARN": "WARNING"}.get(str(variables[2]), variables[2])]


RECORDS = """
    import logging

    def main(event, context):
        logger = logging.getLogger("a.b")
        logger.info("informed", extra={"order": 7, "nothing": None})
        try:
            {}["missing"]
        except KeyError:
            logger.exception("caught %s", "it")
        logger.debug("too fine")
"""


@pytest.mark.row("H9")
async def test_line_of_logging(parity: Any) -> None:
    """Keys in AWS's order without what is null, the exception's among them, then those of `extra`."""
    parity.function("json-logs").runs(RECORDS)
    log, request_id = await lines(parity, "json-logs")
    informed, caught = [json.loads(line) for line in log if '"logger"' in line]
    assert list(informed) == ["timestamp", "level", "message", "logger", "requestId", "order"]
    assert re.fullmatch(rf"{TIME}Z", informed.pop("timestamp"))
    assert informed == {
        "level": "INFO",
        "message": "informed",
        "logger": "a.b",
        "requestId": request_id,
        "order": 7,
    }
    assert list(caught) == [
        "timestamp",
        "level",
        "message",
        "logger",
        "stackTrace",
        "errorType",
        "errorMessage",
        "requestId",
        "location",
    ]
    assert (caught["level"], caught["message"]) == ("ERROR", "caught it")
    assert (caught["errorType"], caught["errorMessage"]) == ("KeyError", "'missing'")
    assert caught["stackTrace"] == ['  File "programmed", line 8, in main\n']
    assert caught["location"] == "programmed:main:10"


@pytest.mark.row("H10")
async def test_unhandled_error(parity: Any) -> None:
    """It is one record, with the members of the error's payload."""
    parity.function("json-logs").raises("it failed", kind="ValueError")
    log, request_id = await lines(parity, "json-logs")
    [record] = [json.loads(line) for line in log if "it failed" in line]
    level = next(name for name in record if name.endswith("level"))  # `log_level` in awslambdaric up to 4.0.1
    assert list(record) == ["timestamp", level, "errorMessage", "errorType", "requestId", "stackTrace"]
    assert re.fullmatch(rf"{TIME}Z", record.pop("timestamp"))
    trace = record.pop("stackTrace")
    assert record == {
        level: "ERROR",
        "errorMessage": "it failed",
        "errorType": "ValueError",
        "requestId": request_id,
    }
    assert trace[0].startswith('  File "')


def platform(log: list[str]) -> list[dict[str, Any]]:
    """Return the platform's records, each checked for its shape."""
    records = [json.loads(line) for line in log if '"platform.' in line]
    for record in records:
        assert list(record) == ["time", "type", "record"]
        assert re.fullmatch(rf"{TIME}\.\d{{3}}Z", record["time"])
    return records


@pytest.mark.row("H11")
async def test_platforms_lines(parity: Any) -> None:
    """Records with AWS's members stand where START, END and REPORT stand in text."""
    answer = await parity.invoke("json-cold")
    request_id = answer["ResponseMetadata"]["RequestId"]
    log = (await parity.log("json-cold", request_id)).splitlines()
    init, start, report = platform(log)
    assert len(log) == 3
    assert init["type"] == "platform.initStart"
    assert {name: init["record"][name] for name in ("initializationType", "phase")} == {
        "initializationType": "on-demand",
        "phase": "init",
    }
    assert re.fullmatch(r"python:3\.\d+\.v\d+", init["record"]["runtimeVersion"])
    assert (start["type"], start["record"]) == (
        "platform.start",
        {"requestId": request_id, "version": "$LATEST"},
    )
    assert report["type"] == "platform.report"
    metrics = report["record"].pop("metrics")
    assert report["record"] == {"requestId": request_id, "status": "success"}
    assert list(metrics) == [
        "durationMs",
        "billedDurationMs",
        "memorySizeMB",
        "maxMemoryUsedMB",
        "initDurationMs",
    ]
    assert metrics["memorySizeMB"] == 128
    assert metrics["billedDurationMs"] >= metrics["durationMs"] + metrics["initDurationMs"] - 0.001


@pytest.mark.row("H11")
async def test_platforms_lines_of_a_warm_start(parity: Any) -> None:
    """A later invocation has no init, and one that failed says so."""
    await parity.invoke("json-logs")
    log, request_id = await lines(parity, "json-logs")
    start, report = platform(log)
    assert start["type"] == "platform.start"
    assert "initDurationMs" not in report["record"]["metrics"]
    parity.function("json-logs").runs("import os\ndef main(event, context):\n    os._exit(3)")
    log, request_id = await lines(parity, "json-logs")
    report = platform(log)[-1]["record"]
    assert (report["requestId"], report["status"]) == (request_id, "error")
    assert report["errorType"] == "Runtime.ExitError"


@pytest.mark.row("H12")
async def test_printed_lines(parity: Any, steps: Any) -> None:
    """What is printed passes unwrapped; a line without a level counts as INFO, one with a level as that."""
    printed = ["plain", '{"level": "ERROR"}', '{"level": "debug"}', '{"level": "loud"}', '{"a": 1}']
    for name in ("json-logs", "json-warnings"):
        parity.function(name).does(steps.prints(*printed))
    log, _ = await lines(parity, "json-logs")
    assert [line for line in log if '"platform.' not in line] == [*printed[:2], *printed[3:]]
    log, _ = await lines(parity, "json-warnings")
    assert log == [printed[1]]


@pytest.mark.row("H13")
async def test_records_have_ends_and_levels(parity: Any) -> None:
    """Records of several lines come whole and in their order, and those below the level not at all."""
    source = """
        import logging

        def main(event, context):
            logging.warning("in\\nthree\\nlines")
            print("printed")
            logging.getLogger().setLevel("DEBUG")
            logging.info("below the level")
            logging.error("failed")
    """
    parity.function("json-warnings").runs(source)
    log, _ = await lines(parity, "json-warnings")
    assert [json.loads(line)["message"] for line in log] == ["in\nthree\nlines", "failed"]
    parity.function("invoked").runs(source)
    log, _ = await lines(parity, "invoked")
    at = next(number for number, line in enumerate(log) if line.startswith("[WARNING]"))
    assert log[at + 1 : at + 4] == ["three", "lines", "printed"]
    assert [line.split("\t")[-1] for line in log[at + 4 : at + 6]] == ["below the level", "failed"]
