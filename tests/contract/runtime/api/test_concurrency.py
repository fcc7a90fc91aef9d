"""Reserved and provisioned concurrency through boto3."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from emulator.application import Function
from emulator.runtime import LambdaService

Serve = Callable[..., Awaitable[LambdaService]]
Make = Callable[..., Function]
CallApi = Callable[..., Awaitable[Any]]
CodeOf = Callable[[Any], tuple[str, str]]


async def test_reserved_concurrency_is_obeyed(
    serve: Serve, function: Make, call_api: CallApi, code_of: CodeOf, meeting: Any
) -> None:
    """It throttles from the next invocation on, also where one runs already, until it is taken back."""
    service = await serve(function("wait"))
    ask = await call_api(service)
    running = asyncio.create_task(service.invoke("wait", meeting.payload("1")))
    await meeting.arrives("1")
    put = await ask("put_function_concurrency", FunctionName="wait", ReservedConcurrentExecutions=1)
    throttled = await ask("invoke", FunctionName="wait", Payload=meeting.payload("2"))
    found = await ask("get_function_concurrency", FunctionName="wait")
    deleted = await ask("delete_function_concurrency", FunctionName="wait")
    meeting.let_go()
    allowed = await ask("invoke", FunctionName="wait", Payload=meeting.payload("3"))
    nothing = await ask("get_function_concurrency", FunctionName="wait")
    await running
    assert put["ReservedConcurrentExecutions"] == found["ReservedConcurrentExecutions"] == 1
    assert code_of(throttled)[0] == "TooManyRequestsException"
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert allowed["StatusCode"] == 200
    assert "ReservedConcurrentExecutions" not in nothing


async def test_a_function_that_may_not_run(
    serve: Serve, function: Make, call_api: CallApi, code_of: CodeOf
) -> None:
    """A reservation of 0 throttles every call."""
    service = await serve(function("echo"))
    ask = await call_api(service)
    await ask("put_function_concurrency", FunctionName="echo", ReservedConcurrentExecutions=0)
    assert code_of(await ask("invoke", FunctionName="echo"))[0] == "TooManyRequestsException"


async def test_reservations_that_are_refused(
    serve: Serve, function: Make, call_api: CallApi, code_of: CodeOf
) -> None:
    """The account keeps 100; a negative number and none at all are no reservations."""
    service = await serve(function("echo", reserved_concurrency=400), function("counting"))
    ask = await call_api(service)
    put = "put_function_concurrency"
    taken = await ask(put, FunctionName="counting", ReservedConcurrentExecutions=500)
    too_many = await ask(put, FunctionName="counting", ReservedConcurrentExecutions=501)
    negative = await ask(put, FunctionName="counting", ReservedConcurrentExecutions=-1)
    none = await ask(put, FunctionName="counting")
    assert taken["ReservedConcurrentExecutions"] == 500
    assert code_of(too_many)[0] == "InvalidParameterValueException"
    assert "minimum value of [100]" in str(too_many)
    assert code_of(negative)[1] == code_of(none)[1] == "ValidationException"


async def test_provisioned_concurrency_is_of_versions(
    serve: Serve, function: Make, call_api: CallApi, code_of: CodeOf
) -> None:
    """`$LATEST` cannot have it, as on AWS, and there are no other versions."""
    ask = await call_api(await serve(function("echo")))
    name = {"FunctionName": "echo", "Qualifier": "$LATEST"}
    put = "put_provisioned_concurrency_config"
    refused = await ask(put, **name, ProvisionedConcurrentExecutions=1)
    alias = await ask(put, FunctionName="echo", Qualifier="live", ProvisionedConcurrentExecutions=1)
    found = await ask("get_provisioned_concurrency_config", **name)
    listed = await ask("list_provisioned_concurrency_configs", FunctionName="echo")
    deleted = await ask("delete_provisioned_concurrency_config", **name)
    assert code_of(refused)[0] == "InvalidParameterValueException"
    assert code_of(alias)[0] == "ResourceNotFoundException"
    assert code_of(found)[0] == "ProvisionedConcurrencyConfigNotFoundException"
    assert listed["ProvisionedConcurrencyConfigs"] == []
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
