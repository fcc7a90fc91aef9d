"""Invocations through boto3."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from emulator.application import Function
from emulator.invocation import MAX_EVENT_BYTES, MAX_REQUEST_BYTES
from emulator.runtime import LambdaService

Serve = Callable[..., Awaitable[LambdaService]]
Make = Callable[..., Function]
CallApi = Callable[..., Awaitable[Any]]


async def test_request_and_response(serve: Serve, function: Make, call_api: CallApi) -> None:
    """A RequestResponse gives the status, the payload, the version and, if asked for, the log's tail."""
    service = await serve(function("echo"))
    ask = await call_api(service)
    answer = await ask("invoke", FunctionName="echo", Payload=b'{"a": 1}', LogType="Tail")
    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert json.loads(answer["Payload"].read()) == {"a": 1}
    assert "FunctionError" not in answer
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert f"END RequestId: {request_id}" in base64.b64decode(answer["LogResult"]).decode()


async def test_a_functions_error(serve: Serve, function: Make, call_api: CallApi) -> None:
    """An error of the function is status 200 with `FunctionError`."""
    service = await serve(function("failing"))
    ask = await call_api(service)
    answer = await ask("invoke", FunctionName="failing", Payload=b'{"what": "bad"}')
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert json.loads(answer["Payload"].read())["errorMessage"] == "it is bad"


async def test_event_and_dry_run(serve: Serve, function: Make, call_api: CallApi, tmp_path: Path) -> None:
    """An Event is 202 without a payload and runs later; a DryRun is 204 and never runs."""
    service = await serve(function("recording"))
    event = json.dumps({"file": str(tmp_path / "came"), "failures": 0}).encode()
    ask = await call_api(service)
    dry = await ask("invoke", FunctionName="recording", Payload=event, InvocationType="DryRun")
    queued = await ask("invoke", FunctionName="recording", Payload=event, InvocationType="Event")
    async with asyncio.timeout(20):
        while service.stats()["queued_events"]:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    assert dry["StatusCode"] == 204
    assert (queued["StatusCode"], queued["Payload"].read()) == (202, b"")
    request_id = queued["ResponseMetadata"]["RequestId"]
    assert (tmp_path / "came").read_text() == json.dumps({"request_id": request_id}) + "\n"


@pytest.mark.parametrize(
    ("name", "options", "arn"),
    [
        ("describe", {}, "arn:aws:lambda:us-east-1:000000000000:function:describe"),
        ("describe:$LATEST", {}, "arn:aws:lambda:us-east-1:000000000000:function:describe:$LATEST"),
        ("000000000000:function:describe", {}, "arn:aws:lambda:us-east-1:000000000000:function:describe"),
        (
            "arn:aws:lambda:us-east-1:000000000000:function:describe",
            {"Qualifier": "$LATEST"},
            "arn:aws:lambda:us-east-1:000000000000:function:describe:$LATEST",
        ),
    ],
    ids=["name", "name-qualifier", "partial-arn", "arn-with-qualifier"],
)
async def test_names_of_functions(
    serve: Serve, function: Make, call_api: CallApi, name: str, options: dict[str, str], arn: str
) -> None:
    """Every form that Lambda takes names the function, and the context's ARN has the qualifier used."""
    service = await serve(function("describe"))
    ask = await call_api(service)
    answer = await ask("invoke", FunctionName=name, **options)
    assert json.loads(answer["Payload"].read())["arn"] == arn


async def test_the_client_context(serve: Serve, function: Make, call_api: CallApi) -> None:
    """boto3's `ClientContext` reaches the handler; one that is not base64 is refused."""
    service = await serve(function("describe"))
    context = base64.b64encode(b'{"custom": {"a": "b"}}').decode()
    ask = await call_api(service)
    answer = await ask("invoke", FunctionName="describe", ClientContext=context)
    refused = await ask("invoke", FunctionName="describe", ClientContext="***")
    no_object = await ask("invoke", FunctionName="describe", ClientContext=base64.b64encode(b"[]").decode())
    assert json.loads(answer["Payload"].read())["client_context"] == {"a": "b"}
    assert type(refused).__name__ == type(no_object).__name__ == "InvalidRequestContentException"


async def test_a_client_context_in_any_script(serve: Serve, function: Make, call_api: CallApi) -> None:
    """What a header cannot have as it is, letters and line breaks, the handler still finds."""
    service = await serve(function("describe"))
    ask = await call_api(service)
    context = base64.b64encode('{"custom":\n {"name": "Łódź é 東"}}'.encode()).decode()
    answer = await ask("invoke", FunctionName="describe", ClientContext=context)
    assert json.loads(answer["Payload"].read())["client_context"] == {"name": "Łódź é 東"}


async def test_refusals_are_modelled_exceptions(
    serve: Serve, function: Make, call_api: CallApi, meeting: Any
) -> None:
    """What Lambda refuses is raised by boto3 as the exception of its service model."""
    service = await serve(function("wait", reserved_concurrency=1))
    running = asyncio.create_task(service.invoke("wait", meeting.payload("1")))
    await meeting.arrives("1")
    ask = await call_api(service)
    missing = await ask("invoke", FunctionName="no_such")
    alias = await ask("invoke", FunctionName="wait:prod")
    elsewhere = await ask("invoke", FunctionName="arn:aws:lambda:us-east-1:123456789012:function:wait")
    throttled = await ask("invoke", FunctionName="wait", Payload=b"{}")
    invalid = await ask("invoke", FunctionName="wait", Payload=b"{not json")
    large = await ask("invoke", FunctionName="wait", Payload=b" " * (MAX_REQUEST_BYTES + 1))
    two = await ask("invoke", FunctionName="wait:$LATEST", Qualifier="prod")
    kind = await ask("invoke", FunctionName="wait", InvocationType="Sometimes")
    tenant = await ask("invoke", FunctionName="wait", TenantId="one")
    meeting.let_go()
    await running
    assert {type(error).__name__ for error in (missing, alias, elsewhere)} == {"ResourceNotFoundException"}
    assert type(throttled).__name__ == "TooManyRequestsException"
    assert throttled.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert throttled.response["Error"]["Message"] == "Rate Exceeded."
    assert type(invalid).__name__ == "InvalidRequestContentException"
    assert type(large).__name__ == "RequestTooLargeException"
    for error in (two, kind, tenant):
        assert type(error).__name__ == "InvalidParameterValueException"


async def test_payloads_of_events_have_a_smaller_limit(
    serve: Serve, function: Make, call_api: CallApi
) -> None:
    """An Event of more than 1 MB is refused; as a RequestResponse it runs (row E40)."""
    service = await serve(function("echo"))
    ask = await call_api(service)
    payload = json.dumps("x" * MAX_EVENT_BYTES).encode()
    event = await ask("invoke", FunctionName="echo", Payload=payload, InvocationType="Event")
    older = await ask("invoke_async", FunctionName="echo", InvokeArgs=payload)
    request = await ask("invoke", FunctionName="echo", Payload=payload)
    assert type(event).__name__ == "RequestTooLargeException"
    assert older.response["Error"]["Code"] == "RequestTooLargeException"
    assert event.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert len(request["Payload"].read()) == len(payload)


async def test_the_logs_tail(serve: Serve, function: Make, call_api: CallApi) -> None:
    """`LogType=Tail` gives the last 4 KB of a longer log."""
    service = await serve(function("loud"))
    ask = await call_api(service)
    answer = await ask("invoke", FunctionName="loud", Payload=b'{"bytes": 10000}', LogType="Tail")
    tail = base64.b64decode(answer["LogResult"])
    assert len(tail) == 4096
    assert b"REPORT RequestId: " in tail


async def test_invoke_async(serve: Serve, function: Make, call_api: CallApi, tmp_path: Path) -> None:
    """The older call queues an event under the id that it answers with."""
    service = await serve(function("recording"))
    event = json.dumps({"file": str(tmp_path / "came"), "failures": 0}).encode()
    ask = await call_api(service)
    answer = await ask("invoke_async", FunctionName="recording", InvokeArgs=event)
    async with asyncio.timeout(20):
        while service.stats()["queued_events"]:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    assert answer["Status"] == 202
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert json.loads((tmp_path / "came").read_text()) == {"request_id": request_id}


async def test_response_streams_are_refused(serve: Serve, function: Make, call_api: CallApi) -> None:
    """A call that the sandbox does not emulate says so, and what to call instead."""
    service = await serve(function("echo"))
    ask = await call_api(service)
    refused = await ask("invoke_with_response_stream", FunctionName="echo", Payload=b"{}")
    assert type(refused).__name__ == "ServiceException"
    assert refused.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert "call Invoke" in str(refused)
