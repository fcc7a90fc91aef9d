"""How many long requests a user may have in flight, on a deployment that sets it to two."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from emulator import Sandbox
from emulator.testing import run_in

pytestmark = pytest.mark.slow

SWEEP = "streamer-sweep"

LONG = {"seconds": 60, "steps": 600}
"""Longer than any test here; ends at its next step when it is cancelled."""


@pytest.fixture(scope="module")
def sandbox(sandbox_options: dict[str, Any], sandbox_loop: asyncio.AbstractEventLoop) -> Iterator[Sandbox]:
    """A sandbox with a limit of two."""
    options = {**sandbox_options, "max_in_flight_per_user": 2}
    running = run_in(sandbox_loop, Sandbox.start(options=options))
    yield running
    run_in(sandbox_loop, running.stop())


async def begin(wire: Any, request_id: str) -> dict[str, Any]:
    """Send a long request; return its answer, which progress may overtake."""
    await wire.send({"action": "sleep", "id": request_id, "payload": LONG})
    while True:
        answer: dict[str, Any] = await wire.until(request_id=request_id)
        if answer["type"] != "progress":
            return answer


async def test_the_third_is_refused_until_one_ends(wire: Any, dial: Any, sandbox: Sandbox) -> None:
    """RATE_LIMITED says when to come again; short work, and another user, go on; then there is room."""
    assert [(await begin(wire, name))["type"] for name in ("one", "two")] == ["acknowledgment"] * 2
    refused = await begin(wire, "three")
    assert refused["error"]["code"] == "RATE_LIMITED"
    assert refused["error"]["retry"]["retryable"] is True
    assert refused["error"]["retry"]["after_s"] > 0
    assert (await wire.ask({"action": "echo", "id": "short"})) is not None
    other = await dial(sandbox.addresses.websocket, sandbox.token("somebody", "else"))
    assert (await begin(other, "theirs"))["type"] == "acknowledgment"
    await wire.send({"action": "cancel", "payload": {"request_id": "one"}})
    await wire.until(request_id="one", type="error")
    assert (await begin(wire, "three"))["type"] == "acknowledgment"
    for each, names in ((wire, ("two", "three")), (other, ("theirs",))):
        for name in names:
            await each.send({"action": "cancel", "payload": {"request_id": name}})
            assert (await each.until(request_id=name, type="error"))["error"]["code"] == "CANCELLED"


async def test_what_a_crash_left_in_the_counter_is_mended_by_the_sweeper(
    wire: Any, sandbox: Sandbox, log_lines: Any, eventually: Any
) -> None:
    """Two requests ended and nobody could count it: a third is refused, and taken after two sweeps."""
    await sandbox.add_fault("delay-record", function="processor", delay_s=100.0)  # so that they wait
    for name in ("lost-1", "lost-2"):
        assert (await begin(wire, name))["type"] == "acknowledgment"
    await sandbox.add_fault("fail-backend-call", service="dynamodb", operation="UpdateItem", times=None)
    try:
        for name in ("lost-1", "lost-2"):
            await wire.send({"action": "cancel", "payload": {"request_id": name}})
            assert (await wire.until(request_id=name, type="error"))["error"]["code"] == "CANCELLED"
    finally:
        await sandbox.clear_faults()
    assert (await begin(wire, "refused"))["error"]["code"] == "RATE_LIMITED"

    async def sweeps() -> int:
        return len(await log_lines(sandbox, "sweeper", action="sweeper.swept"))

    # A difference is wrong only where it was there the time before, also before a sweep of the schedule's.
    while not await log_lines(sandbox, "sweeper", action="sweeper.counters_mended"):
        before = await sweeps()
        await sandbox.fire_schedule(SWEEP)
        await eventually(lambda before=before: _more_than(sweeps, before))
    assert (await begin(wire, "taken"))["type"] == "acknowledgment"
    await wire.send({"action": "cancel", "payload": {"request_id": "taken"}})
    await wire.until(request_id="taken", type="error")


async def _more_than(count: Any, before: int) -> bool:
    return bool(await count() > before)
