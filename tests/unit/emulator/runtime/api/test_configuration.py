"""Requests that change a function's configuration, whatever is in them."""

from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from emulator.application import Function
from emulator.aws_api import ApiError
from emulator.aws_validation import Members
from emulator.runtime.api.configuration import read_changes, read_destination

FUNCTION = Function("f", "app.f", Path("."))
NAMES = (
    "Timeout",
    "MemorySize",
    "Environment",
    "Handler",
    "DeadLetterConfig",
    "LoggingConfig",
    "EphemeralStorage",
    "Layers",
    "VpcConfig",
    "Runtime",
    "Other",
)
INNER = st.sampled_from(("Variables", "TargetArn", "LogFormat", "ApplicationLogLevel", "Size"))
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(INNER | st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(values=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=4))
def test_any_object_is_read_or_refused(values: dict[str, Any]) -> None:
    """What is read is within Lambda's limits; everything else is an error of the API, never one of ours."""
    try:
        changes = read_changes(FUNCTION, Members(values), values).function
    except ApiError:
        return
    assert 1 <= changes.get("timeout_s", 1) <= 900
    assert 128 <= changes.get("memory_mb", 128) <= 10_240
    assert all(isinstance(value, str) for value in changes.get("environment", {}).values())


@given(arn=st.text(max_size=40) | st.from_regex(r"arn:aws:(lambda|sqs|sns|s3):[a-z0-9:-]*", fullmatch=True))
def test_any_text_is_a_destination_or_none(arn: str) -> None:
    """An ARN that is taken is the ARN of what it was taken for."""
    destination = read_destination(arn)
    assert destination is None or arn.removesuffix(":$LATEST") == destination.arn
