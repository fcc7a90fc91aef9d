"""`generate_report` is computed from the file in S3, and its link leads to it."""

import asyncio
import csv
import io
import json
from collections import defaultdict
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import pytest
import urllib3

from emulator import Sandbox
from streamer.clients.python import RequestFailed

BUCKET = "streamer-files"
LEDGER = "shared/sources/ledger.csv"

Cell = tuple[str, str, int, Decimal, Decimal]
"""Period, category, count, total, mean."""

PERIODS = {
    "monthly": lambda day: f"{day.year}-{day.month:02}",
    "quarterly": lambda day: f"{day.year}-Q{(day.month - 1) // 3 + 1}",
    "annual": lambda day: f"{day.year}",
}


def aggregate(text: str, start: str, end: str, report_type: str) -> list[Cell]:
    """Add up a ledger in the plainest way."""
    amounts: dict[tuple[str, str], list[Decimal]] = defaultdict(list)
    for row in csv.DictReader(io.StringIO(text)):
        day = date.fromisoformat(row["date"])
        if date.fromisoformat(start) <= day <= date.fromisoformat(end):
            amounts[PERIODS[report_type](day), row["category"]].append(Decimal(row["amount"]))
    return [
        (*key, len(found), sum(found), (sum(found) / len(found)).quantize(Decimal("0.01"), ROUND_HALF_EVEN))
        for key, found in sorted(amounts.items())
    ]


def read_csv(text: str) -> list[Cell]:
    """Read the lines of a report, without those over all periods."""
    rows = csv.DictReader(io.StringIO(text))
    return [_cell(row) for row in rows if row["period"] != "(all)"]


def read_json(text: str) -> list[Cell]:
    return [_cell(line) for line in json.loads(text)["lines"]]


def _cell(line: dict[str, Any]) -> Cell:
    return (
        line["period"],
        line["category"],
        int(line["count"]),
        Decimal(line["total"]),
        Decimal(line["mean"]),
    )


async def fetch(url: str) -> urllib3.BaseHTTPResponse:
    return await asyncio.to_thread(urllib3.PoolManager(retries=False).request, "GET", url)


async def read_object(sandbox: Sandbox, key: str) -> str:
    response = await asyncio.to_thread(sandbox.boto3("s3").get_object, Bucket=BUCKET, Key=key)
    return (await asyncio.to_thread(response["Body"].read)).decode()


async def write_object(sandbox: Sandbox, key: str, text: str) -> None:
    await asyncio.to_thread(sandbox.boto3("s3").put_object, Bucket=BUCKET, Key=key, Body=text.encode())


@pytest.mark.parametrize("file_format", ["csv", "json"])
@pytest.mark.parametrize("report_type", ["monthly", "quarterly", "annual"])
async def test_report_is_the_aggregation_of_the_ledger(
    sandbox: Sandbox, client: Any, report_type: str, file_format: str
) -> None:
    """The linked file holds counts, totals and means by period and category of the ledger in S3."""
    payload = {
        "start_date": "2023-02-10",
        "end_date": "2024-07-20",
        "report_type": report_type,
        "format": file_format,
    }
    result = await client.request("generate_report", payload)
    response = await fetch(result["report"])
    assert response.status == 200
    report = response.data.decode()
    ledger = await read_object(sandbox, LEDGER)
    expected = aggregate(ledger, "2023-02-10", "2024-07-20", report_type)
    assert len(expected) > 10
    assert (read_csv if file_format == "csv" else read_json)(report) == expected
    assert result["rows_read"] == len(ledger.splitlines()) - 1
    assert result["rows_matched"] == sum(count for _, _, count, _, _ in expected)
    assert result["size_bytes"] == len(response.data)


async def test_ledger_holds_three_years(sandbox: Sandbox) -> None:
    """The ledger that the sandbox starts with has 50,000 rows over three years."""
    rows = list(csv.DictReader(io.StringIO(await read_object(sandbox, LEDGER))))
    assert len(rows) == 50_000
    assert len({row["date"][:4] for row in rows}) == 3


async def test_progress_follows_the_rows_that_were_read(client: Any) -> None:
    """Progress carries how many rows were read, and ends with all of them."""
    request = client.request("generate_report", {"start_date": "2024-01-01", "end_date": "2024-12-31"})
    read = [progress.metadata["rows_read"] async for progress in request if progress.metadata]
    result = await request
    assert read == sorted(read)
    assert read[-1] == result["rows_read"]


async def test_link_is_signed_when_it_is_sent_and_never_stored(client: Any, stored: Any) -> None:
    """The stored result names the object; only the message has a signed link."""
    request = client.request("generate_report", {"start_date": "2024-01-01", "end_date": "2024-01-31"})
    result = await request
    assert "X-Amz-Signature=" in result["report"]
    [item] = [
        item
        for item in await stored.requests.all()
        if item.get("request_id") == request.request_id and item["sk"] == "RESULT"
    ]
    assert "X-Amz" not in item["data"]
    assert set(json.loads(item["data"])["report"]["$link"]) == {"bucket", "key", "filename"}


async def test_own_file_is_a_source(sandbox: Sandbox, person: Any) -> None:
    """A CSV that a user puts into S3 is reported on, also in the place of a shared one of that name."""
    text = "date,category,amount\n2024-03-01,tea,1.10\n2024-03-02,tea,2.20\n2024-04-01,milk,-0.05\n"
    for name in ("mine.csv", "ledger.csv"):
        await write_object(sandbox, f"tenants/{person.tenant}/sources/{name}", text)
    client = await sandbox.connect(person.user, person.tenant)
    try:
        for name in ("mine.csv", "ledger.csv"):
            payload = {"start_date": "2024-01-01", "end_date": "2024-12-31", "source": name}
            result = await client.request("generate_report", payload)
            report = (await fetch(result["report"])).data.decode()
            assert read_csv(report) == aggregate(text, "2024-01-01", "2024-12-31", "monthly")
            assert result["summary"]["total"] == "3.25"
    finally:
        await client.close()


async def test_source_of_another_tenant_is_not_there(sandbox: Sandbox, new_person: Any) -> None:
    """A file of one tenant does not exist for another, by whatever name it is asked for."""
    owner, other = new_person(), new_person()
    key = f"tenants/{owner.tenant}/sources/secret.csv"
    await write_object(sandbox, key, "date,category,amount\n2024-03-01,tea,1.10\n")
    client = await sandbox.connect(other.user, other.tenant)
    dates = {"start_date": "2024-01-01", "end_date": "2024-12-31"}
    try:
        with pytest.raises(RequestFailed) as failure:
            await client.request("generate_report", {**dates, "source": "secret.csv"})
        assert failure.value.code == "SOURCE_NOT_FOUND"
        for name in (f"../../{owner.tenant}/sources/secret.csv", f"/{key}", "..", key):
            with pytest.raises(RequestFailed) as failure:
                await client.request("generate_report", {**dates, "source": name})
            assert failure.value.code == "VALIDATION_ERROR"
    finally:
        await client.close()


async def test_report_lies_with_its_user(sandbox: Sandbox, person: Any) -> None:
    """A report is written under its user's prefix, with the request's correlation id in its metadata, and
    expires after its request.
    """
    client = await sandbox.connect(person.user, person.tenant)
    try:
        request = client.request("generate_report", {"start_date": "2024-01-01", "end_date": "2024-01-31"})
        await request
    finally:
        await client.close()
    key = f"outputs/tenants/{person.tenant}/users/{person.user}/reports/{request.request_id}/1.csv"
    s3 = sandbox.boto3("s3")
    head = await asyncio.to_thread(s3.head_object, Bucket=BUCKET, Key=key)
    (rule,) = (await asyncio.to_thread(s3.get_bucket_lifecycle_configuration, Bucket=BUCKET))["Rules"]
    assert key.startswith(rule["Filter"]["Prefix"])
    assert (rule["Status"], rule["Expiration"]["Days"]) == ("Enabled", 8)
    assert head["Metadata"]["request-id"] == request.request_id
    assert head["Metadata"]["correlation-id"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("date,category,amount\n2024-03-01,tea,1.10\n2024-03-02,tea,much\n", 3),
        ("date,category,amount\nyesterday,tea,1.10\n", 2),
        ("day,category,amount\n", None),
        ("", None),
    ],
    ids=["amount", "date", "no date column", "empty"],
)
async def test_source_that_is_no_ledger_is_refused_with_its_line(
    sandbox: Sandbox, person: Any, text: str, line: int | None
) -> None:
    """A source that cannot be read fails with `SOURCE_INVALID` and the line that is wrong."""
    await write_object(sandbox, f"tenants/{person.tenant}/sources/bad.csv", text)
    client = await sandbox.connect(person.user, person.tenant)
    try:
        with pytest.raises(RequestFailed) as failure:
            await client.request(
                "generate_report",
                {"start_date": "2024-01-01", "end_date": "2024-12-31", "source": "bad.csv"},
            )
    finally:
        await client.close()
    assert failure.value.code == "SOURCE_INVALID"
    assert failure.value.details.get("line") == line
