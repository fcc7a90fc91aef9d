"""`generate_report` from the payload to the object, over S3 in memory."""

import json
from typing import Any

import pytest

from streamer.actions import ActionContext, Link, generate_report
from streamer.actions.ledger import LEDGER_KEY, generate_ledger
from streamer.actions.running import run
from streamer.errors import ActionFailed, ErrorCode, InvalidMessage, ServiceUnavailable
from streamer.testing import MemoryS3, RecordedProgress, make_context

LEDGER = generate_ledger(rows=5_000)
YEAR = {"start_date": "2023-01-01", "end_date": "2023-12-31"}
BUCKET = "test-bucket"


def generate(payload: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    result: dict[str, Any] = run(generate_report, generate_report.parse(payload), context)
    return result


def test_the_report_is_written_among_the_users_objects() -> None:
    """The result links to it and tells its figures; the object carries the correlation id."""
    s3 = MemoryS3({(BUCKET, LEDGER_KEY): LEDGER})
    result = generate(YEAR | {"report_type": "quarterly"}, make_context(clients={"s3": s3}))
    key = "outputs/tenants/acme/users/ada/reports/request-1/run-1.csv"
    body = s3.objects[BUCKET, key]
    summary = result.pop("summary")
    assert result == {
        "report": Link(bucket=BUCKET, key=key, filename="quarterly-2023-01-01-2023-12-31.csv"),
        "format": "csv",
        "report_type": "quarterly",
        "start_date": "2023-01-01",
        "end_date": "2023-12-31",
        "source": "ledger.csv",
        "rows_read": 5_000,
        "rows_matched": LEDGER.count(b"\n2023-"),
        "size_bytes": len(body),
    }
    assert (summary["count"], summary["periods"]) == (result["rows_matched"], 4)
    assert body.startswith(b"period,category,count,total,mean\n2023-Q1,hosting,")
    assert s3.metadata[BUCKET, key] == {
        "correlation-id": "correlation-of-request-1",
        "request-id": "request-1",
    }


def test_progress_follows_what_is_really_read() -> None:
    """The percentage is the share of the bytes read; it begins at 0, rises and ends at 100."""
    progress = RecordedProgress()
    s3 = MemoryS3({(BUCKET, LEDGER_KEY): LEDGER})
    generate(YEAR, make_context(clients={"s3": s3}, progress=progress))
    percentages = [percentage for percentage, _, _ in progress.updates]
    assert percentages[0] == 0
    assert percentages[-1] == 100
    assert percentages == sorted(percentages)
    reading = [(percentage, facts) for percentage, _, facts in progress.updates if "bytes_read" in facts]
    assert len(reading) == len(LEDGER) // 65_536 + 1
    for percentage, facts in reading:
        assert percentage == pytest.approx(95 * facts["bytes_read"] / len(LEDGER))
        # the rows of what was read, less the header and a line that is cut
        assert facts["rows_read"] == max(0, LEDGER[: facts["bytes_read"]].count(b"\n") - 1)
    assert reading[-1][1] == {"bytes_read": len(LEDGER), "rows_read": 5_000}


def test_json_is_a_format() -> None:
    """The same figures as a document."""
    s3 = MemoryS3({(BUCKET, LEDGER_KEY): LEDGER})
    result = generate(YEAR | {"format": "json"}, make_context(clients={"s3": s3}))
    document = json.loads(s3.objects[BUCKET, "outputs/tenants/acme/users/ada/reports/request-1/run-1.json"])
    assert document["overall"]["total"] == result["summary"]["total"]


def test_a_chart_is_made_where_it_is_wanted() -> None:
    """It lies beside the report, and the result links to both."""
    s3 = MemoryS3({(BUCKET, LEDGER_KEY): LEDGER})
    result = generate(YEAR | {"include_chart": True}, make_context(clients={"s3": s3}))
    key = "outputs/tenants/acme/users/ada/reports/request-1/run-1.png"
    assert result["chart"] == Link(bucket=BUCKET, key=key, filename="monthly-2023-01-01-2023-12-31.png")
    assert s3.objects[BUCKET, key].startswith(b"\x89PNG")


def test_a_repeated_attempt_replaces_its_report() -> None:
    """Two attempts leave one object, with the same bytes."""
    s3 = MemoryS3({(BUCKET, LEDGER_KEY): LEDGER})
    first = generate(YEAR, make_context(clients={"s3": s3}))
    assert generate(YEAR, make_context(clients={"s3": s3}, attempt=2)) == first
    assert len(s3.objects) == 2


def test_a_tenants_source_is_its_own() -> None:
    """A tenant's file comes before the shared one of that name, and other tenants don't see it."""
    own = b"date,category,amount\n2023-06-01,secret,42\n"
    s3 = MemoryS3({(BUCKET, LEDGER_KEY): LEDGER, (BUCKET, "tenants/acme/sources/ledger.csv"): own})
    assert generate(YEAR, make_context(clients={"s3": s3}))["rows_read"] == 1
    assert generate(YEAR, make_context(clients={"s3": s3}, tenant="globex"))["rows_read"] == 5_000


def test_a_missing_source_is_named() -> None:
    """The error says which file is missing, with a code of its own, and isn't tried again."""
    with pytest.raises(ActionFailed, match=r"^There is no source mine\.csv; ") as caught:
        generate(YEAR | {"source": "mine.csv"}, make_context(clients={"s3": MemoryS3()}))
    assert caught.value.code == "SOURCE_NOT_FOUND"
    assert not caught.value.retryable


def test_a_bad_source_writes_nothing() -> None:
    """A bad row ends the report with its line, before anything is stored."""
    s3 = MemoryS3({(BUCKET, LEDGER_KEY): LEDGER + b"2023-01-01,a,b,c,EUR\n"})
    with pytest.raises(ActionFailed, match=r"^Line 5002 of the source has the amount 'c'") as caught:
        generate(YEAR, make_context(clients={"s3": s3}))
    assert (caught.value.code, caught.value.details) == ("SOURCE_INVALID", {"line": 5002})
    assert list(s3.objects) == [(BUCKET, LEDGER_KEY)]


def test_a_source_that_is_too_long_for_one_run_says_so() -> None:
    """The report ends itself while there is time to tell, and another attempt would not help."""
    s3 = MemoryS3({(BUCKET, LEDGER_KEY): LEDGER})
    with pytest.raises(ActionFailed, match="split the source into smaller files") as caught:
        generate(YEAR, make_context(clients={"s3": s3}, remaining_s=lambda: 9.0))
    assert (caught.value.code, caught.value.retryable) == (ErrorCode.TIMEOUT, False)


def test_a_connection_that_breaks_is_worth_another_attempt() -> None:
    """When the body ends before its announced length, nothing is reported of the half."""

    class Breaking(MemoryS3):
        def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
            from botocore.response import StreamingBody

            answer = super().get_object(Bucket=Bucket, Key=Key)
            half = StreamingBody(answer["Body"]._raw_stream, len(LEDGER) * 2)
            return answer | {"Body": half, "ContentLength": len(LEDGER) * 2}

    s3 = Breaking({(BUCKET, LEDGER_KEY): LEDGER})
    with pytest.raises(ServiceUnavailable) as caught:
        generate(YEAR, make_context(clients={"s3": s3}))
    assert caught.value.retryable
    assert list(s3.objects) == [(BUCKET, LEDGER_KEY)]


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        ({"end_date": "2022-12-31"}, "end_date 2022-12-31 is before start_date 2023-01-01"),
        ({"end_date": "2033-01-01"}, "2023-01-01 to 2033-01-01 is over 10 years"),
        ({"source": "../x.csv"}, "source is a plain file name"),
        ({"report_type": "weekly"}, "report_type? (annual, monthly or quarterly)"),
        ({"format": "pdf"}, "format? (csv or json)"),
        ({"start_date": "1.1.2023"}, "start_date (date as YYYY-MM-DD)"),
        ({"sourec": "x.csv"}, "unknown field `sourec`"),
    ],
    ids=["order", "too long", "path", "type", "format", "date", "typo"],
)
def test_a_payload_that_does_not_fit_is_refused_before_it_is_queued(
    payload: dict[str, Any], sentence: str
) -> None:
    """The router can tell the client at once what to change."""
    with pytest.raises(InvalidMessage) as caught:
        generate_report.parse(YEAR | payload)
    assert sentence in str(caught.value)


@pytest.mark.parametrize("end", ["2023-01-01", "2032-12-31"], ids=["one day", "ten years"])
def test_one_day_and_ten_years_are_ranges(end: str) -> None:
    """The bounds themselves are allowed."""
    generate_report.parse(YEAR | {"end_date": end})
