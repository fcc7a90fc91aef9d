"""The actions that ship, on the real way through router, executor and S3."""

import asyncio
from typing import Any

import pytest
import urllib3


async def test_echo_async_tells_each_step(client: Any) -> None:
    """It is acknowledged, tells its four steps, and gives the payload back."""
    request = client.request("echo_async", {"message": "hi"})
    percentages = [progress.percentage async for progress in request]
    assert (await request)["echo"] == {"message": "hi"}
    assert (percentages[0], percentages[-1]) == (0, 100)


async def test_a_short_delay_is_answered_at_once(wire: Any) -> None:
    """The estimate of `delay` is its payload: half a second needs no queue."""
    answer = await wire.ask({"action": "delay", "id": "d1", "payload": {"seconds": 0.5}})
    assert (answer["type"], answer["data"]["seconds"]) == ("response", 0.5)


async def test_a_long_delay_is_queued(wire: Any) -> None:
    """Over five seconds it is a long request, which can be cancelled."""
    await wire.send({"action": "delay", "id": "d1", "payload": {"seconds": 3600}})
    assert (await wire.until(request_id="d1"))["type"] in ("acknowledgment", "progress")
    await wire.send({"action": "cancel", "id": "c1", "payload": {"request_id": "d1"}})
    outcome = await wire.until(request_id="d1", type="error")
    assert outcome["error"]["code"] == "CANCELLED"


async def test_a_short_action_may_be_queued(wire: Any) -> None:
    """`metadata.mode` asks for acknowledgment and outcome where an answer would do."""
    await wire.send({"action": "echo", "id": "e1", "payload": {"a": 1}, "metadata": {"mode": "async"}})
    outcome = await wire.until(request_id="e1", type="complete")
    assert outcome["result"]["echo"] == {"a": 1}


async def test_a_report_with_a_chart_links_to_both(client: Any) -> None:
    """The picture is behind a link of its own."""
    payload = {"start_date": "2024-01-01", "end_date": "2024-12-31", "include_chart": True}
    result = await client.request("generate_report", payload)
    picture = await asyncio.to_thread(urllib3.request, "GET", result["chart"])
    assert picture.data.startswith(b"\x89PNG")
    assert result["report"] != result["chart"]


async def test_a_data_set_is_processed(sandbox: Any, client: Any) -> None:
    """What a tenant put into the bucket is read row by row; the result is behind a link."""
    rows = "".join(f"{'even' if n % 2 == 0 else 'odd'},{n}\n" for n in range(50_000))
    await asyncio.to_thread(
        sandbox.boto3("s3").put_object,
        Bucket="streamer-files",
        Key="tenants/demo/sources/numbers.csv",
        Body=f"kind,n\n{rows}".encode(),
    )
    request = client.request(
        "process_data",
        {
            "source": "numbers.csv",
            "operations": [
                {"operation": "filter", "field": "n", "is": "less", "value": 10},
                {
                    "operation": "aggregate",
                    "group_by": ["kind"],
                    "measures": [{"function": "sum", "field": "n", "name": "total"}],
                },
                {"operation": "sort", "by": [{"field": "total", "descending": True}]},
            ],
        },
    )
    percentages = [progress.percentage async for progress in request]
    result = await request
    assert (percentages[0], percentages[-1]) == (0, 100)
    assert (result["rows_read"], result["rows_written"]) == (50_000, 2)
    file = await asyncio.to_thread(urllib3.request, "GET", result["result"])
    assert file.data == b"kind,total\nodd,25\neven,20\n"


async def test_many_records_are_written(client: Any) -> None:
    """Batches go to the tenant's records; a second creation fails item by item."""
    items = [{"id": f"u{n}", "n": n} for n in range(60)]
    payload = {"operation_type": "create", "entity_type": "user", "items": items}
    first = await client.request("bulk_operation", payload)
    assert (first["succeeded"], first["failed"]) == (60, 0)
    second = await client.request("bulk_operation", {**payload, "items": [*items[:2], {"id": "new"}, {}]})
    assert [(failure["index"], failure["code"]) for failure in second["failures"]] == [
        (0, "ALREADY_EXISTS"),
        (1, "ALREADY_EXISTS"),
        (3, "INVALID_ITEM"),
    ]
    for operation in ("put", "update", "delete"):
        done = await client.request("bulk_operation", {**payload, "operation_type": operation})
        assert done["failed"] == 0
    assert (await client.request("bulk_operation", {**payload, "operation_type": "update"}))["failed"] == 60


@pytest.mark.parametrize("metadata", [{}, {"mode": "async"}], ids=["at-once", "queued"])
async def test_a_result_that_no_message_carries_is_behind_a_link(wire: Any, metadata: dict[str, str]) -> None:
    """Short or long, the message says where it is; what is there is the result as JSON."""
    payload = {"size_bytes": 300_000}
    await wire.send({"action": "fill", "id": "f1", "payload": payload, "metadata": metadata})
    answer = await wire.until(request_id="f1", success=True)
    assert answer.get("result", answer.get("data")) is None
    assert answer["link"]["size_bytes"] == 300_002
    file = await asyncio.to_thread(urllib3.request, "GET", answer["link"]["url"])
    assert file.json() == "x" * 300_000


async def test_a_result_that_nothing_carries_is_a_loud_error(wire: Any) -> None:
    """It is never silence."""
    answer = await wire.ask({"action": "fill", "id": "f1", "payload": {"size_bytes": 11_000_000}})
    assert answer["error"]["code"] == "RESULT_TOO_LARGE"
