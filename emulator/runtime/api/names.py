"""How callers name functions. Pure."""

import re

from emulator.account import ACCOUNT_ID, REGION
from emulator.application import Function
from emulator.aws_api import ApiError
from emulator.aws_validation import refuse_violations
from emulator.invocation import LATEST

_NAME = re.compile(
    r"^(?:arn:aws:lambda:(?P<region>[a-z0-9-]+):)?(?:(?P<account>\d{12}):)?(?:function:)?"
    r"(?P<name>[A-Za-z0-9_-]+)(?::(?P<qualifier>\$LATEST|[A-Za-z0-9_-]+))?$"
)


def parse_function_name(value: str, qualifier: str | None) -> tuple[str, str | None]:
    """Return a function's name and qualifier from what a caller named it.

    Args:
        value: a name, an ARN or a partial ARN (`123456789012:function:name`), each with `:qualifier` or not.
        qualifier: from the query, or None.

    Raises:
        ApiError: it is none of these, or another account's or region's, or the qualifiers differ.
    """
    match = _NAME.match(value)
    if match is None:
        refuse_violations(
            f"Value '{value}' at 'functionName' failed to satisfy constraint: Member must satisfy regular"
            f" expression pattern: {_NAME.pattern}"
        )
    assert match is not None
    own = match["qualifier"]
    if own is not None and qualifier is not None and own != qualifier:
        raise ApiError(
            400,
            "InvalidParameterValueException",
            "The derived qualifier from the function name does not match the specified qualifier.",
        )
    if match["region"] not in (None, REGION):
        raise ApiError(
            404,
            "ResourceNotFoundException",
            f"Functions from '{match['region']}' are not reachable in this region ('{REGION}').",
        )
    if match["account"] not in (None, ACCOUNT_ID):
        raise ApiError(
            404,
            "ResourceNotFoundException",
            f"Function not found: {value}; the sandbox's account is {ACCOUNT_ID}.",
        )
    return match["name"], own or qualifier


def check_qualifier(function: Function, qualifier: str | None) -> None:
    """Refuse a version or alias, which functions of the sandbox do not have. Raises ApiError."""
    if qualifier not in (None, LATEST):
        raise ApiError(404, "ResourceNotFoundException", f"Function not found: {function.arn}:{qualifier}")
