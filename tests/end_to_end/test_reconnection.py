"""Clients whose connections are cut, grow old or lose their token, on the running application."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from emulator import Sandbox
from streamer.clients.python import (
    Client,
    ConnectionLost,
    Reconnection,
    RequestFailed,
    connect_blocking,
)

pytestmark = pytest.mark.slow

DEADLINE_S = 20.0
QUICK = Reconnection(base_s=0.05, cap_s=0.2, give_up_after_s=20.0)


@pytest.fixture
def connections_of(stored: Any) -> Callable[[Any], Any]:
    """Return the ids of a person's connections."""

    async def find(person: Any) -> list[str]:
        return [item["connection_id"] for item in await stored.connections_of(person)]

    return find


@pytest.fixture
async def ageing_sandbox(sandbox_options: dict[str, Any]) -> AsyncIterator[Sandbox]:
    """A sandbox whose clock is nobody else's: it cannot be set back."""
    async with Sandbox(options=sandbox_options) as sandbox:
        yield sandbox


async def connected(sandbox: Sandbox, person: Any, **options: Any) -> Client:
    async def provide() -> str:
        return await asyncio.to_thread(sandbox.token, person.user, person.tenant)

    client: Client = await sandbox.connect(
        person.user, person.tenant, token_provider=provide, **{"reconnect": QUICK, **options}
    )
    return client


async def test_long_work_survives_cuts(
    sandbox: Sandbox, person: Any, connections_of: Any, eventually: Any
) -> None:
    """Over several cuts a consumer sees rising sequences without repetition, and the outcome once."""
    async with await connected(sandbox, person) as client:
        work = client.request("sleep", {"seconds": 3, "steps": 30})
        await work.acknowledgment()
        for count in range(2, 4):
            await asyncio.sleep(0.4)
            for connection_id in await connections_of(person):
                await sandbox.cut_connection(connection_id)
            await eventually(lambda count=count: client.connection_count >= count and client.is_connected)
        async with asyncio.timeout(DEADLINE_S):
            sequences = [progress.sequence async for progress in work]
            result = await work
        assert result == {"slept_s": 3.0, "steps": 30, "attempt": 1}
        assert sequences == sorted(set(sequences))
        assert len(sequences) > 5
        outcomes = [each for each in work.messages if getattr(each.message, "type", "") == "complete"]
        assert len(outcomes) <= 1


async def test_work_that_ends_while_nobody_is_connected(
    sandbox: Sandbox, person: Any, connections_of: Any, stored: Any, eventually: Any
) -> None:
    """Its outcome waits, and comes with the next connection."""
    may_come_back = asyncio.Event()
    may_come_back.set()

    async def provide() -> str:
        await may_come_back.wait()
        return await asyncio.to_thread(sandbox.token, person.user, person.tenant)

    client = await sandbox.connect(person.user, person.tenant, token_provider=provide, reconnect=QUICK)
    async with client:
        may_come_back.clear()
        work = client.request("sleep", {"seconds": 1, "steps": 2})
        await work.acknowledgment()
        for connection_id in await connections_of(person):
            await sandbox.cut_connection(connection_id)

        async def is_over() -> bool:
            return (await stored.state(person, work.request_id)).get("status") == "COMPLETED"

        await eventually(is_over)
        assert not client.is_connected
        may_come_back.set()
        async with asyncio.timeout(DEADLINE_S):
            assert (await work)["attempt"] == 1
        assert client.connection_count == 2


async def test_a_connection_is_replaced_before_two_hours_are_over(
    sandbox: Sandbox, person: Any, eventually: Any
) -> None:
    """The new one stands before the old one is closed; work goes on, and short requests are answered."""
    policy = Reconnection(base_s=0.05, max_age_s=1.0)
    async with await connected(sandbox, person, reconnect=policy) as client:
        work = client.request("sleep", {"seconds": 60, "steps": 200})
        await work.acknowledgment()
        answered = 0
        async with asyncio.timeout(DEADLINE_S):
            while client.connection_count < 3 or answered < 10:
                assert (await client.request("echo", {"n": answered}))["echo"] == {"n": answered}
                answered += 1
                await asyncio.sleep(0.05)
        assert not work.is_done
        told = len(work.messages)
        await eventually(lambda: len(work.messages) > told)
        await work.cancel()
        async with asyncio.timeout(DEADLINE_S):
            with pytest.raises(RequestFailed, match="CANCELLED"):
                await work


async def test_two_hours_pass(ageing_sandbox: Sandbox, person: Any, eventually: Any) -> None:
    """API Gateway closes a connection after two hours; with a token of that time the client comes back."""
    async with await connected(ageing_sandbox, person) as client:
        await client.request("echo")
        await ageing_sandbox.advance_clock(7_200)
        await eventually(lambda: client.connection_count == 2 and client.is_connected)
        assert (await client.request("echo", {"n": 1}))["echo"] == {"n": 1}


async def test_several_viewers_of_one_request(sandbox: Sandbox, person: Any, eventually: Any) -> None:
    """Everybody who follows sees the outcome; who comes late gets what is kept, then what follows."""
    async with (
        await connected(sandbox, person) as owner,
        await connected(sandbox, person) as second,
        await connected(sandbox, person) as third,
    ):
        work = owner.request("sleep", {"seconds": 5.0, "steps": 50})
        await work.acknowledgment()
        early = second.subscribe(work.request_id)
        await early.acknowledgment()
        await eventually(lambda: len(work.messages) > 8)
        missed_up_to = work.messages[-1].message.sequence
        late = third.subscribe(work.request_id)
        async with asyncio.timeout(DEADLINE_S):
            results = await asyncio.gather(*map(outcome, (work, early, late)))
        assert results == [{"slept_s": 5.0, "steps": 50, "attempt": 1}] * 3
        owned = {each.sequence: each async for each in work}
        for viewer in (early, late):
            assert viewer.action == "sleep"
            seen = [progress async for progress in viewer]
            assert len(seen) > 3
            assert all(owned[each.sequence] == each for each in seen if each.sequence in owned)
        missed = [progress.sequence async for progress in late]
        assert missed[0] < missed_up_to < missed[-1], "the late viewer got progress from before it came"
        after = third.subscribe(work.request_id, after_sequence=max(owned))
        assert await outcome(after) == results[0]
        assert [progress async for progress in after] == []


async def outcome(handle: Any) -> Any:
    return await handle


async def test_another_user_follows_nothing(sandbox: Sandbox, new_person: Any) -> None:
    """A request of another user is not there, whatever its id."""
    one, other = new_person(), new_person()
    async with await connected(sandbox, one) as owner, await connected(sandbox, other) as stranger:
        work = owner.request("sleep", {"seconds": 1, "steps": 1})
        await work.acknowledgment()
        for ask in (
            stranger.subscribe(work.request_id),
            stranger.request("status", {"request_id": work.request_id}),
        ):
            with pytest.raises(RequestFailed, match="NOT_FOUND"):
                await ask
        await work


async def test_a_colleague_with_the_permission_follows(sandbox: Sandbox, new_person: Any) -> None:
    """Another user of the tenant who may read requests sees the same outcome."""
    one = new_person()
    async with (
        await connected(sandbox, one) as owner,
        await sandbox.connect("colleague", one.tenant, permissions=["requests:read"]) as colleague,
    ):
        work = owner.request("sleep", {"seconds": 1, "steps": 2})
        await work.acknowledgment()
        async with asyncio.timeout(DEADLINE_S):
            assert await colleague.subscribe(work.request_id, user_id=one.user) == await work
        assert (await colleague.status(work.request_id, user_id=one.user)).status == "COMPLETED"


async def test_cancelling(sandbox: Sandbox, person: Any) -> None:
    """Work that runs ends at its next progress; its handle says so, and so does its status."""
    async with await connected(sandbox, person) as client:
        work = client.request("sleep", {"seconds": 20, "steps": 200})
        await work.acknowledgment()
        async for _ in work:
            break
        await work.cancel()
        async with asyncio.timeout(DEADLINE_S):
            with pytest.raises(RequestFailed, match="CANCELLED"):
                await work
        assert (await work.status()).status == "CANCELLED"
        page = await client.list(status="CANCELLED")
        assert [each.request_id for each in page.requests] == [work.request_id]


async def test_work_that_ends_with_its_connection(
    sandbox: Sandbox, person: Any, stored: Any, eventually: Any
) -> None:
    """Only where it was asked for; the other goes on to its outcome."""
    client = await connected(sandbox, person)
    ending = client.request("sleep", {"seconds": 15, "steps": 150}, metadata={"on_disconnect": "cancel"})
    going = client.request("sleep", {"seconds": 3, "steps": 6})
    await ending.acknowledgment()
    await going.acknowledgment()
    await client.close()
    for handle in (ending, going):
        with pytest.raises(ConnectionLost):
            await handle

    async def statuses() -> bool:
        found = [(await stored.state(person, each.request_id))["status"] for each in (ending, going)]
        return found == ["CANCELLED", "COMPLETED"]

    async def forgotten() -> bool:
        return await stored.subscriptions_of(person) == []

    await eventually(statuses)
    await eventually(forgotten)


async def test_blocking(sandbox: Sandbox, person: Any, connections_of: Any) -> None:
    """The blocking client does the same, from a thread."""
    acknowledged = asyncio.Event()
    loop = asyncio.get_running_loop()

    def work() -> tuple[Any, list[int], int]:
        def provide() -> str:
            return sandbox.token(person.user, person.tenant)

        with connect_blocking(sandbox.addresses.websocket, token_provider=provide, reconnect=QUICK) as client:
            handle = client.request("sleep", {"seconds": 5, "steps": 20})
            handle.acknowledgment()
            loop.call_soon_threadsafe(acknowledged.set)
            sequences = [progress.sequence for progress in handle]
            return handle.result(timeout_s=DEADLINE_S), sequences, client.connection_count

    working = asyncio.create_task(asyncio.to_thread(work))
    async with asyncio.timeout(DEADLINE_S):
        await acknowledged.wait()
        for connection_id in await connections_of(person):
            await sandbox.cut_connection(connection_id)
        result, sequences, connections = await working
    assert result["steps"] == 20
    assert sequences == sorted(set(sequences))
    assert connections == 2
