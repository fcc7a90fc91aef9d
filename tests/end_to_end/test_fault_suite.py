"""A storm of faults, small enough for every run; `python -m scripts.fault_suite` plays larger ones."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from emulator import Sandbox
from emulator.testing import run_in
from scripts.fault_suite.attempts import runs_of, unexplained
from scripts.fault_suite.plan import make_plan
from scripts.fault_suite.storm import Storm
from scripts.fault_suite.verdict import is_given_up

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


async def test_losses_are_read_from_a_real_timeline(
    sandbox: Sandbox, wire: Any, person: Any, stored: Any
) -> None:
    """Three executors that die explain a request that was given up; without one of them it would not be."""
    await wire.send({"action": "kill_environment", "id": "thrice", "payload": {"attempts": 3}})
    outcome = await wire.until(request_id="thrice", type="error")
    assert outcome["error"]["code"] == "PROCESSING_FAILED"
    state = await stored.state(person, "thrice")
    assert is_given_up(state)
    runs = runs_of(await sandbox.timeline(), "thrice")
    assert [run.loss for run in runs] == ["killed"] * 3
    assert not [*unexplained(state, runs, own_codes=frozenset())]
    for missing in range(3):
        left = runs[:missing] + runs[missing + 1 :]
        assert [*unexplained(state, left, own_codes=frozenset())] != []
