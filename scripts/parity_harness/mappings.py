"""Event source mappings that one test makes at run time through boto3, and what they deliver."""

from contextlib import suppress
from typing import Any

from scripts.parity_harness.parity import Parity
from scripts.parity_harness.recorder import Invocation

SETTLED = ("Enabled", "Disabled")


class Mappings:
    """One test's mappings of one source.

    Attributes:
        arn: of the source.
        client: boto3's, for `lambda`.
    """

    def __init__(self, parity: Parity, arn: str, **defaults: Any) -> None:
        """Take a source; `defaults` are what a mapping has unless told otherwise."""
        self.arn = arn
        self.client = parity.boto3("lambda")
        self._parity = parity
        self._defaults = defaults
        self._mappings: list[str] = []

    async def map(self, function: str = "on-mapped", **fields: Any) -> str:
        """Create a mapping and wait until it is settled; returns its id."""
        answer = await self.create_mapping(function, **fields)
        await self.settled(answer["UUID"])
        return str(answer["UUID"])

    async def create_mapping(self, function: str = "on-mapped", **fields: Any) -> dict[str, Any]:
        """Call `CreateEventSourceMapping`; the mapping is deleted at the end."""
        given = {"EventSourceArn": self.arn, **self._defaults, **fields}
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

    async def again(self, function: str = "on-mapped") -> Invocation:
        """Return the next invocation, however long the mapping waits before it: the clock is advanced."""
        return await self._parity.retried(self._parity.function(function))

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
