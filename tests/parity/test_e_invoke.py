"""Rows E41 to E43: what `Invoke` answers."""

import asyncio
import json
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

ONCE = Config(retries={"total_max_attempts": 1})


@pytest.mark.row("E41")
async def test_request_and_response(parity: Any) -> None:
    """A RequestResponse is 200 with what the handler returned, `null` where that was nothing."""
    parity.function("invoked").returns({"a": [1, "ü"]}, once=True)
    answer = await parity.invoke("invoked", InvocationType="RequestResponse")
    assert (answer["StatusCode"], json.loads(answer["Payload"])) == (200, {"a": [1, "ü"]})
    assert "FunctionError" not in answer
    assert answer["ExecutedVersion"] == "$LATEST"
    nothing = await parity.invoke("invoked")
    assert (nothing["StatusCode"], nothing["Payload"]) == (200, b"null")


@pytest.mark.row("E41")
async def test_error_of_a_function_is_a_success_of_the_call(parity: Any) -> None:
    """A function that failed is 200 with `FunctionError`."""
    parity.function("invoked").raises("no")
    answer = await parity.invoke("invoked")
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert (answer["StatusCode"], headers["x-amz-function-error"]) == (200, "Unhandled")


@pytest.mark.row("E41")
async def test_event_is_only_taken(parity: Any) -> None:
    """An Event is 202 without a payload, before the function has run; it runs under the answered id."""
    function = parity.function("invoked").holds()
    answer = await parity.invoke("invoked", b'{"a":1}', InvocationType="Event")
    assert (answer["StatusCode"], answer["Payload"]) == (202, b"")
    one = await function.invocation()
    assert one.event == {"a": 1}
    assert one.context["aws_request_id"] == answer["ResponseMetadata"]["RequestId"]
    one.release()


@pytest.mark.row("E41")
async def test_dry_run_runs_nothing(parity: Any) -> None:
    """A DryRun is 204, and the function is not invoked."""
    answer = await parity.invoke("invoked", b'"dry"', InvocationType="DryRun")
    assert (answer["StatusCode"], answer["Payload"]) == (204, b"")
    await parity.invoke("invoked", b'"wet"')
    assert [one.event for one in parity.function("invoked").invocations] == ["wet"]


@pytest.mark.row("E42")
@pytest.mark.parametrize("kind", ["RequestResponse", "Event"])
@pytest.mark.parametrize("payload", [b"{not json", b"{'a': 1}", b"\xff", b"{} {}"])
async def test_payload_that_is_no_json(parity: Any, kind: str, payload: bytes) -> None:
    """It is refused before anything runs, whatever the type of the invocation."""
    with pytest.raises(ClientError) as caught:
        await parity.invoke("invoked", payload, InvocationType=kind)
    answer = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert answer["Error"]["Code"] == "InvalidRequestContentException"
    assert answer["Error"]["Message"].startswith("Could not parse request body into json: ")
    assert parity.function("invoked").count == 0


def check_throttle(error: ClientError) -> None:
    answer = error.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 429
    assert answer["Error"]["Code"] == "TooManyRequestsException"
    assert (answer["Error"]["Message"], answer["Reason"]) == (
        "Rate Exceeded.",
        "ReservedFunctionConcurrentInvocationLimitExceeded",
    )


@pytest.mark.row("E43")
async def test_second_caller_of_a_single_place_is_throttled(parity: Any) -> None:
    """Beyond the reserved concurrency a caller gets 429 with the reason, and after it a place again."""
    function = parity.function("single").holds()
    async with asyncio.TaskGroup() as calls:
        calls.create_task(parity.invoke("single"))
        one = await function.invocation()
        client = parity.target.boto3("lambda", config=ONCE)
        with pytest.raises(ClientError) as caught:
            await parity.call(client.invoke, FunctionName="single", Payload=b"{}")
        one.release()
    check_throttle(caught.value)
    assert function.count == 1
    function.returns("free")
    assert json.loads((await parity.invoke("single"))["Payload"]) == "free"


@pytest.mark.row("E43")
async def test_function_without_a_place_is_throttled(parity: Any) -> None:
    """A reserved concurrency of zero throttles every caller."""
    client = parity.target.boto3("lambda", config=ONCE)
    with pytest.raises(ClientError) as caught:
        await parity.call(client.invoke, FunctionName="blocked", Payload=b"{}")
    check_throttle(caught.value)
