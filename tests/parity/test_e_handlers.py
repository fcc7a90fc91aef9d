"""Rows E9 to E11: what a handler returns, and handlers that cannot be loaded."""

import json
import sys
from typing import Any

import pytest

VALUES = """
    from decimal import Decimal

    def main(event, context):
        return {"decimal": Decimal("1.10"), "nan": float("nan"), "no": Decimal("NaN"), "text": "\\u00fc"}
"""


@pytest.mark.row("E9")
async def test_result_becomes_json(parity: Any) -> None:
    """Decimals keep their digits, NaN is let through, and text is escaped before Python 3.12 only."""
    parity.function("invoked").runs(VALUES)
    answer = await parity.invoke("invoked")
    text = "ü" if sys.version_info >= (3, 12) else "\\u00fc"
    expected = f'{{"decimal": 1.10, "nan": NaN, "no": NaN, "text": "{text}"}}'
    assert answer["Payload"].decode() == expected


@pytest.mark.row("E9")
async def test_result_that_is_no_json(parity: Any) -> None:
    """What cannot be written as JSON is the function's error."""
    parity.function("invoked").runs("def main(event, context):\n    return {1, 2}")
    answer = await parity.invoke("invoked")
    one = await parity.function("invoked").invocation()
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"]) == {
        "errorMessage": "Unable to marshal response: Object of type set is not JSON serializable",
        "errorType": "Runtime.MarshalError",
        "requestId": one.context["aws_request_id"],
        "stackTrace": [],
    }


@pytest.mark.row("E10")
@pytest.mark.parametrize(
    ("function", "error_type", "message"),
    [
        (
            "missing-module",
            "Runtime.ImportModuleError",
            "Unable to import module 'no_such_module': No module named 'no_such_module'",
        ),
        (
            "broken-import",
            "Runtime.ImportModuleError",
            "Unable to import module 'broken_import': No module named 'no_such_module_anywhere'",
        ),
        (
            "missing-function",
            "Runtime.HandlerNotFound",
            "Handler 'no_such_function' missing on module 'generic'",
        ),
        (
            "malformed-handler",
            "Runtime.MalformedHandlerName",
            "Bad handler 'generic': not enough values to unpack (expected 2, got 1)",
        ),
        (
            "broken-syntax",
            "Runtime.UserCodeSyntaxError",
            "Syntax error in module 'broken_syntax': expected ':' (broken_syntax.py, line 1)",
        ),
        (
            "built-in-module",
            "Runtime.BuiltInModuleConflict",
            "Cannot use built-in module sys as a handler module",
        ),
    ],
)
async def test_handler_that_cannot_be_loaded(
    parity: Any, function: str, error_type: str, message: str
) -> None:
    """Each cause has an error type and words of its own."""
    answer = await parity.invoke(function)
    payload = json.loads(answer["Payload"])
    assert answer["FunctionError"] == "Unhandled"
    assert (payload["errorType"], payload["errorMessage"]) == (error_type, message)
    assert payload["requestId"] == ""


@pytest.mark.row("E10")
async def test_event_that_cannot_be_read(parity: Any) -> None:
    """JSON that Python does not take, a number of too many digits here, is `Runtime.UnmarshalError`."""
    answer = await parity.invoke("invoked", b"1" * 5000)
    payload = json.loads(answer["Payload"])
    assert (answer["StatusCode"], answer["FunctionError"]) == (200, "Unhandled")
    assert payload["errorType"] == "Runtime.UnmarshalError"
    assert payload["errorMessage"].startswith("Unable to unmarshal input: Exceeds the limit (4300 digits)")
    assert parity.function("invoked").count == 0


@pytest.mark.row("E11")
@pytest.mark.parametrize("function", ["nested-module", "dotted-module"])
async def test_handler_in_a_folder(parity: Any, function: str) -> None:
    """`package/nested.handler` and `package.nested.handler` are `handler` of the module `package.nested`."""
    answer = await parity.invoke(function)
    one = await parity.function(function).invocation()
    assert json.loads(answer["Payload"]) is None
    assert one.environment["_HANDLER"] in ("package/nested.handler", "package.nested.handler")
