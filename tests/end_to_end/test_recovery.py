"""Whatever crashes in the middle: the request completes once, or ends with one clear error."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psutil
import pytest

from emulator import Sandbox
from streamer.actions.ledger import generate_ledger
from streamer.stack import stack
from streamer.store import RequestKey, RequestStore

SWEEP = "streamer-sweep"


class PastClock:
    """A clock that is an hour slow: what is written by it is due long since."""

    def now(self) -> float:
        return time.time() - 3600


async def endpoint_of(stored: Any, person: Any) -> tuple[str, str]:
    """Return id and endpoint of a user's one connection."""
    [row] = await stored.connections_of(person)
    return row["connection_id"], row["endpoint"]


async def queue_in_the_past(
    sandbox: Sandbox, stored: Any, person: Any, request_id: str, action: str, payload: dict[str, Any]
) -> RequestStore:
    """Write a request as the router does, an hour ago, with its user's connection as the subscriber."""
    store = RequestStore(sandbox.boto3("dynamodb"), stack().settings, PastClock())
    connection_id, endpoint = await endpoint_of(stored, person)
    await asyncio.to_thread(
        store.create,
        RequestKey(person.tenant, person.user, request_id),
        action=action,
        payload=payload,
        correlation_id=f"correlation-{request_id}",
        connection_id=connection_id,
        endpoint=endpoint,
    )
    return store


@asynccontextmanager
async def lost_dispatch(sandbox: Sandbox, eventually: Any) -> AsyncIterator[None]:
    """Let the executor die that the block's one request is handed to, and the sweeper that hears of it.

    Until then no other sweep begins: it would be the one that dies.
    """
    await sandbox.enable_schedule(SWEEP, enabled=False)
    faults = [
        await sandbox.add_fault("kill-environment", function=function) for function in ("executor", "sweeper")
    ]

    async def both_died() -> bool:
        return {fault["struck"] for fault in await sandbox.faults() if fault["id"] in faults} == {1}

    try:
        yield
        await eventually(both_died)
    finally:
        for fault in faults:
            await sandbox.remove_fault(fault)
        await sandbox.enable_schedule(SWEEP)


# An executor that dies


async def test_killed_executor_is_followed_by_one_that_completes(
    sandbox: Sandbox, wire: Any, person: Any, stored: Any, executor_of: Any
) -> None:
    """SIGKILL in the middle: attempt 2 completes within seconds, exactly once, with rising sequences."""
    await wire.send({"action": "sleep", "id": "killed", "payload": {"seconds": 4.0, "steps": 20}})
    while (await wire.until(request_id="killed", type="progress"))["percentage"] < 30:
        pass
    pid = await executor_of(sandbox, "killed")
    assert await sandbox.kill_environment("executor", pid=pid) == pid
    complete = await wire.until(request_id="killed", type="complete")
    await wire.barrier()

    assert complete["result"]["attempt"] == 2
    assert wire.of("killed", "complete", "error") == [complete]
    progress = wire.of("killed", "progress")
    assert {message["attempt"] for message in progress} == {1, 2}
    sequences = [message["sequence"] for message in [*progress, complete]]
    assert sequences == sorted(set(sequences))
    for attempt in (1, 2):
        percentages = [message["percentage"] for message in progress if message["attempt"] == attempt]
        assert percentages == sorted(percentages)
    state = await stored.state(person, "killed")
    assert (state["status"], state["attempt"]) == ("COMPLETED", 2)


async def test_killed_report_is_made_again(sandbox: Sandbox, person: Any, executor_of: Any) -> None:
    """A report whose executor is killed is the same report as one whose executor is not."""
    await asyncio.to_thread(
        sandbox.boto3("s3").put_object,
        Bucket="streamer-files",
        Key=f"tenants/{person.tenant}/sources/large.csv",
        Body=generate_ledger(rows=200_000),
    )
    payload = {"start_date": "2022-01-01", "end_date": "2024-12-31", "source": "large.csv"}
    client = await sandbox.connect(person.user, person.tenant)
    try:
        expected = await client.request("generate_report", payload)
        request = client.request("generate_report", payload)
        attempts = set()
        async for progress in request:
            if not attempts:
                pid = await executor_of(sandbox, request.request_id)
                assert await sandbox.kill_environment("executor", pid=pid) == pid
            attempts.add(progress.attempt)
        result = await request
    finally:
        await client.close()
    assert attempts == {1, 2}
    assert {**result, "report": ""} == {**expected, "report": ""}


async def test_executor_that_dies_in_every_attempt_fails_after_three(
    wire: Any, person: Any, stored: Any, eventually: Any
) -> None:
    """A request that kills whoever runs it ends as FAILED with one error after three attempts."""
    await wire.send({"action": "kill_environment", "id": "poison", "payload": {"attempts": 100}})
    error = await wire.until(request_id="poison", type="error")
    await wire.barrier()
    assert wire.of("poison", "error", "complete") == [error]
    assert error["error"]["code"] == "PROCESSING_FAILED"
    assert "3 attempts" in error["error"]["message"]

    async def delivered() -> Any:
        state = await stored.state(person, "poison")
        return state if "undelivered" not in state else None

    state = await eventually(delivered)
    assert (state["status"], state["attempt"]) == ("FAILED", 3)
    assert state["outcome_sequence"] == error["sequence"]
    sequences = [message["sequence"] for message in wire.of("poison", "progress", "error")]
    assert sequences == sorted(set(sequences))


async def test_poison_does_not_hold_up_others(wire: Any) -> None:
    """While one request kills its executors, others complete."""
    await wire.send({"action": "kill_environment", "id": "poison", "payload": {"attempts": 100}})
    for number in range(5):
        await wire.send({"action": "noop", "id": f"other-{number}"})
    for number in range(5):
        if not wire.of(f"other-{number}", "complete"):
            await wire.until(request_id=f"other-{number}", type="complete")
    if not wire.of("poison", "error"):
        await wire.until(request_id="poison", type="error")


@pytest.mark.parametrize("function", ["router", "processor", "sweeper", "connect"])
async def test_any_other_function_may_die_too(
    sandbox: Sandbox, dial: Any, person: Any, function: str
) -> None:
    """A function whose environment was killed runs in a new one with its next event."""
    assert await sandbox.kill_environment(function) is not None
    wire = await dial(sandbox.addresses.websocket, sandbox.token(person.user, person.tenant))
    await wire.send({"action": "kill_environment", "id": "crash"})
    complete = await wire.until(request_id="crash", type="complete")
    assert complete["result"] == {"attempt": 2}


# Delivered twice, or not at all


def stream_event(item: dict[str, Any], times: int) -> bytes:
    """Return the processor's event with the same STATE item, as DynamoDB's stream would send it."""
    record = {
        "eventID": "0" * 32,
        "eventName": "MODIFY",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "Keys": {"pk": item["pk"], "sk": item["sk"]},
            "NewImage": item,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
    }
    records = []
    for number in range(times):
        changes = {"SequenceNumber": str(number + 1).zfill(21)}
        records.append({**record, "dynamodb": {**record["dynamodb"], **changes}})
    return json.dumps({"Records": records}).encode()


async def deliver_again(sandbox: Sandbox, stored: Any, person: Any, request_id: str, times: int) -> Any:
    """Give the processor the stream record of a request again; return its answer."""
    found = await asyncio.to_thread(
        sandbox.boto3("dynamodb").get_item,
        TableName=stored.requests.name,
        Key={"pk": {"S": stored.pk(person, request_id)}, "sk": {"S": "STATE"}},
        ConsistentRead=True,
    )
    answer = await asyncio.to_thread(
        sandbox.boto3("lambda").invoke,
        FunctionName="streamer-processor",
        Payload=stream_event(found["Item"], times),
    )
    assert "FunctionError" not in answer
    return json.loads(await asyncio.to_thread(answer["Payload"].read))


async def skipped(log_lines: Any, sandbox: Sandbox, person: Any, request_id: str) -> int:
    lines = await log_lines(
        sandbox, "executor", request_id=request_id, tenant_id=person.tenant, action="request.skipped"
    )
    return len(lines)


async def test_record_that_comes_again_while_it_runs_runs_nothing(
    sandbox: Sandbox, wire: Any, person: Any, stored: Any, log_lines: Any, eventually: Any
) -> None:
    """A stream record delivered three times more while the request runs: one attempt, one completion."""
    await wire.send({"action": "sleep", "id": "twice", "payload": {"seconds": 1.0, "steps": 10}})
    await wire.until(request_id="twice", type="progress")
    assert await deliver_again(sandbox, stored, person, "twice", 3) == {"batchItemFailures": []}
    complete = await wire.until(request_id="twice", type="complete")

    async def all_skipped() -> bool:
        return await skipped(log_lines, sandbox, person, "twice") == 3

    await eventually(all_skipped)
    await wire.barrier()
    assert wire.of("twice", "complete", "error") == [complete]
    assert (await stored.state(person, "twice"))["attempt"] == 1


async def test_record_that_comes_again_after_the_end_runs_nothing(
    sandbox: Sandbox, wire: Any, person: Any, stored: Any, log_lines: Any, eventually: Any
) -> None:
    """A stream record delivered again after the end changes nothing and tells nobody."""
    await wire.send({"action": "noop", "id": "twice"})
    await wire.until(request_id="twice", type="complete")

    async def settled() -> Any:
        state = await stored.state(person, "twice")
        return state if "undelivered" not in state else None

    before = await eventually(settled)
    await deliver_again(sandbox, stored, person, "twice", 2)

    async def all_skipped() -> bool:
        return await skipped(log_lines, sandbox, person, "twice") == 2

    await eventually(all_skipped)
    await wire.barrier()
    assert len(wire.of("twice", "complete")) == 1
    assert await stored.state(person, "twice") == before


async def test_outcome_that_was_not_delivered_is_delivered_by_the_sweeper(
    sandbox: Sandbox, wire: Any, person: Any, stored: Any, eventually: Any
) -> None:
    """An outcome that is marked undelivered is sent again with its own sequence, and the mark cleared."""
    await wire.send({"action": "noop", "id": "lost"})
    outcome = await wire.until(request_id="lost", type="complete")

    async def settled() -> bool:
        return "undelivered" not in await stored.state(person, "lost")

    await eventually(settled)
    await stored.requests.set(
        stored.pk(person, "lost"), "STATE", undelivered=True, due="DUE", due_at=time.time() - 60
    )
    await sandbox.fire_schedule(SWEEP)
    again = await wire.until(request_id="lost", type="complete")
    assert {**again, "timestamp": ""} == {**outcome, "timestamp": ""}
    await eventually(settled)
    assert not {"due", "due_at"} & set(await stored.state(person, "lost"))


async def test_client_hears_an_outcome_that_is_sent_twice_once(
    sandbox: Sandbox, person: Any, stored: Any, eventually: Any
) -> None:
    """The Python client takes the same outcome, sent again, as one."""
    client = await sandbox.connect(person.user, person.tenant)
    try:
        request = client.request("noop", id="lost")
        await request

        async def settled() -> bool:
            return "undelivered" not in await stored.state(person, "lost")

        await eventually(settled)
        await stored.requests.set(
            stored.pk(person, "lost"), "STATE", undelivered=True, due="DUE", due_at=time.time() - 60
        )
        await sandbox.fire_schedule(SWEEP)
        await eventually(settled)
        await client.request("noop")
        assert await request == {}
        outcomes = [received for received in request.messages if received.message.request_id == "lost"]
        assert len([each for each in outcomes if type(each.message).__name__ == "Complete"]) == 1
    finally:
        await client.close()


async def test_outcome_that_was_stored_and_never_sent_is_delivered(
    sandbox: Sandbox, wire: Any, person: Any, stored: Any, eventually: Any
) -> None:
    """A crash between storing and sending: the sweeper delivers to a subscriber that never had it."""
    key = RequestKey(person.tenant, person.user, "crash")
    async with lost_dispatch(sandbox, eventually):
        store = await queue_in_the_past(sandbox, stored, person, "crash", "noop", {})
        claim = await asyncio.to_thread(
            store.claim, key, owner="a process that is gone", lease_until=time.time() + 60
        )
        await asyncio.to_thread(store.complete, claim, result={"by": "hand"}, sequence=claim.first_sequence)
    await sandbox.fire_schedule(SWEEP)
    complete = await wire.until(request_id="crash", type="complete")
    assert (complete["result"], complete["sequence"]) == ({"by": "hand"}, claim.first_sequence)


async def test_request_whose_dispatch_was_lost_is_swept(
    sandbox: Sandbox, wire: Any, person: Any, stored: Any, log_lines: Any, eventually: Any
) -> None:
    """A request whose executor died before it claimed it waits, until the sweeper dispatches it again."""
    async with lost_dispatch(sandbox, eventually):
        await queue_in_the_past(sandbox, stored, person, "lost", "noop", {})
    await sandbox.fire_schedule(SWEEP)
    complete = await wire.until(request_id="lost", type="complete")
    await wire.barrier()
    assert wire.of("lost") == [complete]
    assert (await stored.state(person, "lost"))["attempt"] == 1
    logged = {"request_id": "lost", "tenant_id": person.tenant, "action": "sweeper.redispatched"}
    await eventually(lambda: log_lines(sandbox, "sweeper", **logged))


async def test_lease_that_is_over_is_swept(
    sandbox: Sandbox, wire: Any, person: Any, stored: Any, log_lines: Any, eventually: Any
) -> None:
    """A request whose executor died without anybody being told runs again when its lease is over."""
    key = RequestKey(person.tenant, person.user, "lease")
    async with lost_dispatch(sandbox, eventually):
        store = await queue_in_the_past(sandbox, stored, person, "lease", "sleep", {"seconds": 0.1})
        await asyncio.to_thread(store.claim, key, owner="gone", lease_until=time.time() - 60)
    await sandbox.fire_schedule(SWEEP)
    complete = await wire.until(request_id="lease", type="complete")
    await wire.barrier()
    assert complete["result"]["attempt"] == 2
    assert wire.of("lease", "complete", "error") == [complete]
    logged = {"request_id": "lease", "tenant_id": person.tenant, "action": "sweeper.released"}
    await eventually(lambda: log_lines(sandbox, "sweeper", **logged))


async def test_sweep_with_nothing_to_do_does_nothing(
    sandbox: Sandbox, wire: Any, person: Any, stored: Any, log_lines: Any, eventually: Any
) -> None:
    """The sweeper leaves alone what runs: no second attempt, no second message."""
    await wire.send({"action": "sleep", "id": "running", "payload": {"seconds": 1.0, "steps": 10}})
    await wire.until(request_id="running", type="progress")
    before = len(await log_lines(sandbox, "sweeper", action="sweeper.swept"))
    for _ in range(3):
        await sandbox.fire_schedule(SWEEP)

    async def swept() -> bool:
        return len(await log_lines(sandbox, "sweeper", action="sweeper.swept")) >= before + 3

    await eventually(swept)
    complete = await wire.until(request_id="running", type="complete")
    await wire.barrier()
    assert complete["result"]["attempt"] == 1
    assert wire.of("running", "complete", "error") == [complete]


async def test_executor_killed_by_any_signal_is_followed(
    sandbox: Sandbox, wire: Any, executor_of: Any
) -> None:
    """SIGTERM from outside, which a handler may not see, is recovered from as SIGKILL is."""
    await wire.send({"action": "sleep", "id": "terminated", "payload": {"seconds": 4.0, "steps": 10}})
    await wire.until(request_id="terminated", type="progress")
    psutil.Process(await executor_of(sandbox, "terminated")).send_signal(signal.SIGTERM)
    complete = await wire.until(request_id="terminated", type="complete")
    assert complete["result"]["attempt"] == 2
