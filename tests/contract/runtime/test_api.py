"""Lambda's AWS API as boto3 speaks it, served by uvicorn."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import boto3
import pytest
import uvicorn
from botocore.config import Config

from emulator.application import Function
from emulator.invocation import MAX_REQUEST_BYTES
from emulator.runtime import LambdaApi, LambdaService

Serve = Callable[..., Awaitable[LambdaService]]
Make = Callable[..., Function]


@asynccontextmanager
async def boto3_client(service: LambdaService) -> AsyncIterator[Callable[..., Awaitable[Any]]]:
    """Serve the API; gives a function that makes a call of boto3's client in a thread."""
    config = uvicorn.Config(LambdaApi(service), host="127.0.0.1", port=0, log_level="warning", lifespan="on")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(20):
        while not server.started:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    client = boto3.client(
        "lambda",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{port}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )

    async def ask(operation: str, **arguments: Any) -> Any:
        try:
            return await asyncio.to_thread(getattr(client, operation), **arguments)
        except client.exceptions.ClientError as error:
            return error

    try:
        yield ask
    finally:
        client.close()
        server.should_exit = True
        await serving


async def test_request_and_response(serve: Serve, function: Make) -> None:
    """A RequestResponse gives the status, the payload, the version and, if asked for, the log's tail."""
    service = await serve(function("echo"))
    async with boto3_client(service) as ask:
        answer = await ask("invoke", FunctionName="echo", Payload=b'{"a": 1}', LogType="Tail")
    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert json.loads(answer["Payload"].read()) == {"a": 1}
    assert "FunctionError" not in answer
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert f"END RequestId: {request_id}" in base64.b64decode(answer["LogResult"]).decode()


async def test_a_functions_error(serve: Serve, function: Make) -> None:
    """An error of the function is status 200 with `FunctionError`."""
    service = await serve(function("failing"))
    async with boto3_client(service) as ask:
        answer = await ask("invoke", FunctionName="failing", Payload=b'{"what": "bad"}')
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert json.loads(answer["Payload"].read())["errorMessage"] == "it is bad"


async def test_event_and_dry_run(serve: Serve, function: Make, tmp_path: Path) -> None:
    """An Event is 202 without a payload and runs later; a DryRun is 204 and never runs."""
    service = await serve(function("recording"))
    event = json.dumps({"file": str(tmp_path / "came"), "failures": 0}).encode()
    async with boto3_client(service) as ask:
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
    serve: Serve, function: Make, name: str, options: dict[str, str], arn: str
) -> None:
    """Every form that Lambda takes names the function, and the context's ARN has the qualifier used."""
    service = await serve(function("describe"))
    async with boto3_client(service) as ask:
        answer = await ask("invoke", FunctionName=name, **options)
    assert json.loads(answer["Payload"].read())["arn"] == arn


async def test_the_client_context(serve: Serve, function: Make) -> None:
    """boto3's `ClientContext` reaches the handler; one that is not base64 is refused."""
    service = await serve(function("describe"))
    context = base64.b64encode(b'{"custom": {"a": "b"}}').decode()
    async with boto3_client(service) as ask:
        answer = await ask("invoke", FunctionName="describe", ClientContext=context)
        refused = await ask("invoke", FunctionName="describe", ClientContext="***")
    assert json.loads(answer["Payload"].read())["client_context"] == {"a": "b"}
    assert type(refused).__name__ == "InvalidRequestContentException"


async def test_refusals_are_modelled_exceptions(serve: Serve, function: Make, meeting: Any) -> None:
    """What Lambda refuses is raised by boto3 as the exception of its service model."""
    service = await serve(function("wait", reserved_concurrency=1))
    running = asyncio.create_task(service.invoke("wait", meeting.payload("1")))
    await meeting.arrives("1")
    async with boto3_client(service) as ask:
        missing = await ask("invoke", FunctionName="no_such")
        alias = await ask("invoke", FunctionName="wait:prod")
        elsewhere = await ask("invoke", FunctionName="arn:aws:lambda:us-east-1:123456789012:function:wait")
        throttled = await ask("invoke", FunctionName="wait", Payload=b"{}")
        invalid = await ask("invoke", FunctionName="wait", Payload=b"{not json")
        large = await ask("invoke", FunctionName="wait", Payload=b" " * (MAX_REQUEST_BYTES + 1))
        two = await ask("invoke", FunctionName="wait:$LATEST", Qualifier="prod")
        kind = await ask("invoke", FunctionName="wait", InvocationType="Sometimes")
        unknown = await ask("delete_function", FunctionName="wait")
    meeting.let_go()
    await running
    assert {type(error).__name__ for error in (missing, alias, elsewhere)} == {"ResourceNotFoundException"}
    assert type(throttled).__name__ == "TooManyRequestsException"
    assert throttled.response["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert throttled.response["Error"]["Message"] == "Rate Exceeded."
    assert type(invalid).__name__ == "InvalidRequestContentException"
    assert type(large).__name__ == "RequestTooLargeException"
    assert type(two).__name__ == type(kind).__name__ == "InvalidParameterValueException"
    assert type(unknown).__name__ == "ServiceException"
    assert unknown.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert "DELETE" in str(unknown)


async def test_descriptions_of_functions(serve: Serve, function: Make) -> None:
    """GetFunction, GetFunctionConfiguration and ListFunctions tell what was declared."""
    service = await serve(function("echo", memory_mb=512, reserved_concurrency=3), function("counting"))
    async with boto3_client(service) as ask:
        whole = await ask("get_function", FunctionName="echo")
        configuration = await ask("get_function_configuration", FunctionName="echo")
        listed = await ask("list_functions")
    assert whole["Configuration"]["FunctionArn"] == service.functions["echo"].arn
    assert whole["Concurrency"] == {"ReservedConcurrentExecutions": 3}
    assert (configuration["MemorySize"], configuration["Timeout"]) == (512, 20)
    assert configuration["Handler"] == "app.echo"
    assert [f["FunctionName"] for f in listed["Functions"]] == ["echo", "counting"]
