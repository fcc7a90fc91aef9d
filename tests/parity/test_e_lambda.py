"""Rows E1 to E45: execution of functions."""

import json
from typing import Any

import pytest


@pytest.mark.row("E36")
async def test_exception_of_a_handler(parity: Any, steps: Any) -> None:
    """An exception becomes an error payload with message, type, request id and stack trace."""
    parity.function("invoked").raises("Handler fails", kind="ValueError")
    answer = await parity.invoke("invoked")
    one = await parity.function("invoked").invocation()
    payload = json.loads(answer["Payload"])
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    trace = payload.pop("stackTrace")
    assert payload == {
        "errorMessage": "Handler fails",
        "errorType": "ValueError",
        "requestId": one.context["aws_request_id"],
    }
    assert trace[0].startswith('  File "')
    assert ", in handler\n" in trace[0]


@pytest.mark.row("E32")
async def test_globals_stay_between_invocations(parity: Any) -> None:
    """Invocations one after another run in one environment, whose globals stay."""
    for _ in range(3):
        await parity.invoke("invoked")
    first, second, third = parity.function("invoked").invocations
    assert first.instance == second.instance == third.instance
    assert (second.count, third.count) == (first.count + 1, first.count + 2)
