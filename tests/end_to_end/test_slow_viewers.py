"""A viewer that does not read: everybody else goes on, and the request ends."""

from typing import Any

from emulator import Sandbox

NEVER_S = 60.0
"""Seconds that a post to somebody takes who does not read: longer than anything here."""


async def test_a_viewer_that_does_not_read_holds_up_neither_progress_nor_outcome(
    sandbox: Sandbox, dial: Any, person: Any, stored: Any, eventually: Any
) -> None:
    """Its user's other connection sees the steps, and the outcome while a post to it is still on its way."""
    token = sandbox.token(person.user, person.tenant)
    quick = await dial(sandbox.addresses.websocket, token)
    await quick.ask({"action": "echo"})
    (first,) = await stored.connections_of(person)
    slow = await dial(sandbox.addresses.websocket, token)
    await slow.ask({"action": "echo"})
    (hanging,) = [
        each["connection_id"]
        for each in await stored.connections_of(person)
        if each["connection_id"] != first["connection_id"]
    ]
    await sandbox.add_fault("delay-post", connection_id=hanging, delay_s=NEVER_S, times=None)
    try:
        payload = {"seconds": 5.0, "steps": 10}
        await quick.ask({"action": "sleep", "id": "viewed", "payload": payload})
        await slow.ask({"action": "subscribe", "payload": {"request_id": "viewed"}})
        outcome = await quick.until(request_id="viewed", type="complete")
        assert outcome["success"]
        told = [message["percentage"] for message in quick.of("viewed", "progress")]
        assert {0, 100} < set(told), "there was something between"
        answered = [
            entry
            for entry in await sandbox.timeline()
            if entry["kind"] == "gateway.post" and entry["facts"]["connection_id"] == hanging
        ]
        assert not [entry for entry in answered if entry["facts"]["status"] == 200]
        assert (await stored.state(person, "viewed"))["undelivered"]
    finally:
        await sandbox.clear_faults()
