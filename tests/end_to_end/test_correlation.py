"""One correlation id through every function, and nothing secret on the way."""

import asyncio
import json
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

from emulator import Sandbox
from streamer.clients.python import ConnectionRefused

LAMBDA_WORDS = {"INIT_START", "START", "END", "REPORT", "RequestId:", "Runtime.ExitError"}
"""What Lambda's own lines begin with; the last two tell of a process that was killed."""


async def test_one_correlation_id_from_router_to_executor(
    sandbox: Sandbox, wire: Any, person: Any, stored: Any, log_lines: Any, eventually: Any
) -> None:
    """Router, processor, executor and the stored item name the same correlation id for a request."""
    await wire.send({"action": "noop", "id": "noop-1"})
    await wire.until(request_id="noop-1", type="complete")

    async def lines_of(function: str) -> list[dict[str, Any]]:
        return await log_lines(sandbox, function, request_id="noop-1", tenant_id=person.tenant)

    found = {
        function: await eventually(lambda function=function: lines_of(function))
        for function in ("router", "processor", "executor")
    }
    ids = {line["correlation_id"] for lines in found.values() for line in lines}
    assert len(ids) == 1
    assert ids == {(await stored.state(person, "noop-1"))["correlation_id"]}
    assert [line["action"] for line in found["router"]] == ["request.queued"]
    assert [line["action"] for line in found["processor"]] == ["request.dispatched"]
    assert {line["action"] for line in found["executor"]} >= {"request.claimed", "request.completed"}


async def test_two_requests_have_two_correlation_ids(
    wire: Any, person: Any, stored: Any, log_lines: Any
) -> None:
    """Requests on one connection are told apart."""
    for name in ("one", "two"):
        await wire.send({"action": "noop", "id": name})
        await wire.until(request_id=name, type="complete")
    ids = {(await stored.state(person, name))["correlation_id"] for name in ("one", "two")}
    assert len(ids) == 2


async def test_correlation_id_goes_through_a_crash(
    sandbox: Sandbox, wire: Any, person: Any, stored: Any, log_lines: Any, eventually: Any
) -> None:
    """The sweeper that frees a crashed request and the attempt that follows carry the same id."""
    await wire.send({"action": "kill_environment", "id": "crash"})
    await wire.until(request_id="crash", type="complete")
    correlation_id = (await stored.state(person, "crash"))["correlation_id"]
    ours = {"request_id": "crash", "tenant_id": person.tenant}
    [freed] = await eventually(lambda: log_lines(sandbox, "sweeper", **ours))
    assert (freed["action"], freed["correlation_id"]) == ("sweeper.released", correlation_id)
    executor = await log_lines(sandbox, "executor", **ours)
    assert {line["correlation_id"] for line in executor} == {correlation_id}
    assert [line["attempt"] for line in executor if line["action"] == "request.claimed"] == [1, 2]


async def test_every_line_is_json_with_the_agreed_fields(sandbox: Sandbox, wire: Any) -> None:
    """What the functions log is one JSON object per line, between the lines that Lambda itself writes."""
    await wire.barrier()
    for function in ("connect", "router", "processor", "executor"):
        for invocation in await sandbox.logs(function):
            for text in invocation["log"].splitlines():
                if text.split(" ")[0] in LAMBDA_WORDS or not text:
                    continue
                line = json.loads(text)
                assert {"timestamp", "level", "message", "action", "function"} <= set(line), line
                assert line["function"] == function


async def test_no_token_and_no_payload_is_written_anywhere(
    sandbox: Sandbox, dial: Any, person: Any, sandbox_aws_endpoint: str | None
) -> None:
    """Logs, timeline and files of the sandbox hold no token and nothing of a payload, good or bad."""
    mark = f"mark{uuid.uuid4().hex}"
    url = sandbox.addresses.websocket
    good = sandbox.token(person.user, person.tenant)
    in_query = sandbox.token(person.user, person.tenant, permissions=["read"])
    expired = sandbox.token(person.user, person.tenant, expires_in_s=-60)
    tampered = good[:-6] + "AAAAAA"
    await dial(f"{url}?token={in_query}")
    for bad in (expired, tampered):
        with suppress(ConnectionRefused):
            await sandbox.connect(token=bad)
    wire = await dial(url, good)
    for text in (
        {"action": "echo", "payload": {mark: mark}},
        {"action": "echo", "payload": {"message": good}},
        {"action": "generate_report", "payload": {"start_date": mark}},
        {"action": "generate_report", "payload": {mark: 1}},
        {"action": "fail_now", "payload": {"expected": False, mark: mark}},
        {"action": mark * 4},  # a short one would be a fact: which action was asked for
        mark,
        '{"action": "' + mark,
        {"action": "echo", "metadata": {"mark": mark}},
        {"action": "echo", "payload": mark},
    ):
        await wire.ask(text)
    for action, payload in (
        ("noop", {mark: mark}),
        ("noop", {"token": good}),
        ("generate_report", {"start_date": "2024-01-01", "end_date": "2024-01-31", "source": mark}),
    ):
        await wire.send({"action": action, "id": action + str(len(wire.messages)), "payload": payload})
        while (await wire.receive())["type"] not in ("complete", "error"):
            pass
    await wire.barrier()

    written = [json.dumps(await sandbox.timeline())]
    for function in ("connect", "disconnect", "router", "processor", "executor", "sweeper"):
        written.append(json.dumps(await sandbox.logs(function)))
    logs = {"emulator.log"} if sandbox_aws_endpoint else {"emulator.log", "localstack.log"}
    written += await asyncio.to_thread(_files, Path(sandbox.state.run_folder), logs)
    secrets = {
        "payload": mark,
        **{
            name: token.split(".")[part]
            for name, token, part in (
                ("good token", good, 2),
                ("its claims", good, 1),
                ("query token", in_query, 2),
                ("expired token", expired, 2),
                ("claims of the tampered one", tampered, 1),
            )
        },
    }
    for name, secret in secrets.items():
        for text in written:
            at = text.find(secret)
            assert at < 0, f"{name}: …{text[max(0, at - 300) : at + 50]}…"


def _files(folder: Path, logs: set[str]) -> list[str]:
    """Return the text of every log and state file of a run, `logs` among them."""
    files = [
        path for path in folder.rglob("*") if path.is_file() and path.suffix in (".log", ".json", ".txt")
    ]
    assert logs <= {path.name for path in files}
    return [path.read_text(errors="replace") for path in files]
