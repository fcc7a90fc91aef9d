"""The DynamoDB Streams service of LocalStack, with reads that wait.

A GetRecords with the header `x-emulator-wait-ms` waits that long, at most, for the first record. Without
it everything is as on AWS. Answers to requests with the header carry it too: so a client finds out.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from localstack.aws.api import CommonServiceException, RequestContext, ServiceRequest
from localstack.aws.api.dynamodbstreams import (
    ExpiredIteratorException,
    ResourceNotFoundException,
    TrimmedDataAccessException,
)
from localstack.http import Response
from moto.dynamodb.models import DynamoDBBackend, dynamodb_backends

from .dynamodb import Handler, answer
from .engine.clock import CLOCK
from .engine.iterators import OLDEST, InvalidIterator, Iterator, decode
from .engine.stream import MAX_RECORDS, Page, Stream, TrimmedData
from .engine.tables import find_stream
from .plain import WAIT_HEADER

MAX_WAIT_S = 20.0
"""Longest wait of one GetRecords: under the read timeouts that clients have."""

MAX_LISTED = 100
"""Streams that one ListStreams names, and shards that one DescribeStream does.

Amazon DynamoDB Streams API reference.
"""


class EmbeddedDynamoDBStreams:
    """What LocalStack calls a provider."""

    service = "dynamodbstreams"


def dispatch_table(_provider: EmbeddedDynamoDBStreams) -> dict[str, Handler]:
    """Return a handler per operation name."""
    return {
        "ListStreams": _list_streams,
        "DescribeStream": _describe_stream,
        "GetShardIterator": _get_shard_iterator,
        "GetRecords": _get_records,
    }


def _list_streams(context: RequestContext, request: ServiceRequest) -> Response:
    name = request.get("TableName")
    found = [
        {
            "StreamArn": table.stream_shard.stream.arn,
            "StreamLabel": table.latest_stream_label,
            "TableName": table.name,
        }
        for table in list(_backend(context).tables.values())
        if table.stream_shard is not None and name in (None, table.name, table.table_arn)
    ]
    found.sort(key=lambda stream: stream["StreamArn"])
    if after := request.get("ExclusiveStartStreamArn"):
        found = [stream for stream in found if stream["StreamArn"] > after]
    page = found[: _limit(request, MAX_LISTED)]
    said: dict[str, Any] = {"Streams": page}
    if len(page) < len(found):
        said["LastEvaluatedStreamArn"] = page[-1]["StreamArn"]
    return _answer(context, json.dumps(said))


def _describe_stream(context: RequestContext, request: ServiceRequest) -> Response:
    _limit(request, MAX_LISTED)  # a stream has one shard
    stream = _stream(request["StreamArn"])
    name = stream.arn.split("/")[1]
    table = _backend(context).tables.get(name)
    sequence_numbers = {"StartingSequenceNumber": str(stream.first_sequence_number)}
    if stream.is_closed:
        sequence_numbers["EndingSequenceNumber"] = str(stream.next_sequence_number - 1)
    shards = [{"ShardId": stream.shard_id, "SequenceNumberRange": sequence_numbers}]
    if request.get("ExclusiveStartShardId") == stream.shard_id:
        shards = []
    description = {
        "StreamArn": stream.arn,
        "StreamLabel": stream.label,
        "StreamStatus": "DISABLED" if stream.is_closed else "ENABLED",
        "StreamViewType": stream.view,
        "CreationRequestDateTime": stream.created_at,
        "TableName": name,
        "KeySchema": table.schema if table is not None else [],
        "Shards": shards,
    }
    return _answer(context, json.dumps({"StreamDescription": description}))


def _get_shard_iterator(context: RequestContext, request: ServiceRequest) -> Response:
    stream = _stream(request["StreamArn"])
    if request["ShardId"] != stream.shard_id:
        raise ResourceNotFoundException(
            f"Requested resource not found: Shard: {request['ShardId']} in stream: {stream.arn} not found"
        )
    position = _position(stream, request["ShardIteratorType"], request.get("SequenceNumber"))
    iterator = Iterator(stream.arn, position, CLOCK.now())
    return _answer(context, json.dumps({"ShardIterator": iterator.encode()}))


class Reading:
    """One GetRecords.

    Attributes:
        wait_s: how long it waits for the first record, at most.
    """

    def __init__(self, stream: Stream, position: int, limit: int, wait_s: float) -> None:
        self.wait_s = wait_s
        self._stream = stream
        self._position = position
        self._limit = limit
        self._tell: Callable[[], None] | None = None

    def read(self, wait_s: float = 0.0) -> str:
        """Return the body of the answer, after waiting up to `wait_s` for the first record.

        Raises:
            TrimmedDataAccessException: the records are gone.
        """
        try:
            return _records_body(self._stream, self._stream.read(self._position, self._limit, wait_s))
        except TrimmedData:
            raise _trimmed() from None

    def look(self, tell: Callable[[], None]) -> str | None:
        """Return the body of the answer; None where there is no record, and `tell` is called when there is.

        `tell` is called once, in any thread, also when the stream ends, until `forget`.

        Raises:
            TrimmedDataAccessException: the records are gone.
        """
        self._tell = tell
        return None if self._stream.tell(self._position, tell) else self.read()

    def forget(self) -> None:
        """Let nobody be called any more."""
        if self._tell is not None:
            self._stream.forget(self._tell)


def reading(request: Mapping[str, Any], wait_ms: str) -> Reading:
    """Return what a GetRecords asks for.

    Args:
        wait_ms: of the header, `""` where there is none.

    Raises:
        ServiceException: the iterator or the limit is not one.
    """
    limit = _limit(request, MAX_RECORDS)
    try:
        iterator = decode(request["ShardIterator"])
    except InvalidIterator:
        raise _invalid("Invalid ShardIterator") from None
    if iterator.is_expired(CLOCK.now()):
        raise ExpiredIteratorException("Iterator has expired. Please get a new one with GetShardIterator.")
    stream = _stream(iterator.stream_arn)
    stream.trim(CLOCK.now())
    wait_s = min(int(wait_ms) / 1000, MAX_WAIT_S) if wait_ms.isdigit() else 0.0
    return Reading(stream, iterator.position, limit, wait_s)


def _get_records(context: RequestContext, request: ServiceRequest) -> Response:
    asked = reading(request, context.request.headers.get(WAIT_HEADER, ""))
    return _answer(context, asked.read(asked.wait_s))


def _records_body(stream: Stream, page: Page) -> str:
    body = '{"Records":[' + ",".join(page.records) + "]"
    if page.next_position is not None:
        following = Iterator(stream.arn, page.next_position, CLOCK.now())
        body += f',"NextShardIterator":"{following.encode()}"'
    return body + "}"


def _limit(request: Mapping[str, Any], most: int) -> int:
    """Return how much is asked for, `most` where the request does not say."""
    asked: int | None = request.get("Limit")
    if asked is None:
        return most
    if not 1 <= asked <= most:
        bound = "greater than or equal to 1" if asked < 1 else f"less than or equal to {most}"
        raise _invalid(
            f"1 validation error detected: Value '{asked}' at 'limit' failed to satisfy constraint: "
            f"Member must have value {bound}"
        )
    return asked


def _position(stream: Stream, kind: str, sequence_number: str | None) -> int:
    if kind == "TRIM_HORIZON":
        return OLDEST
    if kind == "LATEST":
        return stream.next_sequence_number
    if sequence_number is None or not sequence_number.isdigit():
        raise _invalid("Invalid SequenceNumber")
    asked = int(sequence_number)
    if asked < stream.trim(CLOCK.now()):
        raise _trimmed()
    if asked >= stream.next_sequence_number:
        raise _invalid(f"Invalid SequenceNumber: {sequence_number} is not in shard {stream.shard_id}")
    return asked + (kind == "AFTER_SEQUENCE_NUMBER")


def _stream(arn: str) -> Stream:
    stream = find_stream(arn)
    if stream is None:
        raise ResourceNotFoundException(f"Requested resource not found: Stream: {arn} not found")
    return stream


def _backend(context: RequestContext) -> DynamoDBBackend:
    return dynamodb_backends[context.account_id][context.region]


def _trimmed() -> TrimmedDataAccessException:
    return TrimmedDataAccessException(
        "The operation attempted to read past the oldest stream record in a shard."
    )


def _invalid(message: str) -> CommonServiceException:
    return CommonServiceException("ValidationException", message, 400, sender_fault=True)


def _answer(context: RequestContext, body: str) -> Response:
    response = answer(context, body)
    if asked := context.request.headers.get(WAIT_HEADER):
        response.headers[WAIT_HEADER] = asked
    return response
