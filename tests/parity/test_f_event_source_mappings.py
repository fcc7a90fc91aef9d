"""Rows F3.* and F40 to F62: event source mappings, their configuration and how they run."""

import json
import uuid
from typing import Any

import pytest


@pytest.mark.row("F47", "F52")
async def test_batch_that_fails_for_good_goes_to_the_destination(parity: Any) -> None:
    """One retry is two invocations; then the destination is told where the records were."""
    pk = uuid.uuid4().hex
    parity.function("on-retried").raises("never")
    item = {"pk": {"S": pk}, "sk": {"S": "a"}}
    await parity.call(parity.boto3("dynamodb").put_item, TableName="retried", Item=item)
    for _ in range(2):
        event = await parity.function("on-retried").event()
        assert event["Records"][0]["dynamodb"]["Keys"]["pk"] == {"S": pk}
        await parity.advance(60)  # whatever the backoff is
    message = json.loads((await parity.received_from("retried-failures"))["Body"])
    assert message["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert message["requestContext"]["approximateInvokeCount"] == 2
    assert message["DDBStreamBatchInfo"]["batchSize"] == 1
