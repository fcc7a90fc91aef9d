"""What is configured about asynchronous invocations, through boto3."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from emulator.application import AsynchronousConfig, Destination, Function
from emulator.clock import ManualClock
from emulator.runtime import LambdaService
from emulator.telemetry.timeline import Timeline

Serve = Callable[..., Awaitable[LambdaService]]
Make = Callable[..., Function]
CallApi = Callable[..., Awaitable[Any]]
CodeOf = Callable[[Any], tuple[str, str]]
ARN = "arn:aws:lambda:us-east-1:000000000000:function:{}"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:{}"


def shown(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


async def test_the_life_of_a_configuration(
    serve: Serve, function: Make, call_api: CallApi, api_clock: ManualClock, code_of: CodeOf
) -> None:
    """Put sets all, update keeps the rest, delete leaves Lambda's own values; the service obeys each."""
    service = await serve(function("echo"), function("destination"))
    ask = await call_api(service)
    name = {"FunctionName": "echo"}
    none = await ask("get_function_event_invoke_config", **name)
    put = await ask("put_function_event_invoke_config", **name, MaximumRetryAttempts=0)
    after_put = service.functions["echo"].asynchronous
    updated = await ask(
        "update_function_event_invoke_config",
        **name,
        MaximumEventAgeInSeconds=60,
        DestinationConfig={
            "OnSuccess": {"Destination": ARN.format("destination")},
            "OnFailure": {"Destination": QUEUE.format("q")},
        },
    )
    after_update = service.functions["echo"].asynchronous
    unset = await ask(
        "update_function_event_invoke_config",
        **name,
        DestinationConfig={"OnSuccess": {"Destination": ""}},
    )
    found = await ask("get_function_event_invoke_config", **name)
    listed = await ask("list_function_event_invoke_configs", **name)
    deleted = await ask("delete_function_event_invoke_config", **name)
    again = await ask("delete_function_event_invoke_config", **name)

    assert code_of(none)[0] == code_of(again)[0] == "ResourceNotFoundException"
    assert f"The function {ARN.format('echo')}:$LATEST doesn't have an EventInvokeConfig" in str(none)
    assert shown(put) == {
        "LastModified": datetime.fromtimestamp(api_clock.now(), UTC),
        "FunctionArn": f"{ARN.format('echo')}:$LATEST",
        "MaximumRetryAttempts": 0,
        "DestinationConfig": {"OnSuccess": {}, "OnFailure": {}},
    }
    assert after_put == AsynchronousConfig(0, 21_600)
    assert (updated["MaximumRetryAttempts"], updated["MaximumEventAgeInSeconds"]) == (0, 60)
    assert after_update == AsynchronousConfig(
        0, 60, Destination.function("destination"), Destination.queue("q")
    )
    assert unset["DestinationConfig"] == {
        "OnSuccess": {},
        "OnFailure": {"Destination": QUEUE.format("q")},
    }
    assert shown(found) == shown(unset) == listed["FunctionEventInvokeConfigs"][0]
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert service.functions["echo"].asynchronous == AsynchronousConfig()


async def test_a_declared_configuration_is_there(serve: Serve, function: Make, call_api: CallApi) -> None:
    """What the application declares is shown as if it had been put."""
    ask = await call_api(await serve(function("echo", asynchronous=AsynchronousConfig(1, 300))))
    found = await ask("get_function_event_invoke_config", FunctionName="echo")
    assert (found["MaximumRetryAttempts"], found["MaximumEventAgeInSeconds"]) == (1, 300)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, "InvalidParameterValueException"),
        ({"MaximumRetryAttempts": 3}, "ValidationException"),
        ({"MaximumRetryAttempts": -1}, "ValidationException"),
        ({"MaximumEventAgeInSeconds": 59}, "ValidationException"),
        ({"MaximumEventAgeInSeconds": 21_601}, "ValidationException"),
        ({"OnFailure": ARN.format("echo")}, "InvalidParameterValueException"),
        ({"OnFailure": ARN.format("missing")}, "InvalidParameterValueException"),
        (
            {"OnFailure": "arn:aws:events:us-east-1:000000000000:event-bus/x"},
            "InvalidParameterValueException",
        ),
        (
            {"OnFailure": QUEUE.format("q").replace("000000000000", "1" * 12)},
            "InvalidParameterValueException",
        ),
        ({"OnFailure": "no ARN"}, "InvalidParameterValueException"),
        ({"OnSuccess": "arn:aws:s3:::bucket"}, "InvalidParameterValueException"),
    ],
    ids=[
        "nothing",
        "3 retries",
        "-1 retries",
        "too young",
        "too old",
        "itself",
        "no such function",
        "event bus",
        "another account",
        "no ARN",
        "bucket for successes",
    ],
)
async def test_configurations_that_are_refused(
    serve: Serve, function: Make, call_api: CallApi, arguments: dict[str, Any], error: str
) -> None:
    """What AWS refuses, or the sandbox does not emulate, changes nothing."""
    service = await serve(function("echo"))
    ask = await call_api(service)
    for name in ("OnSuccess", "OnFailure"):
        if name in arguments:
            arguments = {"DestinationConfig": {name: {"Destination": arguments[name]}}}
    refused = await ask("put_function_event_invoke_config", FunctionName="echo", **arguments)
    assert refused.response["Error"]["Code"] == error
    assert service.functions["echo"].asynchronous == AsynchronousConfig()


async def test_a_bucket_takes_failures(serve: Serve, function: Make, call_api: CallApi) -> None:
    """An S3 bucket may be the on-failure destination."""
    service = await serve(function("echo"))
    ask = await call_api(service)
    config = {"OnFailure": {"Destination": "arn:aws:s3:::bucket"}}
    await ask("put_function_event_invoke_config", FunctionName="echo", DestinationConfig=config)
    assert service.functions["echo"].asynchronous.on_failure == Destination.bucket("bucket")


async def test_events_that_wait_obey_a_new_configuration(
    serve: Serve, function: Make, call_api: CallApi
) -> None:
    """An event that waits for its retry is not retried once more than is configured by then."""
    waits, go_on, over = asyncio.Event(), asyncio.Event(), asyncio.Event()
    timeline = Timeline(ManualClock())
    conditions: list[Any] = []

    def listen(entry: Any) -> None:
        if entry.kind == "lambda.given_up":
            conditions.append((entry.facts["condition"], entry.facts["attempts"]))
            over.set()

    async def sleep(_seconds: float) -> None:
        waits.set()
        await go_on.wait()

    timeline.listen(listen)
    service = await serve(function("failing"), timeline=timeline, sleep=sleep)
    ask = await call_api(service)
    await service.invoke_event("failing", b'{"what": "x"}')
    async with asyncio.timeout(20):
        await waits.wait()
        await ask("put_function_event_invoke_config", FunctionName="failing", MaximumRetryAttempts=1)
        go_on.set()
        await over.wait()
    assert conditions == [("RetriesExhausted", 2)]
