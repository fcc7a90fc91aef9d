"""The blocking client: the same promises as the asynchronous one, from threads."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable
from inspect import signature
from typing import Any

import pytest

from streamer.clients.python import ConnectionRefused, InvalidRequest, Reconnection, RequestFailed
from streamer.clients.python.blocking import BlockingClient, connect_blocking
from streamer.clients.python.client import Client
from streamer.clients.python.dispatcher import Dispatcher

DEADLINE_S = 30.0
QUICK = Reconnection(base_s=0.01, cap_s=0.02, give_up_after_s=5.0)


async def run(work: Callable[[], Any]) -> Any:
    """Do what blocks in a thread, since the server of these tests is in this one."""
    return await asyncio.wait_for(asyncio.to_thread(work), DEADLINE_S)


@pytest.fixture(autouse=True)
async def no_thread_is_left() -> Any:
    yield
    assert [thread for thread in threading.enumerate() if thread.name == "streamer-client"] == []


def public(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")}


def test_both_forms_have_one_surface() -> None:
    """What the asynchronous client offers, the blocking one does."""
    assert public(BlockingClient) == public(Client)
    for name in public(Client):
        if callable(getattr(Client, name)) and name not in ("wait_closed", "request", "subscribe"):
            ours, theirs = (
                list(signature(getattr(kind, name)).parameters) for kind in (BlockingClient, Client)
            )
            assert ours == theirs, name
    for name in ("request", "subscribe"):
        assert str(signature(getattr(BlockingClient, name)).parameters) == str(
            signature(getattr(Client, name)).parameters
        )


async def test_short_and_long_work(serve: Any, application: Any) -> None:
    """Results are returned, progress is iterated, failures are raised."""
    url = await serve(application)

    def work() -> None:
        with connect_blocking(url, token="t") as client:
            assert client.request("echo", {"n": 1}).result() == {"n": 1}
            report = client.request("generate_report")
            assert report.acknowledgment().request_id == report.request_id
            assert [progress.percentage for progress in report] == [25, 50, 75, 100]
            assert report.result(timeout_s=5) == {"rows": 50_000}
            assert report.is_done
            assert len(report.messages) == 6
            with pytest.raises(RequestFailed, match="INVALID_ACTION"):
                client.request("unknown").result()
            with pytest.raises(InvalidRequest):
                client.request("")
        assert client.is_closed
        client.close()
        with pytest.raises(RuntimeError, match="connect again"):
            client.request("echo")

    await run(work)


async def test_who_stops_waiting_can_wait_again(serve: Any, application: Any) -> None:
    """A timeout ends the waiting, not the request."""
    url = await serve(application)

    def work() -> None:
        with connect_blocking(url) as client:
            silent = client.request("silence")
            for _ in range(2):
                with pytest.raises(TimeoutError):
                    silent.result(timeout_s=0.02)
            assert not silent.is_done
            assert client.request("echo").result() == {}

    await run(work)


async def test_long_work_goes_on_over_a_cut(backend_url: str, backend: Any) -> None:
    """It reconnects and resumes, with a provider that is called beside the client's thread."""
    callers: list[str] = []

    def provide() -> str:
        callers.append(threading.current_thread().name)
        return "token"

    opened, seen = threading.Event(), []

    def work() -> Any:
        with connect_blocking(backend_url, token_provider=provide, reconnect=QUICK) as client:
            report = client.request("generate_report", id="r1")
            report.acknowledgment()
            opened.set()
            seen.extend(progress.sequence for progress in report)
            return report.result()

    working = asyncio.create_task(run(work))
    await asyncio.to_thread(opened.wait, DEADLINE_S)
    await backend.progress("r1", 1)
    backend.cut()
    await backend.progress("r1", 2)
    await backend.until(lambda: "subscribe" in backend.asked)
    await backend.complete("r1", 3, "done")
    assert await working == "done"
    assert seen == [1, 2]
    assert "streamer-client" not in callers
    assert len(callers) == 2


async def test_closing_waits_for_no_token_provider(backend_url: str, backend: Any) -> None:
    """A provider that hangs while the client connects again does not keep the program that closes it."""
    asked, let_go, gone = threading.Event(), threading.Event(), threading.Event()

    def provide() -> str:
        if backend.asked:
            asked.set()
            let_go.wait(DEADLINE_S / 2)
            gone.set()
        return "token"

    def work() -> None:
        with connect_blocking(backend_url, token_provider=provide, reconnect=QUICK) as client:
            client.request("generate_report", id="r1").acknowledgment()
            asyncio.run_coroutine_threadsafe(cut(), server).result(DEADLINE_S)
            assert asked.wait(DEADLINE_S)
        assert not gone.is_set()

    async def cut() -> None:
        backend.cut()

    server = asyncio.get_running_loop()
    try:
        await run(work)
    finally:
        let_go.set()


def test_a_provider_of_tokens_that_has_no_more_is_told() -> None:
    """Also `StopIteration`, which no future can carry, ends what waits for the token."""
    with pytest.raises(RuntimeError, match="StopIteration"):
        connect_blocking("ws://localhost:1", token_provider=iter([]).__next__)


async def test_control_actions(backend_url: str, backend: Any) -> None:
    """Following, asking, listing and cancelling, as with asyncio."""

    def work() -> None:
        with connect_blocking(backend_url) as client, connect_blocking(backend_url) as viewer:
            report = client.request("generate_report", id="r1")
            report.acknowledgment()
            assert viewer.subscribe("r1").acknowledgment()
            for status in (client.status("r1"), report.status(), report.cancel(), viewer.cancel("r1")):
                assert status.request_id == "r1"
            assert [each.request_id for each in client.list().requests] == ["r1"]
            client.ping()

    await run(work)


async def test_a_refused_handshake_leaves_no_thread(backend_url: str, backend: Any) -> None:
    """What fails at the start is raised, and nothing stays."""
    backend.refuse = 403
    with pytest.raises(ConnectionRefused):
        await run(lambda: connect_blocking(backend_url))


async def test_a_callback_that_waits_for_its_client_is_told(serve: Any, application: Any) -> None:
    """That would never end; it is an error instead."""
    url = await serve(application)
    errors: list[Exception] = []

    def work() -> None:
        clients: list[BlockingClient] = []

        def listen(message: Any, at: float) -> None:
            try:
                clients[0].ping()
            except RuntimeError as error:
                errors.append(error)

        with connect_blocking(url, on_message=listen) as client:
            clients.append(client)
            client.request("echo").result()

    await run(work)
    assert "another thread" in str(errors[0])


async def test_a_callback_that_closes_its_client_is_told(serve: Any, application: Any) -> None:
    """Nothing has ended by that: who waits for the client gets what it waits for, and can close it."""
    url = await serve(application)
    errors: list[Exception] = []

    def work() -> Any:
        clients: list[BlockingClient] = []

        def listen(message: Any, at: float) -> None:
            try:
                clients[0].close()
            except RuntimeError as error:
                errors.append(error)

        with connect_blocking(url, on_message=listen) as client:
            clients.append(client)
            return client.request("echo", {"n": 1}).result(timeout_s=DEADLINE_S / 2)

    assert await run(work) == {"n": 1}
    assert "another thread" in str(errors[0])


def test_what_waits_when_the_thread_ends_is_told() -> None:
    """Nobody waits for ever for a client that another thread closes at that moment."""
    dispatcher = Dispatcher()
    begun = threading.Event()
    ended: list[BaseException] = []

    async def endless() -> None:
        begun.set()
        await asyncio.Event().wait()

    def wait() -> None:
        try:
            dispatcher.call(endless())
        except BaseException as error:  # noqa: BLE001  # whichever it is
            ended.append(error)

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    assert begun.wait(DEADLINE_S)
    dispatcher.stop()
    waiting.join(DEADLINE_S)
    assert isinstance(ended[0], concurrent.futures.CancelledError)
    with pytest.raises(RuntimeError, match="closed"):
        dispatcher.call(endless())
