"""The parity suite's fixtures, and which tests another target can be asked."""

import pytest

from scripts.parity_harness.fixtures import (
    TARGET,
    function,
    make_table,
    map_queue,
    map_stream,
    parity,
    parity_certificate,
    parity_code,
    parity_target,
    policy,
    queue,
    recorder,
    sandbox,
    start_gateway,
    start_service,
    steps,
    stream,
    table,
)

__all__ = [
    "function",
    "make_table",
    "map_queue",
    "map_stream",
    "parity",
    "parity_certificate",
    "parity_code",
    "parity_target",
    "policy",
    "queue",
    "recorder",
    "sandbox",
    "start_gateway",
    "start_service",
    "steps",
    "stream",
    "table",
]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out, for another target, what does not ask the target or looks inside ours."""
    if TARGET == "streamer":
        return
    asks = [
        item
        for item in items
        if "parity" in getattr(item, "fixturenames", ())
        and "sandbox" not in getattr(item, "fixturenames", ())
    ]
    config.hook.pytest_deselected(items=[item for item in items if item not in asks])
    items[:] = asks
