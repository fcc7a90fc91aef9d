"""Rows E20 to E24: the context object and the environment variables."""

import asyncio
import re
from typing import Any

import pytest

ARN = "arn:aws:lambda:us-east-1:000000000000:function:invoked"

CONTEXT = """
    def main(event, context):
        context.log("logged by the context\\n")
        tell({
            "context": {name: value for name, value in vars(context).items() if name[0] != "_"},
            "identity": [context.identity.cognito_identity_id, context.identity.cognito_identity_pool_id],
            "remaining_ms": context.get_remaining_time_in_millis(),
        })
"""


@pytest.mark.row("E20")
async def test_context_has_its_attributes(parity: Any) -> None:
    """Every attribute has AWS's type: the memory is text, the identity never None."""
    parity.function("variables").runs(CONTEXT)
    answer = await parity.invoke("variables")
    one = await parity.function("variables").invocation()
    found = await parity.function("variables").finding(one)
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert isinstance(found["context"].pop("identity"), str)  # its repr: an object
    assert found["context"] == {
        "aws_request_id": request_id,
        "function_name": "variables",
        "function_version": "$LATEST",
        "invoked_function_arn": ARN.replace("invoked", "variables"),
        "memory_limit_in_mb": "256",
        "log_group_name": "/aws/lambda/variables",
        "log_stream_name": one.environment["AWS_LAMBDA_LOG_STREAM_NAME"],
        "client_context": None,
        "tenant_id": None,
    }
    assert found["identity"] == [None, None]
    assert isinstance(found["remaining_ms"], int)
    assert 0 < found["remaining_ms"] < 31_000
    assert "\nlogged by the context\n" in await parity.log("variables", request_id)


@pytest.mark.row("E20")
async def test_remaining_time_is_never_negative(parity: Any) -> None:
    """After the deadline no time remains; the deadline is the function's timeout."""
    parity.function("invoked").runs(
        """
        import time
        def main(event, context):
            now = time.time
            time.time = lambda: now() + 15
            tell(context.get_remaining_time_in_millis())
            time.time = lambda: now() + 31
            tell(context.get_remaining_time_in_millis())
            time.time = now
        """
    )
    await parity.invoke("invoked")
    function = parity.function("invoked")
    one = await function.invocation()
    assert 0 < await function.finding(one) < 16_000
    assert await function.finding(one) == 0


@pytest.mark.row("E21")
@pytest.mark.parametrize(
    ("name", "options", "qualifier"),
    [
        ("invoked", {}, ""),
        ("invoked", {"Qualifier": "$LATEST"}, ":$LATEST"),
        ("invoked:$LATEST", {}, ":$LATEST"),
        (ARN, {}, ""),
        (f"{ARN}:$LATEST", {}, ":$LATEST"),
    ],
    ids=["name", "qualifier", "qualified-name", "arn", "qualified-arn"],
)
async def test_arn_has_the_callers_qualifier(
    parity: Any, name: str, options: dict[str, str], qualifier: str
) -> None:
    """`invoked_function_arn` ends with the qualifier that the caller used, however it was given."""
    await parity.invoke(name, **options)
    one = await parity.function("invoked").invocation()
    assert one.context["invoked_function_arn"] == ARN + qualifier
    assert one.context["function_version"] == "$LATEST"


E22 = {
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_DEFAULT_REGION",
    "AWS_REGION",
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_FUNCTION_VERSION",
    "AWS_LAMBDA_INITIALIZATION_TYPE",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LAMBDA_RUNTIME_API",
    "AWS_XRAY_CONTEXT_MISSING",
    "AWS_XRAY_DAEMON_ADDRESS",
    "_AWS_XRAY_DAEMON_ADDRESS",
    "_AWS_XRAY_DAEMON_PORT",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
    "LANG",
    "LD_LIBRARY_PATH",
    "PATH",
    "PWD",
    "PYTHONPATH",
    "SHLVL",
    "TZ",
    "_HANDLER",
    "_X_AMZN_TRACE_ID",
}

SANDBOX = {
    "AWS_CA_BUNDLE",
    "AWS_CONFIG_FILE",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_SHARED_CREDENTIALS_FILE",
    "NO_PROXY",
    "TMPDIR",
    "no_proxy",
}
"""Where AWS is here, and that it is nowhere else; see emulator/runtime/variables.py."""


@pytest.mark.row("E22")
async def test_environment_variables(parity: Any) -> None:
    """There are AWS's variables, the function's own, those that name the sandbox, and nothing else."""
    await parity.invoke("variables")
    one = await parity.function("variables").invocation()
    found = dict(one.environment)
    python = tuple(map(int, found["AWS_EXECUTION_ENV"].removeprefix("AWS_Lambda_python").split(".")))
    expected = E22 | ({"LC_CTYPE"} if python >= (3, 12) else set())
    own = {"COLOUR", "PARITY_RECORDER"}
    endpoints = {name for name in found if name.startswith("AWS_ENDPOINT_URL")}
    assert expected | own <= set(found)
    assert set(found) - expected - own - endpoints <= SANDBOX
    assert found["COLOUR"] == "blue"
    assert re.fullmatch(r"[\w.]+:\d+", found["AWS_LAMBDA_RUNTIME_API"])
    assert re.fullmatch(r"[\w.]+:2000", found["AWS_XRAY_DAEMON_ADDRESS"])
    assert f"{found['_AWS_XRAY_DAEMON_ADDRESS']}:2000" == found["AWS_XRAY_DAEMON_ADDRESS"]
    assert found["PWD"] == found["LAMBDA_TASK_ROOT"]
    assert found["PYTHONPATH"] == found["LAMBDA_RUNTIME_DIR"]
    fixed = {
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
        "AWS_LAMBDA_FUNCTION_NAME": "variables",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/variables",
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "_AWS_XRAY_DAEMON_PORT": "2000",
        "LANG": "en_US.UTF-8",
        "SHLVL": "0",
        "TZ": ":UTC",
        "_HANDLER": "generic.handler",
    }
    assert {name: found[name] for name in fixed} == fixed


@pytest.mark.row("E23")
async def test_trace_variable_is_the_invocations(parity: Any) -> None:
    """`_X_AMZN_TRACE_ID` is written anew before each invocation of an environment."""
    for _ in range(2):
        await parity.invoke("alone")
    first, second = parity.function("alone").invocations
    assert first.instance == second.instance
    traces = [one.environment["_X_AMZN_TRACE_ID"] for one in (first, second)]
    assert len({trace.split(";")[0] for trace in traces}) == 2


@pytest.mark.row("E24")
async def test_log_stream_is_the_environments(parity: Any) -> None:
    """The stream's name is a date, the version and 32 hexadecimal digits; each environment has its own."""
    function = parity.function("invoked").holds()
    async with asyncio.TaskGroup() as calls:
        for _ in range(2):
            calls.create_task(parity.invoke("invoked"))
        first, second = await function.invocation(), await function.invocation()
        first.release()
        second.release()
    streams = [one.context["log_stream_name"] for one in (first, second)]
    assert len(set(streams)) == 2
    for one, stream in zip((first, second), streams, strict=True):
        assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", stream)
        assert one.environment["AWS_LAMBDA_LOG_STREAM_NAME"] == stream
