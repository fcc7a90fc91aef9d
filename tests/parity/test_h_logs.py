"""Rows H1 to H14: traces, metrics, structured logs."""

import json
from typing import Any

import pytest


@pytest.mark.row("H6", "H7")
async def test_embedded_metric_is_printed_as_it_is(parity: Any, steps: Any) -> None:
    """A metric that a handler prints stands in the log as one JSON object, nothing before or after it."""
    metric = {"_aws": {"Timestamp": 1, "CloudWatchMetrics": []}, "m": 1.0}
    parity.function("invoked").does(steps.prints(json.dumps(metric)))
    await parity.invoke("invoked")
    one = await parity.function("invoked").invocation()
    log = await parity.log("invoked", one.context["aws_request_id"])
    assert json.dumps(metric) in log.splitlines()
