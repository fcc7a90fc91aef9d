"""The client on real sockets whose server cuts it off, grows old, or falls silent."""

import asyncio
from typing import Any

import pytest

from streamer.clients.python import (
    ConnectionLost,
    ConnectionRefused,
    Reconnection,
    RequestFailed,
    connect,
    heartbeat,
)

DEADLINE_S = 30.0
QUICK = Reconnection(base_s=0.01, cap_s=0.02, give_up_after_s=5.0)


async def test_long_work_goes_on_over_a_cut(backend_url: str, backend: Any) -> None:
    """A consumer sees each sequence once and in order, and the outcome, over as many cuts as there are."""
    async with connect(backend_url, reconnect=QUICK) as client:
        report = client.request("generate_report", id="r1")
        await report.acknowledgment()
        for sequence in range(1, 4):
            await backend.progress("r1", 2 * sequence)
            backend.cut()
            await backend.progress("r1", 2 * sequence + 1)
            await backend.until(lambda count=sequence: backend.asked.count("subscribe") == count)
        await backend.complete("r1", 9, "done")
        assert [progress.sequence async for progress in report] == [2, 3, 4, 5, 6, 7]
        assert await report == "done"
        assert client.connection_count == 4
        assert not report.is_truncated


async def test_every_connection_gets_a_token_of_its_own(backend_url: str, backend: Any) -> None:
    """The provider is asked again, and with one the client reconnects without being told to."""
    tokens = iter(["one", "two", "three"])

    async def provide() -> str:
        return next(tokens)

    async with connect(backend_url, token_provider=provide) as client:
        client._keeper._jitter = lambda: 0.0
        assert await client.request("echo", {"n": 1}) == {"n": 1}
        backend.cut()
        await backend.until(lambda: len(backend.connections) == 2)
        assert await client.request("echo", {"n": 2}) == {"n": 2}
    assert backend.tokens == ["Bearer one", "Bearer two"]


async def test_a_request_made_meanwhile_waits_for_the_connection(backend_url: str, backend: Any) -> None:
    """Without a connection a request is kept, and sent as soon as there is one."""
    async with connect(backend_url, reconnect=QUICK) as client:
        await client.request("echo")
        backend.refuse = 503
        backend.cut()
        await backend.until(lambda: len(backend.tokens) >= 3)
        assert not client.is_connected
        waiting = client.request("echo", {"n": 1})
        backend.refuse = None
        assert await asyncio.wait_for(waiting_for(waiting), DEADLINE_S) == {"n": 1}


async def waiting_for(handle: Any) -> Any:
    return await handle


async def test_short_work_in_flight_fails_unless_it_may_run_twice(backend_url: str, backend: Any) -> None:
    """What may have run is given up with an error that says so; what may run twice is sent again."""
    async with connect(backend_url, reconnect=QUICK) as client:
        once, again = client.request("hold", id="once"), client.request("hold", id="again", resends=True)
        await backend.until(lambda: backend.asked == ["hold", "hold"])
        backend.cut()
        with pytest.raises(ConnectionLost) as caught:
            await once
        assert not caught.value.is_unsent
        await backend.until(lambda: backend.asked.count("hold") == 3)
        assert not again.is_done


async def test_an_old_connection_is_replaced_before_it_is_closed(backend_url: str, backend: Any) -> None:
    """Make before break: the new one stands before the old one goes, and nothing is lost between."""
    policy = Reconnection(base_s=0.01, max_age_s=0.3)
    async with connect(backend_url, reconnect=policy) as client:
        report = client.request("generate_report", id="r1")
        await report.acknowledgment()
        await backend.until(lambda: len(backend.connections) >= 3)
        await backend.complete("r1", 5, "done")
        assert await report == "done"
        first = backend.connections[0]
        await asyncio.wait_for(first.wait_closed(), DEADLINE_S)
        assert first.close_code == 1000


async def test_a_refused_token_after_an_outage_is_replaced(backend_url: str, backend: Any) -> None:
    """Only refusals count as refusals: after many other failures the provider is still asked for another."""

    async def provide() -> str:
        return "token"

    async with connect(backend_url, token_provider=provide, reconnect=QUICK) as client:
        backend.refuse = 503
        backend.cut()
        await backend.until(lambda: len(backend.tokens) >= 6)
        backend.refuse = 401
        seen = len(backend.tokens)
        await backend.until(lambda: len(backend.tokens) > seen)
        backend.refuse = None
        assert await client.request("echo", {"n": 1}) == {"n": 1}


async def test_an_old_connection_that_could_not_be_replaced_is_followed_by_another(
    backend_url: str, backend: Any
) -> None:
    """It goes on as long as it stands; when it is closed, the client tries anew."""
    policy = Reconnection(base_s=0.01, cap_s=0.02, max_age_s=0.2)
    async with connect(backend_url, token="old", reconnect=policy) as client:
        backend.refuse = 403
        await backend.until(lambda: len(backend.tokens) == 2)
        assert await client.request("echo", {"n": 1}) == {"n": 1}
        backend.refuse = None
        backend.cut()
        await backend.until(lambda: len(backend.connections) == 2)
        assert await client.request("echo", {"n": 2}) == {"n": 2}


async def test_a_refusal_for_good_ends_the_client(backend_url: str, backend: Any) -> None:
    """A token alone that is refused cannot be helped: what waits fails at once, and says why."""
    async with connect(backend_url, token="old", reconnect=QUICK) as client:
        report = client.request("generate_report", id="r1")
        await report.acknowledgment()
        backend.refuse = 401
        backend.cut()
        with pytest.raises(ConnectionLost) as caught:
            await asyncio.wait_for(waiting_for(report), DEADLINE_S)
        assert caught.value.acknowledged
        assert isinstance(caught.value.__cause__, ConnectionRefused)
        await asyncio.wait_for(client.wait_closed(), DEADLINE_S)
        assert client.is_closed
        assert len(backend.tokens) == 2


async def test_reconnecting_is_given_up_after_a_while(backend_url: str, backend: Any) -> None:
    """A server that stays away ends the client, and what waits, at the limit that was given."""
    policy = Reconnection(base_s=0.01, cap_s=0.02, give_up_after_s=0.2)
    async with connect(backend_url, reconnect=policy) as client:
        report = client.request("generate_report", id="r1")
        await report.acknowledgment()
        backend.refuse = 503
        backend.cut()
        with pytest.raises(ConnectionLost):
            await asyncio.wait_for(waiting_for(report), DEADLINE_S)
        assert client.is_closed


async def test_closing_while_it_reconnects(backend_url: str, backend: Any) -> None:
    """A client that is closed does not come back."""
    client = await connect(backend_url, reconnect=QUICK)
    backend.refuse = 503
    backend.cut()
    await backend.until(lambda: len(backend.tokens) >= 2)
    await asyncio.wait_for(client.close(), DEADLINE_S)
    await asyncio.wait_for(client.wait_closed(), DEADLINE_S)
    assert client.is_closed


async def test_heartbeats_keep_an_idle_connection_busy(backend_url: str, backend: Any) -> None:
    """In silence the server is asked whether it is there."""
    async with connect(backend_url, heartbeat_s=0.05) as client:
        await backend.until(lambda: backend.asked.count("ping") >= 2)
        assert client.connection_count == 1


async def test_a_server_that_answers_nothing_is_left(
    backend_url: str, backend: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection whose heartbeat has no answer is dead, and replaced."""
    monkeypatch.setattr(heartbeat, "HEARTBEAT_ANSWER_S", 0.1)
    async with connect(backend_url, heartbeat_s=0.05, reconnect=QUICK):
        backend.deaf = True
        await backend.until(lambda: len(backend.connections) >= 2)


async def test_a_request_of_elsewhere_is_followed(backend_url: str, backend: Any) -> None:
    """Several clients see the same progress and the same outcome; one that comes late gets what it missed."""
    async with connect(backend_url) as one, connect(backend_url) as two:
        report = one.request("generate_report", id="r1")
        await report.acknowledgment()
        await backend.progress("r1", 1)
        await backend.progress("r1", 2)
        viewer = two.subscribe("r1", after_sequence=1)
        await viewer.acknowledgment()
        assert viewer.action == "generate_report"
        assert two.subscribe("r1") is viewer
        await backend.progress("r1", 3)
        await backend.complete("r1", 4, "done")
        assert [progress.sequence async for progress in viewer] == [2, 3]
        assert await viewer == await report == "done"
        with pytest.raises(RequestFailed, match="NOT_FOUND"):
            await two.subscribe("unknown")


async def test_requests_are_asked_after_listed_and_cancelled(backend_url: str, backend: Any) -> None:
    """Where a request stands comes as a value with names; a handle knows its own."""
    async with connect(backend_url) as client:
        report = client.request("generate_report", id="r1")
        await report.acknowledgment()
        for status in (await client.status("r1"), await report.status(), await report.cancel()):
            assert (status.request_id, status.status, status.attempt) == ("r1", "PROCESSING", 1)
        page = await client.list(limit=5, status="PROCESSING")
        assert [each.request_id for each in page.requests] == ["r1"]
        assert page.cursor == "next"
        await client.ping()
        with pytest.raises(RequestFailed, match="NOT_FOUND"):
            await client.status("r2")
        assert (await client.cancel("r1")).request_id == "r1"
