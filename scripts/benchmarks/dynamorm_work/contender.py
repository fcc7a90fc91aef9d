"""What each contender does."""

from collections.abc import Sequence
from typing import Any, Protocol


class Contender(Protocol):
    """One way to reach DynamoDB. `number` names an item of the partition `partition`."""

    name: str

    def put(self, partition: str, number: int) -> object:
        """Make an item from its values and write it."""

    def get(self, partition: str, number: int) -> Any:
        """Read an item."""

    def query(self, partition: str) -> Sequence[Any]:
        """Read all items of a partition."""

    def batch_write(self, partition: str, numbers: Sequence[int]) -> object:
        """Write 25 items."""

    def batch_get(self, partition: str, numbers: Sequence[int]) -> Sequence[Any]:
        """Read 100 items."""

    def update(self, partition: str, number: int) -> object:
        """Raise a number and set a text if another text is as expected; the item after it comes back."""

    def transact(self, partition: str, number: int) -> object:
        """Write two items and update a third if a condition holds."""

    def plain(self, item: Any) -> dict[str, Any]:
        """Return what was read as plain values, to see that it is right."""

    def encode(self, items: Sequence[Any]) -> list[Any]:
        """Turn items into DynamoDB's form."""

    def decode(self, raw: Sequence[Any]) -> list[Any]:
        """Turn items in DynamoDB's form into what this contender reads."""

    def make(self, values: dict[str, Any]) -> Any:
        """Return an item as this contender's users hold it."""
