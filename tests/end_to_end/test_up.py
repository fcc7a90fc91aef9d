"""`python -m emulator up`: what it prints, its port, its state file, its end."""

import json
import signal
import socket
from typing import Any

import pytest

from tests.ports import free_port

KEYS = {
    "event",
    "websocket",
    "management",
    "https",
    "aws_endpoint",
    "lambda_endpoint",
    "ca_bundle",
    "stages",
}


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda each: each.name)
async def test_up_runs_until_a_signal(
    terminal: Any, dial: Any, eventually: Any, number: signal.Signals
) -> None:
    """One line of JSON with the addresses when it is ready; a signal ends it with status 0 and no trace."""
    port = free_port()
    async with terminal.up("--port", str(port)) as up:
        assert set(up.ready) == KEYS
        assert up.ready["event"] == "ready"
        assert up.ready["websocket"].startswith(f"ws://127.0.0.1:{port}/")
        assert up.ready["management"].startswith(f"http://127.0.0.1:{port}/")
        assert up.ready["https"].startswith("https://")
        assert up.ready["lambda_endpoint"].startswith("http://127.0.0.1:")
        assert [stage["websocket"] for stage in up.ready["stages"].values()] == [up.ready["websocket"]]

        state = json.loads(terminal.state_file.read_text())
        assert state["addresses"]["websocket"] == up.ready["websocket"]
        assert terminal.state_file.stat().st_mode & 0o077 == 0
        assert terminal.deployment_file.stat().st_mode & 0o077 == 0
        assert terminal.deployment_file.exists()

        token = (await terminal.run("-m", "streamer", "token", "--user", "a", "--tenant", "b")).out.strip()
        wire = await dial(up.ready["websocket"], token)
        assert (await wire.ask({"action": "echo"}))["type"] == "response"
        for path in (terminal.state_file, terminal.deployment_file):
            assert token not in path.read_text()
            assert "PRIVATE" not in path.read_text()

        finished = await up.end(number)
        assert finished.status == 0, finished.err
        assert finished.out == ""
        assert "Traceback" not in finished.err
        await eventually(lambda: not up.family.look())
        assert not terminal.state_file.exists()
        assert not terminal.deployment_file.exists()
        assert await wire.closed() == 1001


@pytest.mark.slow
async def test_taken_port_is_told(terminal: Any) -> None:
    """A port that somebody else has is a sentence that names it, and status 1."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        finished = await terminal.run("-m", "emulator", "up", "--json", "--port", str(port))
    assert finished.status == 1
    assert str(port) in finished.err
    assert "Traceback" not in finished.err
    assert finished.out == ""
    assert not terminal.state_file.exists()


async def test_back_end_that_is_not_there_is_told(terminal: Any) -> None:
    """`--aws-endpoint` with nobody behind it is a sentence that names the address, and status 1."""
    with socket.socket() as silent:  # has a port, so that nobody else has it, and does not listen
        silent.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        finished = await terminal.run("-m", "emulator", "up", "--aws-endpoint", url)
    assert finished.status == 1
    assert url in finished.err
    assert "Traceback" not in finished.err


async def test_bad_usage_has_status_2(terminal: Any) -> None:
    """A port that is none is bad usage."""
    assert (await terminal.run("-m", "emulator", "up", "--port", "70000")).status == 2


async def test_unknown_application_is_told(terminal: Any) -> None:
    """An application that does not exist is named in a sentence, with status 1."""
    finished = await terminal.run("-m", "emulator", "up", "--application", "nothing")
    assert finished.status == 1
    assert "'nothing'" in finished.err
    assert "Traceback" not in finished.err


@pytest.mark.slow
async def test_first_of_two_is_found_again_when_the_second_has_ended(terminal: Any, eventually: Any) -> None:
    """Commands find the newest sandbox; when it ends, also by SIGKILL, they find the one that still runs."""

    def named() -> str:
        found = terminal.state_file.exists() and json.loads(terminal.state_file.read_text())
        return str(found["addresses"]["websocket"]) if found else ""

    async with terminal.up() as first:
        for number in (signal.SIGTERM, signal.SIGKILL):
            async with terminal.up(
                "--aws-endpoint", first.ready["aws_endpoint"], "--option", "name=b"
            ) as second:
                assert named() == second.ready["websocket"]
                await second.end(number)
                await eventually(lambda: not second.family.look())
            await eventually(lambda: named() == first.ready["websocket"])
            called = await terminal.run("-m", "streamer", "call", "echo", '{"a": 1}')
            assert called.status == 0, called.err
    assert not terminal.state_file.exists()
    assert not terminal.deployment_file.exists()
