"""The same id again: joined or refused, and never anybody else's."""

import asyncio
from typing import Any

from emulator import Sandbox

SLEEP = {"seconds": 5.0, "steps": 10}
"""Longer than several messages take to be answered."""


async def test_same_payload_joins_the_work_that_runs(wire: Any, person: Any, stored: Any) -> None:
    """The same id and payload again is acknowledged with where the work stands; it runs once."""
    message = {"action": "sleep", "id": "again", "payload": SLEEP}
    await wire.send(message)
    await wire.until(request_id="again", type="progress")
    await wire.send(message)
    await wire.until(request_id="again", type="complete")
    await wire.barrier()
    first, second = wire.of("again", "acknowledgment")
    assert (first["status"], second["status"]) == ("PENDING", "PROCESSING")
    assert len(wire.of("again", "complete")) == 1
    assert (await stored.state(person, "again"))["attempt"] == 1


async def test_same_payload_after_the_end_replays_the_outcome(wire: Any, person: Any, stored: Any) -> None:
    """The same id and payload after the end gives the stored outcome with its sequence; nothing runs."""
    message = {"action": "noop", "id": "again", "payload": {"b": 1, "a": 2}}
    await wire.send(message)
    outcome = await wire.until(request_id="again", type="complete")
    await wire.barrier()
    again = await wire.ask({**message, "payload": {"a": 2, "b": 1}})
    assert {**again, "timestamp": ""} == {**outcome, "timestamp": ""}
    assert (await stored.state(person, "again"))["attempt"] == 1


async def test_failure_is_replayed_as_well(wire: Any) -> None:
    """A request that failed is answered with its stored error."""
    message = {"action": "fail", "id": "again"}
    await wire.send(message)
    outcome = await wire.until(request_id="again", type="error")
    await wire.barrier()
    again = await wire.ask(message)
    assert {**again, "timestamp": ""} == {**outcome, "timestamp": ""}
    assert again["error"]["code"] == "ASKED_TO_FAIL"


async def test_other_payload_is_a_duplicate(wire: Any, person: Any, stored: Any) -> None:
    """The same id with another payload or action is `DUPLICATE_REQUEST`, and the first is not touched."""
    await wire.send({"action": "sleep", "id": "again", "payload": SLEEP})
    await wire.until(request_id="again", type="progress")
    for other in ({"action": "sleep", "payload": {"seconds": 0.5}}, {"action": "noop", "payload": SLEEP}):
        await wire.send({**other, "id": "again"})
        refused = await wire.until(request_id="again", type="error")
        assert refused["error"]["code"] == "DUPLICATE_REQUEST"
        assert "sequence" not in refused
    complete = await wire.until(request_id="again", type="complete")
    assert complete["result"]["slept_s"] == SLEEP["seconds"]
    assert (await stored.state(person, "again"))["attempt"] == 1


async def test_same_id_of_others_does_not_meet(
    sandbox: Sandbox, dial: Any, new_person: Any, stored: Any
) -> None:
    """Two tenants, and two users of a tenant, with the same id and other payloads have each their own."""
    ada, other = new_person(), new_person()
    people = [ada, type(ada)("someone-else", ada.tenant), type(ada)(ada.user, other.tenant)]
    wires = [
        await dial(sandbox.addresses.websocket, sandbox.token(someone.user, someone.tenant))
        for someone in people
    ]
    for number, wire in enumerate(wires):
        await wire.send({"action": "sleep", "id": "mine", "payload": {"seconds": 0.1, "steps": number + 1}})
    for number, wire in enumerate(wires):
        complete = await wire.until(request_id="mine", type="complete")
        assert complete["result"]["steps"] == number + 1
    for wire in wires:
        await wire.barrier()
        assert len(wire.of("mine", "complete")) == 1
    for someone in people:
        assert (await stored.state(someone, "mine"))["tenant_id"] == someone.tenant


async def test_ids_that_could_be_taken_for_others_do_not_meet(sandbox: Sandbox, dial: Any) -> None:
    """Tenants and users whose names hold the key's separators never share a request."""
    pairs = [("a#b", "c"), ("a", "b#c"), ("a%23b", "c")]
    for number, (tenant, user) in enumerate(pairs):
        wire = await dial(sandbox.addresses.websocket, sandbox.token(user, tenant))
        await wire.send({"action": "sleep", "id": "x", "payload": {"seconds": 0, "steps": number + 1}})
        assert (await wire.until(request_id="x", type="complete"))["result"]["steps"] == number + 1


async def test_every_subscriber_gets_everything(sandbox: Sandbox, dial: Any, person: Any) -> None:
    """Two connections of one user that ask for the same request both get progress and the same outcome."""
    token = sandbox.token(person.user, person.tenant)
    first, second = [await dial(sandbox.addresses.websocket, token) for _ in range(2)]
    message = {"action": "sleep", "id": "shared", "payload": SLEEP}
    await first.send(message)
    await first.until(request_id="shared", type="progress")
    await second.send(message)
    outcomes = await asyncio.gather(
        *(each.until(request_id="shared", type="complete") for each in (first, second))
    )
    assert outcomes[0] == outcomes[1]
    assert second.of("shared", "progress")


async def test_one_of_many_at_once_makes_the_request(
    sandbox: Sandbox, dial: Any, person: Any, stored: Any
) -> None:
    """Of several connections that send the same request at the same moment exactly one makes it run."""
    token = sandbox.token(person.user, person.tenant)
    wires = await asyncio.gather(*(dial(sandbox.addresses.websocket, token) for _ in range(5)))
    message = {"action": "sleep", "id": "race", "payload": {"seconds": 0.3, "steps": 3}}
    await asyncio.gather(*(wire.send(message) for wire in wires))
    outcomes = await asyncio.gather(*(wire.until(request_id="race", type="complete") for wire in wires))
    assert {outcome["sequence"] for outcome in outcomes} == {outcomes[0]["sequence"]}
    assert (await stored.state(person, "race"))["attempt"] == 1
