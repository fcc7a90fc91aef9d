"""An action that fails: one error for the client, the outcome stored, the traceback in the log only."""

import json
from typing import Any

from emulator import Sandbox

SECRET = "the-password-is-swordfish"
"""The text of an exception that no client may see."""

FAULT = {"expected": False, "message": SECRET}


async def test_short_action_that_raises_is_one_error(wire: Any, sandbox: Sandbox, log_lines: Any) -> None:
    """A fault in a short action gives one error without its text; the traceback is in the router's log."""
    answer = await wire.ask({"action": "fail_now", "id": "fault", "payload": FAULT})
    assert (answer["type"], answer["error"]["code"]) == ("error", "PROCESSING_FAILED")
    await wire.barrier()
    assert wire.of("fault") == [answer]
    assert SECRET not in json.dumps(wire.messages)
    assert "RuntimeError" not in json.dumps(wire.messages)
    lines = await log_lines(sandbox, "router", action="action.raised")
    assert "Traceback" in lines[-1]["stack_trace"]
    assert SECRET in lines[-1]["stack_trace"]


async def test_long_action_that_raises_is_one_error(
    wire: Any, sandbox: Sandbox, person: Any, stored: Any, log_lines: Any
) -> None:
    """A fault in a long action gives exactly one error with a sequence and ends the request as FAILED."""
    await wire.send({"action": "fail", "id": "fault", "payload": FAULT})
    error = await wire.until(request_id="fault", type="error")
    await wire.barrier()
    assert wire.of("fault", "error", "complete") == [error]
    assert error["error"]["code"] == "PROCESSING_FAILED"
    assert error["sequence"] > 0
    assert error["success"] is False
    assert SECRET not in json.dumps(wire.messages)
    assert "Traceback" not in json.dumps(wire.messages)

    items = await stored.request(person, "fault")
    assert items["STATE"]["status"] == "FAILED"
    assert items["STATE"]["attempt"] == 1
    assert items["STATE"]["error"]["code"] == "PROCESSING_FAILED"
    assert items["STATE"]["outcome_sequence"] == error["sequence"]
    assert "RESULT" not in items
    assert SECRET not in items["STATE"]["error"]["message"]

    [line] = await log_lines(
        sandbox, "executor", action="action.raised", request_id="fault", tenant_id=person.tenant
    )
    assert "Traceback" in line["stack_trace"]
    assert SECRET in line["stack_trace"]


async def test_action_says_why_in_its_own_words(wire: Any, person: Any, stored: Any) -> None:
    """`ActionFailed` reaches the client with the action's own code and sentence, and is stored so."""
    payload = {"code": "OUT_OF_PAPER", "message": "The printer has no paper; put some in."}
    await wire.send({"action": "fail", "id": "paper", "payload": payload})
    error = await wire.until(request_id="paper", type="error")
    assert error["error"] == payload
    assert (await stored.state(person, "paper"))["error"] == payload


async def test_failure_that_can_pass_is_tried_again(wire: Any, person: Any, stored: Any) -> None:
    """A retryable failure is followed by another attempt; the client sees one completion."""
    payload = {"retryable": True, "attempts": 1}
    await wire.send({"action": "fail", "id": "retry", "payload": payload})
    complete = await wire.until(request_id="retry", type="complete")
    await wire.barrier()
    assert complete["result"] == {"attempt": 2}
    assert wire.of("retry", "error", "complete") == [complete]
    state = await stored.state(person, "retry")
    assert (state["status"], state["attempt"]) == ("COMPLETED", 2)
    assert "error" not in state


async def test_failure_that_never_passes_ends_after_three_attempts(
    wire: Any, person: Any, stored: Any
) -> None:
    """A retryable failure in every attempt is one error, after the third."""
    await wire.send({"action": "fail", "id": "retry", "payload": {"retryable": True}})
    error = await wire.until(request_id="retry", type="error")
    await wire.barrier()
    assert wire.of("retry", "error", "complete") == [error]
    assert error["error"]["code"] == "ASKED_TO_FAIL"
    state = await stored.state(person, "retry")
    assert (state["status"], state["attempt"]) == ("FAILED", 3)


async def test_failure_leaves_the_environment_working(wire: Any) -> None:
    """After a fault the same connection and the same functions serve the next request."""
    await wire.ask({"action": "fail_now", "payload": FAULT})
    assert (await wire.ask({"action": "echo", "id": "next"}))["type"] == "response"
    await wire.send({"action": "fail", "id": "fault", "payload": FAULT})
    await wire.until(request_id="fault", type="error")
    await wire.barrier()
