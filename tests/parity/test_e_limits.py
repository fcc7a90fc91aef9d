"""Rows E25, E39 and E40: how much there may be of everything."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.application import Application, Function
from emulator.errors import InvalidApplication


def declare(**options: Any) -> Function:
    function = Function("f", "a.handler", Path("/code"), **options)
    return Application("a", functions=[function]).functions[0]


@pytest.mark.row("E25")
def test_function_is_small_and_quick_by_default() -> None:
    """3 s, 128 MB and 512 MB of `/tmp`, where nothing is said."""
    function = declare()
    assert (function.timeout_s, function.memory_mb, function.ephemeral_storage_mb) == (3, 128, 512)


@pytest.mark.row("E25")
@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("timeout_s", 1, 900), ("memory_mb", 128, 10_240), ("ephemeral_storage_mb", 512, 10_240)],
)
def test_ranges_of_a_function(name: str, least: int, most: int) -> None:
    """The ends of each range are taken; what is beyond them is refused where it is declared."""
    for value in (least, most):
        assert getattr(declare(**{name: value}), name) == value
    for value in (least - 1, most + 1):
        with pytest.raises(InvalidApplication, match=f"takes {least} to {most}"):
            declare(**{name: value})


@pytest.mark.row("E25")
def test_size_of_the_variables() -> None:
    """A function's variables have 4,096 bytes together, as JSON."""
    room = 4096 - len('{"LARGE":""}')
    assert declare(environment={"LARGE": "x" * room})
    with pytest.raises(InvalidApplication, match="4097 bytes"):
        declare(environment={"LARGE": "x" * (room + 1)})


@pytest.mark.row("E25")
@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"Timeout": 901}, "ValidationException"),
        ({"MemorySize": 10_241}, "ValidationException"),
        ({"EphemeralStorage": {"Size": 10_241}}, "ValidationException"),
        ({"Environment": {"Variables": {"LARGE": "x" * 4096}}}, "InvalidParameterValueException"),
    ],
    ids=["timeout", "memory", "storage", "variables"],
)
async def test_update_beyond_the_limits(parity: Any, change: dict[str, Any], error: str) -> None:
    """`UpdateFunctionConfiguration` refuses the same."""
    client = parity.boto3("lambda")
    with pytest.raises(ClientError) as caught:
        await parity.call(client.update_function_configuration, FunctionName="invoked", **change)
    assert caught.value.response["Error"]["Code"] == error


@pytest.mark.row("E25")
async def test_open_files(parity: Any) -> None:
    """A process has 1,024 descriptors; one more is `Too many open files`."""
    parity.function("invoked").runs(
        """
        import os
        def main(event, context):
            opened = []
            try:
                while len(opened) < 2000:
                    opened.append(os.open(os.devnull, os.O_RDONLY))
            except OSError as error:
                highest, number = opened[-1], error.errno
            for one in opened:
                os.close(one)
            return [highest, os.strerror(number)]
        """
    )
    answer = await parity.invoke("invoked")
    assert json.loads(answer["Payload"]) == [1023, "Too many open files"]


@pytest.mark.gap("E25", reason="threads, processes and what is in `/tmp` are not counted")
async def test_threads_and_files_are_not_limited(parity: Any) -> None:
    """More than 1,024 threads can be started, and the disk behind `/tmp` is the machine's."""
    parity.function("invoked").runs(
        """
        import shutil, tempfile, threading
        def main(event, context):
            end = threading.Event()
            threads = [threading.Thread(target=end.wait) for _ in range(1030)]
            for thread in threads:
                thread.start()
            end.set()
            for thread in threads:
                thread.join()
            return [len(threads), tempfile.gettempdir(), shutil.disk_usage(tempfile.gettempdir()).total]
        """
    )
    threads, folder, size = json.loads((await parity.invoke("invoked"))["Payload"])
    assert threads == 1030
    assert size == shutil.disk_usage(folder).total


TOO_LARGE = {
    "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    "errorType": "Function.ResponseSizeTooLarge",
}


@pytest.mark.row("E39")
async def test_size_of_a_response(parity: Any) -> None:
    """A response has 6,291,556 bytes; one byte more is the function's error."""
    function = parity.function("invoked")
    function.runs("def main(event, context):\n    return 'x' * (6291556 - 2)", once=True)
    answer = await parity.invoke("invoked")
    assert (len(answer["Payload"]), answer.get("FunctionError")) == (6_291_556, None)
    function.runs("def main(event, context):\n    return 'x' * (6291556 - 1)", once=True)
    answer = await parity.invoke("invoked")
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert json.loads(answer["Payload"]) == TOO_LARGE


@pytest.mark.row("E40")
@pytest.mark.parametrize(
    ("kind", "most", "status"), [("RequestResponse", 6_291_456, 200), ("Event", 1_048_576, 202)]
)
async def test_size_of_a_request(parity: Any, kind: str, most: int, status: int) -> None:
    """A request of the limit's size reaches the function; one byte more is 413."""
    payload = b'"%s"' % (b"x" * (most - 2))
    answer = await parity.invoke("invoked", payload, InvocationType=kind)
    assert answer["StatusCode"] == status
    assert len(await parity.function("invoked").event()) == most - 2
    with pytest.raises(ClientError) as caught:
        await parity.invoke("invoked", payload + b" ", InvocationType=kind)
    assert caught.value.response["Error"]["Code"] == "RequestTooLargeException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert parity.function("invoked").count == 1
