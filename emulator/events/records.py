"""Records of DynamoDB streams in the form that Lambda functions receive, and batches of them."""

import base64
import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

import msgspec

from emulator.invocation import MAX_REQUEST_BYTES

_ENVELOPE = (b'{"Records":[', b",", b"]}")
_ENVELOPE_BYTES = len(_ENVELOPE[0]) + len(_ENVELOPE[2])
_DIGEST_BYTES = 8
_ABSENT_IMAGES = {"INSERT": "OldImage", "REMOVE": "NewImage"}


class Deliverable(Protocol):
    """A record of any source, ready to be delivered: `body` is it as JSON."""

    @property
    def body(self) -> bytes: ...


Record = TypeVar("Record", bound=Deliverable)


@dataclass(frozen=True, slots=True)
class StreamRecord:
    """One record of a stream, ready to be delivered.

    Attributes:
        sequence_number: its place in the shard; rises as a number.
        created_at: epoch seconds of the write, rounded down as DynamoDB does.
        event: the record as the function receives it.
        body: `event` as JSON.
    """

    sequence_number: str
    created_at: float
    event: Mapping[str, Any] = field(repr=False)
    body: bytes = field(repr=False)


def stream_record(record: Mapping[str, Any], *, stream_arn: str) -> StreamRecord:
    """Return one record of a GetRecords response as Lambda passes it to functions.

    Args:
        record: as boto3 returns it, binaries as `bytes` and times as `datetime`; or as it is sent.

    Shape:
        `eventID`, `eventName`, `eventVersion`, `eventSource`, `awsRegion`, `dynamodb`
        {`ApproximateCreationDateTime` (epoch s, float), `Keys`, `NewImage`?, `OldImage`?, `SequenceNumber`,
        `SizeBytes`, `StreamViewType`}, `userIdentity`? {`type`, `principalId`}, `eventSourceARN`; binaries
        in base64. An INSERT has no `OldImage`, a REMOVE no `NewImage`.

    Source:
        Events recorded on AWS, November 2025; DynamoDB Developer Guide, "Time to live and streams".
    """
    change = record["dynamodb"]
    created_at = _epoch_seconds(change["ApproximateCreationDateTime"])
    dynamodb: dict[str, Any] = {"ApproximateCreationDateTime": created_at}
    absent = _ABSENT_IMAGES.get(record["eventName"])
    for name in ("Keys", "NewImage", "OldImage"):
        if name in change and name != absent:
            dynamodb[name] = {attribute: _value(value) for attribute, value in change[name].items()}
    for name in ("SequenceNumber", "SizeBytes", "StreamViewType"):
        dynamodb[name] = change[name]
    event: dict[str, Any] = {
        name: record[name] for name in ("eventID", "eventName", "eventVersion", "eventSource", "awsRegion")
    }
    event["dynamodb"] = dynamodb
    if identity := record.get("userIdentity"):
        event["userIdentity"] = {"type": identity["Type"], "principalId": identity["PrincipalId"]}
    event["eventSourceARN"] = stream_arn
    return StreamRecord(change["SequenceNumber"], created_at, event, msgspec.json.encode(event))


def payload(records: Iterable[Deliverable]) -> bytes:
    """Return the event, `{"Records": [...]}` as JSON, that delivers `records`."""
    opening, separator, closing = _ENVELOPE
    return opening + separator.join(record.body for record in records) + closing


def first_batch(
    records: Iterable[Record], *, batch_size: int, max_bytes: int = MAX_REQUEST_BYTES
) -> tuple[tuple[Record, ...], bool]:
    """Return the first records that fit into one batch, and whether nothing more does.

    The bytes are those of the whole event as it is sent (row F41). A record that alone is over `max_bytes`
    is a batch of its own.

    Source:
        Lambda Developer Guide, "Batching behavior".
    """
    batch: list[Record] = []
    size = _ENVELOPE_BYTES
    for record in records:
        size += len(record.body) + (1 if batch else 0)
        if batch and size > max_bytes:
            return tuple(batch), True
        batch.append(record)
        if len(batch) == batch_size or size >= max_bytes:
            return tuple(batch), True
    return tuple(batch), False


def lane_of(record: StreamRecord, lanes: int) -> int:
    """Return which of `lanes` a record belongs to: always the same one for the records of an item.

    Source:
        Lambda Developer Guide, "DynamoDB": concurrent batches of a shard keep the order of records with
        the same partition and sort key.
    """
    if lanes == 1:
        return 0
    keys = sorted(record.event["dynamodb"]["Keys"].items())
    # A checksum would not do: keys that differ by one digit would share a lane where lanes are 2, 4 or 8.
    digest = hashlib.blake2b(msgspec.json.encode(keys), digest_size=_DIGEST_BYTES).digest()
    return int.from_bytes(digest) % lanes


def _epoch_seconds(time: Any) -> float:
    return float(math.floor(time.timestamp() if isinstance(time, datetime) else time))


def _value(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return an attribute value, `{"B": b"..."}` for example, with its binaries in base64."""
    ((kind, content),) = value.items()
    match kind:
        case "B":
            return {kind: _base64(content)}
        case "BS":
            return {kind: [_base64(element) for element in content]}
        case "L":
            return {kind: [_value(element) for element in content]}
        case "M":
            return {kind: {name: _value(element) for name, element in content.items()}}
        case _:
            return {kind: content}


def _base64(content: bytes | str) -> str:
    return content if isinstance(content, str) else base64.b64encode(content).decode()
