"""`process_data` from the payload to the object, over S3 in memory."""

from typing import Any

import pytest

from streamer.actions import ActionContext, Link, process_data
from streamer.actions.data import processing
from streamer.actions.running import run
from streamer.errors import ActionFailed, ErrorCode, InvalidMessage
from streamer.testing import MemoryS3, RecordedProgress, make_context

BUCKET = "test-bucket"
SALES = b"city,amount\nRome,10\nOslo,5\nRome,2.50\nOslo,\n"
BY_CITY = [
    {"operation": "aggregate", "group_by": ["city"], "measures": [{"function": "sum", "field": "amount"}]},
    {"operation": "sort", "by": [{"field": "city"}]},
]


def process(payload: dict[str, Any], context: ActionContext) -> dict[str, Any]:
    result: dict[str, Any] = run(process_data, process_data.parse(payload), context)
    return result


def own_source(name: str, data: bytes) -> MemoryS3:
    return MemoryS3({(BUCKET, f"tenants/acme/sources/{name}"): data})


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (None, b"city,sum_amount\nOslo,5\nRome,12.50\n"),
        ("jsonl", b'{"city":"Oslo","sum_amount":5}\n{"city":"Rome","sum_amount":12.50}\n'),
    ],
    ids=["as-the-source", "json-lines"],
)
def test_the_result_is_written_among_the_users_objects(kind: str | None, body: bytes) -> None:
    """It is linked, counted, and in the format that is asked for."""
    s3 = own_source("sales.csv", SALES)
    payload = {"source": "sales.csv", "operations": BY_CITY} | ({"format": kind} if kind else {})
    result = process(payload, make_context(clients={"s3": s3}))
    kind = kind or "csv"
    key = f"outputs/tenants/acme/users/ada/data/request-1/run-1.{kind}"
    assert s3.objects[BUCKET, key] == body
    assert result == {
        "result": Link(bucket=BUCKET, key=key, filename=f"sales.{kind}"),
        "format": kind,
        "source": "sales.csv",
        "rows_read": 4,
        "rows_written": 2,
        "size_bytes": len(body),
    }


def test_progress_follows_what_is_read() -> None:
    """It begins at 0, never falls, and ends at 100 with the figures."""
    progress = RecordedProgress()
    source = b"".join(b'{"n": %d}\n' % number for number in range(20_000))
    s3 = own_source("n.jsonl", source)
    step = {"operation": "filter", "field": "n", "is": "less", "value": 10}
    process({"source": "n.jsonl", "operations": [step]}, make_context(clients={"s3": s3}, progress=progress))
    percentages = [update[0] for update in progress.updates]
    assert (percentages[0], percentages[-1]) == (0, 100)
    assert percentages == sorted(percentages)
    assert len(percentages) > 5
    assert progress.updates[-1][2] == {"rows_read": 20_000, "rows_written": 10}


def test_another_tenants_source_is_not_there() -> None:
    """A name leads to the caller's own tenant, or to what is shared."""
    s3 = own_source("sales.csv", SALES)
    with pytest.raises(ActionFailed) as caught:
        process(
            {"source": "sales.csv", "operations": BY_CITY}, make_context(tenant="rival", clients={"s3": s3})
        )
    assert caught.value.code == "SOURCE_NOT_FOUND"


def test_a_source_that_is_too_long_for_one_run_is_a_timeout() -> None:
    """The client is told while there is time to."""
    s3 = own_source("sales.csv", SALES)
    context = make_context(clients={"s3": s3}, remaining_s=lambda: 5.0)
    with pytest.raises(ActionFailed) as caught:
        process({"source": "sales.csv", "operations": BY_CITY}, context)
    assert caught.value.code == ErrorCode.TIMEOUT


def test_a_result_that_is_too_large_is_a_loud_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written then."""
    monkeypatch.setattr(processing, "MAX_RESULT_BYTES", 10)
    s3 = own_source("sales.csv", SALES)
    with pytest.raises(ActionFailed) as caught:
        process(
            {"source": "sales.csv", "operations": [{"operation": "deduplicate"}]},
            make_context(clients={"s3": s3}),
        )
    assert caught.value.code == "DATA_TOO_LARGE"
    assert len(s3.objects) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"source": "../a.csv"}, "source is a plain file name"),
        ({"source": "a.parquet"}, "source ends in .csv or .jsonl"),
        ({"operations": []}, "length >= 1"),
        ({"operations": [{"operation": "explode"}]}, "explode"),
        (
            {"operations": [{"operation": "filter", "field": "a", "is": "one_of", "value": 1}]},
            "is a list with one_of",
        ),
        ({"operations": [{"operation": "filter", "field": "a", "is": "less"}]}, "needs a value"),
        (
            {"operations": [{"operation": "transform", "field": "a", "function": "add"}]},
            "either value or other",
        ),
        ({"operations": [{"operation": "transform", "field": "a", "function": "rename"}]}, "rename needs to"),
        ({"operations": [{"operation": "sort", "by": []}]}, "length >= 1"),
        (
            {"operations": [{"operation": "aggregate", "measures": [{"function": "sum"}]}]},
            "sum needs a field",
        ),
        ({"format": "parquet"}, "parquet"),
    ],
    ids=str,
)
def test_a_payload_that_cannot_be_meant_is_refused(change: dict[str, Any], words: str) -> None:
    """The client is told before anything is queued."""
    with pytest.raises(InvalidMessage, match=words):
        process_data.parse({"source": "a.csv", "operations": BY_CITY} | change)
