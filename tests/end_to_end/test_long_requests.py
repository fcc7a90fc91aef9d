"""Long work: acknowledgment, progress, one outcome, and what is stored of it."""

import json
import time
from datetime import datetime
from typing import Any

from emulator import Sandbox
from streamer.store.limits import CONNECTION_TTL_S, REQUEST_TTL_S

REPORT = {"start_date": "2024-01-01", "end_date": "2024-12-31", "report_type": "quarterly"}


async def test_messages_come_as_the_protocol_says(wire: Any) -> None:
    """A long request is acknowledged with sequence 0, reports progress, and completes exactly once."""
    await wire.send({"action": "generate_report", "id": "report-1", "payload": REPORT})
    await wire.until(request_id="report-1", type="complete")
    await wire.barrier()

    [acknowledgment] = wire.of("report-1", "acknowledgment")
    assert acknowledgment["sequence"] == 0
    assert acknowledgment["status"] == "PENDING"
    assert set(acknowledgment) == {"type", "request_id", "sequence", "timestamp", "status", "message"}
    progress = wire.of("report-1", "progress")
    assert len(progress) >= 2
    assert all(
        set(message) - {"metadata"}
        == {"type", "request_id", "sequence", "timestamp", "attempt", "percentage", "message"}
        for message in progress
    )
    [complete] = wire.of("report-1", "complete")
    assert set(complete) == {"type", "request_id", "sequence", "timestamp", "success", "result"}
    assert complete["success"] is True
    assert not wire.of("report-1", "error", "response")


async def test_sequence_rises_and_percentage_never_falls(wire: Any) -> None:
    """Sequence numbers rise strictly up to the outcome's; the percentage begins at 0 and ends at 100."""
    await wire.send({"action": "generate_report", "id": "report-1", "payload": REPORT})
    complete = await wire.until(request_id="report-1", type="complete")
    progress = wire.of("report-1", "progress")
    sequences = [message["sequence"] for message in progress] + [complete["sequence"]]
    assert sequences == sorted(set(sequences))
    assert sequences[0] > 0
    percentages = [message["percentage"] for message in progress]
    assert percentages == sorted(percentages)
    assert (percentages[0], percentages[-1]) == (0, 100)
    assert {message["attempt"] for message in progress} == {1}


async def test_times_are_utc_with_milliseconds(wire: Any) -> None:
    """Every message carries an ISO 8601 time in UTC with milliseconds, of now."""
    await wire.send({"action": "sleep", "id": "sleep-1", "payload": {"seconds": 0.2, "steps": 2}})
    await wire.until(request_id="sleep-1", type="complete")
    for message in wire.of("sleep-1"):
        at = datetime.strptime(message["timestamp"], "%Y-%m-%dT%H:%M:%S.%f%z")
        assert message["timestamp"].endswith("Z")
        assert len(message["timestamp"]) == len("2024-01-01T00:00:00.000Z")
        assert abs(at.timestamp() - time.time()) < 60


async def test_ten_progress_messages_at_most_are_sent_in_a_second(wire: Any) -> None:
    """An action that reports hundreds of times a second is heard ten times in any second, and to its end."""
    await wire.send({"action": "sleep", "id": "sleep-1", "payload": {"seconds": 5, "steps": 1000}})
    await wire.until(request_id="sleep-1", type="complete")
    progress = wire.of("sleep-1", "progress")
    sent_at = [datetime.fromisoformat(message["timestamp"]).timestamp() for message in progress]
    assert len(sent_at) > 10
    assert min(later - at for at, later in zip(sent_at, sent_at[10:], strict=False)) > 0.95
    assert progress[-1]["percentage"] == 100


async def test_client_iterates_progress_and_awaits_the_result(client: Any) -> None:
    """The object that `request` returns is iterated for progress and awaited for the result."""
    request = client.request("sleep", {"seconds": 0.5, "steps": 5})
    percentages = [progress.percentage async for progress in request]
    result = await request
    assert percentages == sorted(percentages)
    assert percentages[-1] == 100
    assert result == {"slept_s": 0.5, "steps": 5, "attempt": 1}


async def test_coroutine_action_runs_as_well(client: Any) -> None:
    """An `async def` action is run like any other, also twice in the same environment."""
    for _ in range(2):
        result = await client.request("sleep_async", {"seconds": 0.1, "steps": 2})
        assert result["attempt"] == 1


async def test_outcome_is_persisted(wire: Any, person: Any, stored: Any, eventually: Any) -> None:
    """A completed request is a group of STATE, PAYLOAD and RESULT, which expire together after 7 days."""
    payload = {"marker": "p", "number": 1.5}
    began = time.time()
    await wire.send({"action": "noop", "id": "noop-1", "payload": payload})
    complete = await wire.until(request_id="noop-1", type="complete")

    async def delivered() -> Any:
        items = await stored.request(person, "noop-1")
        return items if "undelivered" not in items["STATE"] else None

    items = await eventually(delivered)
    assert set(items) == {"STATE", "PAYLOAD", "RESULT"}
    state = items["STATE"]
    assert (state["status"], state["attempt"], state["action"]) == ("COMPLETED", 1, "noop")
    assert (state["tenant_id"], state["user_id"], state["request_id"]) == (
        person.tenant,
        person.user,
        "noop-1",
    )
    assert state["outcome_sequence"] == complete["sequence"]
    assert began - 1 <= state["created_at"] <= state["started_at"] <= state["finished_at"] <= time.time() + 1
    assert not {"due", "due_at", "lease_until"} & set(state)
    assert json.loads(items["PAYLOAD"]["data"]) == payload
    assert json.loads(items["RESULT"]["data"]) == complete["result"]
    expiries = {item["expires_at"] for item in items.values()}
    assert len(expiries) == 1
    assert abs(expiries.pop() - REQUEST_TTL_S - began) < 60


async def test_progress_is_persisted(wire: Any, person: Any, stored: Any, eventually: Any) -> None:
    """While an attempt works, the STATE item says how far it is."""
    await wire.send({"action": "sleep", "id": "sleep-1", "payload": {"seconds": 60, "steps": 600}})

    async def has_progress() -> bool:
        state = await stored.state(person, "sleep-1")
        return state.get("status") == "PROCESSING" and 0 < state.get("percentage", 0) < 100

    await eventually(has_progress)
    await wire.send({"action": "cancel", "payload": {"request_id": "sleep-1"}})
    await wire.until(request_id="sleep-1", type="error")


async def test_rows_of_a_connection_live_as_long_as_it(
    sandbox: Sandbox, dial: Any, person: Any, stored: Any, eventually: Any
) -> None:
    """A connection and its subscriptions are rows with a TTL, and they go when it disconnects."""
    connection = await dial(sandbox.addresses.websocket, sandbox.token(person.user, person.tenant))
    [row] = await stored.connections_of(person)
    assert row["tenant_id"] == person.tenant
    assert abs(row["expires_at"] - CONNECTION_TTL_S - time.time()) < 60
    await connection.send({"action": "noop", "id": "noop-1"})
    await connection.until(request_id="noop-1", type="complete")
    [subscription] = await stored.subscriptions_of(person)
    assert subscription["connection_id"] == row["connection_id"]
    assert subscription["expires_at"] > time.time()

    await connection.connection.close()

    async def gone() -> bool:
        return not await stored.connections_of(person) and not await stored.subscriptions_of(person)

    await eventually(gone)


async def test_request_survives_its_connection(
    sandbox: Sandbox, dial: Any, person: Any, stored: Any, eventually: Any
) -> None:
    """A request whose client has left completes; asking again on a new connection gives its outcome."""
    token = sandbox.token(person.user, person.tenant)
    message = {"action": "sleep", "id": "sleep-1", "payload": {"seconds": 0.5, "steps": 5}}
    first = await dial(sandbox.addresses.websocket, token)
    await first.send(message)
    await first.until(request_id="sleep-1", type="acknowledgment")
    await first.connection.close()

    async def completed() -> bool:
        return (await stored.state(person, "sleep-1"))["status"] == "COMPLETED"

    await eventually(completed)
    second = await dial(sandbox.addresses.websocket, token)
    answer = await second.ask(message)
    assert (answer["type"], answer["result"]["attempt"]) == ("complete", 1)
