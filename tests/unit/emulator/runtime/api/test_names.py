"""How functions are named in Lambda's API."""

import pytest

from emulator.runtime.api import ApiError, parse_function_name

ARN = "arn:aws:lambda:us-east-1:000000000000:function:my-function"


@pytest.mark.parametrize(
    ("value", "qualifier", "expected"),
    [
        ("my-function", None, ("my-function", None)),
        ("my-function", "$LATEST", ("my-function", "$LATEST")),
        ("my-function:prod", None, ("my-function", "prod")),
        (ARN, None, ("my-function", None)),
        (f"{ARN}:$LATEST", "$LATEST", ("my-function", "$LATEST")),
        ("000000000000:function:my-function", None, ("my-function", None)),
        ("000000000000:my-function", None, ("my-function", None)),
        ("function:my-function:prod", None, ("my-function", "prod")),
    ],
)
def test_names(value: str, qualifier: str | None, expected: tuple[str, str | None]) -> None:
    """Names, ARNs and partial ARNs, each with a qualifier or without."""
    assert parse_function_name(value, qualifier) == expected


@pytest.mark.parametrize(
    ("value", "qualifier", "code"),
    [
        ("my function", None, "ValidationException"),
        ("", None, "ValidationException"),
        ("my-function:a", "b", "InvalidParameterValueException"),
        (ARN.replace("us-east-1", "eu-west-1"), None, "ResourceNotFoundException"),
        (ARN.replace("000000000000", "123456789012"), None, "ResourceNotFoundException"),
    ],
)
def test_names_that_are_refused(value: str, qualifier: str | None, code: str) -> None:
    """What is no name, contradicts itself or belongs to somebody else is refused with AWS's code."""
    with pytest.raises(ApiError) as caught:
        parse_function_name(value, qualifier)
    assert caught.value.code == code
