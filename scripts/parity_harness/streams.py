"""A table with a stream, and the mappings that one test makes for it."""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from scripts.parity_harness.mappings import Mappings
from scripts.parity_harness.parity import GLANCE_S, Parity
from scripts.parity_harness.tables import KEYS, OwnTable


class MappedStream(Mappings):
    """One test's table with a stream and its mappings; what the test makes is gone at its end.

    A mapping reads from the stream's beginning on unless told otherwise.

    Attributes:
        table: its name, which no other test uses.
    """

    def __init__(self, parity: Parity, own: OwnTable, arn: str) -> None:
        super().__init__(parity, arn, StartingPosition="TRIM_HORIZON")
        self._own = own
        self.table = own.name
        self._queues: list[str] = []

    @classmethod
    async def create(
        cls, parity: Parity, view: str = "NEW_AND_OLD_IMAGES", keys: Mapping[str, str] = KEYS
    ) -> "MappedStream":
        """Create the table, as `OwnTable.create` does."""
        clients = parity.boto3("dynamodb"), parity.boto3("dynamodbstreams")
        table = await parity.call(OwnTable.create, *clients, view, keys)
        return cls(parity, table, await parity.call(lambda: table.arn))

    async def put(self, *sort_keys: str, **attributes: Any) -> None:
        """Put one item per sort key, in that order; `pk` is its partition key."""
        await self._parity.call(self._own.put, *sort_keys, **attributes)

    async def write(self, operation: str, **arguments: Any) -> None:
        """Call an operation of DynamoDB on the table."""
        call = getattr(self._parity.boto3("dynamodb"), operation)
        await self._parity.call(call, TableName=self.table, **arguments)

    async def queue(self) -> tuple[str, dict[str, Any]]:
        """Create a queue for failures: its name, and the `DestinationConfig` that names it."""
        name = f"failures-{uuid.uuid4().hex[:12]}"
        url = (await self._parity.call(self._parity.boto3("sqs").create_queue, QueueName=name))["QueueUrl"]
        self._queues.append(url)
        arn = self.arn.split(":")
        return name, {"OnFailure": {"Destination": f"arn:aws:sqs:{arn[3]}:{arn[4]}:{name}"}}

    async def failure(self, queue: str) -> dict[str, Any]:
        """Return the next message about records that were given up, the clock being advanced."""

        async def receive() -> dict[str, Any]:
            return await self._parity.received_from(queue, deadline_s=GLANCE_S)

        return dict(json.loads((await self._parity.advancing(receive))["Body"]))

    async def end(self) -> None:
        """Delete the mappings, the queues and the table."""
        self._parity.let_go()
        await self.end_mappings()
        sqs = self._parity.boto3("sqs")
        for url in self._queues:
            await self._parity.call(sqs.delete_queue, QueueUrl=url)
        await self.write("delete_table")


def keys(event: Mapping[str, Any]) -> list[str]:
    """Return the sort keys of a stream event's records, in their order."""
    records: Sequence[Any] = event["Records"]
    return [record["dynamodb"]["Keys"]["sk"]["S"] for record in records]
