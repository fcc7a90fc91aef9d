"""DynamoDB Streams behind their seam."""

from collections.abc import Callable
from typing import Any

from emulator.aws import Clients
from emulator.errors import IteratorExpired, RecordsTrimmed, StreamNotFound
from emulator.events.aws_calls import Errors, call_aws, patient
from emulator.events.streams import After, Page, Position, Shard
from emulator.events.waiting_reads import WaitingReads
from emulator.threads import in_thread

READ_TIMEOUT_S = 15.0
"""Longer than any wait that is asked for. Ours."""

_ERRORS: Errors = {
    "ExpiredIteratorException": IteratorExpired,
    "ResourceNotFoundException": StreamNotFound,
    "TrimmedDataAccessException": RecordsTrimmed,
}


class AwsStreams:
    """Reads streams through boto3, in threads; with a connection of its own where the back end waits.

    Raises:
        BackendFailed: from every method, where the back end does not answer or refuses.
    """

    def __init__(self, endpoint_url: str) -> None:
        self._endpoint_url = endpoint_url
        self._waiting = WaitingReads(endpoint_url, READ_TIMEOUT_S)
        self._clients: list[Any] = []

    async def open(self) -> None:
        """Make the clients, in a thread because boto3 takes its time; call it before anything else."""
        await in_thread(self._make_clients, name="aws clients")

    def close(self) -> None:
        """Give up the connections; one on which the back end waits ends with that wait."""
        self._waiting.close()
        while self._clients:
            self._clients.pop().close()

    def _make_clients(self) -> None:
        clients = Clients(self._endpoint_url, emulators_own=True)
        config = patient(READ_TIMEOUT_S)
        self._dynamodb = clients.new("dynamodb", config=config)
        self._streams = clients.new("dynamodbstreams", config=config)
        self._clients = [self._dynamodb, self._streams]

    async def find_stream(self, table: str) -> str | None:
        try:
            described = await self._call(self._dynamodb.describe_table, TableName=table)
        except StreamNotFound:
            return None
        found: str | None = described["Table"].get("LatestStreamArn")
        return found

    async def exists(self, stream_arn: str) -> bool:
        """Tell whether a stream exists."""
        try:
            await self._call(self._streams.describe_stream, StreamArn=stream_arn, Limit=1)
        except StreamNotFound:
            return False
        return True

    async def list_shards(self, stream_arn: str) -> list[Shard]:
        shards: list[Shard] = []
        page: dict[str, str] = {}
        while True:
            described = await self._call(self._streams.describe_stream, StreamArn=stream_arn, **page)
            description = described["StreamDescription"]
            shards += [Shard(shard["ShardId"], shard.get("ParentShardId")) for shard in description["Shards"]]
            last = description.get("LastEvaluatedShardId")
            if last is None:
                return shards
            page = {"ExclusiveStartShardId": last}

    async def iterator(self, stream_arn: str, shard_id: str, position: Position) -> str:
        at = (
            {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": position.sequence_number}
            if isinstance(position, After)
            else {"ShardIteratorType": str(position)}
        )
        answer = await self._call(
            self._streams.get_shard_iterator, StreamArn=stream_arn, ShardId=shard_id, **at
        )
        iterator: str = answer["ShardIterator"]
        return iterator

    async def read(self, iterator: str, *, limit: int, wait_s: float) -> Page:
        answer = None
        if wait_s > 0:
            answer = await self._waiting.get_records(iterator, limit=limit, wait_s=wait_s)
        if answer is None:  # it does not wait, or refuses: boto3 knows the errors
            answer = await self._call(self._streams.get_records, ShardIterator=iterator, Limit=limit)
        return Page(answer["Records"], answer.get("NextShardIterator"))

    async def _call(self, call: Callable[..., Any], **arguments: Any) -> Any:
        return await call_aws(lambda: call(**arguments), errors=_ERRORS)
