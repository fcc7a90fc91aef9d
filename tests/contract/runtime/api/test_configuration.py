"""Functions and their configuration through boto3."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from emulator.application import Destination, Function
from emulator.clock import ManualClock
from emulator.runtime import LambdaService, RuntimeSettings

Serve = Callable[..., Awaitable[LambdaService]]
Make = Callable[..., Function]
CallApi = Callable[..., Awaitable[Any]]
CodeOf = Callable[[Any], tuple[str, str]]
ARN = "arn:aws:lambda:us-east-1:000000000000:function:echo"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:letters"


async def test_a_functions_description(
    serve: Serve, function: Make, call_api: CallApi, api_clock: ManualClock
) -> None:
    """GetFunctionConfiguration has every field that a function of a zip archive has on AWS."""
    service = await serve(
        function(
            "echo",
            memory_mb=512,
            environment={"A": "b"},
            dead_letter=Destination.queue("letters"),
            ephemeral_storage_mb=1024,
        )
    )
    ask = await call_api(service)
    found = await ask("get_function_configuration", FunctionName="echo")
    revision, sha256, size = found.pop("RevisionId"), found.pop("CodeSha256"), found.pop("CodeSize")
    runtime_arn = found.pop("RuntimeVersionConfig")["RuntimeVersionArn"]
    del found["ResponseMetadata"], found["Runtime"]
    assert len(revision) == 36
    assert len(sha256) == 44
    assert size == (service.functions["echo"].code / "app.py").stat().st_size
    assert runtime_arn.startswith("arn:aws:lambda:us-east-1::runtime:")
    assert found == {
        "FunctionName": "echo",
        "FunctionArn": ARN,
        "Role": "arn:aws:iam::000000000000:role/echo",
        "Handler": "app.echo",
        "Description": "",
        "Timeout": 20,
        "MemorySize": 512,
        "LastModified": "2023-11-14T22:13:20.000+0000",
        "Version": "$LATEST",
        "Environment": {"Variables": {"A": "b"}},
        "DeadLetterConfig": {"TargetArn": QUEUE},
        "TracingConfig": {"Mode": "PassThrough"},
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 1024},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/echo"},
    }


async def test_get_function(serve: Serve, function: Make, call_api: CallApi, code_of: CodeOf) -> None:
    """GetFunction tells the configuration, where the code is, and what is reserved."""
    service = await serve(function("echo", reserved_concurrency=3))
    ask = await call_api(service)
    whole = await ask("get_function", FunctionName="echo", Qualifier="$LATEST")
    missing = await ask("get_function", FunctionName="other")
    version = await ask("get_function", FunctionName="echo", Qualifier="1")
    assert whole["Configuration"]["FunctionArn"] == ARN
    assert whole["Concurrency"] == {"ReservedConcurrentExecutions": 3}
    assert whole["Code"]["Location"] == service.functions["echo"].code.as_uri()
    assert code_of(missing) == code_of(version) == ("ResourceNotFoundException",) * 2


async def test_lists_of_functions(serve: Serve, function: Make, call_api: CallApi) -> None:
    """ListFunctions gives pages, and of each function what AWS's list has of it."""
    service = await serve(function("echo"), function("counting"), function("failing"))
    ask = await call_api(service)
    first = await ask("list_functions", MaxItems=2)
    second = await ask("list_functions", MaxItems=2, Marker=first["NextMarker"])
    versions = await ask("list_functions", FunctionVersion="ALL")
    pages = ask.client.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 1})
    page_sizes = await asyncio.to_thread(lambda: [len(page["Functions"]) for page in pages])
    assert [f["FunctionName"] for f in first["Functions"]] == ["echo", "counting"]
    assert [f["FunctionName"] for f in second["Functions"]] == ["failing"]
    assert "NextMarker" not in second
    assert "State" not in first["Functions"][0]
    assert versions["Functions"][0]["FunctionArn"] == f"{ARN}:$LATEST"
    assert page_sizes == [1, 1, 1]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"Marker": "nonsense"}, "InvalidParameterValueException"),
        ({"Marker": "OTk="}, "InvalidParameterValueException"),
        ({"MaxItems": 0}, "ValidationException"),
        ({"MaxItems": 10_001}, "ValidationException"),
    ],
    ids=["no marker", "beyond the end", "none", "too many"],
)
async def test_lists_that_are_refused(
    serve: Serve, function: Make, call_api: CallApi, arguments: dict[str, Any], error: str
) -> None:
    """A page that there cannot be is refused."""
    ask = await call_api(await serve(function("echo")))
    assert (await ask("list_functions", **arguments)).response["Error"]["Code"] == error


async def test_versions_and_aliases(serve: Serve, function: Make, call_api: CallApi, code_of: CodeOf) -> None:
    """A function has `$LATEST` and no alias."""
    ask = await call_api(await serve(function("echo")))
    versions = await ask("list_versions_by_function", FunctionName="echo")
    aliases = await ask("list_aliases", FunctionName="echo")
    alias = await ask("get_alias", FunctionName="echo", Name="live")
    assert [v["FunctionArn"] for v in versions["Versions"]] == [f"{ARN}:$LATEST"]
    assert aliases["Aliases"] == []
    assert code_of(alias)[0] == "ResourceNotFoundException"


async def test_the_next_invocation_has_the_new_configuration(
    serve: Serve, function: Make, call_api: CallApi, call: Callable[..., Awaitable[Any]], gone: Any
) -> None:
    """An update replaces the warm environment; variables, memory, handler and timeout are the new ones."""
    service = await serve(function("counting", provisioned_concurrency=1))
    ask = await call_api(service)
    before = await call(service, "counting")
    updated = await ask(
        "update_function_configuration",
        FunctionName="counting",
        Handler="app.describe",
        MemorySize=256,
        Timeout=30,
        Environment={"Variables": {"NEW": "value"}},
        EphemeralStorage={"Size": 600},
        Description="what it does",
        Role="arn:aws:iam::000000000000:role/other",
    )
    after = await call(service, "counting")
    await gone(before["pid"])
    asked = await ask("get_function_configuration", FunctionName="counting")
    assert after["pid"] != before["pid"]
    assert after["environment"]["NEW"] == "value"
    assert after["memory"] == "256"
    assert 20_000 < after["remaining_ms"] <= 30_000
    assert (asked["Timeout"], asked["MemorySize"], asked["EphemeralStorage"]) == (30, 256, {"Size": 600})
    assert (asked["Description"], asked["Role"]) == ("what it does", "arn:aws:iam::000000000000:role/other")
    assert asked["RevisionId"] == updated["RevisionId"]
    assert len(service.environments()) == 1


async def test_a_running_invocation_ends_under_the_old_configuration(
    serve: Serve, function: Make, call_api: CallApi, meeting: Any, gone: Any
) -> None:
    """An update does not disturb an invocation that runs; its environment takes no further one."""
    service = await serve(function("wait"))
    ask = await call_api(service)
    running = asyncio.create_task(service.invoke("wait", meeting.payload("1")))
    pid = await meeting.arrives("1")
    await ask("update_function_configuration", FunctionName="wait", MemorySize=256)
    assert not running.done()
    meeting.let_go()
    assert json.loads((await running).payload) == {"name": "1", "pid": pid}
    await gone(pid)
    second = await service.invoke("wait", meeting.payload("2"))
    assert json.loads(second.payload)["pid"] != pid


async def test_updates_that_change_nothing_of_environments(
    serve: Serve, function: Make, call_api: CallApi, call: Callable[..., Awaitable[Any]]
) -> None:
    """A dead-letter queue or a description leaves the warm environments alone, and `""` unsets the queue."""
    service = await serve(function("counting"))
    ask = await call_api(service)
    await call(service, "counting")
    given = await ask(
        "update_function_configuration",
        FunctionName="counting",
        DeadLetterConfig={"TargetArn": QUEUE},
        Description="new",
    )
    assert given["DeadLetterConfig"] == {"TargetArn": QUEUE}
    assert service.functions["counting"].dead_letter == Destination.queue("letters")
    assert (await call(service, "counting"))["count"] == 2
    taken = await ask(
        "update_function_configuration", FunctionName="counting", DeadLetterConfig={"TargetArn": ""}
    )
    assert "DeadLetterConfig" not in taken


async def test_logging(serve: Serve, function: Make, call_api: CallApi, code_of: CodeOf) -> None:
    """The format and, with JSON, the levels can be set; levels of text are refused."""
    ask = await call_api(await serve(function("echo")))
    update = "update_function_configuration"
    text = await ask(update, FunctionName="echo", LoggingConfig={"ApplicationLogLevel": "WARN"})
    json_ = await ask(
        update, FunctionName="echo", LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "WARN"}
    )
    group = await ask(update, FunctionName="echo", LoggingConfig={"LogGroup": "other"})
    assert json_["LoggingConfig"] == {
        "LogFormat": "JSON",
        "ApplicationLogLevel": "WARN",
        "SystemLogLevel": "INFO",
        "LogGroup": "/aws/lambda/echo",
    }
    assert code_of(text) == code_of(group) == ("InvalidParameterValueException",) * 2


async def test_revisions(serve: Serve, function: Make, call_api: CallApi, code_of: CodeOf) -> None:
    """An update of what was changed meanwhile is refused."""
    ask = await call_api(await serve(function("echo")))
    first = (await ask("get_function_configuration", FunctionName="echo"))["RevisionId"]
    update = "update_function_configuration"
    updated = await ask(update, FunctionName="echo", Timeout=5, RevisionId=first)
    stale = await ask(update, FunctionName="echo", Timeout=6, RevisionId=first)
    assert updated["RevisionId"] != first
    assert code_of(stale)[0] == "PreconditionFailedException"
    assert (await ask("get_function_configuration", FunctionName="echo"))["Timeout"] == 5


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"Timeout": 0}, "ValidationException", "Value '0' at 'timeout' failed to satisfy constraint"),
        ({"Timeout": 901}, "ValidationException", "less than or equal to 900"),
        ({"MemorySize": 127}, "ValidationException", "greater than or equal to 128"),
        ({"MemorySize": 10_241}, "ValidationException", "less than or equal to 10240"),
        ({"EphemeralStorage": {"Size": 511}}, "ValidationException", "'ephemeralStorage.size'"),
        ({"Timeout": 0, "MemorySize": 1}, "ValidationException", "2 validation errors detected"),
        ({"Handler": "a b"}, "ValidationException", "'handler'"),
        ({"LoggingConfig": {"LogFormat": "XML"}}, "ValidationException", "enum value set"),
        ({"Environment": {"Variables": {"1x": "a"}}}, "ValidationException", "Map keys"),
        (
            {"Environment": {"Variables": {"AWS_REGION": "a", "_HANDLER": "b"}}},
            "InvalidParameterValueException",
            "Reserved keys used in this request: AWS_REGION, _HANDLER",
        ),
        ({"Environment": {"Variables": {"LARGE": "x" * 4096}}}, "InvalidParameterValueException", "4KB"),
        ({"Environment": {"Variables": {"AA": "a\0b"}}}, "InvalidParameterValueException", "no text"),
        ({"Environment": {"Variables": {"AA": "\ud800"}}}, "SerializationException", "not JSON"),
        ({"Runtime": "java21"}, "InvalidParameterValueException", "java21"),
        ({"Layers": ["arn:aws:lambda:us-east-1:1:layer:x:1"]}, "InvalidParameterValueException", "Layers"),
        ({"TracingConfig": {"Mode": "Active"}}, "InvalidParameterValueException", "TracingConfig"),
        ({"DeadLetterConfig": {"TargetArn": ARN}}, "InvalidParameterValueException", "dead letters"),
        (
            {"DeadLetterConfig": {"TargetArn": QUEUE.replace("us-east-1", "eu-west-1")}},
            "InvalidParameterValueException",
            "of this account",
        ),
    ],
)
async def test_updates_that_are_refused(
    serve: Serve, function: Make, call_api: CallApi, change: dict[str, Any], error: str, said: str
) -> None:
    """A value out of range, or one that asks for what is not emulated, changes nothing and is named."""
    service = await serve(function("echo"))
    before = service.functions["echo"]
    ask = await call_api(service)
    refused = await ask("update_function_configuration", FunctionName="echo", **change)
    assert refused.response["Error"]["Code"] == error
    assert said in str(refused)
    assert service.functions["echo"] == before


async def test_updates_that_ask_for_nothing(serve: Serve, function: Make, call_api: CallApi) -> None:
    """Deployment tools send empty values of what they do not use: those are taken."""
    ask = await call_api(await serve(function("echo")))
    answer = await ask(
        "update_function_configuration",
        FunctionName="echo",
        Layers=[],
        VpcConfig={"SubnetIds": [], "SecurityGroupIds": []},
        TracingConfig={"Mode": "PassThrough"},
        KMSKeyArn="",
    )
    assert answer["FunctionName"] == "echo"


@pytest.mark.parametrize(
    ("operation", "arguments"),
    [
        ("create_function", {"FunctionName": "n", "Role": "r", "Code": {"ZipFile": b"zip"}}),
        ("update_function_code", {"FunctionName": "echo", "ZipFile": b"zip"}),
        ("delete_function", {"FunctionName": "echo"}),
        ("publish_version", {"FunctionName": "echo"}),
        ("create_alias", {"FunctionName": "echo", "Name": "live", "FunctionVersion": "1"}),
    ],
)
async def test_what_the_application_decides(
    serve: Serve, function: Make, call_api: CallApi, operation: str, arguments: dict[str, Any]
) -> None:
    """What would change the application itself is a modelled exception with a sentence that says why."""
    ask = await call_api(await serve(function("echo")))
    refused = await ask(operation, **arguments)
    assert type(refused).__name__ == "InvalidParameterValueException"
    assert "is refused. Functions " in str(refused)


async def test_account_settings(serve: Serve, function: Make, call_api: CallApi) -> None:
    """They are a new account's limits, less what the functions reserve."""
    service = await serve(function("echo", reserved_concurrency=30), function("counting"))
    ask = await call_api(service)
    found = await ask("get_account_settings")
    assert found["AccountLimit"]["ConcurrentExecutions"] == 1000
    assert found["AccountLimit"]["UnreservedConcurrentExecutions"] == 970
    assert found["AccountUsage"]["FunctionCount"] == 2


async def test_changes_under_load_lose_no_call(serve: Serve, function: Make, until: Any) -> None:
    """While calls come and the configuration changes, each call is answered once and no place is lost."""
    settings = RuntimeSettings(preload=(), preload_clients=(), max_environments_per_function=3)
    service = await serve(function("counting"), settings=settings)
    calls = []
    for memory_mb in range(200, 212):
        calls += [asyncio.create_task(service.invoke("counting", b"{}")) for _ in range(5)]
        await calls[-5]
        service.configure("counting", memory_mb=memory_mb)
    async with asyncio.timeout(60):
        results = await asyncio.gather(*calls)
    assert {result.function_error for result in results} == {None}
    await until(lambda: {e.state for e in service.environments()} <= {"idle"})
    assert service.stats()["environments"] == len(service.environments()) <= 3
    assert service.stats()["waiting"] == 0
