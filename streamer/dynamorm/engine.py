"""The seam: what a DynamoDB must be able to do, whoever does it."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from streamer.dynamorm.codec import Item
from streamer.dynamorm.queries import Query
from streamer.dynamorm.requests import Get, Update, Write
from streamer.dynamorm.transactions import Transaction


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a query's answer.

    Attributes:
        after: the key behind which the next page begins; None: this was the last.
    """

    items: list[Item]
    after: Item | None


@runtime_checkable
class Engine(Protocol):
    """Carries out requests.

    Every method raises the errors of `streamer.dynamorm.errors` and no others. The implementations are
    `aws.DynamoDB`, over the network, and `memory.MemoryDynamoDB`; one suite of contract tests holds
    for both.
    """

    def get(self, request: Get[Any]) -> Item | None:
        """Return the item, or None."""
        ...

    def write(self, request: Write) -> None:
        """Carry out a put, update or delete.

        Raises:
            ConditionFailed: with the item as it was.
        """
        ...

    def update(self, request: Update[Any]) -> Item:
        """Carry out an update and return the whole item after it.

        Raises:
            ConditionFailed: with the item as it was.
        """
        ...

    def query(self, request: Query[Any]) -> Page:
        """Return one page."""
        ...

    def transact(self, request: Transaction) -> None:
        """Carry out all actions or none.

        Raises:
            TransactionCancelled: a condition failed; the reasons say which, with the item as it was.
            TransactionConflict: another transaction was at one of the items; try again.
        """
        ...
