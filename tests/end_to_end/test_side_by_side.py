"""Requests side by side: none delays another, each completes exactly once."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from emulator import Sandbox


@pytest.mark.slow
async def test_slow_request_never_delays_another(wire: Any) -> None:
    """While one request sleeps, later ones complete, long and short."""
    await wire.send({"action": "sleep", "id": "slow", "payload": {"seconds": 600, "steps": 6000}})
    await wire.until(request_id="slow", type="progress")
    for number in range(5):
        await wire.send({"action": "noop", "id": f"quick-{number}"})
    await wire.send({"action": "echo", "id": "short"})
    others = {"short", *(f"quick-{number}" for number in range(5))}
    while others:
        message = await wire.receive()
        if message["type"] in ("complete", "response"):
            others.remove(message["request_id"])
    await wire.send({"action": "cancel", "payload": {"request_id": "slow"}})
    assert (await wire.until(request_id="slow", type="error"))["error"]["code"] == "CANCELLED"


async def test_many_at_once_complete_exactly_once(wire: Any, person: Any, stored: Any) -> None:
    """Twenty long requests at once all complete, each exactly once and in one attempt."""
    names = [f"many-{number}" for number in range(20)]
    for name in names:
        await wire.send({"action": "sleep", "id": name, "payload": {"seconds": 0.2, "steps": 2}})
    outcomes: Counter[str] = Counter()
    while outcomes.total() < len(names):
        message = await wire.receive()
        assert message["type"] != "error", message
        if message["type"] == "complete":
            outcomes[message["request_id"]] += 1
    await wire.barrier()
    assert {name: len(wire.of(name, "complete")) for name in names} == dict.fromkeys(names, 1)
    for name in names:
        assert len(wire.of(name, "acknowledgment")) == 1
        state = await stored.state(person, name)
        assert (state["status"], state["attempt"]) == ("COMPLETED", 1)


async def test_reports_at_once_are_not_mixed_up(client: Any) -> None:
    """Reports that are made at the same time each hold their own dates."""
    years = ("2022", "2023", "2024")
    requests = [
        client.request("generate_report", {"start_date": f"{year}-01-01", "end_date": f"{year}-12-31"})
        for year in years
    ]
    results = await asyncio.gather(*requests)
    assert [result["start_date"][:4] for result in results] == list(years)
    assert len({result["report"].split("?")[0] for result in results}) == len(years)


async def test_users_do_not_hear_each_other(sandbox: Sandbox, dial: Any, new_person: Any) -> None:
    """With many users at work, each connection gets messages of its own requests only."""
    people = [new_person() for _ in range(6)]
    wires = [
        await dial(sandbox.addresses.websocket, sandbox.token(someone.user, someone.tenant))
        for someone in people
    ]
    for number, wire in enumerate(wires):
        await wire.send({"action": "sleep", "id": f"of-{number}", "payload": {"seconds": 0.3, "steps": 3}})
    await asyncio.gather(
        *(wire.until(request_id=f"of-{number}", type="complete") for number, wire in enumerate(wires))
    )
    for number, wire in enumerate(wires):
        await wire.barrier()
        own = {f"of-{number}"}
        assert {m["request_id"] for m in wire.messages if not m["request_id"].startswith("barrier")} == own
