"""Destinations that an application may declare for asynchronous invocations."""

from pathlib import Path
from typing import Any

import pytest

from emulator.application import Application, AsynchronousConfig, Destination, Function
from emulator.errors import InvalidApplication


@pytest.mark.parametrize(
    "options",
    [
        {"asynchronous": AsynchronousConfig(on_success=Destination.bucket("b"))},
        {"dead_letter": Destination.bucket("b")},
        {"dead_letter": Destination.function("f")},
    ],
    ids=["bucket for successes", "bucket for letters", "function for letters"],
)
def test_destinations_that_lambda_does_not_take(options: dict[str, Any]) -> None:
    """A declaration that AWS would refuse is refused before anything starts."""
    function = Function("f", "app.f", Path("."), **options)
    with pytest.raises(InvalidApplication, match="name a"):
        Application("a", functions=[function], buckets=["b"])


def test_destinations_that_lambda_takes() -> None:
    """A bucket takes failures; a queue or a topic takes letters."""
    config = AsynchronousConfig(on_failure=Destination.bucket("b"))
    function = Function("f", "app.f", Path("."), asynchronous=config, dead_letter=Destination.topic("t"))
    Application("a", functions=[function], buckets=["b"], topics=["t"])
