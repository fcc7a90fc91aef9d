"""Rows E50 to E56: the lines in a function's log."""

import base64
import json
import math
import re
from typing import Any

import pytest
from botocore.config import Config

TRACE = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1"

REPORT = re.compile(
    r"REPORT RequestId: (?P<id>[0-9a-f-]{36})\tDuration: (?P<duration>\d+\.\d\d) ms"
    r"\tBilled Duration: (?P<billed>\d+) ms\tMemory Size: 128 MB\tMax Memory Used: \d+ MB\t"
    r"(?:Init Duration: (?P<init>\d+\.\d\d) ms\t)?\n"
)


async def logged(parity: Any, function: str = "invoked", **options: Any) -> str:
    """Invoke a function and return its log, without what an environment's start wrote."""
    answer = await parity.invoke(function, **options)
    log: str = await parity.log(function, answer["ResponseMetadata"]["RequestId"])
    return log[log.index("START RequestId: ") :]


@pytest.mark.row("E50", "E51", "E52")
async def test_cold_start(parity: Any) -> None:
    """It begins with INIT_START, and its REPORT has the time of the init, which is billed, too."""
    answer = await parity.invoke("started-cold")
    request_id = answer["ResponseMetadata"]["RequestId"]
    log = await parity.log("started-cold", request_id)
    init, start, end, report = log.splitlines(keepends=True)
    assert re.fullmatch(
        r"INIT_START Runtime Version: python:3\.\d+\.v\d+"
        r"\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}\n",
        init,
    )
    assert (start, end) == (
        f"START RequestId: {request_id} Version: $LATEST\n",
        f"END RequestId: {request_id}\n",
    )
    found = REPORT.fullmatch(report)
    assert found is not None
    assert found["id"] == request_id
    billed_ms = float(found["duration"]) + float(found["init"])
    assert int(found["billed"]) in {math.ceil(billed_ms - 0.01), math.ceil(billed_ms + 0.01)}


@pytest.mark.row("E51")
async def test_platform_lines_around_an_invocation(parity: Any, steps: Any) -> None:
    """START, END and REPORT stand around what an invocation wrote; the bill is rounded up."""
    parity.function("alone").does(steps.prints("hello"))
    await parity.invoke("alone")
    answer = await parity.invoke("alone")  # the second is surely no cold start
    request_id = answer["ResponseMetadata"]["RequestId"]
    log = await parity.log("alone", request_id)
    start, line, end, report = log.splitlines(keepends=True)
    assert [start, line, end] == [
        f"START RequestId: {request_id} Version: $LATEST\n",
        "hello\n",
        f"END RequestId: {request_id}\n",
    ]
    found = REPORT.fullmatch(report)
    assert found is not None
    assert (found["id"], found["init"]) == (request_id, None)
    assert 0 <= int(found["billed"]) - float(found["duration"]) <= 1


@pytest.mark.row("E53")
@pytest.mark.parametrize("sampled", ["1", "0"])
async def test_traced_invocation(parity: Any, sampled: str) -> None:
    """Where the trace is sampled, a line after REPORT names it."""
    client = parity.target.boto3("lambda", config=Config())  # one of its own
    trace = TRACE[:-1] + sampled
    client.meta.events.register(
        "before-call.lambda.Invoke", lambda params, **_: params["headers"].update({"X-Amzn-Trace-Id": trace})
    )
    answer = await parity.call(client.invoke, FunctionName="invoked", LogType="Tail")
    log = base64.b64decode(answer["LogResult"]).decode()
    line = re.search(
        r"\t\nXRAY TraceId: 1-5bef4de7-ad49b0e87f6ef6c87fc2e700\tSegmentId: [0-9a-f]{16}\tSampled: true\t\n$",
        log,
    )
    assert bool(line) == (sampled == "1")
    assert ("XRAY" in log) == (sampled == "1")


LOGGING = """
    import logging

    def main(event, context):
        root = logging.getLogger()
        before = [logging.getLevelName(root.level), len(root.handlers)]
        logging.basicConfig(level=logging.DEBUG, format="mine")
        logging.info("informed")
        logging.getLogger("a.b").warning("warned %s", "in\\ntwo lines")
        logging.getLogger("a.b").error("failed")
        return before + [len(root.handlers)]
"""


@pytest.mark.row("E54")
async def test_logging_is_set_up_already(parity: Any) -> None:
    """The root logger has a handler and the level WARNING, so that `basicConfig` does nothing."""
    parity.function("invoked").runs(LOGGING)
    answer = await parity.invoke("invoked")
    request_id = answer["ResponseMetadata"]["RequestId"]
    log = await parity.log("invoked", request_id)
    assert json.loads(answer["Payload"]) == ["WARNING", 1, 1]
    head = rf"\t\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z\t{request_id}\t"
    lines = log[log.index("START ") :].split("\n", 1)[1].partition("END ")[0]
    assert re.fullmatch(rf"\[WARNING\]{head}warned in\ntwo lines\n\[ERROR\]{head}failed\n", lines)


@pytest.mark.row("E55")
async def test_unhandled_error(parity: Any) -> None:
    """It stands in the log with its trace, whose lines begin with spaces that do not break."""
    parity.function("invoked").runs(
        """
        class CustomException(Exception):
            pass

        def main(event, context):
            raise CustomException("some error occurred")
        """
    )
    log = await logged(parity)
    code = re.escape((await parity.function("invoked").invocation()).environment["LAMBDA_TASK_ROOT"])
    assert re.match(
        r"START .*\n\[ERROR\] CustomException: some error occurred\nTraceback \(most recent call last\):\n"
        rf'\u00a0\u00a0File "{code}/generic.py", line \d+, in handler\n\u00a0\u00a0\u00a0\u00a0result = .*\n',
        log,
    )
    assert re.search(r'\n\u00a0\u00a0File "programmed", line 6, in main\n\n?END RequestId: ', log)


@pytest.mark.row("E56")
async def test_failed_init_has_a_warning(parity: Any) -> None:
    """Before the error stands a warning that says what may have been the cause."""
    answer = await parity.invoke("init-raises")
    log = await parity.log("init-raises", answer["ResponseMetadata"]["RequestId"])
    assert re.search(
        r"\[WARNING\]\t\S+Z\t\tLAMBDA_WARNING: Unhandled exception\. The most likely cause is an issue in the"
        r" function code\. .*\n\[ERROR\] ValueError: init failed on purpose\nTraceback ",
        log,
        re.DOTALL,
    )
