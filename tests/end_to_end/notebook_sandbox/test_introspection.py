"""A sandbox tells what happened: events, timelines of one request, tables."""

import json
from typing import Any

import pytest

from emulator import EmulatorError, Sandbox

REPORT = {"start_date": "2024-01-01", "end_date": "2024-03-31"}


async def test_events_of_the_router_hold_the_message(sandbox: Sandbox, client: Any) -> None:
    """An event is kept as the function received it, with what it answered."""
    request = client.request("echo", {"message": "look for me"})
    await request
    found = [
        invocation
        for invocation in await sandbox.events("router")
        if request.request_id in invocation["event"].get("body", "")
    ]
    assert len(found) == 1
    assert json.loads(found[0]["event"]["body"])["payload"] == {"message": "look for me"}
    assert json.loads(found[0]["response"]["body"])["type"] == "response"
    assert found[0]["function_error"] is None
    assert found[0]["duration_ms"] > 0


async def test_no_event_holds_a_token(sandbox: Sandbox, dial: Any, person: Any) -> None:
    """What `$connect` saw is shown with the token shortened, from the header and from the query."""
    token = sandbox.token(person.user, person.tenant)
    await dial(sandbox.addresses.websocket, token)
    await dial(f"{sandbox.addresses.websocket}?token={token}")
    shown = json.dumps(await sandbox.events("connect"))
    _, claims, signature = token.split(".")
    assert claims not in shown
    assert signature not in shown
    assert f"Bearer {token[:10]}\\u2026{token[-4:]}" in shown


async def test_the_timeline_of_a_long_request_is_its_whole_way(
    sandbox: Sandbox, client: Any, eventually: Any
) -> None:
    """Message, router, stream, processor, executor and every post are found, and nothing of others."""
    other = client.request("generate_report", REPORT)
    await other  # before: requests that wait at the same time share an invocation of the processor
    request = client.request("generate_report", REPORT)
    await request

    async def executor_has_ended() -> Any:
        timeline = await sandbox.timeline(request)
        ends = [entry for entry in timeline if entry["kind"] == "lambda.end"]
        return timeline if len(ends) == 3 else None

    timeline = await eventually(executor_has_ended)
    assert [entry["sequence"] for entry in timeline] == sorted(entry["sequence"] for entry in timeline)
    started = [entry["facts"]["function"] for entry in timeline if entry["kind"] == "lambda.start"]
    assert started == ["streamer-router", "streamer-processor", "streamer-executor"]
    kinds = [entry["kind"] for entry in timeline]
    assert kinds[0] == "gateway.message"
    assert {"gateway.reply", "stream.batch", "lambda.queued", "gateway.post"} <= set(kinds)
    types = [entry["facts"]["type"] for entry in timeline if entry["kind"] == "gateway.post"]
    assert types[-1] == "complete"
    assert set(types[:-1]) <= {"progress"}
    assert other.request_id not in json.dumps(
        [entry for entry in timeline if entry["kind"] != "stream.batch"]
    )
    assert {invocation["function"] for invocation in timeline.invocations} == set(started)


async def test_the_timeline_is_found_by_the_correlation_id_too(
    sandbox: Sandbox, client: Any, stored: Any
) -> None:
    """The id that follows a request through all functions finds the same as the request's own."""
    request = client.request("generate_report", REPORT)
    await request
    rows = await sandbox.table("requests")
    state = next(row for row in rows if row["request_id"] == request.request_id and row["sk"] == "STATE")
    of_one = await sandbox.timeline(request.request_id)
    of_other = await sandbox.timeline(state["correlation_id"])
    assert [entry["sequence"] for entry in of_one][:6] == [entry["sequence"] for entry in of_other][:6]


async def test_a_table_is_rows_of_plain_values(sandbox: Sandbox, client: Any) -> None:
    """Items are dicts that JSON takes, key first."""
    request = client.request("generate_report", REPORT)
    await request
    rows = await sandbox.table("requests")
    json.dumps(rows)
    state = next(row for row in rows if row["request_id"] == request.request_id and row["sk"] == "STATE")
    assert list(state)[:2] == ["pk", "sk"]
    assert (state["status"], state["attempt"], type(state["sequence"])) == ("COMPLETED", 1, int)


async def test_a_table_that_does_not_exist_is_named(sandbox: Sandbox) -> None:
    """The error names the tables that there are."""
    with pytest.raises(EmulatorError, match="streamer-requests"):
        await sandbox.table("nothing")


async def test_an_action_cannot_be_added_to_processes(sandbox: Sandbox) -> None:
    """Where functions are processes, the error says what to do instead."""
    with pytest.raises(EmulatorError, match='execution="inline"'):
        sandbox.add_action(lambda payload: payload)
