"""The message that an on-failure destination receives about records that were given up."""

from typing import Any

from emulator import destinations
from emulator.clock import timestamp
from emulator.events.batches import GivenUp
from emulator.invocation import LATEST, InvocationResult


def message(
    given_up: GivenUp,
    *,
    last_result: InvocationResult | None,
    request_id: str,
    function_arn: str,
    stream_arn: str,
    shard_id: str,
    now: float,
    with_records: bool = False,
) -> dict[str, Any]:
    """Return the message: where the records are, and for a bucket the records themselves (row F54).

    Args:
        last_result: the last invocation that reached the function, None if none did; then
            `responseContext` is absent.
        request_id: of that invocation, or a new one.
        now: epoch seconds.
        with_records: whether the event itself is in it, as `payload`; buckets only.

    Shape:
        `requestContext` {`requestId`, `functionArn`, `condition`, `approximateInvokeCount`},
        `responseContext`? {`statusCode`, `executedVersion`, `functionError`}, `version`, `timestamp`,
        `DDBStreamBatchInfo` {`shardId`, `startSequenceNumber`, `endSequenceNumber`,
        `approximateArrivalOfFirstRecord`, `approximateArrivalOfLastRecord`, `batchSize`, `streamArn`},
        `payload`? {`Records`}.

    Source:
        Messages recorded on AWS, November 2025.
    """
    batch = given_up.batch
    told: dict[str, Any] = {
        "requestContext": {
            "requestId": request_id,
            "functionArn": function_arn,
            "condition": str(given_up.condition),
            "approximateInvokeCount": batch.invocations,
        }
    }
    if last_result is not None:
        told["responseContext"] = {
            "statusCode": 200,
            "executedVersion": LATEST,
            "functionError": last_result.function_error,
        }
    told["version"] = "1.0"
    told["timestamp"] = timestamp(now)
    told["DDBStreamBatchInfo"] = {
        "shardId": shard_id,
        "startSequenceNumber": batch.first,
        "endSequenceNumber": batch.last,
        "approximateArrivalOfFirstRecord": timestamp(batch.records[0].created_at, timespec="seconds"),
        "approximateArrivalOfLastRecord": timestamp(batch.records[-1].created_at, timespec="seconds"),
        "batchSize": len(batch.records),
        "streamArn": stream_arn,
    }
    if with_records:
        told["payload"] = {"Records": [record.event for record in batch.records]}
    return told


def object_key(*, mapping_id: str, shard_id: str, object_id: str, now: float) -> str:
    """Return the key under which a bucket gets a message.

    Args:
        object_id: a new UUID.
        now: epoch seconds.

    Source:
        Objects recorded on AWS, 2024.
    """
    return destinations.object_key(f"{mapping_id}/{shard_id}", at=now, unique=object_id)
