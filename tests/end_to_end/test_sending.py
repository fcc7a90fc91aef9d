"""The ConnectionManager on the running gateway and its tables: broadcasts, and which connections are open."""

import asyncio
import logging
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.session import Session

from emulator import Sandbox
from emulator.account import REGION
from emulator.aws import CREDENTIALS
from streamer.clock import SystemClock
from streamer.connections.manager import ConnectionManager, Delivery
from streamer.connections.transport import SignedTransport
from streamer.protocol import Pong, encode
from streamer.stack import stack
from streamer.store import ConnectionStore

pytestmark = pytest.mark.slow

WORD = encode(Pong(timestamp="2026-11-21T07:09:08.123Z"))


class Desk:
    """A manager as the functions have it, and the connections that it was told are gone."""

    def __init__(self, sandbox: Sandbox) -> None:
        session = Session()
        session.set_credentials(
            CREDENTIALS["AWS_ACCESS_KEY_ID"],
            CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            CREDENTIALS["AWS_SESSION_TOKEN"],
        )
        session.set_config_variable("region", REGION)
        session.set_config_variable("ca_bundle", str(sandbox.addresses.ca_bundle))
        clock = SystemClock()
        self.connections = ConnectionStore(sandbox.boto3("dynamodb"), stack("streamer").settings, clock)
        self.transport = SignedTransport.from_session(session)
        self.gone: list[str] = []
        self.manager = ConnectionManager(
            self.transport,
            self.gone.append,
            clock=clock,
            sleep=time.sleep,
            random=lambda: 0.5,
            logger=logging.getLogger("test"),
            directory=self.connections,
        )


@pytest.fixture
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    desk = Desk(sandbox)
    yield desk
    desk.manager.close()
    desk.transport.close()


async def test_a_broadcast_reaches_a_tenant_or_its_users(
    sandbox: Sandbox, desk: Desk, dial: Any, new_person: Any, eventually: Any
) -> None:
    """Every connection of the tenant, or of the users who are named, gets it once; nobody else does."""
    ann, stranger = new_person(), new_person()

    async def wire(user: str, tenant: str) -> Any:
        token = await asyncio.to_thread(sandbox.token, user, tenant)
        return await dial(sandbox.addresses.websocket, token)

    first, second = await wire(ann.user, ann.tenant), await wire(ann.user, ann.tenant)
    colleague, other = await wire("ben", ann.tenant), await wire(stranger.user, stranger.tenant)

    async def everybody() -> bool:
        listed = await asyncio.to_thread(desk.connections.list_for_tenant, ann.tenant)
        return len(listed) == 3

    await eventually(everybody)
    outcome = await asyncio.to_thread(desk.manager.broadcast, WORD, tenant_id=ann.tenant)
    assert (len(outcome.deliveries), outcome.count(Delivery.DELIVERED)) == (3, 3)
    outcome = await asyncio.to_thread(desk.manager.broadcast, WORD, tenant_id=ann.tenant, user_ids=[ann.user])
    assert len(outcome.deliveries) == 2
    for each, count in ((first, 2), (second, 2), (colleague, 1), (other, 0)):
        answer = await each.ask({"action": "echo", "id": "after"})
        while answer["type"] == "pong":
            answer = await each.receive()
        assert [message["type"] for message in each.messages].count("pong") == count
    assert desk.manager.counters.sent == 5


async def test_whether_a_connection_is_open(
    sandbox: Sandbox, desk: Desk, wire: Any, person: Any, stored: Any
) -> None:
    """It is while its client is there; afterwards it is not, and is reported as gone."""
    await wire.ask({"action": "echo"})
    (item,) = await stored.connections_of(person)
    place = (item["endpoint"], item["connection_id"])
    assert await asyncio.to_thread(desk.manager.is_active, *place) is True
    await wire.connection.close()
    assert await asyncio.to_thread(desk.manager.is_active, *place) is False
    assert desk.gone == [item["connection_id"]]
    assert await asyncio.to_thread(desk.manager.send, *place, WORD) is Delivery.GONE
