"""Rows H1 to H5: trace headers, and what X-Ray's SDK looks at."""

import re
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

ROOT = r"Root=1-[0-9a-f]{8}-[0-9a-f]{24}"

COMPLETE = rf"{ROOT};Parent=[0-9a-f]{{16}};Sampled=[01]"


async def traced(parity: Any, header: str) -> Any:
    """Invoke a function with a trace header; return the invocation."""
    client = parity.target.boto3("lambda", config=Config())  # one of its own
    client.meta.events.register(
        "before-call.lambda.Invoke",
        lambda params, **_: params["headers"].update({"X-Amzn-Trace-Id": header}),
    )
    await parity.call(client.invoke, FunctionName="invoked", Payload=b"{}")
    return await parity.function("invoked").invocation()


@pytest.mark.row("H1", "H2")
async def test_trace_of_a_connection(parity: Any) -> None:
    """CONNECT carries a root without a segment; the trace of the function that takes it has that root."""
    socket = await parity.open()
    header = socket.event["headers"]["X-Amzn-Trace-Id"]
    [one] = parity.function("connect").invocations
    assert re.fullmatch(ROOT, header)
    assert re.fullmatch(COMPLETE, one.environment["_X_AMZN_TRACE_ID"])
    assert one.environment["_X_AMZN_TRACE_ID"].split(";")[0] == header


@pytest.mark.row("H2")
async def test_trace_header_begins_with_its_time(parity: Any) -> None:
    """An invocation that nobody traces has a root of its own time, a parent, and is not sampled."""
    parity.function("invoked").runs("import time\ndef main(event, context):\n    tell(time.time())")
    await parity.invoke("invoked")
    one = await parity.function("invoked").invocation()
    trace = one.environment["_X_AMZN_TRACE_ID"]
    assert re.fullmatch(COMPLETE, trace)
    assert trace.endswith(";Sampled=0")
    now = await parity.function("invoked").finding(one)
    assert abs(int(trace.removeprefix("Root=1-")[:8], 16) - now) < 60


@pytest.mark.row("H2")
@pytest.mark.parametrize("more", ["", ";Lineage=a87bd80c:1|68fd508a:5"])
async def test_callers_trace_goes_on(parity: Any, more: str) -> None:
    """A caller's header reaches the function as it is, with keys that nobody here knows."""
    given = f"Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1{more}"
    assert (await traced(parity, given)).environment["_X_AMZN_TRACE_ID"] == given


@pytest.mark.row("H4")
async def test_what_xrays_sdk_looks_at(parity: Any) -> None:
    """The SDK finds the variable that says Lambda, a `/tmp` for its mark, and a trace with three parts."""
    parity.function("invoked").runs(
        """
        import os
        def main(event, context):
            trace = dict(part.split("=") for part in os.environ["_X_AMZN_TRACE_ID"].split(";"))
            tell([bool(os.environ.get("LAMBDA_TASK_ROOT")), os.access("/tmp", os.W_OK), sorted(trace)])
        """
    )
    await parity.invoke("invoked")
    one = await parity.function("invoked").invocation()
    assert await parity.function("invoked").finding(one) == [True, True, ["Parent", "Root", "Sampled"]]


@pytest.mark.row("H5")
async def test_tracing_mode(parity: Any) -> None:
    """A function's tracing is PassThrough; `Active`, which is not emulated, is refused."""
    client = parity.boto3("lambda")
    found = await parity.call(client.get_function_configuration, FunctionName="invoked")
    assert found["TracingConfig"] == {"Mode": "PassThrough"}
    with pytest.raises(ClientError, match="TracingConfig is not emulated"):
        await parity.call(
            client.update_function_configuration, FunctionName="invoked", TracingConfig={"Mode": "Active"}
        )
