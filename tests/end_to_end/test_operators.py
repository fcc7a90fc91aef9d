"""Operators look after long requests with the commands, on a sandbox of the command line."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from emulator.testing import run_in
from streamer.deployment import Deployment
from streamer.deployment_clients import deployment_client
from tests.end_to_end.conftest import PROCESS_S

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def up(module_terminal: Any, sandbox_loop: asyncio.AbstractEventLoop) -> Iterator[Any]:
    """A sandbox of the command line with the actions for tests, which counts requests by tenant, too."""
    options = ("action_modules=streamer.testing", "max_in_flight_per_tenant=50")
    running = module_terminal.up(*(word for option in options for word in ("--option", option)))
    yield run_in(sandbox_loop, running.__aenter__())
    run_in(sandbox_loop, running.__aexit__(None, None, None))


@pytest.fixture
def run(up: Any) -> Any:
    """Run a command where the sandbox is named."""

    async def run(*arguments: str) -> Any:
        return await up.terminal.run("-m", "streamer", *arguments)

    return run


async def test_a_failed_request_is_found_shown_and_replayed(run: Any) -> None:
    """It is listed by its status, shown with its attempts, runs again, and completes or fails anew."""
    called = await run(
        "call", "fail", '{"retryable": true}', "--id", "f1", "--user", "ada", "--tenant", "acme"
    )
    assert called.status == 1
    found = await run("requests", "--status", "FAILED", "--json")
    assert found.status == 0, found.err
    listed = json.loads(found.out)
    assert [(each["request_id"], each["user_id"], each["attempt"]) for each in listed] == [("f1", "ada", 3)]
    shown = json.loads((await run("requests", "show", "f1", "--json")).out)
    assert [each["attempt"] for each in shown["failures"]] == [1, 2, 3]
    assert shown["history"][-1]["event"] == "FAIL"
    replayed = await run("requests", "replay", "f1")
    assert (replayed.status, "runs again" in replayed.out) == (0, True)
    again = await run(
        "call", "fail", '{"retryable": true}', "--id", "f1", "--user", "ada", "--tenant", "acme"
    )
    assert again.status == 1
    shown = json.loads((await run("requests", "show", "f1", "--json")).out)
    assert "REPLAY" in [each["event"] for each in shown["history"]]
    assert (shown["status"], shown["attempt"]) == ("FAILED", 3)
    assert [each["attempt"] for each in shown["failures"]] == [1, 2, 3]
    assert [each["attempt"] for each in shown["earlier_failures"]] == [1, 2, 3]
    assert again.err.count('"attempt":') == 3


async def test_a_running_request_is_cancelled(run: Any, up: Any) -> None:
    """Its client hears of it."""
    calling = await up.terminal.start(
        "-m", "streamer", "call", "sleep", '{"seconds": 60, "steps": 120}', "--id", "s1", "--json"
    )
    line = b""
    while b'"progress"' not in line:
        line = await asyncio.wait_for(calling.stdout.readline(), PROCESS_S)
        assert line
    cancelled = await run("requests", "cancel", "s1")
    assert (cancelled.status, "ends when it next reports" in cancelled.out) == (0, True)
    finished = await up.terminal.finish(calling)
    assert (finished.status, "CANCELLED" in finished.err) == (1, True)


async def test_a_waiting_request_is_cancelled_and_told_at_once(run: Any, up: Any) -> None:
    """Its client hears of it from the command itself, and the request counts no more for its tenant."""
    added = await up.terminal.run(
        "-m", "emulator", "fault", "add", "delay-record", "--where", "function=processor", "--delay", "100s"
    )
    assert added.status == 0, added.err
    calling = await up.terminal.start(
        "-m", "streamer", "call", "sleep", '{"seconds": 60}', "--id", "w1", "--tenant", "held", "--json"
    )
    line = b""
    while b'"acknowledgment"' not in line:
        line = await asyncio.wait_for(calling.stdout.readline(), PROCESS_S)
        assert line
    cancelled = await run("requests", "cancel", "w1")
    assert (cancelled.status, "is told." in cancelled.out) == (0, True), cancelled
    finished = await up.terminal.finish(calling)
    assert (finished.status, "CANCELLED" in finished.err) == (1, True)
    assert not json.loads((await run("requests", "show", "w1", "--json")).out)["undelivered"]
    await up.terminal.run("-m", "emulator", "fault", "clear")
    counters = await asyncio.to_thread(counters_of, up)
    assert counters["TENANT#held"] == 0


def counters_of(up: Any) -> dict[str, int]:
    """Return how many are counted, by counter."""
    deployment = Deployment.load(up.terminal.deployment_file)
    items = deployment_client(deployment, "dynamodb").scan(TableName=deployment.counters_table)["Items"]
    return {item["name"]["S"]: int(item["in_flight"]["N"]) for item in items}
