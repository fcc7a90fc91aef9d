"""Rows E50 to E56: the lines in a function's log."""

import re
from typing import Any

import pytest


@pytest.mark.row("E51")
async def test_platform_lines_around_an_invocation(parity: Any, steps: Any) -> None:
    """START, END and REPORT stand around what an invocation wrote."""
    parity.function("invoked").does(steps.prints("hello"))
    await parity.invoke("invoked")
    await parity.invoke("invoked")  # the second is surely no cold start
    request_id = parity.function("invoked").invocations[1].context["aws_request_id"]
    log = await parity.log("invoked", request_id)
    assert re.fullmatch(
        rf"START RequestId: {request_id} Version: \$LATEST\n"
        rf"hello\n"
        rf"END RequestId: {request_id}\n"
        rf"REPORT RequestId: {request_id}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms"
        rf"\tMemory Size: 128 MB\tMax Memory Used: \d+ MB\t\n",
        log,
    )
