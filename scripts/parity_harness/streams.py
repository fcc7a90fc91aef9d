"""A table with a stream, and event source mappings that one test makes at run time through boto3."""

import json
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from scripts.parity_harness.deadline import DEADLINE_S
from scripts.parity_harness.parity import Parity
from scripts.parity_harness.recorder import Invocation
from scripts.parity_harness.tables import KEYS, OwnTable

SETTLED = ("Enabled", "Disabled")

BACKOFF_S = 60
"""Longer than any wait between two attempts."""

GLANCE_S = 0.05
"""How long an attempt is waited for before the clock is advanced once more."""


class MappedStream:
    """One test's table with a stream; what the test makes is gone at its end.

    Attributes:
        table: its name, which no other test uses.
        arn: of the stream.
        client: boto3's, for `lambda`.
    """

    def __init__(self, parity: Parity, own: OwnTable, arn: str) -> None:
        self._own = own
        self.table = own.name
        self.arn = arn
        self.client = parity.boto3("lambda")
        self._parity = parity
        self._mappings: list[str] = []
        self._queues: list[str] = []

    @classmethod
    async def create(
        cls, parity: Parity, view: str = "NEW_AND_OLD_IMAGES", keys: Mapping[str, str] = KEYS
    ) -> "MappedStream":
        """Create the table, as `OwnTable.create` does."""
        clients = parity.boto3("dynamodb"), parity.boto3("dynamodbstreams")
        table = await parity.call(OwnTable.create, *clients, view, keys)
        return cls(parity, table, await parity.call(lambda: table.arn))

    # Writing

    async def put(self, *sort_keys: str, **attributes: Any) -> None:
        """Put one item per sort key, in that order; `pk` is its partition key."""
        await self._parity.call(self._own.put, *sort_keys, **attributes)

    async def write(self, operation: str, **arguments: Any) -> None:
        """Call an operation of DynamoDB on the table."""
        call = getattr(self._parity.boto3("dynamodb"), operation)
        await self._parity.call(call, TableName=self.table, **arguments)

    # Mappings

    async def map(self, function: str = "on-mapped", **fields: Any) -> str:
        """Create a mapping from the stream's beginning on and wait until it is settled; returns its id."""
        answer = await self.create_mapping(function, **fields)
        await self.settled(answer["UUID"])
        return str(answer["UUID"])

    async def create_mapping(self, function: str = "on-mapped", **fields: Any) -> dict[str, Any]:
        """Call `CreateEventSourceMapping`; the mapping is deleted at the end."""
        given = {"EventSourceArn": self.arn, "StartingPosition": "TRIM_HORIZON", **fields}
        create = self.client.create_event_source_mapping
        answer: dict[str, Any] = await self._parity.call(create, FunctionName=function, **given)
        self._mappings.append(answer["UUID"])
        return answer

    async def get(self, mapping_id: str) -> dict[str, Any]:
        """Call `GetEventSourceMapping`."""
        answer: dict[str, Any] = await self._parity.call(
            self.client.get_event_source_mapping, UUID=mapping_id
        )
        return answer

    async def update(self, mapping_id: str, **fields: Any) -> dict[str, Any]:
        """Call `UpdateEventSourceMapping` and wait until it is settled; returns the first answer."""
        answer: dict[str, Any] = await self._parity.call(
            self.client.update_event_source_mapping, UUID=mapping_id, **fields
        )
        await self.settled(mapping_id)
        return answer

    async def settled(self, mapping_id: str) -> dict[str, Any]:
        """Wait until a mapping is enabled or disabled; returns how it is then."""
        get = self.client.get_event_source_mapping

        def look() -> dict[str, Any] | None:
            answer: dict[str, Any] = get(UUID=mapping_id)
            return answer if answer["State"] in SETTLED else None

        found: dict[str, Any] = await self._parity.eventually(look)
        return found

    # What came

    async def again(self, function: str = "on-mapped") -> Invocation:
        """Return the next invocation, however long the mapping waits before it: the clock is advanced."""
        script = self._parity.function(function)
        for _ in range(round(DEADLINE_S / GLANCE_S)):
            try:
                return await script.invocation(deadline_s=GLANCE_S)
            except AssertionError:
                await self._parity.advance(BACKOFF_S)
        raise AssertionError(f"{function!r} was not invoked again.")

    # Destinations

    async def queue(self) -> tuple[str, dict[str, Any]]:
        """Create a queue for failures: its name, and the `DestinationConfig` that names it."""
        name = f"failures-{uuid.uuid4().hex[:12]}"
        url = (await self._parity.call(self._parity.boto3("sqs").create_queue, QueueName=name))["QueueUrl"]
        self._queues.append(url)
        arn = self.arn.split(":")
        return name, {"OnFailure": {"Destination": f"arn:aws:sqs:{arn[3]}:{arn[4]}:{name}"}}

    async def failure(self, queue: str) -> dict[str, Any]:
        """Return the next message about records that were given up, the clock being advanced."""
        for _ in range(round(DEADLINE_S / GLANCE_S)):
            try:
                message = await self._parity.received_from(queue, deadline_s=GLANCE_S)
            except AssertionError:
                await self._parity.advance(BACKOFF_S)
            else:
                return dict(json.loads(message["Body"]))
        raise AssertionError(f"Nothing came to the queue {queue!r}.")

    async def end(self) -> None:
        """Delete the mappings, the queues and the table."""
        await self.end_mappings()
        sqs = self._parity.boto3("sqs")
        for url in self._queues:
            await self._parity.call(sqs.delete_queue, QueueUrl=url)
        await self.write("delete_table")

    async def end_mappings(self) -> None:
        """Delete the mappings, and wait until none is left."""
        for mapping_id in self._mappings:
            with suppress(self.client.exceptions.ResourceNotFoundException):
                await self.settled(mapping_id)
                await self._parity.call(self.client.delete_event_source_mapping, UUID=mapping_id)
        self._mappings.clear()
        listed = self.client.list_event_source_mappings
        await self._parity.eventually(
            lambda: not listed(EventSourceArn=self.arn)["EventSourceMappings"],
        )


def keys(event: Mapping[str, Any]) -> list[str]:
    """Return the sort keys of a stream event's records, in their order."""
    records: Sequence[Any] = event["Records"]
    return [record["dynamodb"]["Keys"]["sk"]["S"] for record in records]
