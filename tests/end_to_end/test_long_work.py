"""Work that is longer than an invocation may be: functions of a few seconds, jobs of a minute."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from emulator import Sandbox
from emulator.testing import run_in
from tests.end_to_end.conftest import Stored, Wire

pytestmark = pytest.mark.slow

TIMEOUT_S = 4
"""Of the executor in these tests: what Lambda gives is 900."""

NAME = "brief"


@pytest.fixture(scope="module")
def brief(sandbox: Sandbox, sandbox_loop: asyncio.AbstractEventLoop) -> Iterator[Sandbox]:
    """A deployment whose executor has a few seconds, on the first one's back end."""
    options = {"name": NAME, "action_modules": ["streamer.testing"], "executor_timeout_s": TIMEOUT_S}
    started = run_in(
        sandbox_loop, Sandbox.start(options=options, aws_endpoint=sandbox.addresses.aws_endpoint)
    )
    yield started
    run_in(sandbox_loop, started.stop())


@pytest.fixture
async def wire(brief: Sandbox, dial: Any, person: Any) -> Wire:
    found: Wire = await dial(brief.addresses.websocket, brief.token(person.user, person.tenant))
    return found


@pytest.fixture
def stored(brief: Sandbox) -> Stored:
    return Stored(brief, NAME)


async def outcome(wire: Wire, request_id: str, within_s: float) -> dict[str, Any]:
    """Return a request's outcome, which takes longer than other messages."""
    async with asyncio.timeout(within_s):
        while True:
            message = await wire.receive()
            if message.get("request_id") == request_id and message["type"] in ("complete", "error"):
                return message


async def test_a_job_of_a_minute_in_invocations_of_a_few_seconds(
    wire: Wire, person: Any, stored: Stored
) -> None:
    """It goes on from its checkpoints to its end, as one attempt, with progress that only rises."""
    await wire.send({"action": "sleep_on", "id": "job", "payload": {"seconds": 60, "steps": 120}})
    complete = await outcome(wire, "job", within_s=150)
    await wire.barrier()

    assert complete["type"] == "complete", complete
    assert (complete["result"]["steps"], complete["result"]["attempt"]) == (120, 1)
    assert complete["result"]["runs"] > 60 / TIMEOUT_S
    assert wire.of("job", "complete", "error") == [complete]
    progress = wire.of("job", "progress")
    sequences = [message["sequence"] for message in [*progress, complete]]
    assert sequences == sorted(set(sequences))
    percentages = [message["percentage"] for message in progress]
    assert percentages == sorted(percentages)
    assert {message["attempt"] for message in progress} == {1}
    state = await stored.state(person, "job")
    assert state["continuations"] == complete["result"]["runs"] - 1
    assert len(state["history"]) <= 20


async def test_a_job_whose_executor_is_killed_goes_on_from_its_checkpoint(
    brief: Sandbox, wire: Wire, person: Any, stored: Stored, eventually: Any, executor_of: Any
) -> None:
    """After SIGKILL the next attempt begins at the last checkpoint, not at nothing."""
    await wire.send({"action": "sleep_on", "id": "killed", "payload": {"seconds": 9, "steps": 36}})

    async def went_on() -> bool:
        state = await stored.state(person, "killed")
        return bool(state.get("continuations")) and state["status"] == "PROCESSING"

    await eventually(went_on)
    pid = await executor_of(brief, "killed")
    assert await brief.kill_environment("executor", pid=pid) == pid
    complete = await outcome(wire, "killed", within_s=60)
    assert complete["type"] == "complete", complete
    assert complete["result"]["attempt"] == 2
    second = [message for message in wire.of("killed", "progress") if message["attempt"] == 2]
    assert second[0]["percentage"] > 0


async def test_a_job_without_checkpoints_is_told_that_it_takes_too_long(
    wire: Wire, person: Any, stored: Stored
) -> None:
    """Each attempt ends with the invocation; the client sees them, and one TIMEOUT with all of them."""
    await wire.send({"action": "sleep", "id": "long", "payload": {"seconds": 60, "steps": 120}})
    error = await outcome(wire, "long", within_s=90)
    assert error["error"]["code"] == "TIMEOUT"
    attempts = error["error"]["details"]["attempts"]
    assert [(each["attempt"], each["code"]) for each in attempts] == [(n, "TIMEOUT") for n in (1, 2, 3)]
    notices = [
        message["metadata"]
        for message in wire.of("long", "progress")
        if "next_attempt_at" in (message.get("metadata") or {})
    ]
    assert [(notice["attempt"], notice["code"]) for notice in notices] == [(1, "TIMEOUT"), (2, "TIMEOUT")]


async def test_a_job_can_be_cancelled_in_any_of_its_invocations(
    wire: Wire, person: Any, stored: Stored, eventually: Any
) -> None:
    """The wish is heard at the next report, wherever that runs; one outcome says so."""
    await wire.send({"action": "sleep_on", "id": "unwanted", "payload": {"seconds": 60, "steps": 120}})

    async def went_on() -> bool:
        return bool((await stored.state(person, "unwanted")).get("continuations"))

    await eventually(went_on)
    await wire.send({"action": "cancel", "id": "wish", "payload": {"request_id": "unwanted"}})
    error = await outcome(wire, "unwanted", within_s=30)
    await wire.barrier()
    assert error["error"]["code"] == "CANCELLED"
    assert wire.of("unwanted", "complete", "error") == [error]
    assert (await stored.state(person, "unwanted"))["status"] == "CANCELLED"
