"""A token that ends while its connection is open."""

import time
from typing import Any

import jwt
import pytest

from emulator import Sandbox


def ends_at(token: str) -> float:
    return float(jwt.decode(token, options={"verify_signature": False})["exp"])


@pytest.mark.slow
async def test_connection_ends_with_its_token(
    sandbox: Sandbox, dial: Any, person: Any, stored: Any, eventually: Any
) -> None:
    """After the token's end the next message is answered UNAUTHORIZED and the server closes."""
    token = sandbox.token(person.user, person.tenant, expires_in_s=8)
    wire = await dial(sandbox.addresses.websocket, token)
    answer = await wire.ask({"action": "echo"})
    assert answer["type"] == "response"

    async def refused() -> Any:
        answer = await wire.ask({"action": "echo"})
        return answer if answer["type"] == "error" else None

    answer = await eventually(refused)
    assert time.time() >= ends_at(token)
    assert answer["error"]["code"] == "UNAUTHORIZED"
    assert token not in str(answer)
    await wire.closed()
    assert wire.messages[-1] == answer

    async def forgotten() -> bool:
        return not await stored.connections_of(person)

    await eventually(forgotten)


@pytest.mark.slow
async def test_long_work_of_an_ended_token_takes_nothing_new(
    sandbox: Sandbox, dial: Any, person: Any, stored: Any
) -> None:
    """A long request after the token's end is not queued; one from before it completes."""
    wire = await dial(sandbox.addresses.websocket, sandbox.token(person.user, person.tenant, expires_in_s=8))
    await wire.send({"action": "sleep", "id": "before", "payload": {"seconds": 8.2, "steps": 20}})
    await wire.until(request_id="before", type="complete")
    await wire.send({"action": "noop", "id": "after"})
    message = await wire.until(type="error")
    assert message["error"]["code"] == "UNAUTHORIZED"
    await wire.closed()
    assert not await stored.request(person, "after")
