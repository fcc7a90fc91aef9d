"""Rows E44 and E45: events that fail, and who repeats what."""

import asyncio
import json
from typing import Any

import pytest

from emulator.application import AsynchronousConfig

DEADLINE_S = 20.0


async def retry_of(sandbox: Any, request_id: str, number: int) -> dict[str, Any]:
    """Wait until the service waits for the `number`-th repetition of an event, and return the facts."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            entries = await sandbox.timeline(request_id)
            retries = [dict(entry["facts"]) for entry in entries if entry["kind"] == "lambda.retry"]
            if len(retries) >= number:
                return retries[number - 1]
            await asyncio.sleep(0.01)


async def record_of(parity: Any, queue: str, request_id: str) -> dict[str, Any]:
    """Return the record of an event from a destination; what else lies in the queue is dropped."""
    while True:
        record: dict[str, Any] = json.loads((await parity.received_from(queue))["Body"])
        if record["requestContext"]["requestId"] == request_id:
            return record


async def queue_event(parity: Any, function: str, payload: bytes = b'{"n":1}') -> str:
    answer = await parity.invoke(function, payload, InvocationType="Event")
    return str(answer["ResponseMetadata"]["RequestId"])


@pytest.mark.row("E44")
async def test_failed_event_is_repeated_twice(parity: Any, sandbox: Any) -> None:
    """After one minute and after two more, under the same id; then its record goes to the destination."""
    function = parity.function("retrying").raises("no", kind="ValueError")
    request_id = await queue_event(parity, "retrying")
    first = await function.invocation()
    for number, delay_s in ((1, 60), (2, 120)):
        facts = await retry_of(sandbox, request_id, number)
        assert (facts["attempts"], facts["delay_ms"]) == (number, delay_s * 1000)
        assert function.count == number
        await parity.advance(delay_s)
        one = await function.invocation()
        assert (one.event, one.context["aws_request_id"]) == ({"n": 1}, first.context["aws_request_id"])
    record = await record_of(parity, "events-failed", request_id)
    assert first.context["aws_request_id"] == request_id
    assert record["requestContext"] == {
        "requestId": request_id,
        "functionArn": "arn:aws:lambda:us-east-1:000000000000:function:retrying:$LATEST",
        "condition": "RetriesExhausted",
        "approximateInvokeCount": 3,
    }
    assert record["requestPayload"] == {"n": 1}
    assert record["responsePayload"]["errorType"] == "ValueError"
    assert record["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "$LATEST",
        "functionError": "Unhandled",
    }


@pytest.mark.row("E44")
async def test_success_is_told_to_the_destination(parity: Any) -> None:
    """An event that succeeded has a record, too, and is not repeated."""
    parity.function("retrying").returns({"done": True})
    request_id = await queue_event(parity, "retrying")
    record = await record_of(parity, "events-done", request_id)
    assert record["requestContext"]["condition"] == "Success"
    assert record["responsePayload"] == {"done": True}
    assert parity.function("retrying").count == 1


@pytest.mark.row("E44")
async def test_too_old_event_is_not_repeated(parity: Any, steps: Any) -> None:
    """An event is given up when it would be older than its maximum age at the next attempt."""
    function = parity.function("short-lived-events").holds()
    request_id = await queue_event(parity, "short-lived-events")
    one = await function.invocation()
    await parity.advance(61)
    one.release(steps.raises("too late"))
    record = await record_of(parity, "events-failed", request_id)
    assert record["requestContext"]["condition"] == "EventAgeExceeded"
    assert function.count == 1
    assert AsynchronousConfig().maximum_event_age_s == 6 * 3600


@pytest.mark.row("E44")
async def test_what_is_left_of_an_event_goes_to_the_dead_letters(parity: Any) -> None:
    """The dead-letter queue gets the event itself; its attributes say which it was and why."""
    parity.function("dead-letters").raises("not this one")
    request_id = await queue_event(parity, "dead-letters")
    message = await parity.received_from("dead-letters")
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert message["Body"] == '{"n":1}'
    assert attributes == {"RequestID": request_id, "ErrorCode": "200", "ErrorMessage": "not this one"}


@pytest.mark.row("E44")
async def test_throttled_event_waits(parity: Any, sandbox: Any) -> None:
    """A throttle costs no attempt: the event is tried again after a second, then after two, until it runs."""
    function = parity.function("single").holds()
    async with asyncio.TaskGroup() as calls:
        calls.create_task(parity.invoke("single", b'"first"'))
        one = await function.invocation()
        request_id = await queue_event(parity, "single", b'"second"')
        for number, delay_s in ((1, 1), (2, 2)):
            facts = await retry_of(sandbox, request_id, number)
            assert (facts["attempts"], facts["delay_ms"]) == (0, delay_s * 1000)
            if number == 1:
                await parity.advance(delay_s)
        assert function.count == 1
        one.release()
    function.returns(None)
    await parity.advance(2)
    second = await function.invocation()
    assert (second.event, second.context["aws_request_id"]) == ("second", request_id)


@pytest.mark.row("E45")
@pytest.mark.parametrize("action", ["blocked", "default"])
async def test_gateway_invokes_once(parity: Any, action: str) -> None:
    """A throttle or an error is the client's error frame at once; the function is not invoked again."""
    socket = await parity.open()
    parity.function("default").raises("no")
    frame = await socket.ask({"action": action})
    assert json.loads(frame)["message"] == "Internal server error"
    parity.function("reply").returns({"statusCode": 200, "body": "later"})
    assert await socket.ask({"action": "reply"}) == "later"
    assert parity.function("blocked").count == 0
    assert parity.function("default").count == (action == "default")
