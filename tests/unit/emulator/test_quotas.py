"""What AWS allows a function to be."""

from pathlib import Path
from typing import Any

import pytest

from emulator.application import Application, AsynchronousConfig, Function, LoggingConfig
from emulator.errors import InvalidApplication


def declare(**options: Any) -> None:
    Application(name="a", functions=[Function("f", "a.b", Path("/code"), **options)])


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"timeout_s": 0.5}, "timeout"),
        ({"timeout_s": 901}, "timeout"),
        ({"memory_mb": 127}, "memory"),
        ({"memory_mb": 10_241}, "memory"),
        ({"ephemeral_storage_mb": 511}, "ephemeral storage"),
        ({"asynchronous": AsynchronousConfig(maximum_retry_attempts=3)}, "number of retries"),
        ({"asynchronous": AsynchronousConfig(maximum_event_age_s=59)}, "maximum event age"),
        ({"environment": {"A": "x" * 4096}}, "environment variables"),
        ({"logging": LoggingConfig(application_level="LOUD")}, "application log level"),
        ({"logging": LoggingConfig(system_level="ERROR")}, "system log level"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_lambda_refuses_is_no_application(options: dict[str, Any], named: str) -> None:
    """A value out of Lambda's range is refused where it is declared, and named (row E25)."""
    with pytest.raises(InvalidApplication, match=f"{named} of function f"):
        declare(**options)


def test_reserved_variables_are_no_functions_own() -> None:
    """What Lambda sets itself cannot be declared, as on AWS."""
    with pytest.raises(InvalidApplication, match="AWS_REGION, _HANDLER"):
        declare(environment={"_HANDLER": "x", "AWS_REGION": "y", "MINE": "z"})


@pytest.mark.parametrize(
    "options",
    [
        {"timeout_s": 1, "memory_mb": 128, "ephemeral_storage_mb": 512},
        {"timeout_s": 900, "memory_mb": 10_240, "ephemeral_storage_mb": 10_240},
        {"environment": {"A": "x" * (4096 - len('{"A":""}'))}},
    ],
    ids=["least", "most", "variables"],
)
def test_the_bounds_are_allowed(options: dict[str, Any]) -> None:
    """The least and the most that Lambda takes are taken."""
    declare(**options)
