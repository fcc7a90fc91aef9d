"""A storm of faults, small enough for every run; `python -m scripts.fault_suite` plays larger ones."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from emulator import Sandbox
from emulator.testing import run_in
from scripts.fault_suite.plan import make_plan
from scripts.fault_suite.storm import Storm

REQUESTS = 60
"""For each seed."""


@pytest.fixture
def sandbox(sandbox_options: dict[str, Any], sandbox_loop: asyncio.AbstractEventLoop) -> Iterator[Sandbox]:
    """A sandbox whose clock and faults are nobody else's."""
    running = run_in(sandbox_loop, Sandbox.start(options=sandbox_options))
    yield running
    run_in(sandbox_loop, running.stop())


@pytest.mark.timeout(400)
@pytest.mark.parametrize("seed", [2, 6])
async def test_no_outcome_is_lost_or_doubled_and_nothing_is_stuck(sandbox: Sandbox, seed: int) -> None:
    """Killed environments, failing calls, late and double records, refused posts, cut connections: every
    request ends once, as stored, and every consumer hears it once.
    """
    result = await Storm(sandbox, make_plan(seed, REQUESTS)).run()
    assert not result.violations, result.timelines
    assert sum(result.faults.values()) > REQUESTS / 2
