"""The Python client's requests against a real WebSocket server."""

import asyncio
import json
import random
from typing import Any
from urllib.parse import urlsplit

import psutil
import pytest
from websockets.asyncio.server import ServerConnection

from streamer.clients.python import (
    ConnectionLost,
    DeadlineExceeded,
    GatewayFailed,
    MessageTooLarge,
    Received,
    RequestFailed,
    connect,
)
from streamer.protocol import Acknowledgment, Progress, Response

DEADLINE_S = 20.0


async def test_short_work_is_awaited_for_its_data(serve: Any, application: Any) -> None:
    """`await client.request(...)` gives the data of short work, also when several are under way."""
    async with connect(await serve(application)) as client:
        handles = [client.request("echo", {"n": n}) for n in range(3)]
        assert [await handle for handle in handles] == [{"n": 0}, {"n": 1}, {"n": 2}]
        assert isinstance(await handles[0].acknowledgment(), Response)


async def test_long_work_is_iterated_and_awaited(serve: Any, application: Any) -> None:
    """The same call gives long work's acknowledgment, progress and result, as often as it is asked for."""
    async with connect(await serve(application)) as client:
        report = client.request("generate_report", {}, id="r1")
        first = await report.acknowledgment()
        assert isinstance(first, Acknowledgment)
        assert (report.request_id, first.status) == ("r1", "PENDING")
        assert [progress.percentage async for progress in report] == [25.0, 50.0, 75.0, 100.0]
        assert await report == await report == {"rows": 50_000}
        assert [progress.percentage async for progress in report] == [25.0, 50.0, 75.0, 100.0]


async def test_repeated_and_overtaken_messages_are_seen_once(serve: Any, player: Any) -> None:
    """A consumer sees each message once and in order, however it arrives."""

    async def script(connection: ServerConnection) -> None:
        hands = player(connection)
        request_id = (await hands.request())["id"]
        for sequence in (3, 3, 1, 5, 4, 5):
            await hands.progress(request_id, sequence)
        await hands.acknowledge(request_id)
        await hands.complete(request_id, 6, "first")
        await hands.complete(request_id, 6, "again")
        await connection.wait_closed()

    async with connect(await serve(script)) as client:
        report = client.request("generate_report")
        assert [progress.sequence async for progress in report] == [3, 5]
        assert await report == "first"
        kinds = [type(received.message).__name__ for received in report.messages]
        assert kinds == ["Progress", "Progress", "Acknowledgment", "Complete"]


async def test_error_outcome_is_raised_and_ends_the_iteration(serve: Any, player: Any) -> None:
    """Progress ends quietly at a bad outcome; awaiting raises it, with its code."""

    async def script(connection: ServerConnection) -> None:
        hands = player(connection)
        request_id = (await hands.request())["id"]
        await hands.acknowledge(request_id)
        await hands.progress(request_id, 1)
        await hands.fail(request_id, "PROCESSING_FAILED", sequence=2)
        await connection.wait_closed()

    async with connect(await serve(script)) as client:
        report = client.request("generate_report")
        assert [progress.sequence async for progress in report] == [1]
        with pytest.raises(RequestFailed) as caught:
            await report
        assert caught.value.code == "PROCESSING_FAILED"
        assert isinstance(await report.acknowledgment(), Acknowledgment)


async def test_refused_request_raises_where_its_acknowledgment_is_awaited(
    serve: Any, application: Any
) -> None:
    """A request that was never accepted has no acknowledgment to give."""
    async with connect(await serve(application)) as client:
        with pytest.raises(RequestFailed, match="INVALID_ACTION"):
            await client.request("nonsense").acknowledgment()
        assert await client.request("echo", {"still": "here"}) == {"still": "here"}


async def test_gateway_frame_fails_the_oldest_unanswered_request(serve: Any, player: Any) -> None:
    """API Gateway's own frame is an error of the oldest request without an answer; the connection stays."""

    async def script(connection: ServerConnection) -> None:
        hands = player(connection)
        long, _, second = [(await hands.request())["id"] for _ in range(3)]
        await hands.acknowledge(long)
        await connection.send(
            '{"message": "Internal server error", "connectionId":"c=", "requestId":"Qyi3UG41tjMFlUg="}'
        )
        await hands.respond(second, 2)
        await hands.complete(long, 1, "done")
        await connection.wait_closed()

    async with connect(await serve(script)) as client:
        long, first, second = (client.request(name) for name in ("generate_report", "echo", "echo"))
        with pytest.raises(GatewayFailed, match="Qyi3UG41tjMFlUg="):
            await first
        assert (await second, await long) == (2, "done")


async def test_request_over_one_frame_is_refused_and_the_connection_stays(
    serve: Any, application: Any
) -> None:
    """A message over 32 KB never reaches the gateway, which would close the connection for it."""
    async with connect(await serve(application)) as client:
        with pytest.raises(MessageTooLarge):
            await client.request("echo", {"text": "x" * 40_000})
        assert await client.request("echo", {"n": 1}) == {"n": 1}


async def test_hundreds_of_requests_at_once_each_get_their_own_answer(serve: Any, player: Any) -> None:
    """Answers find their requests in whatever order they come."""
    count = 400

    async def script(connection: ServerConnection) -> None:
        hands = player(connection)
        requests = [await hands.request() for _ in range(count)]
        random.Random(7).shuffle(requests)
        for request in requests:
            await hands.respond(request["id"], request["payload"]["n"])
        await connection.wait_closed()

    async with connect(await serve(script)) as client:
        answers = await asyncio.gather(*(client.request("echo", {"n": n}) for n in range(count)))
        assert answers == list(range(count))


async def test_slow_consumer_delays_nobody_and_gets_the_newest_progress(serve: Any, player: Any) -> None:
    """Whoever reads progress slowly skips some of it; others are answered, and the outcome is not lost."""
    count = 5_000

    async def script(connection: ServerConnection) -> None:
        hands = player(connection)
        long, short = [(await hands.request())["id"] for _ in range(2)]
        for sequence in range(1, count + 1):
            await hands.progress(long, sequence)
        await hands.complete(long, count + 1, "done")
        await hands.respond(short, "quick")
        await connection.wait_closed()

    async with connect(await serve(script)) as client:
        long, short = client.request("generate_report"), client.request("echo")
        seen = []
        async for progress in long:
            if not seen:
                assert await short == "quick"
            seen.append(progress.sequence)
        assert await long == "done"
        assert seen[-1] == count
        assert seen == sorted(seen)
        assert len(seen) < 100


async def test_cancelled_wait_leaves_the_request_running(serve: Any, player: Any) -> None:
    """Who stops waiting stops nobody else: request and client stay usable."""
    waiting = asyncio.Event()

    async def script(connection: ServerConnection) -> None:
        hands = player(connection)
        request_id = (await hands.request())["id"]
        await waiting.wait()
        await hands.respond(request_id, "late")
        await connection.wait_closed()

    async with connect(await serve(script)) as client:
        handle = client.request("echo")

        async def wait() -> Any:
            return await handle

        impatient, patient = asyncio.create_task(wait()), asyncio.create_task(wait())
        await asyncio.sleep(0)
        impatient.cancel()
        with pytest.raises(asyncio.CancelledError):
            await impatient
        waiting.set()
        assert await patient == "late"


async def test_silent_server_is_given_up_at_the_deadline(serve: Any, application: Any) -> None:
    """A request without an answer fails at its deadline, and the client stays usable."""
    async with connect(await serve(application)) as client:
        with pytest.raises(DeadlineExceeded) as caught:
            await client.request("silence", deadline_s=0.05)
        assert (caught.value.acknowledged, caught.value.deadline_s) == (False, 0.05)
        assert await client.request("echo", {"n": 1}) == {"n": 1}


async def test_acknowledged_request_is_given_up_at_its_outcomes_deadline(serve: Any, player: Any) -> None:
    """The first answer lifts the first deadline; the outcome has its own."""

    async def script(connection: ServerConnection) -> None:
        hands = player(connection)
        await hands.acknowledge((await hands.request())["id"])
        await connection.wait_closed()

    async with connect(await serve(script)) as client:
        handle = client.request("generate_report", deadline_s=1.5, outcome_deadline_s=2.0)
        await handle.acknowledgment()
        with pytest.raises(DeadlineExceeded) as caught:
            await handle
        assert (caught.value.acknowledged, caught.value.deadline_s) == (True, 2.0)


async def test_acknowledged_request_outlives_the_first_deadline(serve: Any, player: Any) -> None:
    """Long work may take longer than its first answer was allowed to."""
    overdue = asyncio.Event()

    async def script(connection: ServerConnection) -> None:
        hands = player(connection)
        long, short = [(await hands.request())["id"] for _ in range(2)]
        await hands.acknowledge(long)
        await overdue.wait()
        await hands.complete(long, 1, "done")
        await connection.wait_closed()
        del short

    async with connect(await serve(script)) as client:
        long = client.request("generate_report", deadline_s=1.0)
        short = client.request("echo", deadline_s=1.0)
        with pytest.raises(DeadlineExceeded):
            await short
        overdue.set()
        assert await long == "done"


async def test_listener_hears_every_message_with_its_time(serve: Any, player: Any) -> None:
    """`on_message` gets all that arrives, in order, also what belongs to no request."""

    async def script(connection: ServerConnection) -> None:
        hands = player(connection)
        await hands.progress("someone-elses", 1)
        await connection.send("")
        await hands.respond((await hands.request())["id"], 1)
        await connection.wait_closed()

    class Clock:
        def __init__(self) -> None:
            self.time = 0.0

        def now(self) -> float:
            self.time += 1.0
            return self.time

    heard: list[Received] = []
    async with connect(
        await serve(script),
        on_message=lambda message, at: heard.append(Received(message, at)),
        clock=Clock(),
    ) as client:
        await client.request("echo")
        assert [(type(each.message).__name__, each.at) for each in heard] == [
            ("Progress", 1.0),
            ("UnknownMessage", 2.0),
            ("Response", 3.0),
        ]
        assert [type(each.message) for each in client.unmatched][:1] == [Progress]


async def test_failing_listener_breaks_nothing(serve: Any, application: Any) -> None:
    """A listener's fault goes to the event loop's handler; the answer arrives all the same."""
    faults: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: faults.append(context))

    def listen(message: object, at: float) -> None:
        raise RuntimeError("listener")

    async with connect(await serve(application), on_message=listen) as client:
        assert await client.request("echo", {"n": 1}) == {"n": 1}
    assert [str(fault["exception"]) for fault in faults] == ["listener"]


@pytest.mark.parametrize("how", ["abort", "close"])
async def test_lost_connection_fails_what_waits(serve: Any, player: Any, how: str) -> None:
    """Each waiting request fails with the close code, and later ones at once, with advice."""

    async def script(connection: ServerConnection) -> None:
        hands = player(connection)
        await hands.acknowledge((await hands.request())["id"])
        await hands.request()
        if how == "abort":
            connection.transport.abort()
        else:
            await connection.close(1001, "Going away")

    async with connect(await serve(script)) as client:
        long, short = client.request("generate_report"), client.request("echo")
        for handle, acknowledged in ((long, True), (short, False)):
            with pytest.raises(ConnectionLost) as caught:
                await handle
            assert caught.value.code == (1006 if how == "abort" else 1001)
            assert caught.value.acknowledged is acknowledged
        assert [progress async for progress in long] == []
        await asyncio.wait_for(client.wait_closed(), DEADLINE_S)
        assert client.is_closed
        with pytest.raises(ConnectionLost, match="connect again"):
            client.request("echo")


async def test_message_larger_than_the_gateway_sends_ends_the_connection(serve: Any, player: Any) -> None:
    """A server that sends over 128 KB is none that API Gateway would stand before: 1009."""

    async def script(connection: ServerConnection) -> None:
        hands = player(connection)
        await hands.respond((await hands.request())["id"], "x" * 131_072)
        await connection.wait_closed()

    async with connect(await serve(script)) as client:
        with pytest.raises(ConnectionLost) as caught:
            await client.request("echo")
        assert caught.value.code == 1009


async def test_close_says_its_code_and_fails_what_waits(serve: Any, player: Any) -> None:
    """The server hears the close code; requests under way fail, and closing again does nothing."""
    codes: asyncio.Queue[int | None] = asyncio.Queue()

    async def script(connection: ServerConnection) -> None:
        await connection.wait_closed()
        codes.put_nowait(connection.close_code)

    client = await connect(await serve(script))
    waiting = client.request("echo")
    await client.close(1000)
    await client.close()
    with pytest.raises(ConnectionLost, match="This client was closed") as caught:
        await waiting
    assert caught.value.closed_here
    assert await asyncio.wait_for(codes.get(), DEADLINE_S) == 1000
    assert client.close_code == 1000


async def test_cancelled_close_leaves_nothing_running(serve: Any) -> None:
    """A server that does not answer the close frame cannot hold a cancelled `close` or its tasks."""
    deaf, over = asyncio.Event(), asyncio.Event()

    async def script(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        deaf.set()
        await over.wait()
        connection.transport.abort()

    client = await connect(await serve(script))
    await asyncio.wait_for(deaf.wait(), DEADLINE_S)
    closing = asyncio.create_task(client.close())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(closing, DEADLINE_S)
    await asyncio.wait_for(client.wait_closed(), DEADLINE_S)
    port = urlsplit(client.url).port
    ours = [
        each for each in psutil.Process().net_connections("tcp") if each.raddr and each.raddr.port == port
    ]
    assert ours == []
    over.set()


async def test_request_that_was_given_up_is_not_sent_any_more(serve: Any) -> None:
    """A request that waited behind a blocked connection past its deadline never reaches the server."""
    given_up = asyncio.Event()
    reached: list[str] = []
    done = asyncio.Event()

    async def script(connection: ServerConnection) -> None:
        connection.transport.pause_reading()
        await given_up.wait()
        connection.transport.resume_reading()
        async for text in connection:
            reached.append(json.loads(text)["id"])
            if reached[-1] == "last":
                done.set()

    async with connect(await serve(script)) as client:
        blocking = [
            client.request("echo", {"text": "x" * 32_000}) for _ in range(800)
        ]  # more than TCP buffers
        with pytest.raises(DeadlineExceeded):
            await client.request("echo", id="impatient", deadline_s=0.1)
        client.request("echo", id="last")
        given_up.set()
        await asyncio.wait_for(done.wait(), DEADLINE_S)
        assert len(reached) == len(blocking) + 1
        assert "impatient" not in reached
