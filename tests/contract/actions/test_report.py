"""A report over the whole ledger on LocalStack's S3, up to the link that a client fetches."""

import csv
import io
import urllib.request
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from streamer.actions import generate_report
from streamer.actions.ledger import LEDGER_KEY, generate_ledger
from streamer.actions.links import presigner, resolve_links, stored_form
from streamer.actions.running import run
from streamer.testing import RecordedProgress, make_context, make_settings


def test_a_client_fetches_what_was_computed(make_localstack_client: Callable[[str], Any]) -> None:
    """The link in the result opens the report, with its name; its figures are the ledger's."""
    client = make_localstack_client("s3")
    bucket = "contract-report"
    client.create_bucket(Bucket=bucket)
    ledger = generate_ledger()
    client.put_object(Bucket=bucket, Key=LEDGER_KEY, Body=ledger)
    progress = RecordedProgress()
    context = make_context(
        clients={"s3": client}, settings=make_settings(bucket=bucket), progress=progress, user="a/ü%#"
    )
    payload = generate_report.parse({"start_date": "2022-01-01", "end_date": "2024-12-31"})

    stored = stored_form(run(generate_report, payload, context))
    sent = resolve_links(stored, presigner(client))

    key = stored["report"]["$link"]["key"]
    assert key == "outputs/tenants/acme/users/a%2F%C3%BC%25%23/reports/request-1/run-1.csv"
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sent["report"]) as answer:
        body = answer.read()
        assert answer.headers["Content-Disposition"] == (
            'attachment; filename="monthly-2022-01-01-2024-12-31.csv"'
        )
        assert answer.headers["x-amz-meta-correlation-id"] == "correlation-of-request-1"
    assert len(body) == sent["size_bytes"]
    lines = list(csv.DictReader(io.StringIO(body.decode(), newline="")))
    naive = [Decimal(row["amount"]) for row in csv.DictReader(io.StringIO(ledger.decode(), newline=""))]
    assert lines[-1] == {
        "period": "(all)",
        "category": "(all)",
        "count": "50000",
        "total": str(sum(naive)),
        "mean": sent["summary"]["mean"],
    }
    assert sum(int(line["count"]) for line in lines if line["period"] == "2023-05") == sum(
        row.startswith(b"2023-05") for row in ledger.split(b"\n")
    )
    assert (sent["rows_read"], progress.updates[-1][0]) == (50_000, 100)
    client.close()
