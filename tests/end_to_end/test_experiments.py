"""Time that is moved and faults on purpose, in a sandbox of its own."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from emulator import Sandbox
from emulator.errors import EmulatorError
from emulator.testing import run_in
from streamer.stack import EXECUTOR_TIMEOUT_S

MINUTE_S = 60
DAY_S = 86_400

EXECUTOR_S = 12
"""An executor's timeout that is so short that a minute ends its lease while it works."""


@pytest.fixture(scope="module")
def sandbox(sandbox_options: dict[str, Any], sandbox_loop: asyncio.AbstractEventLoop) -> Iterator[Sandbox]:
    """A sandbox whose clock and faults are nobody else's."""
    running = run_in(sandbox_loop, Sandbox.start(options=sandbox_options))
    yield running
    run_in(sandbox_loop, running.stop())


@pytest.fixture(autouse=True)
async def no_faults_left(sandbox: Sandbox) -> Any:
    yield
    await sandbox.clear_faults()


async def struck(sandbox: Sandbox) -> list[int]:
    return [fault["struck"] for fault in await sandbox.faults()]


# the clock


async def test_idle_connection_is_closed_when_ten_minutes_have_passed(
    sandbox: Sandbox, wire: Any, person: Any, stored: Any, eventually: Any
) -> None:
    """The gateway closes with 1001, and `$disconnect` removes the connection's row."""
    assert (await wire.ask({"action": "echo"}))["type"] == "response"
    await sandbox.advance_clock(9 * MINUTE_S)
    assert (await wire.ask({"action": "echo"}))["type"] == "response"
    await sandbox.advance_clock(10 * MINUTE_S)
    assert await wire.closed() == 1001

    async def forgotten() -> bool:
        return not await stored.connections_of(person)

    await eventually(forgotten)


async def test_token_ends_when_its_time_has_passed(sandbox: Sandbox, dial: Any, person: Any) -> None:
    """Functions live in the sandbox's time: a token of five minutes is refused after six."""
    token = sandbox.token(person.user, person.tenant, expires_in_s=5 * MINUTE_S)
    wire = await dial(sandbox.addresses.websocket, token)
    assert (await wire.ask({"action": "echo"}))["type"] == "response"
    await sandbox.advance_clock(6 * MINUTE_S)
    assert (await wire.ask({"action": "echo"}))["error"]["code"] == "UNAUTHORIZED"
    await wire.closed()


async def test_token_made_after_an_advance_is_good(sandbox: Sandbox, dial: Any, person: Any) -> None:
    """`sandbox.token` issues in the sandbox's time."""
    await sandbox.advance_clock(DAY_S)
    wire = await dial(sandbox.addresses.websocket, sandbox.token(person.user, person.tenant))
    assert (await wire.ask({"action": "echo"}))["type"] == "response"


async def test_finished_request_is_deleted_after_its_week(
    sandbox: Sandbox, wire: Any, person: Any, stored: Any, eventually: Any
) -> None:
    """The back end follows the clock: its TTL deletes the request's items."""
    await wire.send({"action": "noop", "id": "old"})
    await wire.until(request_id="old", type="complete")
    await sandbox.advance_clock(6 * DAY_S)
    assert await stored.request(person, "old")
    await sandbox.advance_clock(2 * DAY_S)

    async def gone() -> bool:
        return not await stored.request(person, "old")

    await eventually(gone)


async def test_progress_that_is_kept_no_more_is_said_to_be_missing(
    sandbox: Sandbox, wire: Any, dial: Any, person: Any
) -> None:
    """Whoever comes days later gets the outcome alone, and learns that it is not all there was."""
    await wire.send({"action": "sleep", "id": "missed", "payload": {"seconds": 0.2, "steps": 2}})
    outcome = await wire.until(request_id="missed", type="complete")
    await sandbox.advance_clock(2 * DAY_S)
    later = await dial(sandbox.addresses.websocket, sandbox.token(person.user, person.tenant))
    answer = await later.ask(
        {"action": "subscribe", "payload": {"request_id": "missed", "after_sequence": 0}}
    )
    told = answer["data"]
    assert (told["request"]["status"], told["truncated"]) == ("COMPLETED", True)
    assert [(message["type"], message["sequence"]) for message in told["messages"]] == [
        ("complete", outcome["sequence"])
    ]


async def test_executor_that_outlives_its_lease_is_fenced_off(
    sandbox: Sandbox, wire: Any, person: Any, stored: Any, log_lines: Any, eventually: Any
) -> None:
    """Its request is another's by then: what it still does, as a zombie, is neither written nor told."""
    functions = sandbox.boto3("lambda")

    async def give(seconds: int) -> None:
        await asyncio.to_thread(
            functions.update_function_configuration, FunctionName="streamer-executor", Timeout=seconds
        )

    async def noticed() -> Any:
        return await log_lines(sandbox, "executor", action="request.superseded", request_id="zombie")

    await give(EXECUTOR_S)
    try:
        await wire.send({"action": "sleep", "id": "zombie", "payload": {"seconds": 6, "steps": 60}})
        await wire.until(request_id="zombie", type="progress")
        await sandbox.advance_clock(MINUTE_S + 1)
        complete = await wire.until(request_id="zombie", type="complete")
        assert await eventually(noticed)
    finally:
        await give(EXECUTOR_TIMEOUT_S)
    await wire.barrier()
    assert complete["result"]["attempt"] == 2
    assert wire.of("zombie", "complete", "error") == [complete]
    state = await stored.state(person, "zombie")
    assert (state["status"], state["attempt"], state["outcome_sequence"]) == (
        "COMPLETED",
        2,
        complete["sequence"],
    )


async def test_schedules_fire_when_their_time_has_passed(sandbox: Sandbox, eventually: Any) -> None:
    """A minute passes at once and the sweeper runs; a schedule that is switched off does not fire."""

    async def fired() -> list[Any]:
        entries = await sandbox.timeline(after=before)
        return [entry for entry in entries if entry["kind"] == "schedule.fired"]

    before = len(await sandbox.timeline())
    await sandbox.advance_clock(MINUTE_S)
    await eventually(fired)
    (name,) = {entry["facts"]["schedule"] for entry in await fired()}
    await sandbox.enable_schedule(name, enabled=False)
    before = (await sandbox.timeline())[-1]["sequence"]
    await sandbox.advance_clock(MINUTE_S)
    await sandbox.fire_schedule(name)
    await eventually(fired)
    assert len(await fired()) == 1
    await sandbox.enable_schedule(name)


async def test_clock_that_would_go_back_is_refused(sandbox: Sandbox) -> None:
    """The call is refused in a sentence, and time stays."""
    before = (await sandbox.clock())["offset_s"]
    with pytest.raises(EmulatorError, match="not by -1"):
        await sandbox.advance_clock(-1)
    assert (await sandbox.clock())["offset_s"] == before


# faults


async def test_killed_environment_costs_an_attempt(sandbox: Sandbox, wire: Any) -> None:
    """The executor is killed when it has begun; the second attempt completes, once."""
    await sandbox.add_fault("kill-environment", function="executor")
    await wire.send({"action": "noop", "id": "killed"})
    await wire.until(request_id="killed", type="complete")
    await wire.barrier()
    assert len(wire.of("killed", "complete")) == 1
    assert await struck(sandbox) == [1]


async def test_record_delivered_twice_runs_once(
    sandbox: Sandbox, wire: Any, person: Any, stored: Any
) -> None:
    """A batch that is delivered again starts no second run."""
    await sandbox.add_fault("duplicate-record", function="processor")
    await wire.send({"action": "noop", "id": "twice"})
    await wire.until(request_id="twice", type="complete")
    await wire.barrier()
    assert len(wire.of("twice", "complete")) == 1
    assert (await stored.state(person, "twice"))["attempt"] == 1
    assert await struck(sandbox) == [1]


async def test_late_record_completes_when_its_time_has_come(sandbox: Sandbox, wire: Any) -> None:
    """A record that is delayed by 25 minutes waits for the sandbox's clock, not for the machine's."""
    await sandbox.add_fault("delay-record", function="processor", delay_s=25 * MINUTE_S)
    await wire.send({"action": "noop", "id": "late"})
    await wire.until(request_id="late", type="acknowledgment")
    assert (await wire.ask({"action": "echo"}))["type"] == "response"
    for _ in range(3):
        await sandbox.advance_clock(9 * MINUTE_S)
        await wire.send({"action": "ping-that-does-not-exist"})
        await wire.until(type="error")
    if not wire.of("late", "complete"):  # it may have come before the last error
        await wire.until(request_id="late", type="complete")


async def test_failing_back_end_is_got_over(sandbox: Sandbox, wire: Any) -> None:
    """A throttled write is repeated and the request completes."""
    await sandbox.add_fault(
        "fail-backend-call",
        service="dynamodb",
        operation="UpdateItem",
        code="ProvisionedThroughputExceededException",
        times=2,
    )
    await wire.send({"action": "noop", "id": "throttled"})
    await wire.until(request_id="throttled", type="complete")
    assert await struck(sandbox) == [2]


async def test_refused_and_late_posts_lose_no_outcome(sandbox: Sandbox, wire: Any) -> None:
    """A post that is throttled once and one that is late both arrive."""
    await sandbox.add_fault("refuse-post", code="429", times=1)
    await sandbox.add_fault("delay-post", delay_s=0.2, times=1)
    await wire.send({"action": "noop", "id": "refused"})
    await wire.until(request_id="refused", type="complete")


async def test_cut_connection_is_lost_without_a_close_frame(
    sandbox: Sandbox, wire: Any, person: Any, stored: Any, eventually: Any
) -> None:
    """The client sees 1006, and the row goes by `$disconnect`."""
    (row,) = await stored.connections_of(person)
    assert await sandbox.cut_connection(row["pk"].removeprefix("CONNECTION#"))
    assert await wire.closed() == 1006

    async def forgotten() -> bool:
        return not await stored.connections_of(person)

    await eventually(forgotten)
    assert not await sandbox.cut_connection("R1kmxc2VNjMCFIA=")


async def test_unknown_fault_is_refused_with_the_known_ones(sandbox: Sandbox) -> None:
    """A typing error says what there is."""
    with pytest.raises(EmulatorError, match="there are kill-environment, "):
        await sandbox.add_fault("meteor")
