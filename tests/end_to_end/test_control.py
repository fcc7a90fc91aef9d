"""Clients ask about requests, follow them from other connections, list them and end them."""

import time
from typing import Any

import pytest

from emulator import Sandbox


@pytest.fixture
def dial_as(sandbox: Sandbox, dial: Any) -> Any:
    """Open a bare connection of a person, with permissions where they are given."""

    async def dial_as(person: Any, *permissions: str) -> Any:
        token = sandbox.token(person.user, person.tenant, permissions=permissions)
        return await dial(sandbox.addresses.websocket, token)

    return dial_as


async def ask(wire: Any, action: str, **payload: Any) -> dict[str, Any]:
    """Ask a control action, and return its answer whatever else comes before."""
    mark = f"{action}-{time.monotonic_ns()}"
    await wire.send({"action": action, "id": mark, "payload": payload})
    while True:
        message: dict[str, Any] = await wire.receive()
        if message.get("request_id") == mark:
            return message


async def test_a_ping_is_answered(wire: Any) -> None:
    """`ping` gives `pong`, the heartbeat of a connection."""
    assert set(await wire.ask({"action": "ping"})) == {"type", "timestamp"}


async def test_a_request_is_followed_from_another_connection(wire: Any, dial_as: Any, person: Any) -> None:
    """Whoever comes later gets the present state, then what follows, with the same sequences."""
    await wire.send({"action": "sleep", "id": "s1", "payload": {"seconds": 5, "steps": 20}})
    await wire.until(request_id="s1", type="progress")
    second = await dial_as(person)
    answer = await ask(second, "subscribe", request_id="s1", after_sequence=0)
    assert answer["data"]["request"]["status"] == "PROCESSING"
    first_outcome = await wire.until(request_id="s1", type="complete")
    outcome = await second.until(request_id="s1", type="complete")
    assert outcome == first_outcome
    assert second.of("s1", "progress")


async def test_what_was_missed_comes_with_the_outcome(wire: Any, dial_as: Any, person: Any) -> None:
    """After the end `subscribe` tells everything that was kept after the sequence, the outcome last."""
    await wire.send({"action": "sleep", "id": "s1", "payload": {"seconds": 0.5, "steps": 3}})
    outcome = await wire.until(request_id="s1", type="complete")
    later = await dial_as(person)
    data = (await ask(later, "subscribe", request_id="s1", after_sequence=0))["data"]
    assert data["request"]["status"] == "COMPLETED"
    told = data["messages"]
    assert (told[-1]["type"], told[-1]["sequence"]) == ("complete", outcome["sequence"])
    assert told[-1]["result"] == outcome["result"]
    sequences = [message["sequence"] for message in told]
    assert sequences == sorted(set(sequences))
    seen = (await ask(later, "subscribe", request_id="s1", after_sequence=outcome["sequence"]))["data"]
    assert (seen["messages"], seen["truncated"]) == ([], False)


async def test_status_has_the_result(wire: Any) -> None:
    """A request that is over can be asked for its result as long as it is kept."""
    await wire.send({"action": "noop", "id": "n1"})
    await wire.until(request_id="n1", type="complete")
    data = (await ask(wire, "status", request_id="n1"))["data"]
    assert (data["status"], data["action"], data["attempt"], data["result"]) == ("COMPLETED", "noop", 1, {})


async def test_own_requests_are_listed(wire: Any, eventually: Any) -> None:
    """The newest comes first, page by page."""
    for number in range(3):
        await wire.send({"action": "noop", "id": f"n{number}"})
        await wire.until(request_id=f"n{number}", type="complete")

    async def listed() -> Any:
        page = (await ask(wire, "list", limit=2, status="COMPLETED"))["data"]
        return page if len(page["requests"]) == 2 and page["requests"][0]["request_id"] == "n2" else None

    page = await eventually(listed)  # the index follows the table after a moment
    assert [request["request_id"] for request in page["requests"]] == ["n2", "n1"]
    rest = (await ask(wire, "list", limit=2, status="COMPLETED", cursor=page["cursor"]))["data"]
    assert [request["request_id"] for request in rest["requests"]] == ["n0"]
    assert "cursor" not in rest


async def test_a_tenants_requests_need_a_permission(
    wire: Any, dial_as: Any, person: Any, new_person: Any
) -> None:
    """A colleague follows with `requests:read` only; a stranger finds nothing, whatever their token says."""
    await wire.send({"action": "noop", "id": "n1"})
    outcome = await wire.until(request_id="n1", type="complete")
    colleague = type(person)("colleague", person.tenant)
    meant = {"request_id": "n1", "user_id": person.user}

    refused = await ask(await dial_as(colleague), "subscribe", **meant)
    assert refused["error"]["code"] == "FORBIDDEN"
    told = await ask(await dial_as(colleague, "requests:read"), "subscribe", **meant)
    assert told["data"]["messages"][-1]["sequence"] == outcome["sequence"]
    stranger = await dial_as(new_person(), "requests:read", "requests:cancel")
    for action in ("status", "subscribe", "cancel"):
        assert (await ask(stranger, action, **meant))["error"]["code"] == "NOT_FOUND"


async def test_a_request_that_waits_ends_at_once(
    sandbox: Sandbox, wire: Any, person: Any, stored: Any, log_lines: Any, eventually: Any
) -> None:
    """It is CANCELLED, its outcome is told, and an executor that comes later runs nothing."""
    late = await sandbox.add_fault("delay-record", function="processor", delay_s=6.0)
    try:
        await wire.send({"action": "sleep", "id": "s1", "payload": {"seconds": 1, "steps": 2}})
        await wire.until(request_id="s1", type="acknowledgment")
        await wire.send({"action": "cancel", "id": "c1", "payload": {"request_id": "s1"}})
        answer = await wire.until(request_id="c1")

        async def skipped() -> Any:
            fields = {"action": "request.skipped", "request_id": "s1", "tenant_id": person.tenant}
            return await log_lines(sandbox, "executor", **fields)

        await eventually(skipped)
    finally:
        await sandbox.remove_fault(late)
    await wire.barrier()
    assert answer["data"]["status"] == "CANCELLED"
    assert [each["error"]["code"] for each in wire.of("s1", "error")] == ["CANCELLED"]
    assert wire.of("s1", "progress", "complete") == []
    state = await stored.state(person, "s1")
    assert (state["status"], state["attempt"]) == ("CANCELLED", 0)


async def test_a_request_that_runs_ends_at_its_next_progress(wire: Any) -> None:
    """`cancel` is answered at once; the action learns of it, and its outcome is CANCELLED."""
    await wire.send({"action": "sleep", "id": "s1", "payload": {"seconds": 60, "steps": 600}})
    await wire.until(request_id="s1", type="progress")
    answer = await ask(wire, "cancel", request_id="s1")
    assert answer["data"]["cancel_requested"] is True
    outcome = await wire.until(request_id="s1", type="error")
    assert outcome["error"]["code"] == "CANCELLED"
    assert (await ask(wire, "status", request_id="s1"))["data"]["status"] == "CANCELLED"
