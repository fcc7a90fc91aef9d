"""The commands, against a sandbox that `python -m emulator up` runs."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from emulator.testing import run_in

pytestmark = pytest.mark.slow

REPORT = '{"start_date": "2024-01-01", "end_date": "2024-12-31"}'


@pytest.fixture(scope="module")
def up(module_terminal: Any, sandbox_loop: asyncio.AbstractEventLoop) -> Iterator[Any]:
    """A sandbox of the command line, for all tests here."""
    running = module_terminal.up()
    yield run_in(sandbox_loop, running.__aenter__())
    run_in(sandbox_loop, running.__aexit__(None, None, None))


@pytest.fixture
def run(up: Any) -> Any:
    """Run a command where the sandbox is named."""
    return up.terminal.run


async def test_token_is_accepted(up: Any, run: Any, dial: Any) -> None:
    """`streamer token` prints one JWT, and nothing else, that the sandbox accepts."""
    made = await run("-m", "streamer", "token", "--user", "demo", "--tenant", "demo", "--permission", "read")
    assert (made.status, made.err) == (0, "")
    [token] = made.out.splitlines()
    wire = await dial(up.ready["websocket"], token)
    assert (await wire.ask({"action": "echo"}))["type"] == "response"


async def test_token_that_has_ended_is_not(up: Any, run: Any) -> None:
    """`--expires-in` with a time in the past makes a token that `call` is refused with, in a sentence."""
    made = await run("-m", "streamer", "token", "--user", "a", "--tenant", "b", "--expires-in", "-60")
    called = await run("-m", "streamer", "call", "echo", "--token", made.out.strip())
    assert called.status == 1
    assert "401 (UNAUTHORIZED)" in called.err
    assert made.out.strip() not in called.err


async def test_call_echo_shows_the_data(run: Any) -> None:
    """`streamer call echo` prints the data as JSON and ends with 0."""
    called = await run("-m", "streamer", "call", "echo", '{"message": "hi"}')
    assert called.status == 0, called.err
    assert json.loads(called.out)["echo"] == {"message": "hi"}


async def test_call_generate_report_shows_progress_and_outcome(run: Any) -> None:
    """`streamer call generate_report` shows acknowledgment and progress, and prints the result."""
    called = await run("-m", "streamer", "call", "generate_report", REPORT)
    assert called.status == 0, called.err
    assert "generate_report acknowledged: PENDING" in called.err
    assert "100.0 %" in called.err
    assert json.loads(called.out)["report"].startswith("http://127.0.0.1:")


async def test_call_json_prints_every_message(run: Any) -> None:
    """`--json` prints each message as it comes, one line each."""
    called = await run("-m", "streamer", "call", "--json", "generate_report", REPORT)
    assert called.status == 0
    messages = [json.loads(line) for line in called.out.splitlines()]
    assert messages[-1]["type"] == "complete"
    assert {"acknowledgment", "progress", "complete"} == {message["type"] for message in messages}


async def test_call_of_an_unknown_action_fails(run: Any) -> None:
    """An error of the server is a sentence with its code, and status 1."""
    called = await run("-m", "streamer", "call", "nothing_of_the_sort")
    assert called.status == 1
    assert "INVALID_ACTION" in called.err
    assert "Traceback" not in called.err
    assert called.out == ""


async def test_call_that_fails_says_why(run: Any) -> None:
    """The bad outcome of long work is its sentence and code, and status 1."""
    payload = json.dumps({**json.loads(REPORT), "source": "nothing.csv"})
    called = await run("-m", "streamer", "call", "generate_report", payload)
    assert called.status == 1
    assert "SOURCE_NOT_FOUND" in called.err


async def test_call_with_bad_json_is_bad_usage(run: Any) -> None:
    """A payload that is not JSON is bad usage: status 2."""
    called = await run("-m", "streamer", "call", "echo", "{message: hi}")
    assert called.status == 2
    assert "not JSON" in called.err


async def test_doctor_finds_nothing(run: Any) -> None:
    """`emulator doctor` finds that a machine on which these tests run has everything."""
    examined = await run("-m", "emulator", "doctor")
    assert examined.status == 0, examined.out
    assert "LocalStack" in examined.out


async def test_status_shows_addresses_and_environments(up: Any, run: Any) -> None:
    """`emulator status` shows where the sandbox answers, what runs, and its memory."""
    shown = await run("-m", "emulator", "status")
    assert shown.status == 0, shown.err
    assert up.ready["websocket"] in shown.out
    assert up.ready["aws_endpoint"] in shown.out
    assert "streamer-executor" in shown.out
    assert "RSS" in shown.out


async def test_logs_of_a_function_by_its_short_name(run: Any) -> None:
    """`emulator logs executor` prints what the executor logged, with Lambda's own lines."""
    await run("-m", "streamer", "call", "generate_report", REPORT)
    shown = await run("-m", "emulator", "logs", "executor")
    assert shown.status == 0, shown.err
    assert '"action":"request.completed"' in shown.out
    assert "REPORT RequestId" in shown.out


async def test_logs_of_an_unknown_function_say_which_there_are(run: Any) -> None:
    """A function that does not exist is a sentence with those that do, and status 1."""
    shown = await run("-m", "emulator", "logs", "nothing")
    assert shown.status == 1
    assert "streamer-executor" in shown.err
    assert "Traceback" not in shown.err


async def test_timeline_shows_what_happened(run: Any) -> None:
    """`emulator timeline` lists what happened, and `--json` one object per line."""
    await run("-m", "streamer", "call", "echo")
    shown = await run("-m", "emulator", "timeline")
    assert shown.status == 0
    assert "$disconnect" in shown.out
    lines = (await run("-m", "emulator", "timeline", "--json")).out.splitlines()
    entries = [json.loads(line) for line in lines]
    assert {"gateway.connect", "gateway.message", "lambda.end"} <= {entry["kind"] for entry in entries}
    sequences = [entry["sequence"] for entry in entries]
    assert sequences == sorted(set(sequences))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("emulator", "status"), 'No sandbox is running: start one with "python -m emulator up".'),
        (("emulator", "logs", "executor"), "No sandbox is running"),
        (("emulator", "timeline"), "No sandbox is running"),
        (("streamer", "call", "echo"), 'No running deployment: start one with "python -m emulator up"'),
        (("streamer", "token", "--user", "a", "--tenant", "b"), "No running deployment"),
    ],
    ids=["status", "logs", "timeline", "call", "token"],
)
async def test_without_a_sandbox_a_command_says_so(
    terminal: Any, arguments: tuple[str, ...], sentence: str
) -> None:
    """Where no sandbox runs, a command says so and how to start one, with status 1."""
    shown = await terminal.run("-m", *arguments)
    assert shown.status == 1
    assert sentence in shown.err
    assert shown.out == ""


async def test_state_file_of_a_dead_sandbox_counts_as_none(terminal: Any, up: Any) -> None:
    """A state file whose process is gone is as good as none."""
    finished = await terminal.run("-c", "import os; print(os.getpid())")
    state = json.loads(up.terminal.state_file.read_text()) | {"pid": int(finished.out)}
    terminal.state_file.write_text(json.dumps(state))
    shown = await terminal.run("-m", "emulator", "status")
    assert (shown.status, "No sandbox is running" in shown.err) == (1, True)


async def test_commands_follow_the_sandboxs_clock(up: Any, run: Any) -> None:
    """After the clock was advanced, `call` still issues tokens that the functions take."""
    advanced = await run("-m", "emulator", "clock", "advance", "2h")
    assert advanced.status == 0, advanced.err
    called = await run("-m", "streamer", "call", "echo")
    assert called.status == 0, called.err
    clock = await run("-m", "emulator", "clock", "show")
    assert "7200 s ahead" in clock.out


async def test_faults_are_declared_listed_and_taken_back(up: Any, run: Any) -> None:
    """A fault of the command line strikes, is listed with its strike, and is gone when it is cleared."""
    added = await run("-m", "emulator", "fault", "add", "kill-environment", "--where", "function=executor")
    assert added.status == 0, added.err
    called = await run("-m", "streamer", "call", "generate_report", REPORT)
    assert called.status == 0, called.err
    listed = await run("-m", "emulator", "fault", "list", "--json")
    [fault] = json.loads(listed.out)
    assert (fault["kind"], fault["struck"]) == ("kill-environment", 1)
    assert (await run("-m", "emulator", "fault", "clear")).status == 0
    assert json.loads((await run("-m", "emulator", "fault", "list", "--json")).out) == []
