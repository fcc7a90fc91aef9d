"""Rows E1 to E8: the Runtime API, as code in an environment finds it."""

import json
import re
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.runtime import RuntimeClient, RuntimeSettings

BY_HAND = """
    import http.client, json, os, time

    def ask(method, path, body=None, headers={}):
        connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
        connection.request(method, "/2018-06-01/runtime/" + path, body, headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read().decode()

    def main(event, context):
        responded, _, _ = ask("POST", f"invocation/{context.aws_request_id}/response", '"by hand"')
        status, headers, body = ask("GET", "invocation/next")
        request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        error = json.dumps({"errorMessage": "by hand", "errorType": "Mine"})
        cause = {"Lambda-Runtime-Function-XRay-Error-Cause": "{}"}
        other, _, _ = ask("POST", "invocation/00000000-0000-0000-0000-000000000000/error", error, cause)
        tell({"now_ms": time.time() * 1000, "headers": headers, "body": body, "other": other,
              "responded": responded, "status": status})
        failed, _, _ = ask("POST", f"invocation/{request_id}/error", error, cause)
        tell(failed)
        os._exit(0)
"""
"""Answers its invocation over HTTP, waits for the next one, and answers that with an error."""


@pytest.mark.row("E1", "E2", "E3", "E4", "E5")
async def test_a_runtime_of_ones_own(parity: Any) -> None:
    """Any HTTP client can take invocations from the Runtime API and answer them."""
    function = parity.function("alone")
    function.runs(BY_HAND, once=True)
    first = await parity.invoke("alone")
    assert json.loads(first["Payload"]) == "by hand"
    await parity.invoke("invoked")  # `/next` waits until there is something
    second = await parity.invoke("alone", b'{"n":2}', ClientContext="eyJjdXN0b20iOnsiYSI6ImIifX0=")
    [one] = function.invocations
    found = await function.finding(one)
    headers = {name: found["headers"][name] for name in found["headers"] if name.startswith("Lambda-")}
    assert (found["responded"], found["status"], found["other"]) == (202, 200, 400)
    assert await function.finding(one) == 202
    assert found["body"] == '{"n":2}'
    assert found["headers"]["Content-Type"] == "application/json"
    deadline_ms = int(headers.pop("Lambda-Runtime-Deadline-Ms"))
    assert 0 < deadline_ms - found["now_ms"] < 31_000
    assert re.fullmatch(r"Root=1-\w{8}-\w{24};.+", headers.pop("Lambda-Runtime-Trace-Id"))
    headers.pop("Lambda-Runtime-Invocation-Id", None)
    assert headers == {
        "Lambda-Runtime-Aws-Request-Id": second["ResponseMetadata"]["RequestId"],
        "Lambda-Runtime-Invoked-Function-Arn": one.context["invoked_function_arn"],
        "Lambda-Runtime-Client-Context": '{"custom":{"a":"b"}}',
    }
    assert second["FunctionError"] == "Unhandled"
    assert json.loads(second["Payload"]) == {"errorMessage": "by hand", "errorType": "Mine"}


@pytest.mark.row("E3")
async def test_events_are_objects(parity: Any) -> None:
    """Because `/next` says that it is JSON, handlers get a value and not its bytes."""
    await parity.invoke("invoked", b'{"a":[1,2.5,null]}')
    assert await parity.function("invoked").event() == {"a": [1, 2.5, None]}


@pytest.mark.row("E4")
async def test_bytes_are_the_response_as_they_are(parity: Any, steps: Any) -> None:
    """What a handler returns as bytes reaches the caller unchanged."""
    parity.function("invoked").does(steps.returns_bytes(b"\x00\xff no json"))
    answer = await parity.invoke("invoked")
    assert (answer["Payload"], answer.get("FunctionError")) == (b"\x00\xff no json", None)


@pytest.mark.row("E6")
async def test_init_error_is_the_callers_and_ends_the_process(parity: Any, sandbox: Any) -> None:
    """The runtime reports that it cannot load the function, and ends; the next invocation tries again."""
    for _ in range(2):
        answer = await parity.invoke("broken-import")
        assert answer["FunctionError"] == "Unhandled"
        assert json.loads(answer["Payload"])["errorType"] == "Runtime.ImportModuleError"
    assert not [one for one in await sandbox.environments() if one["function"] == "broken-import"]


@pytest.mark.gap("E7", reason="no SnapStart: functions have no versions, and it is refused")
async def test_snapstart_is_refused(parity: Any) -> None:
    """Asking for SnapStart is refused, and no environment says that it comes from a snapshot."""
    with pytest.raises(ClientError, match="SnapStart is not emulated") as caught:
        await parity.call(
            parity.boto3("lambda").update_function_configuration,
            FunctionName="invoked",
            SnapStart={"ApplyOn": "PublishedVersions"},
        )
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValueException"
    await parity.invoke("invoked")
    one = await parity.function("invoked").invocation()
    assert one.environment["AWS_LAMBDA_INITIALIZATION_TYPE"] == "on-demand"


PURE = """
    import runtime_client

    def main(event, context):
        tell([
            runtime_client.__file__.endswith(".py"),
            all(callable(getattr(runtime_client, name)) for name in (
                "initialize_client", "next", "post_invocation_result", "post_error"
            )),
        ])
        return event
"""


@pytest.mark.row("E8")
async def test_runtime_client_in_pure_python(start_service: Any, function: Any) -> None:
    """Four functions of pure Python in the native module's place serve invocations as it does."""
    service = await start_service({"f": {}}, RuntimeSettings(runtime_client=RuntimeClient.PURE))
    function("f").runs(PURE, once=True)
    result = await service.invoke("f", b'{"a": 1}')
    assert json.loads(result.payload) == {"a": 1}
    assert await function("f").finding(await function("f").invocation()) == [True, True]
    function("f").raises("no", kind="KeyError")
    result = await service.invoke("f", b"{}")
    assert json.loads(result.payload)["errorType"] == "KeyError"
